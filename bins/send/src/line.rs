//! One destination and what waits for it.
//!
//! An entry is a message and numbers of its recipients, some forty bytes: a line may have a hundred thousand of them while
//! the messages themselves are on the disk. Large messages wait apart from small ones, so that a mailing
//! does not stand in front of a letter.

use std::collections::VecDeque;
use std::sync::Arc;

use stafette_addr::ReversePath;
use stafette_wire::delivery::NextHop;

use crate::health::{Health, Trust};
use crate::key::Key;
use crate::schedule::Channel;
use crate::window::Window;

/// A message with more recipients to be tried than this is bulk.
pub(crate) const BULK: usize = 20;

/// Which queue of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    /// Of messages with few recipients.
    Letter,
    /// Of messages with many.
    Bulk,
}

impl Class {
    /// Both, in the order of their numbers.
    pub(crate) const BOTH: [Self; 2] = [Self::Letter, Self::Bulk];

    /// The class of a message of which so many recipients are tried.
    pub(crate) fn of(recipients: usize) -> Self {
        if recipients > BULK {
            Self::Bulk
        } else {
            Self::Letter
        }
    }
}

/// Recipients of one message that wait at one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The message.
    pub(crate) key: Key,
    /// The message's round that put it here; if it is another one by now, the entry means nothing any more.
    pub(crate) round: u32,
    /// Unix microseconds since when it waits here.
    pub(crate) since: u64,
    /// Numbers of the recipients, rising.
    pub(crate) recipients: Box<[u32]>,
    /// The reverse-path to use there, if not the message's own.
    pub(crate) sender: Option<Arc<ReversePath>>,
}

/// What is told of the last attempt at a destination.
#[derive(Debug, Clone, Default)]
pub(crate) struct Last {
    /// When, Unix seconds; 0 if there was none.
    pub(crate) tried: i64,
    /// The host that was spoken to.
    pub(crate) relay: String,
    /// What was said of its first recipient, bounded.
    pub(crate) reply: Vec<u8>,
}

/// One destination.
#[derive(Debug)]
pub(crate) struct Line {
    /// `local:ACCOUNT`, the domain, or `[HOST]:PORT` of a route; unique.
    pub(crate) name: Arc<str>,
    /// How to get there; none for local.
    pub(crate) hop: Option<NextHop>,
    /// What is known of it.
    pub(crate) health: Health,
    pub(crate) window: Window,
    pub(crate) in_flight: u32,
    pub(crate) queues: [VecDeque<Entry>; 2],
    /// The last attempt there.
    pub(crate) last: Last,
    /// Whether the ring of that class has it.
    pub(crate) in_ring: [bool; 2],
}

impl Line {
    /// A destination of which nothing is known.
    pub(crate) fn new(name: Arc<str>, hop: Option<NextHop>, initial: u32) -> Self {
        let steep = hop.is_none();
        Self {
            name,
            hop,
            health: Health::default(),
            window: Window::new(initial, steep),
            in_flight: 0,
            queues: [VecDeque::new(), VecDeque::new()],
            last: Last::default(),
            in_ring: [false; 2],
        }
    }

    /// Local or remote.
    pub(crate) fn channel(&self) -> Channel {
        if self.hop.is_none() {
            Channel::Local
        } else {
            Channel::Remote
        }
    }

    pub(crate) fn queue(&mut self, class: Class) -> &mut VecDeque<Entry> {
        let [letters, bulk] = &mut self.queues;
        match class {
            Class::Letter => letters,
            Class::Bulk => bulk,
        }
    }

    pub(crate) fn ring_flag(&mut self, class: Class) -> &mut bool {
        let [letters, bulk] = &mut self.in_ring;
        match class {
            Class::Letter => letters,
            Class::Bulk => bulk,
        }
    }

    /// How many recipients wait.
    pub(crate) fn recipients_waiting(&self) -> u64 {
        let entries = self.queues.iter().flatten();
        let count: usize = entries.map(|entry| entry.recipients.len()).sum();
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    /// How many entries wait.
    pub(crate) fn waiting(&self) -> usize {
        self.queues.iter().map(VecDeque::len).sum()
    }

    /// Whether a job may start as far as this line is concerned. A suspect gets one; the last slot is not for bulk.
    pub(crate) fn is_open(&self, class: Class, now: i64, limit: u32) -> bool {
        let size = match self.health.trust() {
            Trust::Suspect => 1,
            Trust::Proven | Trust::Unknown => self.window.size(limit),
        };
        let size = match class {
            Class::Letter => size,
            Class::Bulk => size.saturating_sub(1).max(1),
        };
        !self.health.is_dead(now) && self.in_flight < size
    }

    /// Nothing waits, nothing runs and nothing is worth remembering.
    pub(crate) fn is_idle(&self) -> bool {
        self.in_flight == 0 && self.waiting() == 0
    }
}
