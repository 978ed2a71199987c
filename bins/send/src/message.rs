//! A message as the scheduler sees it while it is being tried: its envelope and where each recipient stands.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use stafette_addr::ReversePath;
use stafette_queue_layout::{Attempt, Journal, Place, RecipientState, Standing, Verdict};
use stafette_wire::delivery::Content;
use stafette_wire::envelope::{Notify, Recipient};

use crate::key::Key;
use crate::policy::Policy;
use crate::schedule::{Channel, next_attempt};

/// By so many seconds a clock may go back without being wrong.
pub(crate) const CLOCK_STEP: i64 = 60;
/// The protocol of our reports about reports (`Origin::protocol`).
pub(crate) const DOUBLE_BOUNCE: &str = "double-bounce";

/// The protocol of messages on their way to another address (`Origin::protocol`).
pub(crate) const FORWARD: &str = "forward";

/// A message that was read.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    /// Its name.
    pub(crate) key: Key,
    /// Where it stands.
    pub(crate) place: Place,
    /// Where the content is.
    pub(crate) content: Content,
    /// Envelope and story.
    pub(crate) journal: Journal,
    /// The file, for local and remote. Tests have none.
    pub(crate) file: Option<Arc<OwnedFd>>,
}

/// What reports a message owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owed {
    /// About failures.
    Failure,
    /// About success.
    Success,
    /// That it is late.
    Delay,
}

impl Loaded {
    /// What it counts in memory.
    pub(crate) fn weight(&self) -> usize {
        1 + self.journal.states.len()
    }

    /// When it arrived, Unix seconds.
    pub(crate) fn arrived(&self) -> i64 {
        self.journal.envelope.arrived
    }

    /// Whether the reverse-path is null: no report goes to anybody but the postmaster.
    pub(crate) fn is_null(&self) -> bool {
        self.journal.envelope.sender.from.is_null()
    }

    /// Its reverse-path, if it goes on from here to another address: another host may take that for a forgery.
    pub(crate) fn forwarded(&self) -> Option<ReversePath> {
        let envelope = &self.journal.envelope;
        let is_forward = envelope.parent.is_some() && envelope.origin.protocol == FORWARD;
        is_forward.then(|| envelope.sender.from.clone())
    }

    /// Whether it is a report that the postmaster was to get: its failure makes no further one.
    pub(crate) fn is_last_report(&self, policy: &Policy) -> bool {
        let envelope = &self.journal.envelope;
        let to_postmaster = envelope.parent.is_some()
            && envelope
                .recipients
                .iter()
                .all(|recipient| recipient.mailbox == policy.double_bounce_to);
        self.is_null() && (envelope.origin.protocol == DOUBLE_BOUNCE || to_postmaster)
    }

    /// When its lifetime is over.
    pub(crate) fn expiry(&self, policy: &Policy) -> i64 {
        let lifetime = if self.is_null() {
            policy.bounce_lifetime
        } else {
            policy.lifetime
        };
        self.arrived().saturating_add(lifetime)
    }

    /// The recipient of this number.
    pub(crate) fn recipient(&self, index: u32) -> Option<&Recipient> {
        let index = usize::try_from(index).ok()?;
        self.journal.envelope.recipients.get(index)
    }

    /// Where that recipient stands.
    pub(crate) fn state(&self, index: u32) -> Option<&RecipientState> {
        self.journal.states.get(usize::try_from(index).ok()?)
    }

    /// Where that recipient stands.
    pub(crate) fn state_mut(&mut self, index: u32) -> Option<&mut RecipientState> {
        self.journal.states.get_mut(usize::try_from(index).ok()?)
    }

    /// Whether that recipient is to be tried now.
    pub(crate) fn is_due(&self, index: u32, now: i64, forced: bool) -> bool {
        self.state(index).is_some_and(|state| {
            state.standing == Standing::Pending && (forced || state.due <= now)
        })
    }

    /// A due time that no attempt up to now can have fixed is of a clock that was wrong: it does not count.
    pub(crate) fn correct_times(&mut self, now: i64) {
        let latest = next_attempt(self.arrived(), now, Channel::Remote).saturating_add(CLOCK_STEP);
        for state in &mut self.journal.states {
            if state.due > latest {
                state.due = 0;
            }
        }
    }

    /// The recipients that are to be tried now.
    pub(crate) fn due(&self, now: i64, forced: bool) -> Vec<u32> {
        (0u32..)
            .take(self.journal.states.len())
            .filter(|index| self.is_due(*index, now, forced))
            .collect()
    }

    /// Notes how an attempt ended.
    pub(crate) fn apply(&mut self, attempt: &Arc<Attempt>) {
        for index in &attempt.to {
            if let Some(state) = self.state_mut(*index)
                && state.standing == Standing::Pending
            {
                state.attempts = state.attempts.saturating_add(1);
                state.last = Some(Arc::clone(attempt));
                state.standing = match attempt.verdict {
                    Verdict::Delivered => Standing::Delivered,
                    Verdict::Deferred => Standing::Pending,
                    Verdict::Failed => Standing::Failed,
                };
            }
        }
    }

    /// Whether no recipient is pending.
    pub(crate) fn is_finished(&self) -> bool {
        !self.has(Standing::Pending)
    }

    fn has(&self, standing: Standing) -> bool {
        self.journal
            .states
            .iter()
            .any(|state| state.standing == standing)
    }

    /// How many recipients stand there.
    pub(crate) fn count(&self, standing: Standing) -> usize {
        self.journal
            .states
            .iter()
            .filter(|state| state.standing == standing)
            .count()
    }

    /// When to look at it again: the least due time, and `postponed` for those that are due and could not be tried.
    pub(crate) fn next_due(&self, now: i64, postponed: Option<i64>) -> i64 {
        self.journal
            .states
            .iter()
            .filter(|state| state.standing == Standing::Pending)
            .map(|state| {
                if state.due > now {
                    state.due
                } else {
                    postponed.unwrap_or(now)
                }
            })
            .min()
            .unwrap_or(now)
    }

    /// The recipients about whom this kind of report is owed now.
    pub(crate) fn owed(&self, kind: Owed, policy: &Policy, now: i64) -> Vec<u32> {
        let is_late = policy
            .delay_warning
            .is_some_and(|age| now.saturating_sub(self.arrived()) >= age);
        if self.is_null() && kind != Owed::Failure || kind == Owed::Delay && !is_late {
            return Vec::new();
        }
        self.journal
            .recipients()
            .filter(|(_, recipient, state)| is_owed(kind, recipient, state))
            .map(|(index, _, _)| index)
            .collect()
    }
}

/// RFC 3461 section 6.2: what NOTIFY asks for; without it, failures and delays (section 4.1).
fn is_owed(kind: Owed, recipient: &Recipient, state: &RecipientState) -> bool {
    let notify = recipient.notify.unwrap_or(Notify {
        success: false,
        failure: true,
        delay: true,
    });
    match (kind, state.standing) {
        (Owed::Failure, Standing::Failed) => notify.failure && !state.reported,
        (Owed::Success, Standing::Delivered) => {
            let peer_does = state.last.as_ref().is_some_and(|last| last.peer_reports);
            notify.success && !state.reported && !peer_does
        }
        (Owed::Delay, Standing::Pending) => notify.delay && !state.warned,
        _ => false,
    }
}
