//! The writer of the queue while send is down: clean if it runs, else this process as the queue's owner.
//!
//! Both do the same with the same code of queue-layout, in the same order of flushes. Root becomes the owner first, for good, so that
//! nothing in the queue ever belongs to root.

use std::io;
use std::os::unix::fs::MetadataExt as _;

use stafette_control::Instance;
use stafette_queue_layout::{Event, RealDisk, Record, RecordError, Recorder, Then};
use stafette_sys::packet::Socket;
use stafette_sys::user;
use stafette_wire::clean::{Bytes, FromClean, ToClean};
use stafette_wire::{MAX_PACKET, Packet};

use crate::failure::Failure;
use crate::{ask, directory, show};

/// Records that are written together and share their flushes.
pub(crate) const BATCH: usize = 32;

/// Who writes.
#[derive(Debug)]
pub(crate) enum Writer {
    /// clean, by its socket.
    Clean { socket: Socket, seq: u64 },
    /// This process.
    Own(Recorder<RealDisk>),
}

impl Writer {
    /// Finds who writes. This process may be the queue's owner and nobody else from now on.
    pub(crate) fn open(instance: &Instance) -> Result<Self, Failure> {
        if let Some(socket) = ask::connect(&instance.socket("clean"))? {
            return Ok(Self::Clean { socket, seq: 0 });
        }
        become_owner(instance)?;
        Ok(Self::Own(Recorder::new(&directory::open(instance)?)))
    }

    /// Writes at most [`BATCH`] records; each result belongs to the record at its place.
    pub(crate) fn record(&mut self, batch: &[Record]) -> Vec<Result<(), Failure>> {
        match self {
            Self::Own(recorder) => {
                let results = recorder.record(batch).into_iter().zip(batch);
                results
                    .map(|(result, record)| result.map_err(|error| own_failure(record, &error)))
                    .collect()
            }
            Self::Clean { socket, seq } => match ask_clean(socket, seq, batch) {
                Ok(results) => results,
                Err(failure) => {
                    let text = failure.to_string();
                    batch
                        .iter()
                        .map(|_| Err(Failure::Later(text.clone())))
                        .collect()
                }
            },
        }
    }
}

fn own_failure(record: &Record, error: &RecordError) -> Failure {
    match error {
        RecordError::Missing => show::missing(record.id),
        error => Failure::Later(format!("{}: {error}", record.id)),
    }
}

fn become_owner(instance: &Instance) -> Result<(), Failure> {
    let path = instance.queue();
    let unable = |error: io::Error| {
        Failure::system(&format!("write to the queue {}", path.display()), &error)
    };
    let queue = std::fs::metadata(&path).map_err(unable)?;
    let me = user::effective_uid();
    if queue.uid() == me {
        return Ok(());
    }
    if me != 0 {
        let text = format!(
            "the queue {} belongs to user {}: ask as that user or as root, or start send",
            path.display(),
            queue.uid()
        );
        return Err(Failure::Never(text));
    }
    let account = user::by_uid(queue.uid()).map_err(unable)?;
    let gid = account.map_or_else(|| queue.gid(), |account| account.gid);
    user::become_user(queue.uid(), gid, &[]).map_err(unable)
}

/// Asks for all, then hears all answers, which may come in any order.
fn ask_clean(
    socket: &Socket,
    seq: &mut u64,
    batch: &[Record],
) -> Result<Vec<Result<(), Failure>>, Failure> {
    let lost = |error: &dyn std::fmt::Display| {
        Failure::Later(format!(
            "unable to talk to clean: {error}; see its log, and try again"
        ))
    };
    let first = *seq;
    for record in batch {
        let packet = ToClean::Record {
            seq: *seq,
            id: record.id,
            events: record.events.iter().map(words).collect::<Result<_, _>>()?,
            then: record.then,
        };
        socket
            .send(&packet.encode(), &[])
            .map_err(|error| lost(&error))?;
        *seq += 1;
    }
    let mut results: Vec<Option<Result<(), Failure>>> = batch.iter().map(|_| None).collect();
    let mut buffer = vec![0; MAX_PACKET];
    while results.iter().any(Option::is_none) {
        let (length, _) = socket.recv(&mut buffer).map_err(|error| lost(&error))?;
        if length == 0 {
            return Err(lost(&"it has closed the connection"));
        }
        let (seq, answer) = match FromClean::decode(buffer.get(..length).unwrap_or_default())
            .map_err(|error| lost(&error))?
        {
            FromClean::Recorded { seq } => (seq, Ok(())),
            FromClean::Refused {
                seq,
                missing,
                reason,
            } => (seq, Err((missing, reason))),
            FromClean::Pong {} => continue,
        };
        let number = seq
            .checked_sub(first)
            .and_then(|number| usize::try_from(number).ok());
        let place = number.and_then(|number| Some((results.get_mut(number)?, batch.get(number)?)));
        let (result, record) = place.ok_or_else(|| lost(&"it answers what was not asked"))?;
        *result = Some(answer.map_err(|(missing, reason)| {
            if missing {
                show::missing(record.id)
            } else {
                Failure::Later(format!("clean refuses: {reason}"))
            }
        }));
    }
    Ok(results.into_iter().flatten().collect())
}

fn words(event: &Event) -> Result<Bytes, Failure> {
    let words = event
        .encode()
        .map_err(|error| Failure::Never(error.to_string()))?;
    Ok(Bytes(words))
}

/// A record without more ado.
pub(crate) fn record(id: stafette_wire::QueueId, events: Vec<Event>, then: Then) -> Record {
    Record { id, events, then }
}
