//! All destinations, and whose turn it is.
//!
//! Within each channel the lines that have something to do and may do it stand in a ring, letters and bulk apart; three
//! turns of letters, then one of bulk. The channel's concurrency is what its parent said. Of it, at least a quarter is kept for
//! what is known to work, so that any number of hanging hosts or homes leaves room; at least a quarter for letters; and suspects
//! together get a quarter at most. One line never gets more than three quarters.

mod memory;
mod pool;

use std::collections::HashMap;
use std::sync::Arc;

use stafette_wire::delivery::{Host, NextHop};

use crate::health::{Trust, Verdict};
use crate::line::{Class, Entry, Line};
use crate::schedule::Channel;
use pool::Pool;

/// Turns of letters before one of bulk.
const LETTER_TURNS: u8 = 3;

/// Names a line as long as it has entries or jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LineId(usize);

/// What is told of jobs that run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    /// The line.
    pub(crate) line: LineId,
    /// How the job was counted.
    pub(crate) class: Class,
    trust: Trust,
}

/// What the end of a job showed about its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// It died: what waits there should wait elsewhere.
    Died {
        /// Unix time until which it is left alone.
        until: i64,
        /// Deaths in a row.
        count: u32,
    },
    /// It was dead for so many seconds and is no more.
    Revived {
        /// Seconds.
        seconds: i64,
    },
    /// Nothing new.
    Nothing,
}

/// How wide lines may open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The window of a new line.
    pub(crate) initial: u32,
    /// The widest window of a remote line.
    pub(crate) remote: u32,
}

/// The lines.
#[derive(Debug)]
pub(crate) struct Lines {
    limits: Limits,
    slab: Vec<Option<Line>>,
    free: Vec<usize>,
    /// By channel, since an account may be named like a route.
    names: [HashMap<Arc<str>, LineId>; 2],
    pools: [Pool; 2],
}

