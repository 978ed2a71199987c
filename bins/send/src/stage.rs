//! Where each message that does not just wait stands in the scheduler.

use std::sync::Arc;

use stafette_addr::ReversePath;
use stafette_queue_layout::Event;
use stafette_wire::delivery::{NextHop, Outcome};
use stafette_wire::users::Target;

use crate::effect::Client;
use crate::key::Key;
use crate::line::{Class, Entry};
use crate::lines::Slot;
use crate::message::Loaded;
use crate::schedule::Channel;

/// The time until which a message rests that somebody wants tried whatever its time is.
pub(crate) const AT_ONCE: i64 = i64::MIN;

/// A message's stage.
#[derive(Debug)]
pub(crate) enum Stage {
    /// It wants to be read.
    Queued {
        /// An operator wants all recipients tried.
        forced: bool,
    },
    /// A reader has it.
    Loading {
        /// An operator wants all recipients tried.
        forced: bool,
    },
    /// It is in memory and being tried.
    Open(Box<Open>),
    /// Its envelope is on the disk alone; its recipients wait on lines.
    Parked(Parked),
    /// It was parked, and a line has a slot for it: a reader has it.
    Reloading {
        /// As it was parked.
        parked: Parked,
        /// The slots, and whom they are for.
        wants: Vec<(Slot, Entry)>,
    },
    /// clean is moving or removing it.
    Busy,
    /// It is in the hands of the function that looks at it.
    Away,
}

/// What is kept of a parked message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parked {
    /// Its round.
    pub(crate) round: u32,
    /// Its entries on lines.
    pub(crate) entries: u32,
    /// Letter or bulk.
    pub(crate) class: Class,
    /// An operator wants all recipients tried.
    pub(crate) forced: bool,
    /// The least time at which recipients that could not be tried may be tried.
    pub(crate) postponed: Option<i64>,
}

/// A message in memory.
#[derive(Debug)]
pub(crate) struct Open {
    /// The message.
    pub(crate) message: Loaded,
    /// Number of this round of attempts; entries on lines carry it.
    pub(crate) round: u32,
    /// An operator wants all recipients tried.
    pub(crate) forced: bool,
    /// Letter or bulk.
    pub(crate) class: Class,
    /// Unix microseconds at which it was read.
    pub(crate) since: u64,
    /// Questions to users without answer.
    pub(crate) lookups: u32,
    /// Answers of users.
    pub(crate) routed: Vec<(u32, Answer)>,
    /// Its entries on lines.
    pub(crate) on_lines: u32,
    /// Its jobs.
    pub(crate) in_jobs: u32,
    /// Records that clean has not confirmed.
    pub(crate) records: u32,
    /// A report is being made.
    pub(crate) is_reporting: bool,
    /// What is being passed on.
    pub(crate) forwarding: Vec<Forwarding>,
    /// No report could be queued: not before this time.
    pub(crate) report_again: Option<i64>,
    /// Times in a row that a program of ours died over it.
    pub(crate) cuts: u32,
    /// The least time at which recipients that could not be tried may be tried.
    pub(crate) postponed: Option<i64>,
    /// What is to be recorded.
    pub(crate) events: Vec<Event>,
    /// Whom to tell when it is.
    pub(crate) acks: Vec<(Channel, u64)>,
    /// Children that are published when it is.
    pub(crate) children: Vec<Key>,
    /// It could not be recorded: not before this time.
    pub(crate) stuck: Option<i64>,
    /// What an operator, or we, want done when nothing is under way.
    pub(crate) wish: Option<Wish>,
    /// Its removal is under way.
    pub(crate) is_ending: bool,
    /// The round is over; it waits until then as soon as all is recorded.
    pub(crate) rest: Option<i64>,
}

impl Open {
    /// A message that was just read.
    pub(crate) fn new(message: Loaded, round: u32, forced: bool, since: u64) -> Self {
        Self {
            message,
            round,
            forced,
            class: Class::Letter,
            since,
            lookups: 0,
            routed: Vec::new(),
            on_lines: 0,
            in_jobs: 0,
            records: 0,
            is_reporting: false,
            forwarding: Vec::new(),
            report_again: None,
            cuts: 0,
            postponed: None,
            events: Vec::new(),
            acks: Vec::new(),
            children: Vec::new(),
            stuck: None,
            wish: None,
            is_ending: false,
            rest: None,
        }
    }

