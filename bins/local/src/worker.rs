//! A worker: becomes one recipient, then delivers what the parent hands it, a batch at a time.
//!
//! Before it reads anything of a message it is the recipient, with the recipient's groups and nothing of root. It dies with
//! its parent, and leaves when the parent closes their socket. It reports each batch when it begins it and
//! when it is done, so that the parent knows which jobs were attempts if it dies. A worker that has group mail delivers into
//! mailboxes and never runs a program of a user.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use stafette_sys::packet::Socket;
use stafette_sys::{fork, user};
use stafette_wire::MAX_PACKET;

use crate::home;
use crate::instruction::Instruction;
use crate::letter::Letter;
use crate::maildir::disk::{Known, Maildir};
use crate::maildir::{self, Addressed, Namer};
use crate::mbox;
use crate::name::Stem;
use crate::task::{Report, Task};
use crate::verdict::{Verdict, reason};

/// Jobs delivered together at most.
pub const BATCH: usize = 64;
/// How long a mailbox may be locked by others.
const LOCK_PATIENCE: Duration = Duration::from_secs(20);

/// Who a worker is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// The account's name, for its further groups.
    pub name: String,
    /// It gets this group as well: group mail, for mailboxes in the system's spool.
    pub spool_group: Option<u32>,
}

/// What all workers of a parent have in common.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The parent is root and workers become their user; otherwise all are the parent's user.
    pub becomes: bool,
    /// The name of this host.
    pub host: String,
    /// Trace fields that make a loop.
    pub hop_limit: u32,
}

/// Works until the parent closes the socket; gives the exit code.
pub fn work(identity: &Identity, setting: &Setting, socket: &Socket) -> i32 {
    let became = fork::die_with_parent().and_then(|()| become_recipient(identity, setting));
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
        hop_limit: setting.hop_limit,
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
    groups.extend(identity.spool_group);
    groups.sort_unstable();
    groups.dedup();
    user::become_user(identity.uid, identity.gid, &groups)
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

struct Worker<'a> {
    identity: &'a Identity,
    hop_limit: u32,
    namer: Namer,
    known: Known,
}

/// A task on its way through a batch.
struct Item {
    task: Task,
    /// None as soon as there is nothing to deliver any more.
    letter: Option<Letter<File>>,
    verdict: Option<Verdict>,
}

impl Item {
    fn open(task: Task, file: File, hop_limit: u32) -> Self {
        let to = task
            .job
            .recipients
            .first()
            .map(|each| each.recipient.mailbox.clone());
        let opened = match to {
            Some(to) => Letter::open(&task.job, &to, file, hop_limit),
            None => Err(Verdict::deferred("4.3.0", "the job has no recipient")),
        };
        let (letter, verdict) = match opened {
            Ok(letter) => (Some(letter), None),
            Err(verdict) => (None, Some(verdict)),
        };
        Self {
            task,
            letter,
            verdict,
        }
    }

    /// One more instruction is carried out. The first that is not delivered decides.
    fn add(&mut self, instruction: &Instruction, mut verdict: Verdict) {
        if verdict.is_delivered() {
            verdict.words = format!("{} {instruction}", verdict.words);
        } else {
            self.letter = None;
            if matches!(instruction, Instruction::Maildir(_)) {
                verdict.words = format!("{instruction}: {}", verdict.words);
            }
        }
        match &mut self.verdict {
            None => self.verdict = Some(verdict),
            Some(before) if !before.is_delivered() => {}
            Some(before) if verdict.is_delivered() => {
                before.words = format!("{}, {}", before.words, verdict.words);
            }
            Some(before) => *before = verdict,
        }
    }

    fn stem(&self) -> Stem {
        let index = self
            .task
            .job
            .recipients
            .first()
            .map_or(0, |each| each.index);
        Stem::new(self.task.job.id, index)
    }
}

impl Worker<'_> {
    fn batch(&mut self, socket: &Socket, tasks: Vec<(Task, File)>) -> io::Result<()> {
        let jobs = tasks.iter().map(|(task, _)| task.job.job).collect();
        socket.send(&Report::Begun(jobs).encode(), &[])?;
        let mut homes: BTreeMap<PathBuf, Vec<Item>> = BTreeMap::new();
        for (task, file) in tasks {
            let home = task.home.clone();
            let item = Item::open(task, file, self.hop_limit);
            homes.entry(home).or_default().push(item);
        }
        let mut done = Vec::new();
        for (home, mut items) in homes {
            match home::enter(&home, self.identity.uid) {
                Ok(()) => {
                    self.known.enter(&home);
                    self.carry_out(&mut items);
                }
                Err(verdict) => {
                    for item in &mut items {
                        item.verdict.get_or_insert_with(|| verdict.clone());
                    }
                }
            }
            done.extend(items.into_iter().map(|item| {
                let nothing = || Verdict::deferred("4.3.5", "there is no delivery instruction");
                (item.task.job.job, item.verdict.unwrap_or_else(nothing))
            }));
        }
        socket.send(&Report::Done(done).encode(), &[])
    }

    /// All instructions of all items of one home. Maildirs come first: a copy there is found again if an mbox fails.
    fn carry_out(&mut self, items: &mut [Item]) {
        let mut all: Vec<Instruction> = items
            .iter()
            .flat_map(|item| item.task.instructions.iter().cloned())
            .collect();
        all.sort();
        all.dedup();
        for instruction in &all {
            let wanted: Vec<usize> = items
                .iter()
                .enumerate()
                .filter(|(_, item)| item.task.instructions.contains(instruction))
                .filter(|(_, item)| item.letter.is_some())
                .map(|(at, _)| at)
                .collect();
            let verdicts = self.deliver(instruction, items, &wanted);
            for (at, verdict) in wanted.into_iter().zip(verdicts) {
                if let Some(item) = items.get_mut(at) {
                    item.add(instruction, verdict);
                }
            }
        }
    }

    fn deliver(
        &mut self,
        instruction: &Instruction,
        items: &[Item],
        wanted: &[usize],
    ) -> Vec<Verdict> {
        let chosen = wanted.iter().filter_map(|at| items.get(*at));
        let letters = chosen.filter_map(|item| Some((item, item.letter.as_ref()?)));
        match instruction {
            Instruction::Maildir(path) => {
                let maildir = match Maildir::prepare(path, &mut self.known) {
                    Ok(maildir) => maildir,
                    Err(verdict) => return vec![verdict; wanted.len()],
                };
                let letters: Vec<_> = letters
                    .map(|(item, letter)| Addressed {
                        letter,
                        stem: item.stem(),
                        may_be_there: item.task.may_be_there,
                    })
                    .collect();
                let verdicts = maildir::deliver(&maildir, &mut self.namer, &letters);
                if !verdicts.iter().all(Verdict::is_delivered) {
                    self.known.forget(path);
                }
                verdicts
            }
            Instruction::Mbox(path) => {
                let letters: Vec<_> = letters
                    .map(|(item, letter)| (letter, &item.task.job.from))
                    .collect();
                let mailbox = mbox::Mailbox {
                    path,
                    uid: self.identity.uid,
                    spool_group: self
                        .identity
                        .spool_group
                        .filter(|_| instruction.needs_group_mail()),
                    patience: LOCK_PATIENCE,
                };
                mbox::deliver(&mailbox, &letters)
            }
        }
    }
}
