//! One message on its way in: from `Mail` to the moment before the flush.
//!
//! Once something is refused the file is removed at once, whatever else comes is read and forgotten, and the answer to `Commit` is the first
//! refusal. Content is written as it comes, in the packet it came in; memory is the envelope, bounded by `maxrecipients`.

use std::collections::HashSet;
use std::io;

use stafette_message::HopCounter;
use stafette_queue_layout::{Draft, Envelope, MAX_RECIPIENTS, RealDisk, Sealed};
use stafette_sys::clock;
use stafette_wire::QueueId;
use stafette_wire::envelope::{Body, Expanded, Recipient, Sender};
use stafette_wire::submission::{Bytes, Origin, Refusal};

use crate::introduction::Client;
use crate::rules::Rules;
use crate::space::Room;

/// RFC 3461 section 4.2 and 4.4.
const ORCPT_LIMIT: usize = 500;
const ENVID_LIMIT: usize = 100;
/// After so many octets of one message the room is looked at again.
const STRETCH: u64 = 4 << 20;

/// Where messages go and by which rules.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) disk: RealDisk,
    pub(crate) rules: Rules,
    pub(crate) room: Room,
    /// Files are made in drop/, for the service to take in.
    pub(crate) is_drop: bool,
}

/// A refusal with its reason for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) refusal: Refusal,
    pub(crate) reason: String,
}

impl Refused {
    pub(crate) fn new(refusal: Refusal, reason: impl Into<String>) -> Self {
        Self {
            refusal,
            reason: reason.into(),
        }
    }

    /// A failed operation on a file of the queue.
    pub(crate) fn from_io(error: &io::Error, what: &str) -> Self {
        let refusal = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Refusal::NoSpace,
            _ => Refusal::Temporary,
        };
        Self::new(refusal, format!("unable to {what}: {error}"))
    }
}

/// What is logged of a message.
#[derive(Debug, Clone)]
pub(crate) struct Summary {
    pub(crate) client: Client,
    pub(crate) origin: Origin,
    pub(crate) sender: Sender,
    pub(crate) recipients: usize,
    pub(crate) crlf_octets: u64,
    pub(crate) parent: Option<QueueId>,
}

/// A message that only has to be flushed.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) sealed: Sealed<RealDisk>,
    pub(crate) summary: Summary,
}

/// A message under way.
#[derive(Debug)]
pub(crate) struct Transaction {
    state: Result<Draft<RealDisk>, Refused>,
    id: QueueId,
    summary: Summary,
    recipients: Vec<Recipient>,
    known: HashSet<(stafette_addr::Mailbox, Expanded)>,
    octets: u64,
    line_ends: u64,
    has_high: bool,
    hops: HopCounter,
    looked: u64,
}

impl Transaction {
    /// Begins a message.
    pub(crate) fn begin(
        desk: &Desk,
        client: Client,
        sender: Sender,
        size: u64,
        origin: Origin,
        parent: Option<QueueId>,
    ) -> Result<Self, Refused> {
        if parent.is_some() && !client.is_send() {
            return Err(Refused::new(
                Refusal::NotAllowed,
                "only send makes children",
            ));
        }
        if size > limit(desk, client, parent) {
            return Err(Refused::new(
                Refusal::TooBig,
                format!("{size} octets announced"),
            ));
        }
        check_sender(&sender)?;
        if let Some(reason) = desk.room.lacks(size) {
            return Err(Refused::new(Refusal::NoSpace, reason));
        }
        let id = new_id().map_err(|error| Refused::from_io(&error, "get random bytes"))?;
        let draft = match desk.is_drop {
            true => Draft::create_in_drop(&desk.disk, id),
            false => Draft::create(&desk.disk, id),
        };
        let draft = draft.map_err(|error| Refused::from_io(&error, "create a queue file"))?;
        let summary = Summary {
            client,
            origin: client.origin(origin),
            sender,
            recipients: 0,
            crlf_octets: 0,
            parent,
        };
        Ok(Self {
            state: Ok(draft),
            id,
            summary,
            recipients: Vec::new(),
            known: HashSet::new(),
            octets: 0,
            line_ends: 0,
            has_high: false,
            hops: HopCounter::new(),
            looked: 0,
        })
    }

    /// The message's name.
    pub(crate) fn id(&self) -> QueueId {
        self.id
    }

    /// The sender's side came late.
    pub(crate) fn envelope(&mut self, sender: Sender) {
        match check_sender(&sender) {
            Ok(()) => self.summary.sender = sender,
            Err(refused) => self.refuse(refused),
        }
    }

    /// One recipient; named twice it is one. Only a child, which send alone makes, has expanded ones.
    pub(crate) fn recipient(&mut self, desk: &Desk, recipient: Recipient) {
        if self.state.is_err() {
            return;
        }
        if recipient
            .orcpt
            .as_ref()
            .is_some_and(|orcpt| orcpt.0.len() > ORCPT_LIMIT)
        {
            return self.refuse(Refused::new(Refusal::NotAllowed, "ORCPT over 500 octets"));
        }
        if recipient.expanded != Expanded::No && self.summary.parent.is_none() {
            return self.refuse(Refused::new(
                Refusal::NotAllowed,
                "only send says what a recipient was expanded to",
            ));
        }
        let known = (recipient.mailbox.clone(), recipient.expanded);
        if !self.known.insert(known) {
            return;
        }
        // What an alias stands for is for the operator to bound.
        let most = match self.summary.parent {
            Some(_) => MAX_RECIPIENTS,
            None => desk.rules.maxrecipients,
        };
        if self.recipients.len() >= most {
            return self.refuse(Refused::new(
                Refusal::TooManyRecipients,
                format!("more than {most} recipients"),
            ));
        }
        self.recipients.push(recipient);
        self.summary.recipients = self.recipients.len();
    }

