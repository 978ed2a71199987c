//! Whether an earlier attempt may have left a copy of a message, so that a worker must look for it in cur/.
//!
//! # The argument
//! A copy of message M for recipient R exists only if some worker was given (M, R) before. Either this parent gave it: that
//! is remembered here from the moment it is given until its end is acknowledged, which send does only when the end
//! is recorded, so that the pair does not come again. Or another parent did, before this one started; then M's id was made
//! before this one started. So a pair that is not remembered, of a message made after the start, was never tried.
//!
//! "Made after the start" is read from the id, which is by the wall clock. While this parent runs, steps of that clock
//! are noticed by comparing it with the monotonic one, and every id up to the latest time ever shown counts as old from then
//! on; so does every id in the future. When memory for pairs runs out, all ids up to the newest one dropped count as old.
//!
//! # Bugs
//! If the clock is set back while no parent runs, in the same outage that cut a finished delivery off from
//! its record, and a mail reader has moved the copy to cur/ meanwhile, and the message is not tried again before the clock
//! has caught up with its id, then the copy is not found and there are two.

use std::collections::BTreeMap;

use stafette_wire::QueueId;

/// Pairs remembered at most.
const MEMORY: usize = 100_000;
/// Milliseconds by which the two clocks may differ without a step.
const TOLERANCE: u64 = 2000;

/// Both clocks at one instant, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// Since 1970.
    pub wall: u64,
    /// Since any fixed instant; never steps.
    pub steady: u64,
}

/// What this parent knows of attempts.
#[derive(Debug)]
pub struct Tried {
    /// Pairs that were given to a worker and are not at their end, with how often a worker died over each.
    pairs: BTreeMap<(QueueId, u32), u8>,
    /// Ids made up to this moment may have been tried by others.
    old_until: u64,
    last: Now,
}

impl Tried {
    /// At the start of a parent.
    #[must_use]
    pub fn new(now: Now) -> Self {
        Self {
            pairs: BTreeMap::new(),
            old_until: now.wall,
            last: now,
        }
    }

    /// Whether (`id`, `index`), which is about to be given to a worker, may have been tried before. Remembers it.
    pub fn may_be_there(&mut self, id: QueueId, index: u32, now: Now) -> bool {
        self.watch_clock(now);
        let made = id.milliseconds();
        let is_old = made <= self.old_until || made > now.wall;
        let is_known = self.pairs.insert_if_absent((id, index));
        if self.pairs.len() > MEMORY
            && let Some(((dropped, _), _)) = self.pairs.pop_first()
        {
            self.old_until = self.old_until.max(dropped.milliseconds());
        }
        is_old || is_known
    }

    fn watch_clock(&mut self, now: Now) {
        let expected = self.last.wall + now.steady.saturating_sub(self.last.steady);
        if now.wall.abs_diff(expected) > TOLERANCE {
            self.old_until = self
                .old_until
                .max(self.last.wall)
                .max(expected)
                .max(now.wall);
        }
        self.last = now;
    }

    /// A worker died over it; how often that has happened now.
    pub fn note_death(&mut self, id: QueueId, index: u32) -> u8 {
        let deaths = self.pairs.entry((id, index)).or_default();
        *deaths = deaths.saturating_add(1);
        *deaths
    }

    /// Its end is recorded: it does not come again.
    pub fn forget(&mut self, id: QueueId, index: u32) {
        self.pairs.remove(&(id, index));
    }
}

trait InsertIfAbsent {
    /// Whether it was there.
    fn insert_if_absent(&mut self, pair: (QueueId, u32)) -> bool;
}

impl InsertIfAbsent for BTreeMap<(QueueId, u32), u8> {
    fn insert_if_absent(&mut self, pair: (QueueId, u32)) -> bool {
        let before = self.len();
        self.entry(pair).or_default();
        self.len() == before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_700_000_000_000;

    fn at(seconds: u64) -> Now {
        Now {
            wall: START + seconds * 1000,
            steady: 5000 + seconds * 1000,
        }
    }

    fn id(milliseconds: u64) -> QueueId {
        QueueId::new(milliseconds, [3; 9])
    }

    #[test]
    fn only_the_first_attempt_at_a_new_message_is_certain() {
        let mut tried = Tried::new(at(0));
        let fresh = id(START + 1500);
        assert!(!tried.may_be_there(fresh, 0, at(2)));
        assert!(!tried.may_be_there(fresh, 1, at(2)));
        assert!(tried.may_be_there(fresh, 0, at(3)));
        tried.forget(fresh, 0);
        assert!(
            tried.may_be_there(id(START - 1), 0, at(4)),
            "of an earlier life"
        );
    }

    #[test]
    fn no_step_of_the_clock_makes_an_old_message_new() {
        // The clock was an hour behind at the start and is put right.
        let mut tried = Tried::new(at(0));
        let real = |seconds: u64| Now {
            wall: at(seconds).wall + 3_600_000,
            ..at(seconds)
        };
        assert!(
            tried.may_be_there(id(START + 3_500_000), 0, at(1)),
            "in the future"
        );
        assert!(
            tried.may_be_there(id(START + 3_500_000), 1, real(10)),
            "before the step"
        );
        assert!(
            !tried.may_be_there(id(real(11).wall), 0, real(12)),
            "after the step"
        );
        // It was an hour ahead and is put right.
        let mut tried = Tried::new(real(0));
        assert!(!tried.may_be_there(id(real(1).wall), 0, real(2)));
        for seconds in [5, 1800, 3603] {
            assert!(
                tried.may_be_there(id(real(1).wall), 1, at(seconds)),
                "{seconds}"
            );
        }
        assert!(!tried.may_be_there(id(at(3700).wall), 0, at(3701)));
    }

    #[test]
    fn what_memory_cannot_hold_counts_as_tried() {
        let mut tried = Tried::new(at(0));
        for number in 0..=MEMORY as u64 {
            assert!(!tried.may_be_there(id(START + 1 + number), 0, at(200)));
        }
        assert!(tried.may_be_there(id(START + 1), 0, at(200)));
        assert!(tried.pairs.len() <= MEMORY);
    }

    #[test]
    fn deaths_are_counted_for_each_recipient() {
        let mut tried = Tried::new(at(0));
        assert_eq!(tried.note_death(id(1), 0), 1);
        assert_eq!(tried.note_death(id(1), 0), 2);
        assert_eq!(tried.note_death(id(1), 1), 1);
    }
}
