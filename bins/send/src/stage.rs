//! Where each message that does not just wait stands in the scheduler.

use stafette_queue_layout::Event;
use stafette_wire::delivery::Outcome;

use crate::effect::Client;
use crate::key::Key;
use crate::line::{Class, Entry};
use crate::lines::Slot;
use crate::message::Loaded;
use crate::schedule::Channel;

/// A message's stage.
#[derive(Debug)]
pub enum Stage {
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
pub struct Parked {
    /// Its round.
    pub round: u32,
    /// Its entries on lines.
    pub entries: u32,
    /// Letter or bulk.
    pub class: Class,
    /// An operator wants all recipients tried.
    pub forced: bool,
    /// The least time at which recipients that could not be tried may be tried.
    pub postponed: Option<i64>,
}

/// A message in memory.
#[derive(Debug)]
pub struct Open {
    /// The message.
    pub message: Loaded,
    /// Number of this round of attempts; entries on lines carry it.
    pub round: u32,
    /// An operator wants all recipients tried.
    pub forced: bool,
    /// Letter or bulk.
    pub class: Class,
    /// Unix microseconds at which it was read.
    pub since: u64,
    /// Questions to users without answer.
    pub lookups: u32,
    /// Answers of users.
    pub routed: Vec<(u32, Answer)>,
    /// Its entries on lines.
    pub on_lines: u32,
    /// Its jobs.
    pub in_jobs: u32,
    /// Records that clean has not confirmed.
    pub records: u32,
    /// A report is being made.
    pub is_reporting: bool,
    /// No report could be queued: not before this time.
    pub report_again: Option<i64>,
    /// Times in a row that a program of ours died over it.
    pub cuts: u32,
    /// The least time at which recipients that could not be tried may be tried.
    pub postponed: Option<i64>,
    /// What is to be recorded.
    pub events: Vec<Event>,
    /// Whom to tell when it is.
    pub acks: Vec<(Channel, u64)>,
    /// Children that are published when it is.
    pub children: Vec<Key>,
    /// It could not be recorded: not before this time.
    pub stuck: Option<i64>,
    /// What an operator, or we, want done when nothing is under way.
    pub wish: Option<Wish>,
    /// Its removal is under way.
    pub is_ending: bool,
    /// The round is over; it waits until then as soon as all is recorded.
    pub rest: Option<i64>,
}

impl Open {
    /// A message that was just read.
    pub fn new(message: Loaded, round: u32, forced: bool, since: u64) -> Self {
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

    /// Recipients that could not be tried may be tried at `time`.
    pub fn postpone(&mut self, time: i64) {
        self.postponed = Some(self.postponed.map_or(time, |before| before.min(time)));
    }

    /// Whether something of this round is under way.
    pub fn is_busy(&self) -> bool {
        self.lookups > 0 || self.on_lines > 0 || self.in_jobs > 0 || self.is_reporting
    }

    /// Whether it only waits on lines.
    pub fn is_parkable(&self) -> bool {
        self.on_lines > 0
            && self.lookups == 0
            && self.in_jobs == 0
            && self.records == 0
            && !self.is_reporting
            && self.events.is_empty()
            && self.acks.is_empty()
            && self.wish.is_none()
            && self.stuck.is_none()
    }
}

/// What users said of a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The account of this key.
    Local(String),
    /// Not ours.
    Remote,
    /// Ours, and nobody has that name.
    NoSuchUser,
    /// No answer now, for this reason.
    Later(String),
}

/// What becomes of a message as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
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
pub struct Wish {
    /// What.
    pub deed: Deed,
    /// The operator to be answered.
    pub client: Option<Client>,
    /// The operator's user id, or our own.
    pub by: u32,
}

/// A job under way.
#[derive(Debug)]
pub struct Job {
    /// Who does it.
    pub channel: Channel,
    /// The message.
    pub key: Key,
    /// Its slot; none if a former life of ours started it.
    pub slot: Option<Slot>,
    /// For whom.
    pub recipients: Vec<u32>,
    /// Unix microseconds at which it was given away.
    pub started: u64,
    /// The line's name.
    pub line: std::sync::Arc<str>,
}

/// An outcome whose message is not in memory.
#[derive(Debug)]
pub struct Orphan {
    /// Who did it.
    pub channel: Channel,
    /// How it ended.
    pub outcome: Outcome,
}
