//! Reports that a message owes: ordered, and noted when they are queued.

use stafette_log::Event as LogEvent;
use stafette_queue_layout::{ChildKind, Event, Standing};

use super::Scheduler;
use crate::effect::{Effect, Fields, ReportOrder};
use crate::key::Key;
use crate::message::Owed;
use crate::stage::{Open, Wish};

/// Recipients in one event and one report.
const REPORT_RECIPIENTS: usize = 1_000;
/// Reports about reports in an hour at most; further ones are held for the operator.
const DOUBLE_BOUNCES: usize = 30;
/// The hour.
const DOUBLE_BOUNCE_PERIOD: i64 = 3600;

/// What came of a report.
#[derive(Debug)]
pub(crate) enum Reported {
    /// It is complete in tmp/ under this name, and appears when its parent's journal names it.
    Queued {
        /// Its name.
        child: Key,
        /// What it says.
        kind: Owed,
        /// About whom.
        to: Vec<u32>,
        /// Who gets it.
        mailbox: String,
        /// It goes to the postmaster.
        is_double: bool,
    },
    /// queue did not take it now, for this reason.
    Later(String),
}

impl Scheduler {
    /// Orders a report. If it may not be made, the message is to be held: then that is returned.
    pub(super) fn report(
        &mut self,
        key: Key,
        open: &mut Open,
        kind: Owed,
        mut to: Vec<u32>,
    ) -> Option<Wish> {
        let is_double = open.message.is_null();
        if is_double {
            if let Some(reason) = self.no_double_bounce(open) {
                self.log(
                    LogEvent::DoubleBounce,
                    Some(key),
                    Fields::default()
                        .with("to", self.policy.double_bounce_to.as_str())
                        .number("recipients", to.len())
                        .with("reason", reason),
                );
                return Some(self.hold_wish());
            }
            self.double_bounces.push_back(self.now);
        }
        let has_own_paths = open.message.journal.envelope.sender.verp && !is_double;
        to.truncate(if has_own_paths { 1 } else { REPORT_RECIPIENTS });
        open.is_reporting = true;
        self.effects.push(Effect::Report(Box::new(ReportOrder {
            message: open.message.clone(),
            kind,
            to,
            is_double,
            expiry: open.message.expiry(&self.policy),
        })));
        None
    }

    /// Why a report about a report may not be made.
    fn no_double_bounce(&mut self, open: &Open) -> Option<&'static str> {
        if open.message.is_last_report(&self.policy) {
            return Some("a report to the postmaster failed itself; the message is held");
        }
        while self
            .double_bounces
            .front()
            .is_some_and(|time| self.now.saturating_sub(*time).abs() >= DOUBLE_BOUNCE_PERIOD)
        {
            self.double_bounces.pop_front();
        }
        (self.double_bounces.len() >= DOUBLE_BOUNCES)
            .then_some("too many reports to the postmaster in an hour; the message is held")
    }

    /// A report was queued, or not.
    pub(crate) fn reported(&mut self, key: Key, reported: Reported) {
        let Some(mut open) = self.take(key) else {
            return;
        };
        open.is_reporting = false;
        match reported {
            Reported::Queued {
                child,
                kind,
                to,
                mailbox,
                is_double,
            } => {
                for index in &to {
                    if let Some(state) = open.message.state_mut(*index) {
                        match kind {
                            Owed::Failure | Owed::Success => state.reported = true,
                            Owed::Delay => state.warned = true,
                        }
                    }
                }
                self.log_report(key, child, kind, &to, &mailbox, is_double);
                open.children.push(child);
                open.events.push(Event::Child {
                    at: self.now,
                    id: child.id(),
                    kind: match kind {
                        Owed::Failure => ChildKind::Failed,
                        Owed::Success => ChildKind::Delivered,
                        Owed::Delay => ChildKind::Delayed,
                    },
                    to,
                });
            }
            Reported::Later(reason) => {
                self.log(
                    LogEvent::Warning,
                    Some(key),
                    Fields::default()
                        .with("reason", "unable to queue a report; it is tried again")
                        .with("problem", reason),
                );
                self.report_later(&mut open);
            }
        }
        self.give_back(key, open);
        self.advance(key);
    }

    fn log_report(
        &mut self,
        key: Key,
        child: Key,
        kind: Owed,
        to: &[u32],
        mailbox: &str,
        is_double: bool,
    ) {
        let fields = Fields::default()
            .with("child", child.id().as_str())
            .with("to", mailbox)
            .number("recipients", to.len());
        if kind == Owed::Failure {
            self.qmail_bounce(key, child);
        }
        if is_double {
            return self.log(LogEvent::DoubleBounce, Some(key), fields);
        }
        let action = match kind {
            Owed::Failure => "failed",
            Owed::Success => "delivered",
            Owed::Delay => "delayed",
        };
        self.log(
            LogEvent::DsnQueued,
            Some(key),
            fields.with("action", action),
        );
    }

    /// Says of failed recipients whose sender wants no report that there is none.
    pub(super) fn log_suppressed(&mut self, key: Key, open: &Open, to: &[u32]) {
        for index in to {
            let is_never = open
                .message
                .state(*index)
                .is_some_and(|state| state.standing == Standing::Failed && !state.reported)
                && open.message.recipient(*index).is_some_and(|recipient| {
                    recipient.notify.is_some_and(|notify| !notify.failure)
                });
            if let Some(recipient) = open.message.recipient(*index).filter(|_| is_never) {
                let fields = Fields::default()
                    .with("to", recipient.mailbox.as_str())
                    .with("from", open.message.journal.envelope.sender.from.as_str())
                    .with("action", "failed")
                    .with(
                        "reason",
                        "the sender asked for no report of failure (NOTIFY)",
                    );
                self.log(LogEvent::DsnSuppressed, Some(key), fields);
            }
        }
    }
}
