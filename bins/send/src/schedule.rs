//! When a recipient is tried again: qmail's quadratic schedule, `nextretry` of `qmail-send.c`.

/// Where a recipient goes (qmail's channel), which decides how eagerly it is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Channel {
    /// Into a mailbox here.
    Local,
    /// To another host.
    Remote,
}

impl Channel {
    /// Both, in the order of their numbers.
    pub(crate) const BOTH: [Self; 2] = [Self::Local, Self::Remote];

    /// As in the log and in control files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Remote => "remote",
        }
    }

    /// qmail's `chanskip`.
    fn skip(self) -> u64 {
        match self {
            Self::Local => 10,
            Self::Remote => 20,
        }
    }
}

/// The time of the next attempt of a message that arrived at `arrived` and was tried at `tried`, in Unix seconds.
///
/// The square root of its age grows by a constant from attempt to attempt, so attempts lie 400 s, 1200 s, 2000 s, … apart
/// at other hosts, and a quarter of that here. A message of the future arrived under a clock that was wrong: it counts as new.
pub(crate) fn next_attempt(arrived: i64, tried: i64, channel: Channel) -> i64 {
    let arrived = arrived.min(tried);
    let age = u64::try_from(tried.saturating_sub(arrived)).unwrap_or(0);
    let root = age.isqrt().saturating_add(channel.skip());
    arrived.saturating_add(i64::try_from(root.saturating_mul(root)).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_attempts_lie_where_qmail_puts_them() {
        let mut tried = 1000;
        let mut ages = Vec::new();
        for _ in 0..5 {
            tried = next_attempt(1000, tried, Channel::Remote);
            ages.push(tried - 1000);
        }
        assert_eq!(ages, [400, 1600, 3600, 6400, 10_000]);
        assert_eq!(next_attempt(0, 0, Channel::Local), 100);
        assert_eq!(next_attempt(0, 100, Channel::Local), 400);
    }

    #[test]
    fn a_clock_that_went_backwards_makes_no_pause_longer_than_the_first() {
        assert_eq!(next_attempt(1000, 500, Channel::Remote), 900);
        assert_eq!(next_attempt(i64::MAX, 0, Channel::Local), 100);
    }
}
