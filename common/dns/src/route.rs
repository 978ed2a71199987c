//! The way to a destination: which host and address to try next, and what to say if there is none.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use stafette_wire::delivery::NextHop;

use crate::answer::{Answer, Ask};
use crate::ascii::to_ascii;
use crate::own::Own;
use crate::tier::{Random, Tier, interleave, tiers};

/// A place to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The host's name, or its literal.
    pub host: String,
    /// One of its addresses.
    pub address: SocketAddr,
}

/// Why there is no place to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Trouble {
    /// Try again later.
    Defer {
        /// Enhanced status code (RFC 3463), class 4.
        status: &'static str,
        /// In words.
        text: String,
        /// The destination is to blame, not a program or setting of ours.
        theirs: bool,
    },
    /// It will never do.
    Fail {
        /// Enhanced status code, class 5.
        status: &'static str,
        /// In words.
        text: String,
    },
}

/// The walk along a destination's hosts. Addresses are looked up one preference at a time, as late as can be.
#[derive(Debug)]
pub struct Route {
    name: String,
    port: u16,
    kind: Kind,
    tiers: VecDeque<Tier>,
    ready: VecDeque<Target>,
    trouble: Option<Trouble>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The hosts came from MX records.
    Exchangers,
    /// No MX: the domain is its own host (RFC 5321 section 5.1).
    Implicit,
    /// A host that the operator or an address literal named.
    Given,
}

impl Route {
    /// Begins the walk: asks for exchangers if the hop wants them.
    pub fn start(hop: &NextHop, ask: &mut dyn Ask, own: &Own, random: Random<'_>) -> Self {
        let mut route = Self {
            name: hop.host.clone(),
            port: hop.port,
            kind: Kind::Given,
            tiers: VecDeque::new(),
            ready: VecDeque::new(),
            trouble: None,
        };
        if let Some(ip) = literal(&hop.host) {
            route.found(&[(hop.host.clone(), vec![ip])], own);
        } else if let Some(name) = to_ascii(&hop.host) {
            route.name = name;
            if hop.mx {
                route.ask_exchangers(ask, random);
            } else {
                route.tiers.push_back(vec![route.name.clone()]);
            }
        } else {
            route.fail("5.1.2", format!("{}: not a name of the DNS", hop.host));
        }
        route
    }

    fn ask_exchangers(&mut self, ask: &mut dyn Ask, random: Random<'_>) {
        match ask.exchangers(&self.name) {
            Answer::Found(list) if list.is_empty() => {
                self.kind = Kind::Implicit;
                self.tiers.push_back(vec![self.name.clone()]);
            }
            Answer::Found(list) => {
                self.kind = Kind::Exchangers;
                match tiers(list, random) {
                    Some(tiers) => self.tiers = tiers.into(),
                    None => self.fail(
                        "5.1.10",
                        format!("{} takes no mail (null MX, RFC 7505)", self.name),
                    ),
                }
            }
            Answer::NoSuchName => self.fail("5.1.2", format!("{} does not exist", self.name)),
            Answer::Later(reason) => {
                self.defer("4.4.3", format!("MX of {}: {reason}", self.name), true);
            }
            Answer::OutOfReach(reason) => {
                self.defer("4.3.0", format!("MX of {}: {reason}", self.name), false);
            }
        }
    }

    /// The next place to try; none at the end of the way.
    pub fn next(&mut self, ask: &mut dyn Ask, own: &Own, random: Random<'_>) -> Option<Target> {
        loop {
            if let Some(target) = self.ready.pop_front() {
                return Some(target);
            }
            let tier = self.tiers.pop_front()?;
            let mut hosts = Vec::with_capacity(tier.len());
            for host in tier {
                if self.kind == Kind::Exchangers && own.is_name(&host) {
                    hosts.clear();
                    self.loops_back();
                    break;
                }
                let addresses = self.ask_addresses(&host, ask, random);
                hosts.push((host, addresses));
            }
            self.found(&hosts, own);
        }
    }

    /// Why the way had no place at all to try. What became of those that were tried, the caller knows.
    pub fn trouble(self) -> Trouble {
        let name = self.name;
        self.trouble.unwrap_or_else(|| Trouble::Fail {
            status: "5.4.4",
            text: format!("{name} has no host to send mail to"),
        })
    }

    fn ask_addresses(&mut self, host: &str, ask: &mut dyn Ask, random: Random<'_>) -> Vec<IpAddr> {
        if host == "localhost" || host.ends_with(".localhost") {
            return vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()];
        }
        match (ask.addresses(host), self.kind) {
            (Answer::Found(list), _) if !list.is_empty() => return interleave(&list, random),
            (Answer::Found(_), Kind::Implicit) => self.fail(
                "5.4.4",
                format!("{host} has neither a mail exchanger nor an address"),
            ),
            (Answer::NoSuchName, Kind::Implicit) => {
                self.fail("5.1.2", format!("{host} does not exist"));
            }
            (Answer::Found(_) | Answer::NoSuchName, Kind::Exchangers) => self.fail(
                "5.4.4",
                format!("no mail exchanger of {} has an address", self.name),
            ),
            // The operator's mistake must not bounce everybody's mail.
            (Answer::Found(_) | Answer::NoSuchName, Kind::Given) => self.defer(
                "4.3.5",
                format!("{host}, where mail is routed to, has no address"),
                false,
            ),
            (Answer::Later(reason), _) => {
                self.defer("4.4.3", format!("address of {host}: {reason}"), true);
            }
            (Answer::OutOfReach(reason), _) => {
                self.defer("4.3.0", format!("address of {host}: {reason}"), false);
            }
        }
        Vec::new()
    }

    /// Makes targets of one tier, unless one of its hosts is ourselves: RFC 5321 section 5.1 then wants this preference
    /// and all worse ones left out.
    fn found(&mut self, hosts: &[(String, Vec<IpAddr>)], own: &Own) {
        let targets = hosts.iter().flat_map(|(host, addresses)| {
            addresses.iter().map(|ip| Target {
                host: host.clone(),
                address: SocketAddr::new(*ip, self.port),
            })
        });
        let targets: VecDeque<Target> = targets.collect();
        if targets.iter().any(|target| own.is_address(target.address)) {
            self.loops_back();
        } else {
            self.ready = targets;
        }
    }

    fn loops_back(&mut self) {
        self.tiers.clear();
        self.fail(
            "5.4.6",
            format!("mail for {} loops back to myself", self.name),
        );
    }

    /// A later failure says more than an earlier one; a deferral outweighs both, since a host may come back.
    fn fail(&mut self, status: &'static str, text: String) {
        if !matches!(self.trouble, Some(Trouble::Defer { .. })) {
            self.trouble = Some(Trouble::Fail { status, text });
        }
    }

    fn defer(&mut self, status: &'static str, text: String, theirs: bool) {
        if !matches!(self.trouble, Some(Trouble::Defer { .. })) {
            self.trouble = Some(Trouble::Defer {
                status,
                text,
                theirs,
            });
        }
    }
}

/// `[192.0.2.1]`, `[IPv6:2001:db8::1]` (RFC 5321 section 4.1.3), or as operators write routes: without tag or brackets.
fn literal(host: &str) -> Option<IpAddr> {
    let inside = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    let address = match inside.split_at_checked(5) {
        Some((tag, rest)) if tag.eq_ignore_ascii_case("IPv6:") => rest,
        _ => inside,
    };
    address.parse().ok()
}

#[cfg(test)]
mod tests;
