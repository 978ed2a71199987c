//! `stafette queue hold`, `release` and `remove`: through send if it runs, else written by [`Writer`].

use std::io::{self, Write};

use stafette_control::Instance;
use stafette_log::Sink;
use stafette_queue_layout::{Event, Place, Then};
use stafette_sys::{clock, user};
use stafette_wire::QueueId;
use stafette_wire::operator::ToSend;

use crate::ask::Send;
use crate::failure::Failure;
use crate::writer::{Writer, record};
use crate::{directory, show};

/// What is to become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Hold,
    Release,
    Remove,
}

impl Change {
    fn packet(self, id: QueueId) -> ToSend {
        match self {
            Self::Hold => ToSend::Hold { id },
            Self::Release => ToSend::Release { id },
            Self::Remove => ToSend::Remove { id },
        }
    }

    fn done(self) -> &'static str {
        match self {
            Self::Hold => "held",
            Self::Release => "released",
            Self::Remove => "removed",
        }
    }
}

/// Changes each message; the first failure is the command's, the others are told at once.
pub(crate) fn change(
    instance: &Instance,
    change: Change,
    ids: &[QueueId],
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut actor = match Send::connect(instance)? {
        Some(send) => Actor::Send(send),
        // Who asks is noted before this process becomes the queue's owner.
        None => Actor::Writer {
            by: user::real_uid(),
            writer: Writer::open(instance)?,
        },
    };
    let mut first = None;
    for id in ids {
        match actor.change(instance, change, *id) {
            Ok(text) => writeln!(out, "{text}")?,
            Err(failure) if first.is_none() => first = Some(failure),
            Err(failure) => drop(writeln!(io::stderr(), "stafette: {failure}")),
        }
    }
    first.map_or(Ok(()), Err)
}

enum Actor {
    Send(Send),
    Writer { by: u32, writer: Writer },
}

impl Actor {
    fn change(
        &mut self,
        instance: &Instance,
        change: Change,
        id: QueueId,
    ) -> Result<String, Failure> {
        match self {
            Self::Send(send) => send
                .order(&change.packet(id))
                .map(|text| told(change, id, &text)),
            Self::Writer { by, writer } => change_on_disk(instance, writer, change, id, *by),
        }
    }
}

/// What send says about it, or if it says nothing, what happened.
fn told(change: Change, id: QueueId, text: &str) -> String {
    if text.is_empty() {
        format!("{id} {}", change.done())
    } else {
        text.to_owned()
    }
}

fn change_on_disk(
    instance: &Instance,
    writer: &mut Writer,
    change: Change,
    id: QueueId,
    by: u32,
) -> Result<String, Failure> {
    let disk = directory::open(instance)?;
    let (place, _) = directory::locate(&disk, id).ok_or_else(|| show::missing(id))?;
    let file = format!("{}/{}", disk.path().display(), place.path(id));
    match (place, change) {
        (Place::Drop, _) => {
            return Err(Failure::Never(format!(
                "{id} waits in {file} for the program queue: start it, then ask again"
            )));
        }
        (Place::Bad, _) => {
            return Err(Failure::Never(format!(
                "{id} was put aside as unreadable: look at {file}, and remove the file if it is of no use"
            )));
        }
        (Place::Tmp, _) => {
            return Err(Failure::Later(format!(
                "{id} is still being written: {file}"
            )));
        }
        (Place::Hold, Change::Hold) => return Ok(format!("{id} is held already")),
        (Place::New | Place::Cur, Change::Release) => return Ok(format!("{id} is not held")),
        _ => {}
    }
    let at = clock::now();
    let (events, then, logged) = match change {
        Change::Hold => (
            vec![Event::Held { at, by }],
            Then::Hold,
            stafette_log::Event::MessageHeld,
        ),
        Change::Release => (
            vec![Event::Released { at, by }],
            Then::Release,
            stafette_log::Event::MessageReleased,
        ),
        Change::Remove => (
            Vec::new(),
            Then::Remove,
            stafette_log::Event::MessageCancelled,
        ),
    };
    writer
        .record(&[record(id, events, then)])
        .into_iter()
        .collect::<Result<(), _>>()?;
    log(instance, logged, id, by);
    Ok(format!("{id} {}", change.done()))
}

/// send logs what it does; without it the system's log is told here. Where logs are files of the programs, there is none to write to.
fn log(instance: &Instance, event: stafette_log::Event, id: QueueId, by: u32) {
    if matches!(instance.settings().logto(), Sink::Syslog) {
        stafette_log::open("stafette", Sink::Syslog);
        stafette_log::event(
            event,
            Some(id.as_str()),
            &[("by", by.to_string().as_bytes())],
        );
    }
}
