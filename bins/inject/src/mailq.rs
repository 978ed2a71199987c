//! `mailq`: the listing from send, or from the queue directory while the daemons are down.

use std::io::{BufWriter, ErrorKind, Write, stdout};

use stafette_control::Instance;
use stafette_message::date;
use stafette_queue_layout::{Message, OpenError, Place, RealDisk, Scan, Standing};
use stafette_wire::QueueId;
use stafette_wire::operator::{Bytes, Entry, EntryRecipient, Standing as Shown};

use crate::failure::Failure;
use crate::listing::{Lenient, Listing};
use crate::needs::confine_reader;
use crate::operator::{list, unwritable};

/// Prints the queue.
pub(crate) fn run(instance: &Instance) -> Result<(), Failure> {
    let mut out = BufWriter::new(Lenient(stdout().lock()));
    if list(instance, &mut out)? {
        return Ok(());
    }
    warn("the daemons are down; this is what the queue directory holds");
    let mut listing = Listing::new(out);
    let queue = instance.queue();
    date::load_zone();
    confine_reader(queue.clone())?;
    let is_seen = match RealDisk::open(&queue) {
        Ok(disk) => from_disk(&disk, &mut listing).map_err(|error| unwritable(&error))?,
        Err(error) if error.kind() == ErrorKind::NotFound => true,
        Err(error) => {
            warn(&format!("{} cannot be read: {error}", queue.display()));
            false
        }
    };
    let done = if is_seen {
        listing.finish()
    } else {
        listing.finish_in_part()
    };
    done.map_err(|error| unwritable(&error))
}

fn warn(text: &str) {
    // Whoever closed descriptor 2 does not want to know.
    drop(writeln!(std::io::stderr(), "mailq: warning: {text}"));
}

/// False if a place could not be read: its messages are not in the listing.
fn from_disk<W: Write>(disk: &RealDisk, listing: &mut Listing<W>) -> std::io::Result<bool> {
    let mut found: Vec<(QueueId, Place)> = Vec::new();
    let mut unread: Vec<&str> = Vec::new();
    for place in [Place::New, Place::Cur, Place::Hold, Place::Bad, Place::Drop] {
        for item in Scan::new(disk, &[place]) {
            match item {
                Ok(item) => found.push((item.id, item.place)),
                Err(error) if error.kind() == ErrorKind::NotFound => break,
                Err(_) => {
                    unread.push(place.name());
                    break;
                }
            }
        }
    }
    found.sort_unstable();
    found.dedup_by_key(|(id, _)| *id);
    for (id, place) in found {
        match Message::open_in(disk, id, place) {
            Ok(message) => listing.entry(&entry(&message))?,
            // It went while we looked.
            Err(OpenError::Missing) => {}
            Err(OpenError::Io(error)) => warn(&format!("{id} cannot be read: {error}")),
            Err(OpenError::Damaged(damage)) => {
                warn(&format!("{id} is damaged: {damage}"));
                listing.entry(&damaged(id))?;
            }
        }
    }
    if !unread.is_empty() {
        let places = unread.join(", ");
        warn(&format!(
            "you may not read {places}; while the daemons are down only root and the queue's owner see all of the queue"
        ));
    }
    Ok(unread.is_empty())
}

fn entry(message: &Message<RealDisk>) -> Entry {
    let recipients = message
        .journal
        .recipients()
        .filter(|(_, _, state)| state.standing == Standing::Pending)
        .map(|(_, recipient, state)| EntryRecipient {
            mailbox: recipient.mailbox.clone(),
            reason: Bytes(
                state
                    .last
                    .as_ref()
                    .map(|attempt| attempt.reply.clone())
                    .unwrap_or_default(),
            ),
        })
        .collect();
    Entry {
        id: message.id,
        standing: match message.place {
            Place::Hold => Shown::Held,
            Place::Bad => Shown::Bad,
            _ => Shown::Waiting,
        },
        octets: message.head.octets,
        arrived: message.journal.envelope.arrived,
        next_attempt: message.journal.next_attempt().unwrap_or(0),
        from: message.journal.envelope.sender.from.clone(),
        recipients,
    }
}

/// All that is known of a message that cannot be read: its name and the time in it.
fn damaged(id: QueueId) -> Entry {
    Entry {
        id,
        standing: Shown::Bad,
        octets: 0,
        arrived: i64::try_from(id.milliseconds() / 1000).unwrap_or(0),
        next_attempt: 0,
        from: stafette_addr::ReversePath::Null,
        recipients: Vec::new(),
    }
}
