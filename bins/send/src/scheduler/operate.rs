//! What operators want: hold, release, remove, flush.

use stafette_control::DomainSet;
use stafette_log::Event as LogEvent;
use stafette_queue_layout::Event;
use stafette_wire::QueueId;
use stafette_wire::clean::Then;
use stafette_wire::operator::FromSend;

use super::Scheduler;
use crate::effect::{Client, Effect, Fields};
use crate::key::Key;
use crate::policy::Policy;
use crate::search::Search;
use crate::stage::{Deed, Stage, Wish};

/// Seconds until something is looked at again that clean could not do.
const RETRY_PAUSE: i64 = 60;

impl Scheduler {
    /// An operator wants something done with a message; the answer comes when it is done, or when it is clear when.
    pub(crate) fn operate(&mut self, client: Client, by: u32, id: QueueId, deed: Deed) {
        let key = Key::from(id);
        let wish = Wish {
            deed,
            client: Some(client),
            by,
        };
        if self.bad.contains(&key) {
            let text = format!("{id} is in bad/, where only a person should touch it");
            return self.answer(Some(client), false, text);
        }
        match (deed, self.held.contains(&key)) {
            (Deed::Hold, true) => {
                return self.answer(Some(client), true, format!("{id} was held already"));
            }
            (Deed::Release, false) if self.knows(key) => {
                return self.answer(Some(client), false, format!("{id} is not held"));
            }
            _ => {}
        }
        match self.live.get_mut(&key) {
            Some(Stage::Open(_)) => return self.wish_later(key, wish),
            Some(Stage::Busy | Stage::Away) => {
                let text = format!("{id} is being moved or removed; ask again in a moment");
                return self.answer(Some(client), false, text);
            }
            Some(Stage::Reloading { wants, .. }) => {
                for (slot, _) in std::mem::take(wants) {
                    self.lines.release(slot);
                }
            }
            Some(Stage::Queued { .. } | Stage::Loading { .. } | Stage::Parked(_)) | None => {}
        }
        self.fulfil(key, wish);
    }

    /// It is done when nothing is under way any more.
    fn wish_later(&mut self, key: Key, mut wish: Wish) {
        let Some(mut open) = self.take(key) else {
            return;
        };
        if open.is_ending || open.wish.is_some() {
            let text = format!(
                "{} is being moved or removed; ask again in a moment",
                key.id()
            );
            self.answer(wish.client, false, text);
        } else {
            if open.in_jobs > 0 {
                let text = format!(
                    "{} is being tried; it is done when the attempt ends, unless that finishes the message",
                    key.id()
                );
                self.answer(wish.client.take(), true, text);
            }
            self.wish_open(&mut open, wish);
        }
        self.give_back(key, open);
        self.advance(key);
    }

    /// Has clean do it.
    pub(super) fn fulfil(&mut self, key: Key, wish: Wish) {
        self.waiting.remove(key);
        self.held.remove(&key);
        self.live.insert(key, Stage::Busy);
        let (at, by) = (self.now, wish.by);
        let (events, then) = match wish.deed {
            Deed::Hold => (vec![Event::Held { at, by }], Then::Hold),
            Deed::Release => (vec![Event::Released { at, by }], Then::Release),
            Deed::Remove => (Vec::new(), Then::Remove),
            Deed::SetAside => (Vec::new(), Then::Bad),
        };
        self.emit_deed(key, wish, events, then);
    }

    /// clean did it.
    pub(super) fn fulfilled(&mut self, key: Key, wish: Wish) {
        self.live.remove(&key);
        let fields = Fields::default().number("by", wish.by);
        let text = match wish.deed {
            Deed::Hold => {
                self.held.insert(key);
                self.log(LogEvent::MessageHeld, Some(key), fields);
                "held"
            }
            Deed::Release => {
                self.waiting.insert(key, self.now);
                self.waiting.force(key);
                self.log(LogEvent::MessageReleased, Some(key), fields);
                "released"
            }
            Deed::Remove => {
                self.log(LogEvent::MessageCancelled, Some(key), fields);
                self.qmail_end(key);
                "removed"
            }
            Deed::SetAside => {
                self.bad.insert(key);
                // Nothing can be recorded there.
                self.acknowledge_orphans(key);
                "moved to bad/"
            }
        };
        self.answer(wish.client, true, format!("{} {text}", key.id()));
        if self.orphans.contains_key(&key) {
            self.want(key);
        }
    }

