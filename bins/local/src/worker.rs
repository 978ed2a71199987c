//! A worker: becomes one recipient, then delivers what the parent hands it, a batch at a time.
//!
//! Before it reads anything of a message it is the recipient, with the recipient's groups and nothing of root. It dies with
//! its parent, and leaves when the parent closes their socket. It reports each batch when it begins it and
//! when it is done, so that the parent knows which jobs were attempts if it dies.
//!
//! There are three kinds ([`Role`]). Most mail needs a plain one, which executes nothing: that is taken from it for good. What
//! needs a program it gives back undone, and the parent gives that to one which may, a job at a time. One
//! with group mail writes to mailboxes in the system's spool; it reads no file of a user and executes nothing either.

mod batch;
mod running;

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use stafette_control::DomainSet;
use stafette_sys::confine::{Needs, confine, hide};
use stafette_sys::limits::FileLimit;
use stafette_sys::packet::Socket;
use stafette_sys::{fork, user};
use stafette_wire::MAX_PACKET;

use crate::environment::Variable;
use crate::maildir::Namer;
use crate::maildir::disk::Known;
use crate::task::{Report, Task};
use crate::verdict::reason;

/// Jobs delivered together at most.
pub const BATCH: usize = 64;

/// Who a worker is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// The account's name, for its further groups.
    pub name: String,
    /// What it is for.
    pub role: Role,
}

/// What a worker is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Mailboxes and forwards. It executes nothing.
    Plain,
    /// Mailboxes in the system's spool, as a member of this group as well. It executes nothing.
    Spool(u32),
    /// Everything, programs included.
    Programs,
}

impl Identity {
    /// Whether it may run programs.
    #[must_use]
    pub fn runs_programs(&self) -> bool {
        self.role == Role::Programs
    }
}

/// What all workers of a parent have in common.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The parent is root and workers become their user; otherwise all are the parent's user.
    pub becomes: bool,
    /// The name of this host.
    pub host: String,
    /// This host's name in mail.
    pub me: String,
    /// Trace fields that make a loop.
    pub hop_limit: u32,
    /// For the programs of one delivery together.
    pub program_time: Duration,
    /// What programs get of our environment.
    pub environment: Vec<Variable>,
    /// The limit of descriptors that programs get.
    pub files: Option<FileLimit>,
}

/// Works until the parent closes the socket; gives the exit code.
pub fn work(identity: &Identity, setting: &Setting, locals: &DomainSet, socket: &Socket) -> i32 {
    let became = fork::die_with_parent()
        .and_then(|()| become_recipient(identity, setting))
        .and_then(|()| give_up_executing(identity));
    if let Err(error) = became {
        let words = format!(
            "unable to become user {}: {}",
            identity.name,
            reason(&error)
        );
        return exit_code(socket.send(&Report::Unable(words).encode(), &[]), 111);
    }
    let mut worker = Worker {
        identity,
        setting,
        locals,
        namer: Namer::new(&setting.host, std::process::id()),
        known: Known::default(),
    };
    let mut buffer = vec![0; MAX_PACKET];
    loop {
        match receive(socket, &mut buffer) {
            Ok(tasks) if tasks.is_empty() => return 0,
            Ok(tasks) => {
                if let Err(error) = worker.batch(socket, tasks) {
                    return exit_code(Err(error), 1);
                }
            }
            Err(error) => return exit_code(Err(error), 1),
        }
    }
}

/// The parent hears of every end by its own means; a code is for whoever traces the process.
fn exit_code(result: io::Result<()>, code: i32) -> i32 {
    result.map_or(1, |()| code)
}

fn become_recipient(identity: &Identity, setting: &Setting) -> io::Result<()> {
    if !setting.becomes {
        return Ok(());
    }
    let mut groups = vec![identity.gid];
    // Further groups only if the name still means this user; users/assign may use a name as it likes.
    if let Some(account) = user::by_name(&identity.name)?.filter(|known| known.uid == identity.uid)
    {
        groups.extend(account.groups()?.into_iter().filter(|group| *group != 0));
    }
    if let Role::Spool(group) = identity.role {
        groups.push(group);
    }
    groups.sort_unstable();
    groups.dedup();
    user::become_user(identity.uid, identity.gid, &groups)
}

/// Who runs no programs can never run one, nor speak TCP. Mailboxes may be anywhere. Who does is, like the others, out of reach of other
/// processes of its user, whatever fs.suid_dumpable says: they may not trace it, nor take the queue file that it has open.
fn give_up_executing(identity: &Identity) -> io::Result<()> {
    if identity.runs_programs() {
        return hide();
    }
    let needs = Needs {
        write: vec![PathBuf::from("/")],
        ..Needs::default()
    };
    confine(&needs).map(drop)
}

/// The next batch: one task, waited for, and what else is there. Empty when the parent is gone.
fn receive(socket: &Socket, buffer: &mut [u8]) -> io::Result<Vec<(Task, File)>> {
    let mut tasks = Vec::new();
    let mut next = socket.recv(buffer);
    loop {
        match next {
            Ok((0, _)) => return Ok(tasks),
            Ok((length, fds)) => {
                let packet = buffer.get(..length).unwrap_or_default();
                let task = Task::decode(packet).map_err(io::Error::other)?;
                let file = fds.into_iter().next().map(File::from);
                tasks.push((task, file.ok_or_else(|| io::Error::other("no descriptor"))?));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(tasks),
            Err(error) => return Err(error),
        }
        if tasks.len() == BATCH {
            return Ok(tasks);
        }
        next = socket.try_recv(buffer);
    }
}

/// A worker at work.
struct Worker<'a> {
    identity: &'a Identity,
    setting: &'a Setting,
    locals: &'a DomainSet,
    namer: Namer,
    known: Known,
}
