//! Routes: hosts that get the mail of a domain without asking the DNS for its exchangers (`smtproutes`, as in qmail).
//!
//! A line is `DOMAIN:RELAY` or `DOMAIN:RELAY:PORT`. DOMAIN is a name, `.suffix`, a literal, or empty for all the rest; RELAY is a host
//! name, an IPv4 address, or an IPv6 address in brackets. An empty RELAY means the exchangers of the DNS after all.

use crate::domain_set::{Pattern, key, parse_pattern, spellings};
use crate::problem::Mistake;
use stafette_addr::Domain;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;

/// The port of SMTP.
const SMTP_PORT: u16 = 25;

/// The host of a route.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RelayHost {
    /// A name, whose addresses are asked for; its exchangers are not.
    Name(String),
    /// An address.
    Address(IpAddr),
}

/// Where the mail of some domains goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Route {
    /// The next hop, or `None` for the exchangers of the DNS.
    pub relay: Option<RelayHost>,
    /// Its port; with exchangers of the DNS, theirs.
    pub port: u16,
}

impl std::fmt::Display for RelayHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => write!(f, "[{address}]"),
        }
    }
}

/// All routes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Routes(HashMap<String, Route>);

impl Routes {
    /// The route for `domain`: its own, else that of the longest suffix, else the one for all the rest.
    #[must_use]
    pub fn find(&self, domain: &Domain) -> Option<&Route> {
        let key = key(domain);
        spellings(&key)
            .chain(std::iter::once(""))
            .find_map(|spelling| self.0.get(spelling))
    }

    /// The route for all the rest.
    #[must_use]
    pub fn rest(&self) -> Option<&Route> {
        self.0.get("")
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a route unless the domain has one already; tells whether it did.
    pub(crate) fn add(&mut self, domain: Option<Pattern>, route: Route) -> bool {
        let spelling = match domain {
            Some(Pattern::Exact(name) | Pattern::Suffix(name)) => name,
            None => String::new(),
        };
        match self.0.entry(spelling) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(route);
                true
            }
        }
    }
}

/// One line: for which domains (`None`: for all the rest), and where to.
///
/// # Errors
/// What is wrong with it.
pub fn parse_route(text: &str) -> Result<(Option<Pattern>, Route), Mistake> {
    let (domain, relay) = split_host(text).ok_or_else(|| {
        Mistake::new(
            "no colon behind the domain",
            "write DOMAIN:RELAY or DOMAIN:RELAY:PORT",
        )
    })?;
    let (host, port) = split_host(relay).unwrap_or((relay, ""));
    let domain = if domain.is_empty() {
        None
    } else {
        Some(parse_pattern(domain)?)
    };
    let port = match port {
        "" => SMTP_PORT,
        port => crate::parse_number(port, 1, u16::MAX.into())
            .ok()
            .and_then(|port| u16::try_from(port).ok())
            .ok_or_else(|| {
                Mistake::new(
                    "not a port",
                    "write a port from 1 to 65535; an IPv6 address goes in brackets",
                )
            })?,
    };
    Ok((
        domain,
        Route {
            relay: parse_relay(host)?,
            port,
        },
    ))
}

/// Splits at the first colon outside of brackets at the front.
fn split_host(text: &str) -> Option<(&str, &str)> {
    let behind = if text.starts_with('[') {
        text.find(']')?
    } else {
        0
    };
    let colon = behind + text.get(behind..)?.find(':')?;
    Some((
        text.get(..colon)?.trim_ascii(),
        text.get(colon + 1..)?.trim_ascii(),
    ))
}

fn parse_relay(host: &str) -> Result<Option<RelayHost>, Mistake> {
    if host.is_empty() {
        return Ok(None);
    }
    if let Some(inside) = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        let address = inside.strip_prefix("IPv6:").unwrap_or(inside);
        if let Ok(address) = address.parse() {
            return Ok(Some(RelayHost::Address(address)));
        }
        return Domain::parse(inside.as_bytes())
            .map(|name| Some(RelayHost::Name(key(&name))))
            .map_err(|_| {
                Mistake::new(
                    "neither an address nor a name in the brackets",
                    "write [ADDRESS] or a host name",
                )
            });
    }
    if let Ok(address) = host.parse() {
        return Ok(Some(RelayHost::Address(address)));
    }
    match Domain::parse(host.as_bytes()) {
        Ok(name) => Ok(Some(RelayHost::Name(key(&name)))),
        Err(error) => Err(Mistake::new(
            format!("not a relay: {error}"),
            "write a host name, or an address in brackets",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn routes(lines: &[&str]) -> Routes {
        let mut routes = Routes::default();
        for line in lines {
            let (domain, route) = parse_route(line).expect("a route");
            routes.add(domain, route);
        }
        routes
    }

    fn way(routes: &Routes, domain: &str) -> Option<String> {
        let route = routes.find(&Domain::parse(domain.as_bytes()).expect("a domain"))?;
        Some(format!(
            "{}:{}",
            route
                .relay
                .as_ref()
                .map_or_else(String::new, ToString::to_string),
            route.port
        ))
    }

    #[test]
    fn the_most_specific_route_counts() {
        let routes = routes(&[
            ":smart.example:587",
            ".example.org:[192.0.2.1]",
            "mx.example.org:",
            "example.org:[2001:db8::1]:2525",
        ]);
        assert_eq!(
            way(&routes, "example.org").as_deref(),
            Some("[2001:db8::1]:2525")
        );
        assert_eq!(
            way(&routes, "a.b.example.org").as_deref(),
            Some("[192.0.2.1]:25")
        );
        assert_eq!(way(&routes, "mx.example.org").as_deref(), Some(":25"));
        assert_eq!(
            way(&routes, "example.net").as_deref(),
            Some("smart.example:587")
        );
        assert_eq!(
            way(&routes, "[192.0.2.9]").as_deref(),
            Some("smart.example:587")
        );
    }

    #[test]
    fn without_a_default_the_rest_has_no_route() {
        assert_eq!(
            way(&routes(&["example.org:127.0.0.1:2526"]), "example.net"),
            None
        );
        assert_eq!(
            way(&routes(&["example.org:127.0.0.1:2526"]), "example.org").as_deref(),
            Some("[127.0.0.1]:2526")
        );
    }

    #[test]
    fn of_two_routes_for_one_domain_the_first_counts() {
        let routes = routes(&["example.org:a.example", "Example.ORG:b.example"]);
        assert_eq!(way(&routes, "example.org").as_deref(), Some("a.example:25"));
    }

    #[test]
    fn a_literal_can_have_a_route() {
        let routes = routes(&["[IPv6:2001:db8::9]:relay.example:26"]);
        assert_eq!(
            way(&routes, "[ipv6:2001:DB8::9]").as_deref(),
            Some("relay.example:26")
        );
    }

    #[test]
    fn what_is_no_route_is_refused() {
        for text in [
            "",
            "example.org",
            "example.org:2001:db8::1",
            "example.org:a b",
            "example.org:x:0",
            "example.org:x:70000",
            "a b:x",
            "[::1:x",
            "x:[a b]",
        ] {
            assert!(parse_route(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_harm(text in "[a-c0-9:.\\[\\] ]{0,24}|\\PC{0,40}") {
            drop(parse_route(&text));
        }
    }
}
