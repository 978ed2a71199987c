//! Whether we are the best mail exchanger of a domain (`bestmxislocal`), asked of the DNS and remembered for a few minutes.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use stafette_addr::Domain;
use stafette_control::{Instance, Settings};
use stafette_dns::{Answer, Ask, Client, Own, is_local_address, to_ascii};

/// How long an answer is remembered.
const FRESH: Duration = Duration::from_secs(300);
/// More domains are not remembered.
const REMEMBERED: usize = 10_000;
/// How long the DNS may take: a little less than the asker waits.
const PATIENCE: Duration = Duration::from_secs(4);
/// Hosts of the best preference whose addresses are compared with ours.
const HOSTS: usize = 5;
/// The port of SMTP.
const SMTP_PORT: u16 = 25;

/// Who we are, whom to ask, and what was answered.
#[derive(Debug)]
pub(crate) struct Exchangers {
    resolve: PathBuf,
    own: Own,
    known: Mutex<HashMap<String, (Instant, bool)>>,
}

impl Exchangers {
    pub(crate) fn read(instance: &Instance, settings: &Settings) -> Self {
        let names: Vec<String> = [settings.me(), settings.helohost()]
            .iter()
            .filter_map(|name| to_ascii(name.as_str()))
            .collect();
        Self {
            resolve: instance.socket("resolve"),
            own: Own::new(&names, settings.smtplisten(), is_local_address),
            known: Mutex::default(),
        }
    }

    /// What is remembered.
    pub(crate) fn known(&self, domain: &Domain) -> Option<bool> {
        let name = domain.to_ascii()?;
        let (since, is_ours) = *self.locked().get(&name)?;
        (since.elapsed() < FRESH).then_some(is_ours)
    }

    /// Whether we are among the best exchangers. Waits for the DNS.
    ///
    /// # Errors
    /// Why that cannot be said now.
    pub(crate) fn ask(&self, domain: &Domain) -> Result<bool, String> {
        if let Some(is_ours) = self.known(domain) {
            return Ok(is_ours);
        }
        let Some(name) = domain.to_ascii() else {
            return Ok(false);
        };
        let mut client = Client::new(self.resolve.clone());
        client.set_deadline(Instant::now().checked_add(PATIENCE));
        let is_ours = self.judge(&name, &mut client)?;
        let mut known = self.locked();
        if known.len() >= REMEMBERED {
            known.retain(|_, (since, _)| since.elapsed() < FRESH);
        }
        if known.len() < REMEMBERED {
            known.insert(name, (Instant::now(), is_ours));
        }
        Ok(is_ours)
    }

    fn judge(&self, name: &str, ask: &mut dyn Ask) -> Result<bool, String> {
        let exchangers = match ask.exchangers(name) {
            Answer::Found(exchangers) => exchangers,
            Answer::NoSuchName => return Ok(false),
            Answer::Later(reason) | Answer::OutOfReach(reason) => {
                return Err(format!("MX of {name}: {reason}"));
            }
        };
        let best = exchangers.iter().map(|each| each.preference).min();
        let mut hosts: Vec<&str> = exchangers
            .iter()
            .filter(|each| Some(each.preference) == best)
            .map(|each| each.host.as_str())
            .collect();
        if hosts.is_empty() {
            // RFC 5321 section 5.1: without one it is its own.
            hosts.push(name);
        }
        if hosts.iter().any(|host| self.own.is_name(host)) {
            return Ok(true);
        }
        hosts.truncate(HOSTS);
        for host in hosts.into_iter().filter(|host| !host.is_empty()) {
            match ask.addresses(host) {
                Answer::Found(addresses) => {
                    let is_own = |ip| self.own.is_address(SocketAddr::new(ip, SMTP_PORT));
                    if addresses.into_iter().any(is_own) {
                        return Ok(true);
                    }
                }
                Answer::NoSuchName => {}
                Answer::Later(reason) | Answer::OutOfReach(reason) => {
                    return Err(format!("address of {host}: {reason}"));
                }
            }
        }
        Ok(false)
    }

    /// A thread that panicked has left the map whole: it is changed by single calls.
    fn locked(&self) -> MutexGuard<'_, HashMap<String, (Instant, bool)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use stafette_wire::resolve::Exchanger;

    use super::*;

    /// Answers from a list of exchangers; each host has one address, and `own` has one of ours.
    struct Zone(Vec<(u16, &'static str)>);

    impl Ask for Zone {
        fn exchangers(&mut self, domain: &str) -> Answer<Vec<Exchanger>> {
            match domain {
                "gone.example" => Answer::NoSuchName,
                "slow.example" => Answer::Later("no answer".to_owned()),
                _ => Answer::Found(
                    self.0
                        .iter()
                        .map(|(preference, host)| Exchanger {
                            preference: *preference,
                            host: (*host).to_owned(),
                        })
                        .collect(),
                ),
            }
        }

        fn addresses(&mut self, host: &str) -> Answer<Vec<IpAddr>> {
            let last = if host == "own.example" { 7 } else { 8 };
            Answer::Found(vec![[198, 51, 100, last].into()])
        }
    }

    fn exchangers() -> Exchangers {
        let listens = vec!["0.0.0.0:25".parse().unwrap()];
        Exchangers {
            resolve: PathBuf::new(),
            own: Own::new(&["mail.example".to_owned()], listens, |ip| {
                ip == IpAddr::from([198, 51, 100, 7])
            }),
            known: Mutex::default(),
        }
    }

    fn judge(name: &str, list: &[(u16, &'static str)]) -> Result<bool, String> {
        exchangers().judge(name, &mut Zone(list.to_vec()))
    }

    #[test]
    fn we_are_the_best_exchanger_by_name_or_address_among_the_first_preference() {
        assert_eq!(
            judge("x.example", &[(10, "mail.example"), (20, "b.example")]),
            Ok(true)
        );
        assert_eq!(
            judge("x.example", &[(10, "a.example"), (10, "own.example")]),
            Ok(true)
        );
        assert_eq!(
            judge("x.example", &[(10, "a.example"), (20, "mail.example")]),
            Ok(false)
        );
        assert_eq!(judge("own.example", &[]), Ok(true));
        assert_eq!(judge("gone.example", &[]), Ok(false));
        assert_eq!(judge("x.example", &[(0, "")]), Ok(false));
        assert!(judge("slow.example", &[]).is_err());
    }
}
