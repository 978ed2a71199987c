//! What is remembered of a destination that does not answer.
//!
//! A destination that has worked may lose one connection: its window is halved and nothing else happens. A second
//! one without a success between, or the very first attempt, makes it dead: it is left alone for a minute, and for twice as long after each
//! further death, up to an hour. After the pause one job tries it.

/// The first pause in seconds.
const FIRST: i64 = 60;
/// The longest pause in seconds.
const LONGEST: i64 = 3600;

/// How far a destination is to be trusted with our slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Something went well there lately.
    Proven,
    /// Nothing is known.
    Unknown,
    /// It was dead when last tried.
    Suspect,
}

/// The memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Health {
    proven: bool,
    deaths: u32,
    since: i64,
    died: i64,
    until: i64,
}

/// What a sign of death means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Verdict {
    /// It may be a hiccup: try less at once.
    Shrink,
    /// It is dead until then, for the so-manieth time.
    Dead {
        /// Unix time.
        until: i64,
        /// Deaths in a row.
        count: u32,
    },
    /// That was known already.
    Known,
}

impl Health {
    /// A job did not reach the host.
    pub(crate) fn die(&mut self, now: i64) -> Verdict {
        if self.proven {
            self.proven = false;
            return Verdict::Shrink;
        }
        if self.is_dead(now) {
            return Verdict::Known;
        }
        if self.deaths == 0 {
            self.since = now;
        }
        let pause = FIRST.saturating_mul(1 << self.deaths.min(10)).min(LONGEST);
        self.deaths = self.deaths.saturating_add(1);
        self.died = now;
        self.until = now.saturating_add(pause);
        Verdict::Dead {
            until: self.until,
            count: self.deaths,
        }
    }

    /// The host answered; if it was dead, for how many seconds.
    pub(crate) fn live(&mut self, now: i64) -> Option<i64> {
        let was = (self.deaths > 0).then(|| now.saturating_sub(self.since));
        *self = Self {
            proven: true,
            ..Self::default()
        };
        was
    }

    /// An operator does not believe it.
    pub(crate) fn forget(&mut self) {
        if self.deaths > 0 {
            *self = Self::default();
        }
    }

    /// Whether it died, the last time, at `time` or before.
    pub(crate) fn died_before(&self, time: i64) -> bool {
        self.deaths > 0 && self.died <= time
    }

    /// Whether it is to be left alone.
    pub(crate) fn is_dead(&self, now: i64) -> bool {
        self.deaths > 0 && now < self.until
    }

    /// Until when it is left alone.
    pub(crate) fn until(&self) -> i64 {
        self.until
    }

    /// How far to trust it.
    pub(crate) fn trust(&self) -> Trust {
        if self.proven {
            Trust::Proven
        } else if self.deaths > 0 {
            Trust::Suspect
        } else {
            Trust::Unknown
        }
    }

    /// Whether nothing worth keeping is remembered: no death, or one long over.
    pub(crate) fn is_forgettable(&self, now: i64) -> bool {
        self.deaths == 0 || now.saturating_sub(self.until) > LONGEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(health: &mut Health, now: i64) -> i64 {
        match health.die(now) {
            Verdict::Dead { until, .. } => until - now,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_pause_doubles_up_to_an_hour() {
        let mut health = Health::default();
        let mut now = 0;
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let seconds = pause(&mut health, now);
            pauses.push(seconds);
            assert!(health.is_dead(now + seconds - 1));
            assert_eq!(health.die(now + 1), Verdict::Known);
            now += seconds;
            assert!(!health.is_dead(now));
            assert_eq!(health.trust(), Trust::Suspect);
        }
        assert_eq!(pauses, [60, 120, 240, 480, 960, 1920, 3600, 3600]);
        assert_eq!(health.live(now), Some(now));
        assert_eq!(health.trust(), Trust::Proven);
        assert_eq!(health.live(now), None);
    }

    #[test]
    fn one_lost_connection_does_not_kill_what_has_worked() {
        let mut health = Health::default();
        assert_eq!(health.live(0), None);
        assert_eq!(health.die(1), Verdict::Shrink);
        assert_eq!(pause(&mut health, 2), 60);
        health.forget();
        assert!(!health.is_dead(3));
    }
}
