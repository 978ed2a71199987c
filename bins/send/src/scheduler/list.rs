//! The messages that are known, oldest first, a few at a time: for listings that must not wait and must not be held in memory.

use std::ops::Bound;

use super::Scheduler;
use crate::key::Key;
use crate::lister::Hints;
use crate::stage::Stage;

impl Scheduler {
    /// Why messages may wait that are due.
    pub(crate) fn hints(&self) -> Hints {
        Hints {
            paused: self.policy.paused.clone(),
            deferred: self.policy.deferred,
        }
    }

    /// Up to `count` messages behind `after`, and whether each is being tried now.
    pub(crate) fn known_after(&self, after: Option<Key>, count: usize) -> Vec<(Key, bool)> {
        let range = (
            after.map_or(Bound::Unbounded, Bound::Excluded),
            Bound::Unbounded,
        );
        let live = self
            .live
            .range(range)
            .take(count)
            .map(|(key, stage)| (*key, !matches!(stage, Stage::Parked(_) | Stage::Busy)));
        let waiting = self
            .waiting
            .after(after)
            .take(count)
            .map(|key| (key, false));
        let held = self.held.range(range).take(count).map(|key| (*key, false));
        let bad = self.bad.range(range).take(count).map(|key| (*key, false));
        let mut all: Vec<(Key, bool)> = live.chain(waiting).chain(held).chain(bad).collect();
        all.sort_unstable();
        all.truncate(count);
        all
    }
}
