//! Group commit: one thread that flushes whatever is complete, all of it together, and then answers.
//!
//! Nobody waits for company: a message that comes alone is flushed alone, and those that come meanwhile are the next batch. Order: flushed
//! (queue-layout's `commit`), answered, send told, logged. The answers go straight to the clients' sockets; the connections'
//! threads have long gone on reading.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError};
use std::time::Duration;

use stafette_log::{Event, event};
use stafette_queue_layout::{RealDisk, Sealed, commit, prepare_children};
use stafette_sys::packet::Socket;
use stafette_wire::submission::FromQueue;
use stafette_wire::{Packet, QueueId};

use crate::connection::{Outbox, log_refused};
use crate::introduction::Client;
use crate::subscribers::Subscribers;
use crate::transaction::{Ready, Refused, Summary};

/// Messages of one batch at most: a bound for open files and for the time that the first one waits.
const BATCH: usize = 256;
/// How long a subscriber that is behind waits for the next try.
const CATCH_UP: Duration = Duration::from_millis(100);

/// What the committing thread is given.
pub(crate) enum Work {
    /// A complete message and the connection that waits for its answer.
    Message(Box<Ready>, Arc<Socket>),
    /// A message that is in new/ already, out of drop/.
    Arrived(QueueId),
    /// Somebody to tell of arrivals.
    Subscriber(Arc<Socket>),
    /// Finish what was begun, then end.
    Stop,
}

/// The way to the committing thread.
#[derive(Clone)]
pub(crate) struct Desktop(pub(crate) SyncSender<Work>);

impl Outbox for Desktop {
    fn submit(&self, ready: Ready, socket: &Arc<Socket>) {
        // Fails only when the service ends: then the message is void, and the connection's end says so.
        drop(
            self.0
                .send(Work::Message(Box::new(ready), Arc::clone(socket))),
        );
    }

    fn subscribe(&self, socket: &Arc<Socket>) {
        drop(self.0.send(Work::Subscriber(Arc::clone(socket))));
    }
}

#[derive(Default)]
struct Batch {
    sealed: Vec<Sealed<RealDisk>>,
    waiting: Vec<(Summary, Arc<Socket>)>,
}

impl Batch {
    fn push(&mut self, ready: Ready, socket: Arc<Socket>) {
        self.sealed.push(ready.sealed);
        self.waiting.push((ready.summary, socket));
    }
}

/// Works until [`Work::Stop`] comes or nobody is left to give work.
pub(crate) fn run(disk: &RealDisk, work: &Receiver<Work>) {
    let mut subscribers = Subscribers::default();
    let mut stop = false;
    while !stop {
        let first = if subscribers.is_behind() {
            match work.recv_timeout(CATCH_UP) {
                Err(RecvTimeoutError::Timeout) => {
                    subscribers.catch_up();
                    continue;
                }
                result => result.ok(),
            }
        } else {
            work.recv().ok()
        };
        let Some(mut next) = first else { return };
        let (mut new, mut children) = (Batch::default(), Batch::default());
        let mut arrived = Vec::new();
        loop {
            match next {
                Work::Message(ready, socket) if ready.summary.parent.is_some() => {
                    children.push(*ready, socket);
                }
                Work::Message(ready, socket) => new.push(*ready, socket),
                Work::Arrived(id) => arrived.push(id),
                Work::Subscriber(socket) => subscribers.add(socket),
                Work::Stop => stop = true,
            }
            if stop || new.sealed.len() + children.sealed.len() >= BATCH {
                break;
            }
            next = match work.try_recv() {
                Ok(more) => more,
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            };
        }
        // A child is in tmp/ until clean publishes it: nothing arrives.
        finish(children, |sealed| prepare_children(disk, sealed), |_| {});
        finish(
            new,
            |sealed| commit(disk, sealed),
            |ids| subscribers.tell(ids.into_iter()),
        );
        subscribers.tell(arrived.into_iter());
    }
}

/// Flushes a batch, answers, tells, logs.
fn finish(
    mut batch: Batch,
    flush: impl FnOnce(&mut [Sealed<RealDisk>]) -> Vec<io::Result<()>>,
    tell: impl FnOnce(Vec<QueueId>),
) {
    if batch.sealed.is_empty() {
        return;
    }
    let results = flush(&mut batch.sealed);
    let ids: Vec<QueueId> = batch.sealed.iter().map(Sealed::id).collect();
    let mut accepted = Vec::with_capacity(ids.len());
    let mut refused = Vec::new();
    for ((id, result), (summary, socket)) in ids.iter().zip(&results).zip(&batch.waiting) {
        match result {
            Ok(()) => {
                answer(socket, &FromQueue::Queued { id: *id });
                accepted.push(*id);
            }
            Err(error) => {
                let why = Refused::from_io(error, "flush a queue file");
                answer(socket, &why.clone().into());
                refused.push((*id, why, summary));
            }
        }
    }
    tell(accepted);
    // The files are closed, and those that were refused removed, before time goes into the log.
    drop(batch.sealed);
    for (id, why, summary) in refused {
        log_refused(id.as_str(), &why, summary);
    }
    for ((id, result), (summary, _)) in ids.iter().zip(&results).zip(&batch.waiting) {
        if result.is_ok() {
            log_queued(*id, summary);
        }
    }
}

/// A client that does not take its answer is cut off: it must not hold up the others.
fn answer(socket: &Socket, answer: &FromQueue) {
    if socket.try_send(&answer.encode(), &[]).is_err() {
        // It may be gone already.
        drop(socket.close());
    }
}

/// One line for each message that was accepted.
pub(crate) fn log_queued(id: QueueId, summary: &Summary) {
    let Summary {
        client,
        origin,
        sender,
        ..
    } = summary;
    let address = origin
        .address
        .map(|address| address.to_string())
        .unwrap_or_default();
    let uid = client.uid().map(|uid| uid.to_string()).unwrap_or_default();
    let (size, recipients) = (
        summary.crlf_octets.to_string(),
        summary.recipients.to_string(),
    );
    let parent = summary
        .parent
        .map(|parent| parent.to_string())
        .unwrap_or_default();
    let mut fields: Vec<(&str, &[u8])> = Vec::with_capacity(9);
    match client {
        Client::User(_) => fields.push(("uid", uid.as_bytes())),
        Client::Service { .. } => {
            for (key, value) in [
                ("client", address.as_bytes()),
                ("name", &origin.name.0),
                ("helo", &origin.helo.0),
            ] {
                if !value.is_empty() {
                    fields.push((key, value));
                }
            }
        }
    }
    fields.push(("proto", origin.protocol.as_bytes()));
    fields.push(("from", sender.from.as_str().as_bytes()));
    fields.push(("size", size.as_bytes()));
    fields.push(("recipients", recipients.as_bytes()));
    if let Some(envid) = &sender.envid {
        fields.push(("envid", &envid.0));
    }
    if !parent.is_empty() {
        fields.push(("parent", parent.as_bytes()));
    }
    event(Event::MessageQueued, Some(id.as_str()), &fields);
}
