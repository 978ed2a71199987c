//! `mailq`: the listing from send, or from the queue directory while the daemons are down.

use std::io::{self, BufWriter, ErrorKind, Write, stderr, stdout};

use stafette_control::Instance;
use stafette_message::date;
use stafette_queue_layout::{Message, OpenError, Place, RealDisk, Scan, Standing};
use stafette_wire::QueueId;
use stafette_wire::operator::{By, Bytes, Entry, EntryRecipient, Selection, Standing as Shown};

use crate::failure::Failure;
use crate::json;
use crate::listing::{Lenient, Listing};
use crate::needs::confine_reader;
use crate::operator::{list, unwritable};
use crate::request::Request;

/// How the queue is shown, and what of it.
pub(crate) struct Shape<'a> {
    text: Listing<&'a mut dyn Write>,
    is_json: bool,
    open: Option<(Entry, Option<Place>)>,
    selection: Option<Selection>,
}

impl<'a> Shape<'a> {
    fn new(request: &Request, out: &'a mut dyn Write) -> Self {
        Self {
            text: Listing::new(out),
            is_json: request.json,
            open: None,
            selection: request.selection.clone(),
        }
    }

    /// One message, or more recipients of the one before.
    pub(crate) fn entry(&mut self, entry: &Entry, place: Option<Place>) -> io::Result<()> {
        if let Some((open, _)) = &mut self.open
            && open.id == entry.id
        {
            open.recipients.extend_from_slice(&entry.recipients);
            return Ok(());
        }
        if !self.is_json && self.selection.is_none() {
            return self.text.entry(entry);
        }
        self.show()?;
        self.open = Some((entry.clone(), place));
        Ok(())
    }

    /// Prints the message whose recipients are complete.
    fn show(&mut self) -> io::Result<()> {
        match self.open.take() {
            Some((entry, _)) if !is_selected(self.selection.as_ref(), &entry) => Ok(()),
            Some((entry, place)) if self.is_json => {
                writeln!(self.text.out, "{}", json::entry(&entry, place))
            }
            Some((entry, _)) => self.text.entry(&entry),
            None => Ok(()),
        }
    }

    /// The end; `is_whole` unless some of the queue could not be read: an empty listing then says nothing.
    fn finish(mut self, is_whole: bool) -> io::Result<()> {
        self.show()?;
        match (self.is_json, is_whole) {
            (true, _) => self.text.out.flush(),
            (false, true) => self.text.finish(),
            (false, false) => self.text.finish_in_part(),
        }
    }
}

fn is_selected(selection: Option<&Selection>, entry: &Entry) -> bool {
    let Some(Selection { by, text }) = selection else {
        return true;
    };
    let text = text.to_lowercase();
    let has = |whole: &str| whole.to_lowercase().contains(&text);
    match by {
        By::Id => has(entry.id.as_str()),
        By::Sender => has(entry.from.as_str()),
        By::Recipient => entry.recipients.iter().any(|one| has(one.mailbox.as_str())),
        By::Domain => entry
            .recipients
            .iter()
            .any(|one| one.mailbox.domain().as_str() == text),
    }
}

/// Prints the queue.
pub(crate) fn run(instance: &Instance, request: &Request) -> Result<(), Failure> {
    let mut out = BufWriter::new(Lenient(stdout().lock()));
    let mut shape = Shape::new(request, &mut out);
    if list(instance, &mut shape)? {
        return shape.finish(true).map_err(|error| unwritable(&error));
    }
    warn("the daemons are down; this is what the queue directory holds");
    let queue = instance.queue();
    date::load_zone();
    confine_reader(queue.clone())?;
    let is_seen = match RealDisk::open(&queue) {
        Ok(disk) => from_disk(&disk, &mut shape).map_err(|error| unwritable(&error))?,
        Err(error) if error.kind() == ErrorKind::NotFound => true,
        Err(error) => {
            warn(&format!("{} cannot be read: {error}", queue.display()));
            false
        }
    };
    shape.finish(is_seen).map_err(|error| unwritable(&error))
}

fn warn(text: &str) {
    // Whoever closed descriptor 2 does not want to know.
    drop(writeln!(stderr(), "mailq: warning: {text}"));
}

/// False if a place could not be read: its messages are not in the listing.
fn from_disk(disk: &RealDisk, shape: &mut Shape<'_>) -> io::Result<bool> {
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
            Ok(message) => shape.entry(&entry(&message), Some(place))?,
            // It went while we looked.
            Err(OpenError::Missing) => {}
            Err(OpenError::Io(error)) => warn(&format!("{id} cannot be read: {error}")),
            Err(OpenError::Damaged(damage)) => {
                warn(&format!("{id} is damaged: {damage}"));
                shape.entry(&damaged(id), Some(place))?;
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
