//! The settings of send, read at start and again at SIGHUP, as one value that the scheduler can be tested with.

use stafette_addr::{Domain, Mailbox};
use stafette_control::{DomainSet, Routes, Settings};
use stafette_wire::delivery::NextHop;

use crate::lines::Limits;

/// The port of SMTP.
const SMTP_PORT: u16 = 25;
/// The window of a destination of which nothing is known.
const INITIAL_CONCURRENCY: u32 = 5;

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
    /// Relays.
    pub(crate) routes: Routes,
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
            routes: settings.smtproutes(),
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

    /// Where mail for a domain of others goes: by its route, else to its exchangers, or to the address it is.
    pub(crate) fn next_hop(&self, domain: &Domain) -> NextHop {
        let route = self.routes.find(domain);
        if let Some(route) = route
            && let Some(relay) = &route.relay
        {
            return NextHop {
                line: format!("{relay}:{}", route.port),
                host: relay.to_string(),
                port: route.port,
                mx: false,
                protocol: stafette_wire::delivery::Protocol::Smtp,
            };
        }
        let host = domain
            .to_ascii()
            .unwrap_or_else(|| domain.as_str().to_owned());
        NextHop {
            line: host.clone(),
            host,
            port: route.map_or(SMTP_PORT, |route| route.port),
            mx: !domain.is_literal(),
            protocol: stafette_wire::delivery::Protocol::Smtp,
        }
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

    fn hop(policy: &Policy, domain: &str) -> NextHop {
        policy.next_hop(&Domain::parse(domain.as_bytes()).unwrap())
    }

    #[test]
    fn a_domain_goes_to_its_exchangers_unless_a_route_says_otherwise() {
        let policy = policy(&[
            ("me", "m.example\n"),
            ("smtproutes", "a.example:127.0.0.1:2526\n"),
        ]);
        let direct = hop(&policy, "b.example");
        assert_eq!(
            (direct.line.as_str(), direct.port, direct.mx),
            ("b.example", 25, true)
        );
        let routed = hop(&policy, "a.example");
        assert_eq!(
            (routed.host.as_str(), routed.port, routed.mx),
            ("[127.0.0.1]", 2526, false)
        );
        assert_eq!(routed.line, "[127.0.0.1]:2526");
        assert!(!hop(&policy, "[192.0.2.1]").mx);
    }

    #[test]
    fn an_empty_directory_gives_the_defaults_of_the_manual() {
        let policy = policy(&[("me", "m.example\n")]);
        assert_eq!((policy.lifetime, policy.bounce_lifetime), (432_000, 86_400));
        assert_eq!(policy.bounce_from.as_str(), "MAILER-DAEMON@m.example");
        assert_eq!(policy.double_bounce_to.as_str(), "postmaster@m.example");
    }
}