    /// A piece of content.
    pub(crate) fn content(&mut self, desk: &Desk, piece: &[u8]) {
        self.octets = self.octets.saturating_add(count(piece.len()));
        let Ok(draft) = &mut self.state else { return };
        self.line_ends += count(piece.iter().filter(|byte| **byte == b'\n').count());
        self.has_high = self.has_high || !piece.is_ascii();
        if let Err(error) = draft.write(piece) {
            return self.refuse(Refused::from_io(&error, "write a queue file"));
        }
        let client = self.summary.client;
        if client.uid().is_some() && !self.hops.is_done() {
            self.hops.feed(piece);
            if self.hops.hops() >= desk.rules.maxhops {
                return self.refuse(Refused::new(
                    Refusal::NotAllowed,
                    "too many hops: the message is in a loop",
                ));
            }
        }
        let limit = limit(desk, client, self.summary.parent);
        if self.crlf_octets() > limit {
            return self.refuse(Refused::new(
                Refusal::TooBig,
                format!("over {limit} octets"),
            ));
        }
        if self.octets - self.looked >= STRETCH {
            self.looked = self.octets;
            if let Some(reason) = desk.room.lacks(0) {
                self.refuse(Refused::new(Refusal::NoSpace, reason));
            }
        }
    }

    /// Completes the message: all of it is written, with its envelope, and nothing is flushed.
    pub(crate) fn finish(
        mut self,
        desk: &Desk,
        octets: u64,
    ) -> Result<Ready, Box<(Refused, Summary)>> {
        if octets != self.octets {
            self.refuse(Refused::new(
                Refusal::NotAllowed,
                format!("{} octets came, {octets} were counted", self.octets),
            ));
        }
        if self.recipients.is_empty() {
            self.refuse(Refused::new(Refusal::NotAllowed, "no recipients"));
        }
        let crlf_octets = self.crlf_octets();
        self.summary.crlf_octets = crlf_octets;
        // What the content turned out to be; what BODY= said is not needed any more.
        self.summary.sender.body = if self.has_high {
            Body::EightBit
        } else {
            Body::SevenBit
        };
        let draft = match self.state {
            Ok(draft) => draft,
            Err(refused) => return Err(Box::new((refused, self.summary))),
        };
        let time = clock::now();
        let only = match self.recipients.as_slice() {
            [one] => Some(&one.mailbox),
            _ => None,
        };
        let Summary {
            client,
            origin,
            sender,
            parent,
            ..
        } = &self.summary;
        let received = client.received(origin, only, &desk.rules.me, self.id.as_str(), time);
        let envelope = Envelope {
            arrived: time,
            origin: origin.clone(),
            uid: client.uid(),
            parent: *parent,
            sender: sender.clone(),
            recipients: self.recipients,
            add: vec![Bytes::from(received.as_str())],
        };
        let error = match draft.seal(&envelope, crlf_octets) {
            Ok(sealed) => {
                return Ok(Ready {
                    sealed,
                    summary: self.summary,
                });
            }
            Err(error) => error,
        };
        let refused = match error.kind() {
            io::ErrorKind::InvalidInput => {
                Refused::new(Refusal::NotAllowed, "the envelope is over a limit")
            }
            _ => Refused::from_io(&error, "write a queue file"),
        };
        Err(Box::new((refused, self.summary)))
    }

    fn crlf_octets(&self) -> u64 {
        self.octets.saturating_add(self.line_ends)
    }

    /// The first refusal counts; the file goes with its draft.
    fn refuse(&mut self, refused: Refused) {
        if self.state.is_ok() {
            self.state = Err(refused);
            self.recipients.clear();
            self.known.clear();
        }
    }
}

fn check_sender(sender: &Sender) -> Result<(), Refused> {
    match &sender.envid {
        Some(envid) if envid.0.len() > ENVID_LIMIT => {
            Err(Refused::new(Refusal::NotAllowed, "ENVID over 100 octets"))
        }
        _ => Ok(()),
    }
}

/// A child has no limit here: send makes it no larger than it must be, and a report that never fits would be owed for ever.
fn limit(desk: &Desk, client: Client, parent: Option<QueueId>) -> u64 {
    if parent.is_some() {
        u64::MAX
    } else if client.uid().is_some() {
        desk.rules.injectbytes
    } else {
        desk.rules.databytes
    }
}

/// A name that no message has ever had.
pub(crate) fn new_id() -> io::Result<QueueId> {
    let mut chance = [0; QueueId::CHANCE];
    stafette_sys::random::fill(&mut chance)?;
    Ok(QueueId::new(clock::now_micros() / 1000, chance))
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
