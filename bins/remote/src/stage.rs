//! The stages of a session and how long each may take (RFC 5321 section 4.5.3.2).

use std::fmt;
use std::time::Duration;

/// What is being waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The 220 (section 4.5.3.2.1).
    Greeting,
    /// The reply to EHLO, HELO or LHLO.
    Hello,
    /// The reply to MAIL (section 4.5.3.2.2).
    Mail,
    /// The reply to RCPT (section 4.5.3.2.3).
    Rcpt,
    /// The 354 (section 4.5.3.2.4).
    Data,
    /// Room for the next block of content (section 4.5.3.2.5).
    Block,
    /// The reply to the final dot (section 4.5.3.2.6).
    Dot,
    /// The reply to RSET.
    Reset,
}

impl Stage {
    /// What the RFC asks for at least.
    const fn minimum(self) -> Duration {
        Duration::from_secs(match self {
            Self::Greeting | Self::Hello | Self::Mail | Self::Rcpt | Self::Reset => 300,
            Self::Data => 120,
            Self::Block => 180,
            Self::Dot => 600,
        })
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Greeting => "waiting for the greeting",
            Self::Hello => "waiting for the reply to EHLO",
            Self::Mail => "waiting for the reply to MAIL",
            Self::Rcpt => "waiting for the reply to RCPT",
            Self::Data => "waiting for the reply to DATA",
            Self::Block => "sending the message",
            Self::Dot => "waiting for the reply to the end of the message",
            Self::Reset => "waiting for the reply to RSET",
        })
    }
}

/// How long things may take, by the settings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeLimits {
    /// For a connection to one address.
    pub(crate) connect: Duration,
    /// `timeoutremote`.
    pub(crate) remote: Duration,
}

/// From here on `timeoutremote` can only lengthen stages; below, it is the limit of each.
const FULL: Duration = Duration::from_secs(300);

impl TimeLimits {
    /// How long `stage` may take: the RFC's minimum, or `timeoutremote` if that is longer. An operator who sets it below the
    /// RFC's five minutes departs from RFC 5321 section 4.5.3.2 on purpose, and gets what was asked for in every stage.
    pub(crate) fn of(&self, stage: Stage) -> Duration {
        if self.remote < FULL {
            stage.minimum().min(self.remote)
        } else {
            stage.minimum().max(self.remote)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_what_the_rfc_asks_for() {
        let limits = |seconds| TimeLimits {
            connect: Duration::from_secs(60),
            remote: Duration::from_secs(seconds),
        };
        assert_eq!(limits(300).of(Stage::Greeting), Duration::from_secs(300));
        assert_eq!(limits(300).of(Stage::Dot), Duration::from_secs(600));
        assert_eq!(limits(1200).of(Stage::Data), Duration::from_secs(1200));
        assert_eq!(limits(2).of(Stage::Dot), Duration::from_secs(2));
    }
}