    /// clean could not do it.
    pub(super) fn unfulfilled(&mut self, key: Key, wish: Wish, missing: bool, reason: &str) {
        self.live.remove(&key);
        if missing {
            self.acknowledge_orphans(key);
            let text = format!("no message {}", key.id());
            return self.answer(wish.client, false, text);
        }
        self.log(
            LogEvent::Warning,
            Some(key),
            Fields::default()
                .with("reason", "unable to move or remove a message")
                .with("problem", reason),
        );
        self.waiting
            .insert(key, self.now.saturating_add(RETRY_PAUSE));
        self.answer(wish.client, false, reason.to_owned());
    }

    pub(super) fn answer(&mut self, client: Option<Client>, is_done: bool, text: String) {
        if let Some(client) = client {
            let packet = if is_done {
                FromSend::Done { text }
            } else {
                FromSend::Refused { text }
            };
            self.effects.push(Effect::Answer { client, packet });
        }
    }

    /// Everything that waits is tried at once, and no host counts as dead.
    pub(crate) fn flush_all(&mut self, by: u32) {
        self.lines.forget_deaths(None);
        self.flushing = Some(None);
        for stage in self.live.values_mut() {
            match stage {
                Stage::Queued { forced } | Stage::Loading { forced } => *forced = true,
                Stage::Open(open) if open.lookups > 0 => open.forced = true,
                Stage::Open(open) => open.hurry(),
                _ => {}
            }
        }
        let fields = Fields::default()
            .number("by", by)
            .number("count", self.waiting.len());
        self.log(LogEvent::QueueFlushed, None, fields);
    }

    /// Some of what waits is tried at once, whatever is thought of the hosts that it is for.
    pub(crate) fn flush_some(&mut self, by: u32, search: Search, words: &str) {
        self.flushed = self.now;
        let fields = Fields::default()
            .number("by", by)
            .with("destination", words);
        self.log(LogEvent::QueueFlushed, None, fields);
        self.effects.push(Effect::Find(search));
    }

    /// A message is due whatever its time is, if it waits.
    pub(crate) fn force(&mut self, key: Key) {
        if let Some(Stage::Open(open)) = self.live.get_mut(&key) {
            open.hurry();
        }
        self.waiting.force(key);
    }

    /// The list of paused domains was read anew.
    pub(crate) fn set_paused(&mut self, by: u32, paused: DomainSet) {
        let before = std::mem::replace(&mut self.policy.paused, paused);
        let names = |set: &DomainSet| -> std::collections::BTreeSet<String> {
            set.entries().map(str::to_owned).collect()
        };
        let (old, new) = (names(&before), names(&self.policy.paused));
        for name in new.difference(&old) {
            let fields = Fields::default().number("by", by).with("destination", name);
            self.log(LogEvent::DestinationPaused, None, fields);
        }
        let resumed: Vec<&String> = old.difference(&new).collect();
        for name in &resumed {
            let fields = Fields::default().number("by", by).with("destination", name);
            self.log(LogEvent::DestinationResumed, None, fields);
        }
        let resumed: DomainSet = resumed
            .iter()
            .filter_map(|name| stafette_control::parse_pattern(name).ok())
            .collect();
        if !resumed.is_empty() {
            self.effects.push(Effect::Find(Search::Domains(resumed)));
        }
    }

    /// Replaces the settings, the paused domains as their own step.
    pub(crate) fn set_settings(&mut self, policy: Policy) {
        let paused = policy.paused.clone();
        let before = self.policy.paused.clone();
        if policy.deferred < self.policy.deferred {
            // What waited for a flush need not wait any longer.
            self.waiting.hurry(self.now);
        }
        self.set_policy(policy);
        self.policy.paused = before;
        self.set_paused(self.uid, paused);
    }
}
