//! `stafette queue list`: what waits, oldest first, from send if it runs, which knows what is being tried, else from the disk.

use std::io::{self, Write};

use stafette_control::{DomainSet, Instance};
use stafette_message::date;
use stafette_queue_layout::{Place, RealDisk};
use stafette_text::Line;
use stafette_wire::operator::{Entry, EntryRecipient, FromSend, Standing, ToSend};

use crate::ask::Send;
use crate::command::Format;
use crate::failure::Failure;
use crate::{directory, json, shape};

/// Octets of a reason that the listing shows; `queue show` shows all.
const REASON_LIMIT: usize = 200;

/// Where Postfix would say that a message is: what `postqueue -j` calls `queue_name`.
fn queue_name(standing: Standing, place: Option<Place>) -> &'static str {
    match (standing, place) {
        (Standing::Active, _) => "active",
        (Standing::Held, _) => "hold",
        (Standing::Bad, _) => "corrupt",
        (Standing::Waiting, Some(Place::New)) => "incoming",
        (Standing::Waiting, Some(Place::Drop)) => "maildrop",
        (Standing::Waiting, _) => "deferred",
    }
}

/// Lists the queue.
pub(crate) fn list(
    instance: &Instance,
    format: Format,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let settings = instance.settings();
    let mut listing = Listing {
        out,
        format,
        ours: settings.locals(),
        open: None,
        messages: 0,
        untried: 0,
        octets: 0,
    };
    match Send::connect(instance)? {
        Some(send) => from_send(send, &mut listing)?,
        None => {
            drop(writeln!(
                io::stderr(),
                "stafette: send does not run: this is what the disk says, and nothing is tried until it is started"
            ));
            from_disk(&directory::open(instance)?, &mut listing)?;
        }
    }
    listing.finish()
}

fn from_send(mut send: Send, listing: &mut Listing<'_, impl Write>) -> Result<(), Failure> {
    send.say(&ToSend::List {})?;
    loop {
        match send.hear()? {
            FromSend::Entry { entry } => listing.add(entry, None)?,
            FromSend::End {} => return Ok(()),
            FromSend::Refused { text } => {
                return Err(Failure::Never(format!("send refuses: {text}")));
            }
            other => return Err(Failure::Later(format!("send misbehaved: {other:?}"))),
        }
    }
}

fn from_disk(disk: &RealDisk, listing: &mut Listing<'_, impl Write>) -> Result<(), Failure> {
    for found in directory::find(
        disk,
        &[Place::Drop, Place::New, Place::Cur, Place::Hold, Place::Bad],
    )? {
        if let Some(entry) = directory::entry(disk, found)? {
            listing.add(entry, Some(found.place))?;
        }
    }
    Ok(())
}

/// Prints messages as they come. One whose recipients come in several entries is one message.
struct Listing<'a, W: Write> {
    out: &'a mut W,
    format: Format,
    /// Domains whose mail qmail would call local.
    ours: DomainSet,
    open: Option<(Entry, Option<Place>)>,
    messages: u64,
    /// Messages that were not tried yet.
    untried: u64,
    octets: u64,
}

impl<W: Write> Listing<'_, W> {
    fn add(&mut self, entry: Entry, place: Option<Place>) -> Result<(), Failure> {
        match &mut self.open {
            Some((open, _)) if open.id == entry.id => {
                open.recipients.extend(entry.recipients);
                Ok(())
            }
            _ => {
                self.flush()?;
                self.open = Some((entry, place));
                Ok(())
            }
        }
    }

    /// Prints the message whose entries are complete.
    fn flush(&mut self) -> Result<(), Failure> {
        let Some((entry, place)) = self.open.take() else {
            return Ok(());
        };
        self.messages += 1;
        self.untried += u64::from(is_untried(&entry, place));
        self.octets = self.octets.saturating_add(entry.octets);
        let name = queue_name(entry.standing, place);
        match self.format {
            Format::Stafette => text(self.out, &entry, name)?,
            Format::Json => writeln!(self.out, "{}", json::entry(&entry, name))?,
            Format::Postfix => shape::postfix(self.out, &entry, self.messages == 1)?,
            Format::Qmail => shape::qmail(self.out, &entry, &self.ours)?,
            Format::QmailStat => {}
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), Failure> {
        self.flush()?;
        match self.format {
            Format::Json | Format::Qmail => {}
            Format::Postfix => shape::postfix_end(self.out, self.messages, self.octets)?,
            Format::QmailStat => {
                writeln!(self.out, "messages in queue: {}", self.messages)?;
                writeln!(
                    self.out,
                    "messages in queue but not yet preprocessed: {}",
                    self.untried
                )?;
            }
            Format::Stafette => match self.messages {
                0 => writeln!(self.out, "the queue is empty")?,
                1 => writeln!(self.out, "1 message, {} octets", self.octets)?,
                count => writeln!(self.out, "{count} messages, {} octets", self.octets)?,
            },
        }
        Ok(())
    }
}

/// Whether nothing was tried for the message yet, as far as the listing tells.
fn is_untried(entry: &Entry, place: Option<Place>) -> bool {
    match place {
        Some(place) => matches!(place, Place::New | Place::Drop),
        None => {
            let is_new = |one: &EntryRecipient| one.reason.0.is_empty();
            entry.standing == Standing::Waiting && entry.recipients.iter().all(is_new)
        }
    }
}

/// One line for the message, one below it for each recipient that waits.
fn text(out: &mut impl Write, entry: &Entry, name: &str) -> io::Result<()> {
    let mut line = Line::new(entry.id.as_str());
    line.word(name)
        .field("octets", entry.octets.to_string())
        .field("arrived", date::rfc3339(entry.arrived));
    if entry.next_attempt > 0 {
        line.field("next", date::rfc3339(entry.next_attempt));
    }
    line.field("from", entry.from.as_str());
    writeln!(out, "{line}")?;
    for recipient in &entry.recipients {
        let mut line = Line::new("");
        line.field("to", recipient.mailbox.as_str());
        if !recipient.reason.0.is_empty() {
            line.field_within("reason", &recipient.reason.0, REASON_LIMIT);
        }
        writeln!(out, "    {line}")?;
    }
    Ok(())
}
