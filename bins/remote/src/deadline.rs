//! A moment after which something is over, on the clock that tests can move.

use std::time::{Duration, Instant};

use stafette_sys::clock;

/// The moment. It follows the monotonic clock, or a moved clock where there is one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Deadline {
    /// By the monotonic clock.
    Real(Instant),
    /// Microseconds of the moved clock.
    Moved(u64),
}

impl Deadline {
    /// So long after now.
    pub(crate) fn after(limit: Duration) -> Self {
        if clock::is_moved() {
            let limit = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
            Self::Moved(clock::now_micros().saturating_add(limit))
        } else {
            let now = Instant::now();
            Self::Real(now.checked_add(limit).unwrap_or(now))
        }
    }

    /// What is left.
    pub(crate) fn left(self) -> Duration {
        match self {
            Self::Real(end) => end.saturating_duration_since(Instant::now()),
            Self::Moved(end) => Duration::from_micros(end.saturating_sub(clock::now_micros())),
        }
    }

    /// Whether it has passed.
    pub(crate) fn is_over(self) -> bool {
        self.left().is_zero()
    }
}