    /// If its round is over and only its record is awaited, it does not wait any longer than for that.
    pub(crate) fn hurry(&mut self) {
        if self.rest.is_some() {
            self.rest = Some(AT_ONCE);
        }
    }

    /// Recipients that could not be tried may be tried at `time`.
    pub(crate) fn postpone(&mut self, time: i64) {
        self.postponed = Some(self.postponed.map_or(time, |before| before.min(time)));
    }

    /// Whether this recipient is being passed on.
    pub(crate) fn is_forwarding(&self, index: u32) -> bool {
        self.forwarding
            .iter()
            .any(|forwarding| forwarding.to.contains(&index))
    }

    /// Whether something of this round is under way.
    pub(crate) fn is_busy(&self) -> bool {
        self.lookups > 0
            || self.on_lines > 0
            || self.in_jobs > 0
            || self.is_reporting
            || !self.forwarding.is_empty()
    }

    /// Whether it only waits on lines.
    pub(crate) fn is_parkable(&self) -> bool {
        self.on_lines > 0
            && self.lookups == 0
            && self.in_jobs == 0
            && self.records == 0
            && !self.is_reporting
            && self.forwarding.is_empty()
            && self.events.is_empty()
            && self.acks.is_empty()
            && self.wish.is_none()
            && self.stuck.is_none()
    }
}

/// Recipients who are being passed on: the children are being made.
#[derive(Debug)]
pub(crate) struct Forwarding {
    /// The order's number.
    pub(crate) number: u64,
    /// Whom.
    pub(crate) to: Vec<u32>,
    /// What they go by: [`ALIAS`], [`LIST`] or [`LOCAL`].
    pub(crate) relay: &'static str,
    /// Those whose report of success the children make.
    pub(crate) settled: Vec<u32>,
    /// The children's reverse-path.
    pub(crate) from: String,
    /// The children's recipients.
    pub(crate) count: usize,
    /// The outcome that wants it, and when its job was given away; none for an alias.
    pub(crate) outcome: Option<(Box<Outcome>, Option<u64>)>,
}

/// It went by an alias.
pub(crate) const ALIAS: &str = "alias";
/// It went by an alias with an owner.
pub(crate) const LIST: &str = "list";
/// It went by a file of its recipient, as local said.
pub(crate) const LOCAL: &str = "local";

/// What users said of a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The account of this key.
    Local(String),
    /// Another host's.
    Remote {
        /// Where to.
        hop: NextHop,
        /// The reverse-path to use there, if not the message's own.
        sender: Option<ReversePath>,
    },
    /// It stands for these.
    Expand {
        /// Each once.
        targets: Vec<Target>,
        /// The reverse-path from then on, if it is a mailing list.
        owner: Option<ReversePath>,
    },
    /// The operator's tables refuse it.
    Refused {
        /// SMTP reply code.
        code: u16,
        /// Enhanced status code.
        status: String,
        /// In the table's words.
        text: String,
    },
    /// Ours, and nobody has that name.
    NoSuchUser,
    /// No answer now, for this reason.
    Later(String),
}

/// What becomes of a message as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Into hold/.
    Hold,
    /// Out of hold/.
    Release,
    /// Removed without a report.
    Remove,
    /// Into bad/.
    SetAside,
}

/// A deed and who wants it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    /// What.
    pub(crate) deed: Deed,
    /// The operator to be answered.
    pub(crate) client: Option<Client>,
    /// The operator's user id, or our own.
    pub(crate) by: u32,
}

/// A job under way.
#[derive(Debug)]
pub(crate) struct Job {
    /// Who does it.
    pub(crate) channel: Channel,
    /// The message.
    pub(crate) key: Key,
    /// Its slot; none if a former life of ours started it.
    pub(crate) slot: Option<Slot>,
    /// For whom.
    pub(crate) recipients: Vec<u32>,
    /// Unix microseconds at which it was given away.
    pub(crate) started: u64,
    /// The line's name.
    pub(crate) line: Arc<str>,
    /// The reverse-path used, if not the message's own.
    pub(crate) sender: Option<Arc<ReversePath>>,
}

/// An outcome whose message is not in memory.
#[derive(Debug)]
pub(crate) struct Orphan {
    /// Who did it.
    pub(crate) channel: Channel,
    /// How it ended.
    pub(crate) outcome: Outcome,
}
