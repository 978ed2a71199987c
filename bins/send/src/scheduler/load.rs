//! Which messages are read, and what becomes of what was read.

use stafette_log::Event as LogEvent;
use stafette_queue_layout::Place;

use super::{CAPACITY, OPEN_LIMIT, Scheduler};
use crate::effect::{Effect, Fields};
use crate::key::Key;
use crate::line::Class;
use crate::message::Loaded;
use crate::stage::{Deed, Open, Stage, Wish};

/// Messages that readers have at once.
const LOADING_LIMIT: usize = 32;
/// New messages that are read for one that was tried before.
const FRESH_TURNS: u8 = 3;
/// Seconds until a file is opened again that the disk did not give.
const IO_PAUSE: i64 = 60;

/// What reading a message gave.
#[derive(Debug)]
pub(crate) enum Reading {
    /// The message.
    Message(Box<Loaded>),
    /// It is not there (any more).
    Missing,
    /// It is no message, for this reason.
    Damaged(String),
    /// The disk failed: it may go better later.
    Later(String),
}

impl Scheduler {
    /// Has messages read as long as there is room.
    pub(super) fn pump_loads(&mut self) {
        if self.is_stopping || !self.is_settled {
            return;
        }
        while let Some(key) = self.wanted.pop_front() {
            match self.live.get_mut(&key) {
                Some(stage @ Stage::Queued { .. }) => {
                    if let Stage::Queued { forced } = *stage {
                        *stage = Stage::Loading { forced };
                    }
                }
                Some(Stage::Reloading { .. }) => {}
                _ => continue,
            }
            self.load(key);
        }
        while self.loading < LOADING_LIMIT
            && self.weight < CAPACITY
            && self.open + self.loading < OPEN_LIMIT
        {
            let Some((key, forced)) = self.next_to_load() else {
                return;
            };
            self.live.insert(key, Stage::Loading { forced });
            self.load(key);
        }
    }

    fn load(&mut self, key: Key) {
        self.loading += 1;
        self.effects.push(Effect::Load(key));
    }

    fn next_to_load(&mut self) -> Option<(Key, bool)> {
        if self.fresh_turn >= FRESH_TURNS
            && let Some(due) = self.waiting.pop(self.now)
        {
            self.fresh_turn = 0;
            return Some((due.key, due.forced));
        }
        while let Some(key) = self.fresh.pop_front() {
            // An operator may have held or removed it meanwhile.
            if let Some(Stage::Queued { forced }) = self.live.get(&key) {
                self.fresh_turn = self.fresh_turn.saturating_add(1);
                return Some((key, *forced));
            }
        }
        self.waiting.pop(self.now).map(|due| (due.key, due.forced))
    }

    /// Has a message read before all others, wherever it stands: something came for it that must be recorded.
    pub(super) fn want(&mut self, key: Key) {
        match self.live.get_mut(&key) {
            None => {
                self.waiting.remove(key);
                self.held.remove(&key);
                self.live.insert(key, Stage::Queued { forced: false });
                self.wanted.push_back(key);
            }
            Some(Stage::Queued { .. }) => self.wanted.push_back(key),
            Some(stage @ Stage::Parked(_)) => {
                if let Stage::Parked(parked) = *stage {
                    *stage = Stage::Reloading {
                        parked,
                        wants: Vec::new(),
                    };
                    self.wanted.push_back(key);
                }
            }
            // It comes of itself.
            Some(
                Stage::Loading { .. }
                | Stage::Open(_)
                | Stage::Reloading { .. }
                | Stage::Busy
                | Stage::Away,
            ) => {}
        }
    }

    /// A reader is done with a message.
    pub(crate) fn loaded(&mut self, key: Key, reading: Reading) {
        self.loading = self.loading.saturating_sub(1);
        let (forced, parked, wants) = match self.live.get_mut(&key) {
            Some(Stage::Loading { forced }) => (*forced, None, Vec::new()),
            Some(Stage::Reloading { parked, wants }) => {
                (parked.forced, Some(*parked), std::mem::take(wants))
            }
            // An operator was faster.
            _ => return,
        };
        let message = match reading {
            Reading::Message(mut message) => {
                message.correct_times(self.now);
                message
            }
            other => {
                for (slot, _) in wants {
                    self.lines.release(slot);
                }
                return self.not_loaded(key, other);
            }
        };
        let is_awaited = self.orphans.contains_key(&key) || self.adopted.contains_key(&key);
        if message.place == Place::Hold && !is_awaited {
            for (slot, _) in wants {
                self.lines.release(slot);
            }
            self.live.remove(&key);
            self.held.insert(key);
            return;
        }
        let round = parked.map_or_else(|| self.next_round(), |parked| parked.round);
        self.weight += message.weight();
        self.open += 1;
        if parked.is_none() {
            self.qmail_arrival(&message);
        }
        let mut open = Box::new(Open::new(*message, round, forced, self.micros));
        let adopted = self.adopted.get(&key).map_or(0, Vec::len);
        open.in_jobs = u32::try_from(adopted).unwrap_or(u32::MAX);
        for orphan in self.orphans.remove(&key).unwrap_or_default() {
            self.apply_outcome(&mut open, orphan.channel, &orphan.outcome, None);
        }
        match parked {
            Some(parked) => {
                open.class = parked.class;
                open.postponed = parked.postponed;
                open.on_lines = parked.entries;
                for (slot, entry) in wants {
                    self.start_job(key, &mut open, slot, entry);
                }
            }
            None if open.message.place == Place::Hold => {}
            None => self.begin_round(key, &mut open),
        }
        self.give_back(key, open);
        self.advance(key);
    }

    /// Asks about every recipient that is due and not in a job of a former life.
    fn begin_round(&mut self, key: Key, open: &mut Open) {
        let mut due = open.message.due(self.now, open.forced);
        if let Some(jobs) = self.adopted.get(&key) {
            due.retain(|index| !jobs.iter().any(|(_, busy)| busy.contains(index)));
        }
        due.retain(|index| !open.is_forwarding(*index));
        open.class = Class::of(due.len());
        open.lookups = u32::try_from(due.len()).unwrap_or(u32::MAX);
        self.ask(key, open.round, open.class, due);
    }

    fn not_loaded(&mut self, key: Key, reading: Reading) {
        match reading {
            Reading::Damaged(reason) => {
                self.log(
                    LogEvent::MessageSetAside,
                    Some(key),
                    Fields::default()
                        .with("reason", "the file is no message")
                        .with("problem", reason),
                );
                let wish = Wish {
                    deed: Deed::SetAside,
                    client: None,
                    by: self.uid,
                };
                self.acknowledge_orphans(key);
                self.fulfil(key, wish);
            }
            Reading::Later(reason) => {
                self.log(
                    LogEvent::Warning,
                    Some(key),
                    Fields::default()
                        .with("reason", "unable to read a queue file")
                        .with("problem", reason),
                );
                self.live.remove(&key);
                self.waiting.insert(key, self.now.saturating_add(IO_PAUSE));
            }
            Reading::Missing | Reading::Message(_) => {
                self.live.remove(&key);
                self.acknowledge_orphans(key);
            }
        }
    }

    /// Their message is gone: nobody needs the outcomes any more.
    pub(super) fn acknowledge_orphans(&mut self, key: Key) {
        for orphan in self.orphans.remove(&key).unwrap_or_default() {
            self.effects.push(Effect::Acknowledge {
                channel: orphan.channel,
                job: orphan.outcome.job,
            });
        }
    }
}
