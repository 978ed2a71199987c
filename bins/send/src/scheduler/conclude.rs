//! What was found about recipients: into the message's state, its journal and the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use stafette_queue_layout::{Attempt, Event, Verdict};
use stafette_wire::delivery::Delays;

use super::Scheduler;
use crate::key::Key;
use crate::schedule::{Channel, next_attempt};
use crate::stage::Open;

/// Recipients in one event: so many always fit (`Event::encode`).
const EVENT_RECIPIENTS: usize = 1_000;

/// What was found about one recipient.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub(super) index: u32,
    pub(super) verdict: Verdict,
    pub(super) status: String,
    pub(super) reply: Vec<u8>,
    pub(super) from_peer: bool,
}

impl Judged {
    /// A judgement of our own.
    pub(super) fn ours(index: u32, verdict: Verdict, status: &str, words: &str) -> Self {
        Self {
            index,
            verdict,
            status: status.to_owned(),
            reply: words.as_bytes().to_vec(),
            from_peer: false,
        }
    }
}

/// How it was found.
#[derive(Debug)]
pub(super) struct Way<'a> {
    pub(super) channel: Channel,
    pub(super) relay: &'a str,
    pub(super) peer_reports: bool,
    /// When the job was given away, Unix microseconds.
    pub(super) started: Option<u64>,
    pub(super) delays: Delays,
}

impl Way<'_> {
    /// Without any attempt.
    pub(super) fn none(channel: Channel) -> Self {
        Self {
            channel,
            relay: "",
            peer_reports: false,
            started: None,
            delays: Delays {
                connect: 0,
                transfer: 0,
            },
        }
    }
}

impl Scheduler {
    /// Notes what was found about recipients: state, journal, log.
    pub(super) fn conclude(
        &mut self,
        key: Key,
        open: &mut Open,
        judged: Vec<Judged>,
        way: &Way<'_>,
    ) {
        let expiry = open.message.expiry(&self.policy);
        let is_expired = self.now >= expiry;
        let mut alike: BTreeMap<(u8, String, Vec<u8>, bool), Vec<u32>> = BTreeMap::new();
        for mut found in judged {
            if !open.message.is_due(found.index, self.now, true) {
                continue;
            }
            match found.verdict {
                Verdict::Failed if self.policy.softbounce => {
                    found.verdict = Verdict::Deferred;
                    found.status = softened(&found.status);
                }
                Verdict::Deferred if is_expired && !self.policy.softbounce => {
                    found.verdict = Verdict::Failed;
                    found.status = "4.4.7".to_owned();
                }
                _ => {}
            }
            let class = match found.verdict {
                Verdict::Delivered => 0,
                Verdict::Deferred => 1,
                Verdict::Failed => 2,
            };
            alike
                .entry((class, found.status, found.reply, found.from_peer))
                .or_default()
                .push(found.index);
        }
        for ((class, status, reply, from_peer), indexes) in alike {
            let verdict = match class {
                0 => Verdict::Delivered,
                1 => Verdict::Deferred,
                _ => Verdict::Failed,
            };
            for to in indexes.chunks(EVENT_RECIPIENTS) {
                let attempt = Arc::new(Attempt {
                    at: self.now,
                    verdict,
                    to: to.to_vec(),
                    relay: way.relay.to_owned(),
                    status: status.clone(),
                    reply: reply.clone(),
                    from_peer,
                    peer_reports: way.peer_reports && verdict == Verdict::Delivered,
                });
                self.conclude_alike(key, open, &attempt, way, expiry);
            }
        }
    }

    fn conclude_alike(
        &mut self,
        key: Key,
        open: &mut Open,
        attempt: &Arc<Attempt>,
        way: &Way<'_>,
        expiry: i64,
    ) {
        open.message.apply(attempt);
        open.events.push(Event::Attempt((**attempt).clone()));
        if attempt.verdict == Verdict::Deferred {
            let mut next = next_attempt(open.message.arrived(), self.now, way.channel);
            if expiry > self.now {
                next = next.min(expiry);
            }
            for index in &attempt.to {
                if let Some(state) = open.message.state_mut(*index) {
                    state.due = next;
                }
            }
            open.events.push(Event::Due {
                at: self.now,
                next,
                to: attempt.to.clone(),
            });
        }
        self.log_attempt(key, open, attempt, way);
    }
}

/// The temporary code in place of a permanent one.
fn softened(status: &str) -> String {
    match status.strip_prefix('5') {
        Some(rest) => format!("4{rest}"),
        None => "4.0.0".to_owned(),
    }
}
