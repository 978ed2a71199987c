//! A journal read from beginning to end: the envelope, and what the events made of each recipient.

use std::io;
use std::sync::Arc;

use stafette_wire::QueueId;
use stafette_wire::envelope::Recipient;

use crate::envelope::Partial;
use crate::limit::CHILDREN_LIMIT;
use crate::line::{Lines, Source};
use crate::{Attempt, ChildKind, Damage, Envelope, Event, Verdict};

/// Where a recipient stands. Delivered and failed are final: no later event changes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// To be tried, now or later.
    Pending,
    /// Delivered.
    Delivered,
    /// Failed.
    Failed,
}

/// What the journal says about one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientState {
    /// Where it stands.
    pub standing: Standing,
    /// Attempts so far.
    pub attempts: u32,
    /// The last attempt, or the one that decided.
    pub last: Option<Arc<Attempt>>,
    /// Not to be tried before this Unix time; 0 is at once.
    pub due: i64,
    /// The sender was told, or need not be: a report is out, or none is owed.
    pub reported: bool,
    /// The sender was warned of the delay.
    pub warned: bool,
}

impl RecipientState {
    const NEW: Self = Self {
        standing: Standing::Pending,
        attempts: 0,
        last: None,
        due: 0,
        reported: false,
        warned: false,
    };
}

/// The story so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    /// What was accepted.
    pub envelope: Envelope,
    /// Of each recipient of the envelope, in its order.
    pub states: Vec<RecipientState>,
    /// The latest children.
    pub children: Vec<QueueId>,
    /// Lines that were damaged; readers skip them.
    pub skipped: u64,
    /// Sound lines that mean nothing to this version; readers skip them.
    pub unknown: u64,
}

/// Why a message could not be read.
#[derive(Debug)]
pub enum ReadError {
    /// The disk failed: it may go better later.
    Io(io::Error),
    /// The bytes are no message: the file belongs into bad/.
    Damaged(Damage),
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Damaged(damage) => damage.fmt(f),
        }
    }
}

impl std::error::Error for ReadError {}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Damage> for ReadError {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

impl Journal {
    /// Reads the journal that begins at `offset`.
    pub(crate) fn read(source: &impl Source, offset: u64) -> Result<Self, ReadError> {
        let mut lines = Lines::new(source, offset);
        let mut journal = Self::begin(&mut lines)?;
        while let Some(words) = lines.next_line()? {
            match Event::parse(words.as_bytes()) {
                Some(event) => journal.apply(event),
                None => journal.unknown += 1,
            }
        }
        journal.skipped = lines.skipped;
        Ok(journal)
    }

    /// Reads only the envelope of the journal that begins at `offset`.
    pub(crate) fn read_envelope(source: &impl Source, offset: u64) -> Result<Envelope, ReadError> {
        Ok(Self::begin(&mut Lines::new(source, offset))?.envelope)
    }

    fn begin(lines: &mut Lines<'_, impl Source>) -> Result<Self, ReadError> {
        let mut partial = Partial::default();
        while let Some(words) = lines.next_line()? {
            if let Some(envelope) = partial.take(words)? {
                if lines.skipped > 0 {
                    return Err(Damage::EnvelopeTorn.into());
                }
                return Ok(Self::new(envelope));
            }
        }
        Err(Damage::EnvelopeTorn.into())
    }

    fn new(envelope: Envelope) -> Self {
        Self {
            states: vec![RecipientState::NEW; envelope.recipients.len()],
            envelope,
            children: Vec::new(),
            skipped: 0,
            unknown: 0,
        }
    }

    fn each(&mut self, to: &[u32], mut change: impl FnMut(&mut RecipientState)) {
        for number in to {
            let state = usize::try_from(*number)
                .ok()
                .and_then(|number| self.states.get_mut(number));
            // A number that no recipient has says nothing.
            if let Some(state) = state {
                change(state);
            }
        }
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Attempt(attempt) => {
                let attempt = Arc::new(attempt);
                self.each(&attempt.to, |state| {
                    if state.standing == Standing::Pending {
                        state.attempts = state.attempts.saturating_add(1);
                        state.last = Some(Arc::clone(&attempt));
                        state.standing = match attempt.verdict {
                            Verdict::Delivered => Standing::Delivered,
                            Verdict::Deferred => Standing::Pending,
                            Verdict::Failed => Standing::Failed,
                        };
                    }
                });
            }
            Event::Due { next, to, .. } if to.is_empty() => {
                self.states.iter_mut().for_each(|state| state.due = next);
            }
            Event::Due { next, to, .. } => self.each(&to, |state| state.due = next),
            Event::Forwarded { at, ids, relay, to } => {
                ids.iter().for_each(|id| self.note_child(*id));
                self.apply(Event::Attempt(Attempt::forwarded(at, &ids, relay, to)));
            }
            Event::Child { id, kind, to, .. } => {
                self.note_child(id);
                self.each(&to, |state| match kind {
                    ChildKind::Failed | ChildKind::Delivered => state.reported = true,
                    ChildKind::Delayed => state.warned = true,
                });
            }
            Event::Settled { to, .. } => self.each(&to, |state| state.reported = true),
            Event::Held { .. } | Event::Released { .. } => {}
        }
    }

    fn note_child(&mut self, id: QueueId) {
        if self.children.len() >= CHILDREN_LIMIT {
            self.children.remove(0);
        }
        self.children.push(id);
    }

    /// When the next recipient is due, in Unix seconds; none if none is pending.
    #[must_use]
    pub fn next_attempt(&self) -> Option<i64> {
        let pending = |state: &&RecipientState| state.standing == Standing::Pending;
        self.states.iter().filter(pending).map(|s| s.due).min()
    }

    /// The recipients with their numbers and states.
    pub fn recipients(&self) -> impl Iterator<Item = (u32, &Recipient, &RecipientState)> {
        let pairs = self.envelope.recipients.iter().zip(&self.states);
        (0u32..).zip(pairs).map(|(n, (r, s))| (n, r, s))
    }
}

/// Whether the journal at `offset` names `child`.
pub(crate) fn names_child(source: &impl Source, offset: u64, child: QueueId) -> io::Result<bool> {
    let mut lines = Lines::new(source, offset);
    while let Some(words) = lines.next_line()? {
        if Event::parse(words.as_bytes()).is_some_and(|event| event.children().contains(&child)) {
            return Ok(true);
        }
    }
    Ok(false)
}
