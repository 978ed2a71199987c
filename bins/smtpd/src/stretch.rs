//! The time that content may take: a client that sends an octet now and then does not keep its place for ever.

use std::time::{Duration, Instant};

use crate::connection::Gone;

/// So many octets of content share one time limit.
const STRETCH: usize = 1024;

/// The time for content.
pub(crate) struct Stretch {
    limit: Duration,
    /// Since when this stretch has been under way.
    begun: Instant,
    octets: usize,
}

impl Stretch {
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            begun: Instant::now(),
            octets: 0,
        }
    }

    /// So many octets came.
    pub(crate) fn took(&mut self, octets: usize) {
        if self.octets == 0 || self.octets >= STRETCH {
            self.begun = Instant::now();
            self.octets = 0;
        }
        self.octets = self.octets.saturating_add(octets);
    }

    /// How long the next octet may take.
    pub(crate) fn left(&self) -> Result<Duration, Gone> {
        if self.octets == 0 || self.octets >= STRETCH {
            return Ok(self.limit);
        }
        let left = self.limit.saturating_sub(self.begun.elapsed());
        if left < Duration::from_millis(1) {
            return Err(Gone::TimedOut);
        }
        Ok(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_that_trickle_in_share_one_time_limit() {
        let limit = Duration::from_secs(180);
        let before = |seconds| {
            Instant::now()
                .checked_sub(Duration::from_secs(seconds))
                .unwrap()
        };
        let mut stretch = Stretch::new(limit);
        assert_eq!(stretch.left(), Ok(limit));
        stretch.took(1);
        stretch.begun = before(100);
        stretch.took(1);
        assert!(stretch.left().unwrap() <= Duration::from_secs(80));
        stretch.begun = before(180);
        assert_eq!(stretch.left(), Err(Gone::TimedOut));
        stretch.took(STRETCH);
        assert_eq!(stretch.left(), Ok(limit));
        stretch.took(1);
        assert!(stretch.left().unwrap() > Duration::from_secs(170));
    }
}
