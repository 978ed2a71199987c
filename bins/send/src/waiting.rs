//! The messages that wait for their time: an ID and a due time each, found by either.
//!
//! A million of them take some 60 MB: two ordered trees of 20-byte entries.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::key::Key;

/// A due time in Unix seconds, in four bytes; good until 2106.
fn pack(due: i64) -> u32 {
    u32::try_from(due.max(1)).unwrap_or(u32::MAX)
}

/// Waiting messages.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    by_id: BTreeMap<Key, u32>,
    by_due: BTreeSet<(u32, Key)>,
}

/// A message that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    /// Which.
    pub(crate) key: Key,
    /// An operator wants all its recipients tried, whatever their own time is.
    pub(crate) forced: bool,
}

impl Waiting {
    /// Adds a message, or changes its time.
    pub(crate) fn insert(&mut self, key: Key, due: i64) {
        self.put(key, pack(due));
    }

    fn put(&mut self, key: Key, due: u32) {
        if let Some(before) = self.by_id.insert(key, due) {
            self.by_due.remove(&(before, key));
        }
        self.by_due.insert((due, key));
    }

    /// Takes a message out; whether it was in.
    pub(crate) fn remove(&mut self, key: Key) -> bool {
        match self.by_id.remove(&key) {
            Some(due) => self.by_due.remove(&(due, key)),
            None => false,
        }
    }

    /// Whether the message waits.
    pub(crate) fn contains(&self, key: Key) -> bool {
        self.by_id.contains_key(&key)
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Nothing waits beyond `now`.
    pub(crate) fn hurry(&mut self, now: i64) {
        let late: Vec<Key> = self
            .by_due
            .range((Bound::Excluded((pack(now), Key::LAST)), Bound::Unbounded))
            .map(|(_, key)| *key)
            .collect();
        for key in late {
            self.insert(key, now);
        }
    }

    /// Makes a message due whatever its time is.
    pub(crate) fn force(&mut self, key: Key) {
        if self.contains(key) {
            self.put(key, 0);
        }
    }

    /// Forces up to `count` messages behind `after`; gives the last one, or none if there are no more.
    pub(crate) fn force_some(&mut self, after: Option<Key>, count: usize) -> Option<Key> {
        let keys: Vec<Key> = self.after(after).take(count).collect();
        for key in &keys {
            self.put(*key, 0);
        }
        keys.last().copied()
    }

    /// The waiting messages behind `after`, oldest first.
    pub(crate) fn after(&self, after: Option<Key>) -> impl Iterator<Item = Key> + '_ {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.by_id
            .range((from, Bound::Unbounded))
            .map(|(key, _)| *key)
    }

    /// Takes out the message that has been due for longest, if one is due.
    pub(crate) fn pop(&mut self, now: i64) -> Option<Due> {
        let (due, key) = *self.by_due.first()?;
        if due > pack(now) {
            return None;
        }
        self.by_due.remove(&(due, key));
        self.by_id.remove(&key);
        Some(Due {
            key,
            forced: due == 0,
        })
    }

    /// When the next message is due.
    pub(crate) fn next_due(&self) -> Option<i64> {
        self.by_due.first().map(|(due, _)| i64::from(*due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stafette_wire::QueueId;

    fn key(number: u64) -> Key {
        QueueId::new(number, [0; 9]).into()
    }

    #[test]
    fn messages_come_out_in_the_order_of_their_times() {
        let mut waiting = Waiting::default();
        waiting.insert(key(1), 300);
        waiting.insert(key(2), 100);
        waiting.insert(key(3), 200);
        waiting.insert(key(3), 50);
        assert_eq!(waiting.len(), 3);
        assert_eq!(waiting.pop(49), None);
        assert_eq!(waiting.next_due(), Some(50));
        let popped: Vec<_> = std::iter::from_fn(|| waiting.pop(200)).collect();
        assert_eq!(
            popped.iter().map(|due| due.key).collect::<Vec<_>>(),
            [key(3), key(2)]
        );
        assert!(popped.iter().all(|due| !due.forced));
        assert!(waiting.remove(key(1)) && !waiting.remove(key(1)));
        assert_eq!(waiting.next_due(), None);
    }

    #[test]
    fn who_hurries_waits_no_longer_and_nobody_waits_longer_for_it() {
        let mut waiting = Waiting::default();
        waiting.insert(key(1), 1000);
        waiting.insert(key(2), 500);
        waiting.insert(key(3), 400);
        waiting.force(key(4));
        waiting.hurry(500);
        assert_eq!(waiting.pop(499).map(|due| due.key), Some(key(3)));
        assert_eq!(waiting.pop(499), None);
        assert_eq!(std::iter::from_fn(|| waiting.pop(500)).count(), 2);
    }

    #[test]
    fn a_forced_message_is_due_at_once_and_says_so() {
        let mut waiting = Waiting::default();
        for number in 1..=5 {
            waiting.insert(key(number), 1000);
        }
        let last = waiting.force_some(None, 2);
        assert_eq!(last, Some(key(2)));
        assert_eq!(waiting.force_some(Some(key(5)), 2), None);
        assert_eq!(
            waiting.pop(1),
            Some(Due {
                key: key(1),
                forced: true
            })
        );
        waiting.force(key(9));
        assert_eq!(waiting.len(), 4);
        assert_eq!(waiting.after(Some(key(3))).count(), 2);
    }
}
