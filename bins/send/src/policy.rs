//! The settings of send, read at start and again at SIGHUP, as one value that the scheduler can be tested with.

use stafette_addr::{Domain, Mailbox};
use stafette_control::{DomainSet, Settings};

use crate::lines::Limits;

/// The window of a destination of which nothing is known.
const INITIAL_CONCURRENCY: u32 = 5;

/// What waits until somebody flushes (`sendmail -q`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deferral {
    /// Nothing.
    Nothing,
    /// Recipients at other hosts.
    Remote,
    /// All recipients; aliases are not even expanded.
    All,
}

impl Deferral {
    /// What mailq says of what waits.
    pub(crate) const REASON: &'static str = "deferred mode: waits for sendmail -q";
}

/// What the operator decided.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// Seconds after which a recipient has failed.
    pub(crate) lifetime: i64,
    /// The same for mail without a return path.
    pub(crate) bounce_lifetime: i64,
    /// Seconds after which the sender is warned.
    pub(crate) delay_warning: Option<i64>,
    /// Permanent failures count as temporary ones.
    pub(crate) softbounce: bool,
    /// The most recipients of one job.
    pub(crate) recipient_limit: usize,
    /// How wide lines open.
    pub(crate) limits: Limits,
    /// What waits until somebody flushes.
    pub(crate) deferred: Deferral,
    /// Log lines are those of qmail-send.
    pub(crate) logs_as_qmail: bool,
    /// Domains that wait.
    pub(crate) paused: DomainSet,
    /// Our name.
    pub(crate) me: Domain,
    /// From whom reports come.
    pub(crate) bounce_from: Mailbox,
    /// Who gets reports that could not be delivered.
    pub(crate) double_bounce_to: Mailbox,
}

impl Policy {
    /// Reads the settings.
    pub(crate) fn read(settings: &Settings) -> Self {
        let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        let seconds =
            |value: std::time::Duration| i64::try_from(value.as_secs()).unwrap_or(i64::MAX);
        let remote = number(settings.destinationconcurrency());
        Self {
            lifetime: seconds(settings.queuelifetime()),
            bounce_lifetime: seconds(settings.bouncelifetime()),
            delay_warning: settings.delaywarning().map(seconds),
            softbounce: settings.softbounce(),
            recipient_limit: usize::try_from(settings.recipientlimit()).unwrap_or(usize::MAX),
            limits: Limits {
                initial: INITIAL_CONCURRENCY.min(remote),
                remote,
            },
            deferred: match settings.deferred() {
                "remote" => Deferral::Remote,
                "all" => Deferral::All,
                _ => Deferral::Nothing,
            },
            logs_as_qmail: settings.logs_as_qmail(),
            paused: settings.paused(),
            me: settings.me(),
            bounce_from: settings.bounce_mailbox(),
            double_bounce_to: settings.doublebounce_mailbox(),
        }
    }

    /// Our name as reports and logs have it.
    pub(crate) fn host(&self) -> String {
        self.me
            .to_ascii()
            .unwrap_or_else(|| self.me.as_str().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stafette_control::Control;

    fn policy(files: &[(&str, &str)]) -> Policy {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            #[expect(clippy::disallowed_methods, reason = "a scratch file of a test")]
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        Policy::read(&Settings::new(Control::new(directory.path())))
    }

    #[test]
    fn an_empty_directory_gives_the_defaults_of_the_manual() {
        let policy = policy(&[("me", "m.example\n")]);
        assert_eq!(policy.deferred, Deferral::Nothing);
        assert_eq!((policy.lifetime, policy.bounce_lifetime), (432_000, 86_400));
        assert_eq!(policy.bounce_from.as_str(), "MAILER-DAEMON@m.example");
        assert_eq!(policy.double_bounce_to.as_str(), "postmaster@m.example");
    }
}
