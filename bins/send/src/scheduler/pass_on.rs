//! What follows when children that a message goes on as were made, or were not.

use std::sync::Arc;

use stafette_log::Event as LogEvent;
use stafette_queue_layout::{Attempt, Event, Verdict};
use stafette_wire::QueueId;
use stafette_wire::delivery::Delays;

use super::Scheduler;
use super::conclude::{Judged, Way};
use crate::effect::Fields;
use crate::forward::Forwarded;
use crate::key::Key;
use crate::schedule::Channel;
use crate::stage::{Deed, Forwarding, Open, Wish};

impl Scheduler {
    /// The children were made, or not.
    pub(crate) fn forwarded(&mut self, key: Key, number: u64, forwarded: Forwarded) {
        self.route.end_order(number);
        let Some(mut open) = self.take(key) else {
            return;
        };
        let place = open.forwarding.iter().position(|it| it.number == number);
        if let Some(place) = place {
            let forwarding = open.forwarding.remove(place);
            self.conclude_forward(key, &mut open, &forwarding, forwarded);
            if let Some((outcome, _)) = &forwarding.outcome {
                open.acks.push((Channel::Local, outcome.job));
            }
        }
        self.give_back(key, open);
        self.advance(key);
    }

    fn conclude_forward(
        &mut self,
        key: Key,
        open: &mut Open,
        forwarding: &Forwarding,
        forwarded: Forwarded,
    ) {
        let way = way(forwarding);
        let judge = |to: &[u32], verdict, status, words: &str| -> Vec<Judged> {
            to.iter()
                .map(|index| Judged::ours(*index, verdict, status, words))
                .collect()
        };
        match forwarded {
            Forwarded::Queued(children) => {
                self.pass_on(key, open, forwarding, &children, &way);
            }
            Forwarded::Looped(looped) => {
                let words = "the message was here before: it loops";
                let judged = judge(&looped, Verdict::Failed, "5.4.6", words);
                self.conclude(key, open, judged, &way);
                // The others are looked up again, at once.
                open.postpone(self.now);
            }
            Forwarded::Damaged => self.set_damaged_aside(open),
            Forwarded::Later(reason) => {
                let words = format!("unable to pass the message on: {reason}");
                let judged = judge(&forwarding.to, Verdict::Deferred, "4.3.0", &words);
                self.conclude(key, open, judged, &way);
            }
        }
    }

    fn pass_on(
        &mut self,
        key: Key,
        open: &mut Open,
        forwarding: &Forwarding,
        children: &[Key],
        way: &Way<'_>,
    ) {
        let ids: Vec<_> = children.iter().map(|child| child.id()).collect();
        let (relay, to) = (forwarding.relay.to_owned(), forwarding.to.clone());
        let attempt = Attempt::forwarded(self.now, &ids, relay.clone(), to.clone());
        let names: Vec<&str> = ids.iter().map(QueueId::as_str).collect();
        let fields = Fields::default()
            .with("child", names.join(","))
            .number("recipients", forwarding.count)
            .with("from", &forwarding.from);
        let only = match to.as_slice() {
            [only] => open.message.recipient(*only),
            _ => None,
        };
        let fields = match only {
            Some(recipient) => fields.with("to", recipient.mailbox.as_str()),
            None => fields,
        };
        self.log(LogEvent::MessageForwarded, Some(key), fields);
        let attempt = Arc::new(attempt);
        open.message.apply(&attempt);
        let at = self.now;
        open.children.extend(children);
        open.events.push(Event::Forwarded { at, ids, relay, to });
        self.settle_success(open, &forwarding.settled);
        let said = forwarding.outcome.as_ref().and_then(|(outcome, _)| {
            let result = outcome.results.first()?;
            Some(Attempt {
                status: result.status.clone(),
                reply: result.reply.0.clone(),
                from_peer: result.from_peer,
                relay: outcome.relay.clone(),
                ..(*attempt).clone()
            })
        });
        self.log_attempt(key, open, said.as_ref().unwrap_or(&attempt), way);
    }

    /// The children report success for these themselves.
    fn settle_success(&self, open: &mut Open, settled: &[u32]) {
        for index in settled {
            if let Some(state) = open.message.state_mut(*index) {
                state.reported = true;
            }
        }
        if !settled.is_empty() {
            open.events.push(Event::Settled {
                at: self.now,
                to: settled.to_vec(),
                reason: "NOTIFY went on with the message".to_owned(),
            });
        }
    }

    /// The content is not what was accepted: the message is set aside.
    pub(super) fn set_damaged_aside(&mut self, open: &mut Open) {
        self.log(
            LogEvent::MessageSetAside,
            Some(open.message.key),
            Fields::default().with("reason", "the content differs from its checksum"),
        );
        let wish = Wish {
            deed: Deed::SetAside,
            client: None,
            by: self.uid,
        };
        self.wish_open(open, wish);
    }
}

fn way(forwarding: &Forwarding) -> Way<'_> {
    match &forwarding.outcome {
        Some((outcome, started)) => Way {
            channel: Channel::Local,
            relay: &outcome.relay,
            peer_reports: false,
            started: *started,
            delays: outcome.delays.clone(),
        },
        None => Way {
            channel: Channel::Local,
            relay: forwarding.relay,
            peer_reports: false,
            started: None,
            delays: Delays {
                connect: 0,
                transfer: 0,
            },
        },
    }
}
