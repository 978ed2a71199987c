//! What comes next for a message: whenever something about it changed, `advance` decides.

use stafette_queue_layout::{Place, Standing};
use stafette_wire::clean::Then;

use super::record::Purpose;
use super::{CAPACITY, OPEN_LIMIT, Scheduler};
use crate::key::Key;
use crate::message::Owed;
use crate::stage::{AT_ONCE, Deed, Open, Parked, Stage, Wish};

/// Seconds after which a report is tried again that queue did not take.
const REPORT_PAUSE: i64 = 60;

/// The decision.
#[derive(Debug, Clone, Copy)]
#[must_use]
enum Next {
    /// It stays in memory: something is under way.
    Stay,
    /// Only its entries on lines stay.
    Park,
    /// It waits until then.
    Rest(i64),
    /// It is held.
    Held,
    /// clean does this with it.
    Fulfil(Wish),
}

impl Scheduler {
    /// Does what is to be done next for an open message.
    pub(super) fn advance(&mut self, key: Key) {
        let Some(mut open) = self.take(key) else {
            return;
        };
        match self.decide(key, &mut open) {
            Next::Stay => self.give_back(key, open),
            Next::Park => {
                self.close(key, &open);
                let parked = Parked {
                    round: open.round,
                    entries: open.on_lines,
                    class: open.class,
                    forced: open.forced,
                    postponed: open.postponed,
                };
                self.live.insert(key, Stage::Parked(parked));
            }
            Next::Rest(due) => {
                self.close(key, &open);
                self.waiting.insert(key, due);
                if due == AT_ONCE {
                    self.waiting.force(key);
                }
            }
            Next::Held => {
                self.close(key, &open);
                self.held.insert(key);
            }
            Next::Fulfil(wish) => {
                self.close(key, &open);
                self.fulfil(key, wish);
            }
        }
    }

    fn decide(&mut self, key: Key, open: &mut Open) -> Next {
        if open.is_ending {
            return Next::Stay;
        }
        if let Some(time) = open.stuck {
            if self.now < time {
                return Next::Stay;
            }
            open.stuck = None;
        }
        if open.is_busy() {
            self.flush(key, open);
            let is_full = self.weight > CAPACITY / 2 || self.open > OPEN_LIMIT / 2;
            return if is_full && open.is_parkable() {
                Next::Park
            } else {
                Next::Stay
            };
        }
        if let Some(wish) = open.wish
            && self.is_moot(open, wish)
        {
            open.wish = None;
            let text = format!("{} was finished before it could be held", key.id());
            self.answer(wish.client, false, text);
        }
        if let Some(wish) = open.wish {
            self.flush(key, open);
            return if open.records > 0 {
                Next::Stay
            } else {
                Next::Fulfil(wish)
            };
        }
        if let Some(due) = open.rest {
            self.flush(key, open);
            return if open.records > 0 {
                Next::Stay
            } else {
                Next::Rest(due)
            };
        }
        self.end_round(key, open)
    }

    /// Whether there is nothing left to be held back: everybody has it, or the sender knows.
    fn is_moot(&self, open: &Open, wish: Wish) -> bool {
        let owes = |kind| !open.message.owed(kind, &self.policy, self.now).is_empty();
        wish.deed == Deed::Hold
            && open.message.is_finished()
            && !owes(Owed::Failure)
            && !owes(Owed::Success)
    }

    /// Nothing of the round is under way any more.
    fn end_round(&mut self, key: Key, open: &mut Open) -> Next {
        let may_report = open.report_again.is_none_or(|time| time <= self.now);
        let mut owes = false;
        for kind in [Owed::Failure, Owed::Delay, Owed::Success] {
            let to = open.message.owed(kind, &self.policy, self.now);
            if to.is_empty() {
                continue;
            }
            owes |= kind != Owed::Delay;
            if may_report {
                self.flush(key, open);
                if let Some(wish) = self.report(key, open, kind, to) {
                    open.wish = Some(wish);
                    return if open.records > 0 {
                        Next::Stay
                    } else {
                        Next::Fulfil(wish)
                    };
                }
                return Next::Stay;
            }
        }
        if open.message.is_finished() && !owes {
            self.finish(key, open);
            return Next::Stay;
        }
        self.flush(key, open);
        if open.message.place == Place::Hold {
            return if open.records > 0 {
                Next::Stay
            } else {
                Next::Held
            };
        }
        let mut due = open.message.next_due(self.now, open.postponed);
        if let Some(again) = open.report_again.filter(|_| owes) {
            due = if open.message.is_finished() {
                again
            } else {
                due.min(again)
            };
        }
        open.rest = Some(due);
        if open.records > 0 {
            Next::Stay
        } else {
            Next::Rest(due)
        }
    }

    /// No report could be queued: the message waits a minute for the next try.
    pub(super) fn report_later(&self, open: &mut Open) {
        open.report_again = Some(self.now.saturating_add(REPORT_PAUSE));
    }

    /// A wish for an open message: its entries on lines mean nothing from now on.
    pub(super) fn wish_open(&mut self, open: &mut Open, wish: Wish) {
        self.route.forget(&open.routed);
        open.wish = Some(wish);
        open.round = self.next_round();
        open.on_lines = 0;
        open.lookups = 0;
        open.routed.clear();
    }

    /// Everybody is done: the file goes.
    fn finish(&mut self, key: Key, open: &mut Open) {
        open.is_ending = true;
        self.emit(key, open, Then::Remove, Purpose::Finish);
    }

    /// How many recipients were delivered and how many failed.
    pub(super) fn tally(open: &Open) -> (usize, usize) {
        (
            open.message.count(Standing::Delivered),
            open.message.count(Standing::Failed),
        )
    }

    /// Moves a message into hold/ on our own account.
    pub(super) fn hold_wish(&self) -> Wish {
        Wish {
            deed: Deed::Hold,
            client: None,
            by: self.uid,
        }
    }
}
