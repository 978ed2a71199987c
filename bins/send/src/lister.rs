//! Listings for operators, each in a thread of its own that reads the queue, oldest message first, and writes to the operator.
//!
//! The loop says, a hundred at a time, which messages there are; a listing that is read slowly delays nobody.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use stafette_addr::{Domain, ReversePath};
use stafette_control::DomainSet;
use stafette_queue_layout::{Disk, Message, OpenError, Place, RealDisk, Standing as State};
use stafette_sys::clock;
use stafette_sys::packet::Socket;
use stafette_wire::Packet;
use stafette_wire::operator::{Bytes, Entry, EntryRecipient, FromSend, HostEntry, Standing};

use crate::inbox::{News, Post};
use crate::key::Key;
use crate::policy::Deferral;

/// Messages that a listing asks for at a time.
pub(crate) const STEP: usize = 100;
/// An operator who takes nothing for so long is left.
const PATIENCE: Duration = Duration::from_secs(30);
/// Octets of recipients in one entry.
const ENTRY_OCTETS: usize = 60 * 1024;

/// Messages, and whether each is being tried.
pub(crate) type Step = Vec<(Key, bool)>;

/// Why messages wait that are due.
#[derive(Debug, Clone)]
pub(crate) struct Hints {
    /// Domains that wait.
    pub(crate) paused: DomainSet,
    /// What waits until somebody flushes.
    pub(crate) deferred: Deferral,
}

impl Hints {
    /// Why a recipient at this domain waits although it is due, if its last attempt ended with these words, or was never made.
    fn reason<'a>(&self, domain: &Domain, last: &'a [u8]) -> &'a [u8] {
        if self.paused.contains(domain) {
            b"mail to this domain is paused"
        } else if self.deferred != Deferral::Nothing {
            Deferral::REASON.as_bytes()
        } else if last.is_empty() {
            b"waits: its host is busy, or did not answer lately"
        } else {
            last
        }
    }
}

/// Starts a listing of hosts.
///
/// # Errors
/// The kernel gave no thread.
pub(crate) fn start_hosts(
    post: &Post,
    number: u64,
    socket: Socket,
    hosts: Vec<HostEntry>,
) -> io::Result<()> {
    let post = post.clone();
    let list = |socket: &Socket, hosts| -> io::Result<()> {
        socket.set_timeouts(None, Some(PATIENCE))?;
        for host in hosts {
            socket.send(&FromSend::Host { host }.encode(), &[])?;
        }
        socket.send(&FromSend::End {}.encode(), &[])
    };
    thread::Builder::new()
        .name("lister".to_owned())
        .spawn(move || {
            let is_whole = list(&socket, hosts).is_ok();
            post.tell(News::Listed(Listed {
                number,
                socket: is_whole.then_some(socket),
            }));
        })?;
    Ok(())
}

/// A listing that is over.
#[derive(Debug)]
pub(crate) struct Listed {
    /// Its number.
    pub(crate) number: u64,
    /// The operator's connection, if it is still there.
    pub(crate) socket: Option<Socket>,
}

/// Starts a listing; steps that it asks for go into what is returned.
///
/// # Errors
/// The kernel gave no thread.
pub(crate) fn start(
    disk: &RealDisk,
    post: &Post,
    number: u64,
    socket: Socket,
    hints: Hints,
) -> io::Result<Sender<Step>> {
    let (sender, steps) = channel();
    let (disk, post) = (disk.clone(), post.clone());
    thread::Builder::new()
        .name("lister".to_owned())
        .spawn(move || {
            let is_whole = list(&disk, &post, number, &socket, &steps, &hints).is_ok();
            post.tell(News::Listed(Listed {
                number,
                socket: is_whole.then_some(socket),
            }));
        })?;
    Ok(sender)
}

fn list(
    disk: &RealDisk,
    post: &Post,
    number: u64,
    socket: &Socket,
    steps: &Receiver<Step>,
    hints: &Hints,
) -> io::Result<()> {
    socket.set_timeouts(None, Some(PATIENCE))?;
    let mut last = None;
    loop {
        post.tell(News::More(number, last));
        let step = steps.recv().map_err(io::Error::other)?;
        let Some((newest, _)) = step.last() else {
            return socket.send(&FromSend::End {}.encode(), &[]);
        };
        last = Some(*newest);
        for (key, is_active) in step {
            // A file that the decoder fails over is left out here, and set aside when it is tried.
            let entries = catch_unwind(AssertUnwindSafe(|| entries(disk, key, is_active, hints)));
            for entry in entries.unwrap_or_default() {
                socket.send(&FromSend::Entry { entry }.encode(), &[])?;
            }
        }
    }
}

/// A message as a listing has it, in as many entries as it takes; none if it is gone.
fn entries(disk: &RealDisk, key: Key, is_active: bool, hints: &Hints) -> Vec<Entry> {
    let message = match Message::open(disk, key.id()) {
        Ok(message) => message,
        Err(OpenError::Missing) => return unreadable(disk, key, Place::Bad).into_iter().collect(),
        Err(_) => {
            return Place::ALL
                .into_iter()
                .find_map(|place| unreadable(disk, key, place))
                .into_iter()
                .collect();
        }
    };
    let journal = &message.journal;
    let standing = match message.place {
        Place::Hold => Standing::Held,
        Place::Bad => Standing::Bad,
        _ if is_active => Standing::Active,
        _ => Standing::Waiting,
    };
    let whole = |recipients| Entry {
        id: key.id(),
        standing,
        octets: message.head.octets,
        arrived: journal.envelope.arrived,
        next_attempt: journal
            .next_attempt()
            .filter(|next| *next > clock::now() && !is_active)
            .unwrap_or(0),
        from: journal.envelope.sender.from.clone(),
        recipients,
    };
    let (mut entries, mut part, mut octets) = (Vec::new(), Vec::new(), 0);
    for (_, recipient, state) in journal.recipients() {
        if state.standing != State::Pending {
            continue;
        }
        let mut reason = state.last.as_ref().map_or(&b""[..], |last| &last.reply);
        if standing == Standing::Waiting && state.due <= clock::now() {
            // It is due, and something else keeps it back.
            reason = hints.reason(recipient.mailbox.domain(), reason);
        }
        octets += recipient.mailbox.as_str().len() + reason.len() + 8;
        if octets > ENTRY_OCTETS && !part.is_empty() {
            entries.push(whole(std::mem::take(&mut part)));
            octets = 0;
        }
        part.push(EntryRecipient {
            mailbox: recipient.mailbox.clone(),
            reason: Bytes(reason.to_vec()),
        });
    }
    if entries.is_empty() || !part.is_empty() {
        entries.push(whole(part));
    }
    entries
}

fn unreadable(disk: &RealDisk, key: Key, place: Place) -> Option<Entry> {
    let id = key.id();
    Some(Entry {
        id,
        standing: Standing::Bad,
        octets: disk.status(&place.path(id)).ok()?.octets,
        arrived: i64::try_from(id.milliseconds() / 1000).unwrap_or(0),
        next_attempt: 0,
        from: ReversePath::Null,
        recipients: Vec::new(),
    })
}
