//! What the scheduler wants done. The event loop does it and tells the scheduler what came of it.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use stafette_addr::{Mailbox, ReversePath};
use stafette_log::Event as LogEvent;
use stafette_wire::QueueId;
use stafette_wire::clean::{Bytes, Then};
use stafette_wire::delivery::Job;
use stafette_wire::envelope::Expanded;
use stafette_wire::operator::FromSend;

use crate::forward::ForwardOrder;
use crate::key::Key;
use crate::message::{Loaded, Owed};
use crate::schedule::Channel;
use crate::search::Search;

/// Names an operator's connection.
pub(crate) type Client = u64;

/// What a report is to be about.
#[derive(Debug)]
pub(crate) struct ReportOrder {
    /// The message, as it stood then.
    pub(crate) message: Loaded,
    /// What it says.
    pub(crate) kind: Owed,
    /// About whom.
    pub(crate) to: Vec<u32>,
    /// It goes to the postmaster, since the message is a report itself.
    pub(crate) is_double: bool,
    /// Until when late recipients are tried.
    pub(crate) expiry: i64,
}

/// A wish of the scheduler.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Read this message, then `Scheduler::loaded`.
    Load(Key),
    /// Ask users, then `Scheduler::routed`.
    Lookup {
        /// Given back with the answer.
        seq: u32,
        /// Whose this is.
        mailbox: Mailbox,
        /// What was decided about it before.
        expanded: Expanded,
        /// The message's reverse-path, if it goes on from here.
        forwarded: Option<ReversePath>,
    },
    /// Give a job to local or remote, with the file.
    Start {
        /// To whom.
        channel: Channel,
        /// The job.
        job: Box<Job>,
        /// The message's file.
        file: Option<Arc<OwnedFd>>,
    },
    /// Tell local or remote that an outcome is recorded.
    Acknowledge {
        /// Whom.
        channel: Channel,
        /// The job.
        job: u64,
    },
    /// Give events to clean, then `Scheduler::recorded` or `Scheduler::refused`.
    Record {
        /// Given back with the answer.
        seq: u64,
        /// The message.
        id: QueueId,
        /// What happened.
        events: Vec<Bytes>,
        /// What then.
        then: Then,
    },
    /// Compose a report and queue it as a child, then `Scheduler::reported`.
    Report(Box<ReportOrder>),
    /// Queue children that a message goes on as, then `Scheduler::forwarded`.
    Forward(Box<ForwardOrder>),
    /// Look through the queue for these messages, then `Scheduler::force` each.
    Find(Search),
    /// Answer an operator.
    Answer {
        /// Whom.
        client: Client,
        /// What.
        packet: FromSend,
    },
    /// Write a line of qmail's log.
    Raw(String),
    /// Write a log line.
    Log {
        /// The event.
        event: LogEvent,
        /// The message.
        id: Option<QueueId>,
        /// The fields.
        fields: Fields,
    },
}

/// Fields of a log line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields(pub(crate) Vec<(&'static str, Vec<u8>)>);

impl Fields {
    /// Adds one.
    pub(crate) fn with(mut self, key: &'static str, value: impl AsRef<[u8]>) -> Self {
        self.0.push((key, value.as_ref().to_vec()));
        self
    }

    /// Adds one that is a number.
    pub(crate) fn number(self, key: &'static str, value: impl ToString) -> Self {
        self.with(key, value.to_string())
    }

    /// Adds one if there is something in it.
    pub(crate) fn some(self, key: &'static str, value: impl AsRef<[u8]>) -> Self {
        if value.as_ref().is_empty() {
            self
        } else {
            self.with(key, value)
        }
    }
}
