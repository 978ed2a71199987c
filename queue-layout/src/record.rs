//! Writing outcomes into messages, moving and removing them: what clean does, in batches that share their flushes.
//!
//! Order for a batch, argued in FORMAT.md, "Recording": append to every file and flush every file; publish the children that the
//! appended events name and flush new/; move and remove; flush each directory touched once. Only then is anything called recorded.
//! One [`Recorder`] at a time may work on a queue.

mod append;
mod place_change;

use std::collections::HashSet;
use std::io;

use stafette_wire::QueueId;
use stafette_wire::clean::Then;

use crate::commit::again;
use crate::publish::publish;
use crate::{Disk, Event, Place};

/// Something to record about one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The message.
    pub id: QueueId,
    /// What happened, in this order.
    pub events: Vec<Event>,
    /// What becomes of the file. With [`Then::Remove`] only events about children are written: the removal says the rest.
    pub then: Then,
}

impl Record {
    /// The children that are to be published.
    fn children(&self) -> impl Iterator<Item = QueueId> {
        self.events.iter().flat_map(Event::children).copied()
    }

    /// Whether anything has to be written into the file: a removal without children says everything itself.
    fn has_to_append(&self) -> bool {
        match self.then {
            Then::Remove => self.children().next().is_some(),
            Then::Bad => false,
            Then::Keep | Then::Hold | Then::Release => !self.events.is_empty(),
        }
    }
}

/// Why something was not recorded.
#[derive(Debug)]
pub enum RecordError {
    /// The message is in none of new/, cur/, hold/.
    Missing,
    /// A child is neither in tmp/ nor named already: the asker misbehaved, and nothing was written.
    NoSuchChild(QueueId),
    /// An event does not fit a line: the asker misbehaved, and nothing was written.
    TooLong,
    /// A flush of this file failed before: what is in it is not known, so nothing is written any more until a restart.
    Distrusted,
    /// The system failed. What was written is void, or will be completed by recovery.
    Failed {
        /// What was done to which file.
        what: String,
        /// What the system said.
        error: io::Error,
    },
}

impl RecordError {
    fn failed(what: &str, path: &str, error: io::Error) -> Self {
        Self::Failed {
            what: format!("{what} {path}"),
            error,
        }
    }

    /// The same error for another message that it hit.
    fn again(what: &str, path: &str, error: &io::Error) -> Self {
        Self::failed(what, path, again(error))
    }
}

impl std::fmt::Display for RecordError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing => f.write_str("no such message"),
            Self::NoSuchChild(id) => write!(f, "no child {id} in tmp"),
            Self::TooLong => f.write_str("event too long"),
            Self::Distrusted => f.write_str("an earlier flush of this file failed"),
            Self::Failed { what, error } => write!(f, "unable to {what}: {error}"),
        }
    }
}

impl std::error::Error for RecordError {}

/// The one writer of a queue's messages.
#[derive(Debug)]
pub struct Recorder<D: Disk> {
    disk: D,
    distrusted: HashSet<QueueId>,
}

/// A record on its way through the steps.
struct Step<'a, D: Disk> {
    record: &'a Record,
    /// Where the message is and, if something was appended, its file.
    opened: Option<(Place, D::File)>,
    result: Result<(), RecordError>,
}

impl<D: Disk> Recorder<D> {
    /// A recorder for `disk`.
    #[must_use]
    pub fn new(disk: &D) -> Self {
        Self {
            disk: disk.clone(),
            distrusted: HashSet::new(),
        }
    }

    /// Whether there is a file that is not trusted any more: then whoever records starts anew, since nothing else helps that file.
    #[must_use]
    pub fn distrusts(&self) -> bool {
        !self.distrusted.is_empty()
    }

    /// Records a batch; each result belongs to the record at its place. `Ok` is durable.
    pub fn record(&mut self, batch: &[Record]) -> Vec<Result<(), RecordError>> {
        let mut results = Vec::with_capacity(batch.len());
        let mut rest = batch;
        while !rest.is_empty() {
            // A message that occurs twice is done once after the other.
            let mut seen = HashSet::new();
            let is_new = |record: &&Record| seen.insert(record.id);
            let count = rest.iter().take_while(is_new).count();
            let (now, later) = rest.split_at(count);
            results.extend(self.round(now));
            rest = later;
        }
        results
    }

    fn round(&mut self, batch: &[Record]) -> Vec<Result<(), RecordError>> {
        let mut steps: Vec<Step<'_, D>> = batch
            .iter()
            .map(|record| Step {
                record,
                opened: None,
                result: Ok(()),
            })
            .collect();
        self.append(&mut steps);
        self.publish_children(&mut steps);
        self.change_places(&mut steps);
        steps.into_iter().map(|step| step.result).collect()
    }

    /// Publishes the children of all records that were appended.
    fn publish_children(&self, steps: &mut [Step<'_, D>]) {
        let mut parents: Vec<&mut Step<'_, D>> = steps
            .iter_mut()
            .filter(|step| step.result.is_ok() && step.record.children().next().is_some())
            .collect();
        for step in &mut parents {
            for child in step.record.children() {
                if let Err(error) = publish(&self.disk, child) {
                    step.result = Err(RecordError::failed("publish", child.as_str(), error));
                }
            }
        }
        if parents.is_empty() {
            return;
        }
        if let Err(error) = self.disk.sync_dir(Place::New.name()) {
            for step in parents.iter_mut().filter(|step| step.result.is_ok()) {
                step.result = Err(RecordError::again("flush", Place::New.name(), &error));
            }
        }
    }
}
