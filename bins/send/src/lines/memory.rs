//! What is remembered of destinations, and for how long.

use stafette_wire::delivery::Outcome;

use super::{LineId, Lines};
use crate::health::Trust;
use crate::line::Last;

/// Idle lines that are remembered.
const REMEMBERED: usize = 10_000;
/// For so long, in seconds.
const DAY: i64 = 86_400;
/// Octets of the last words that are remembered.
const REPLY: usize = 300;

impl Lines {
    /// Notes the last attempt at a line.
    pub(crate) fn note(&mut self, id: LineId, outcome: &Outcome, now: i64) {
        let Some(line) = self.get_mut(id).filter(|line| line.hop.is_some()) else {
            return;
        };
        let mut reply = match outcome.results.first() {
            Some(result) => result.reply.0.clone(),
            None => Vec::new(),
        };
        reply.truncate(REPLY);
        line.last = Last {
            tried: now,
            relay: outcome.relay.clone(),
            reply,
        };
    }

    /// Forgets the last attempts.
    pub(crate) fn forget_last(&mut self) {
        for line in self.slab.iter_mut().flatten() {
            line.last = Last::default();
        }
    }

    /// Forgets that a line was dead if it died at `time` or before.
    pub(crate) fn forget_death_before(&mut self, id: LineId, time: i64) {
        if self
            .get(id)
            .is_some_and(|line| line.health.died_before(time))
        {
            self.forget_deaths(Some(id));
        }
    }

    /// Drops idle lines that were not used in the last day, and those used longest ago when there are too many; the dead last.
    pub(crate) fn tidy(&mut self, now: i64) {
        let mut idle: Vec<(i64, LineId, bool)> = Vec::new();
        for id in self.ids() {
            if let Some(line) = self.get(id)
                && line.is_idle()
                && line.health.is_forgettable(now)
            {
                let tried = line.last.tried;
                let is_old = if tried == 0 {
                    line.health.trust() != Trust::Proven
                } else {
                    now.saturating_sub(tried).abs() > DAY
                };
                idle.push((tried, id, is_old));
            }
        }
        idle.sort_unstable();
        let too_many = idle.len().saturating_sub(REMEMBERED);
        for (place, (_, id, is_old)) in idle.into_iter().enumerate() {
            if place < too_many || is_old {
                self.close(id);
            }
        }
    }
}
