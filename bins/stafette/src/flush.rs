//! `stafette queue flush`: what waits is due now. Without send this is written into the messages, for when it starts.

use std::io::Write;

use stafette_control::Instance;
use stafette_queue_layout::{Event, Journal, Message, OpenError, Place, Record, Standing, Then};
use stafette_sys::clock;
use stafette_wire::operator::{By, Selection, ToSend};

use crate::ask::Send;
use crate::directory;
use crate::failure::Failure;
use crate::writer::{BATCH, Writer, record};

/// Numbers of recipients that always fit one event.
const NUMBERS: usize = 1000;

/// Flushes the queue, or what is selected.
pub(crate) fn flush(
    instance: &Instance,
    selection: Option<Selection>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    if let Some(mut send) = Send::connect(instance)? {
        let text = send.order(&ToSend::Flush { selection })?;
        writeln!(out, "{}", if text.is_empty() { "flushed" } else { &text })?;
        return Ok(());
    }
    let mut writer = Writer::open(instance)?;
    let disk = directory::open(instance)?;
    let (mut batch, mut count) = (Vec::new(), 0u64);
    for found in directory::find(&disk, &[Place::New, Place::Cur])? {
        let journal = match Message::open(&disk, found.id) {
            Ok(message) if message.place != Place::Hold => message.journal,
            // Held, gone, or for send to put aside.
            Ok(_) | Err(OpenError::Missing | OpenError::Damaged(_)) => continue,
            Err(OpenError::Io(error)) => {
                return Err(Failure::system(&format!("read {}", found.id), &error));
            }
        };
        let events = due_now(
            found.id.as_str(),
            &journal,
            selection.as_ref(),
            clock::now(),
        );
        if !events.is_empty() {
            batch.push(record(found.id, events, Then::Keep));
            count += 1;
        }
        if batch.len() == BATCH {
            write(&mut writer, &mut batch)?;
        }
    }
    write(&mut writer, &mut batch)?;
    writeln!(out, "send does not run; due when it starts: {count}")?;
    Ok(())
}

fn write(writer: &mut Writer, batch: &mut Vec<Record>) -> Result<(), Failure> {
    writer
        .record(batch)
        .into_iter()
        .collect::<Result<(), _>>()?;
    batch.clear();
    Ok(())
}

/// The events that make every pending recipient that is selected due, none if all are.
fn due_now(id: &str, journal: &Journal, selection: Option<&Selection>, now: i64) -> Vec<Event> {
    let waits = journal.recipients().filter(|(_, recipient, state)| {
        let is_asked_for = selection.is_none_or(|Selection { by, text }| {
            let has = |whole: &str| whole.to_lowercase().contains(&text.to_lowercase());
            match by {
                By::Domain => recipient
                    .mailbox
                    .domain()
                    .as_str()
                    .eq_ignore_ascii_case(text),
                By::Recipient => has(recipient.mailbox.as_str()),
                By::Sender => has(journal.envelope.sender.from.as_str()),
                By::Id => has(id),
            }
        });
        is_asked_for && state.standing == Standing::Pending && state.due > now
    });
    let numbers: Vec<u32> = waits.map(|(number, _, _)| number).collect();
    numbers
        .chunks(NUMBERS)
        .map(|to| Event::Due {
            at: now,
            next: now,
            to: to.to_vec(),
        })
        .collect()
}