impl Lines {
    /// No line yet, and no concurrency.
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            slab: Vec::new(),
            free: Vec::new(),
            names: [HashMap::new(), HashMap::new()],
            pools: [Pool::default(), Pool::default()],
        }
    }

    /// Changes the limits for what comes.
    pub(crate) fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    fn pool(&mut self, channel: Channel) -> &mut Pool {
        let [local, remote] = &mut self.pools;
        match channel {
            Channel::Local => local,
            Channel::Remote => remote,
        }
    }

    /// The parent of `channel` takes so many jobs at once; 0 while it is away.
    pub(crate) fn set_total(&mut self, channel: Channel, total: u32) {
        self.pool(channel).total = total;
    }

    /// The widest window of a line of this channel.
    fn limit(&mut self, channel: Channel) -> u32 {
        let room = self.pool(channel).three_quarters();
        match channel {
            Channel::Local => room,
            Channel::Remote => room.min(self.limits.remote),
        }
    }

    fn names(&mut self, channel: Channel) -> &mut HashMap<Arc<str>, LineId> {
        let [local, remote] = &mut self.names;
        match channel {
            Channel::Local => local,
            Channel::Remote => remote,
        }
    }

    /// The line of this name, if it is known.
    pub(crate) fn find(&self, channel: Channel, name: &str) -> Option<LineId> {
        let [local, remote] = &self.names;
        let names = match channel {
            Channel::Local => local,
            Channel::Remote => remote,
        };
        names.get(name).copied()
    }

    /// A line.
    pub(crate) fn get(&self, id: LineId) -> Option<&Line> {
        self.slab.get(id.0)?.as_ref()
    }

    /// A line.
    pub(crate) fn get_mut(&mut self, id: LineId) -> Option<&mut Line> {
        self.slab.get_mut(id.0)?.as_mut()
    }

    /// Until when a line is left alone, if it is.
    pub(crate) fn dead_until(&self, id: LineId, now: i64) -> Option<i64> {
        let health = &self.get(id)?.health;
        health.is_dead(now).then(|| health.until())
    }

    /// All lines.
    pub(crate) fn ids(&self) -> Vec<LineId> {
        self.names
            .iter()
            .flat_map(HashMap::values)
            .copied()
            .collect()
    }

    /// The line of this name, made if there is none; local if there is no hop.
    pub(crate) fn open(&mut self, name: &str, hop: Option<&NextHop>) -> LineId {
        let channel = if hop.is_none() {
            Channel::Local
        } else {
            Channel::Remote
        };
        if let Some(id) = self.find(channel, name) {
            return id;
        }
        let name: Arc<str> = name.into();
        let line = Line::new(Arc::clone(&name), hop.cloned(), self.limits.initial);
        let id = match self.free.pop() {
            Some(at) => LineId(at),
            None => {
                self.slab.push(None);
                LineId(self.slab.len() - 1)
            }
        };
        if let Some(place) = self.slab.get_mut(id.0) {
            *place = Some(line);
        }
        self.names(channel).insert(name, id);
        id
    }

    /// Adds an entry at the end of the line.
    pub(crate) fn push(&mut self, id: LineId, class: Class, entry: Entry) {
        if let Some(line) = self.get_mut(id) {
            line.queue(class).push_back(entry);
        }
        self.ring(id);
    }

    /// Adds an entry at the front of the line: what was cut short.
    pub(crate) fn push_front(&mut self, id: LineId, class: Class, entry: Entry) {
        if let Some(line) = self.get_mut(id) {
            line.queue(class).push_front(entry);
        }
        self.ring(id);
    }

    /// Puts the line into the rings where it has something to do. Whether it may is asked at its turn.
    fn ring(&mut self, id: LineId) {
        let Some(line) = self.slab.get_mut(id.0).and_then(Option::as_mut) else {
            return;
        };
        let channel = line.channel();
        for class in Class::BOTH {
            if !line.queue(class).is_empty() && !std::mem::replace(line.ring_flag(class), true) {
                let [local, remote] = &mut self.pools;
                match channel {
                    Channel::Local => local,
                    Channel::Remote => remote,
                }
                .ring(class)
                .push_back(id);
            }
        }
    }

    /// The next entry of a channel whose turn it is, with a slot taken for it.
    pub(crate) fn next(&mut self, channel: Channel, now: i64) -> Option<(Slot, Entry)> {
        let pool = self.pool(channel);
        if pool.used >= pool.total {
            return None;
        }
        let order = if pool.turn < LETTER_TURNS {
            [Class::Letter, Class::Bulk]
        } else {
            [Class::Bulk, Class::Letter]
        };
        for class in order {
            if let Some(found) = self.next_of(channel, class, now) {
                let pool = self.pool(channel);
                pool.turn = match class {
                    Class::Letter => pool.turn.saturating_add(1).min(LETTER_TURNS),
                    Class::Bulk => 0,
                };
                return Some(found);
            }
        }
        None
    }

    fn next_of(&mut self, channel: Channel, class: Class, now: i64) -> Option<(Slot, Entry)> {
        let limit = self.limit(channel);
        let mut rounds = self.pool(channel).ring(class).len();
        while rounds > 0 {
            rounds -= 1;
            let id = self.pool(channel).ring(class).pop_front()?;
            let Some(line) = self.slab.get_mut(id.0).and_then(Option::as_mut) else {
                continue;
            };
            if line.queue(class).is_empty() || !line.is_open(class, now, limit) {
                // It comes back with its next entry, the end of a job, or when it is woken.
                *line.ring_flag(class) = false;
                continue;
            }
            let trust = line.health.trust();
            let [local, remote] = &mut self.pools;
            let pool = match channel {
                Channel::Local => local,
                Channel::Remote => remote,
            };
            if !pool.has_room(class, trust) {
                pool.ring(class).push_back(id);
                continue;
            }
            let Some(entry) = line.queue(class).pop_front() else {
                continue;
            };
            line.in_flight = line.in_flight.saturating_add(1);
            pool.count(class, trust, |used| used.saturating_add(1));
            if line.queue(class).is_empty() {
                *line.ring_flag(class) = false;
            } else {
                pool.ring(class).push_back(id);
            }
            let slot = Slot {
                line: id,
                class,
                trust,
            };
            return Some((slot, entry));
        }
        None
    }

    /// A slot is free again, and nothing was learned.
    pub(crate) fn release(&mut self, slot: Slot) {
        let Some(line) = self.get_mut(slot.line) else {
            return;
        };
        line.in_flight = line.in_flight.saturating_sub(1);
        let channel = line.channel();
        self.pool(channel)
            .count(slot.class, slot.trust, |used| used.saturating_sub(1));
        self.ring(slot.line);
    }

    /// A job ended; `delivered` if it brought somebody his mail.
    pub(crate) fn end(&mut self, slot: Slot, host: Host, delivered: bool, now: i64) -> News {
        self.release(slot);
        let Some(channel) = self.get(slot.line).map(Line::channel) else {
            return News::Nothing;
        };
        let limit = self.limit(channel);
        let Some(line) = self.get_mut(slot.line) else {
            return News::Nothing;
        };
        match (channel, host) {
            (Channel::Remote, Host::Dead) => match line.health.die(now) {
                Verdict::Shrink => {
                    line.window.fail();
                    News::Nothing
                }
                Verdict::Dead { until, count } => {
                    line.window.collapse();
                    News::Died { until, count }
                }
                Verdict::Known => News::Nothing,
            },
            (Channel::Remote, Host::Alive) | (Channel::Local, _)
                if host == Host::Alive || delivered =>
            {
                line.window.succeed(limit);
                let revived = line.health.live(now);
                revived.map_or(News::Nothing, |seconds| News::Revived { seconds })
            }
            _ => News::Nothing,
        }
    }

    /// Takes all entries out of a line.
    pub(crate) fn drain(&mut self, id: LineId) -> Vec<Entry> {
        self.get_mut(id).map_or_else(Vec::new, |line| {
            let [letters, bulk] = &mut line.queues;
            letters.drain(..).chain(bulk.drain(..)).collect()
        })
    }

    /// Forgets that a line was dead, or that all were.
    pub(crate) fn forget_deaths(&mut self, only: Option<LineId>) {
        let ids = only.map_or_else(|| self.ids(), |id| vec![id]);
        for id in ids {
            if let Some(line) = self.get_mut(id) {
                line.health.forget();
            }
            self.ring(id);
        }
    }

    fn close(&mut self, id: LineId) {
        let Some(line) = self.slab.get_mut(id.0).and_then(Option::take) else {
            return;
        };
        self.names(line.channel()).remove(&line.name);
        if line.in_ring.contains(&true) {
            for pool in &mut self.pools {
                for class in Class::BOTH {
                    pool.ring(class).retain(|other| *other != id);
                }
            }
        }
        self.free.push(id.0);
    }
}

#[cfg(test)]
mod tests;
