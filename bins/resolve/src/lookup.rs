//! Questions to the DNS, and what its answers mean for mail.

use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{Resolver, TokioResolver};
use stafette_dns::{Answer, to_ascii};
use stafette_wire::resolve::Exchanger;
use tokio::task::spawn_local;
use tokio::time::timeout;

/// The longest that one question may take, all name servers and retries together.
const QUESTION_LIMIT: Duration = Duration::from_secs(20);
/// How long one name server is waited for, each time; datagrams are repeated within it.
const SERVER_LIMIT: Duration = Duration::from_secs(3);
/// How many turns each name server gets at most.
const ROUNDS: usize = 5;
/// Name servers that are used at most, so that each gets its turn within the limit.
const MOST_SERVERS: usize = 3;
/// Answers kept in the cache of each.
const CACHE: u64 = 10_000;
/// What the DNS says is believed no longer than this, whatever its TTL.
const LONGEST_TTL: Duration = Duration::from_secs(86_400);
/// What the DNS denies is believed no longer than this (RFC 2308 section 5 advises one to three hours).
const LONGEST_DENIAL: Duration = Duration::from_secs(3_600);
/// The longest that finding the name of a host may take, its confirmation included.
const NAME_LIMIT: Duration = Duration::from_secs(5);
/// Names of one address that are looked at.
const MOST_NAMES: usize = 5;
/// Records of one answer that are handed on.
const MOST_RECORDS: usize = 100;

/// A resolver that knows its name servers; cheap to clone.
///
/// Each name server has a hickory resolver of its own, and which one is asked is decided here: hickory itself gives up all
/// servers when the first has used up the time, and believes a SERVFAIL of the first although the second might know better.
#[derive(Clone)]
pub(crate) struct Dns {
    servers: Rc<[TokioResolver]>,
    /// The one that answered last, which is asked first.
    good: Rc<Cell<usize>>,
}

impl Dns {
    /// Asks `servers`, by UDP and where that does not do by TCP.
    pub(crate) fn new(servers: &[SocketAddr]) -> Result<Self, NetError> {
        let servers: Result<Vec<_>, _> = servers
            .iter()
            .take(MOST_SERVERS)
            .map(|server| resolver(*server))
            .collect();
        Ok(Self {
            servers: servers?.into(),
            good: Rc::new(Cell::new(0)),
        })
    }

    /// The mail exchangers of a domain; names of hosts as the DNS spells them, empty for the root (RFC 7505).
    pub(crate) async fn exchangers(&self, domain: &str) -> Answer<Vec<Exchanger>> {
        let found = self.records(domain, RecordType::MX, |data| match data {
            RData::MX(mx) => Some(Exchanger {
                preference: mx.preference,
                host: spelled(&mx.exchange),
            }),
            _ => None,
        });
        match found.await {
            Answer::Found(mut exchangers) => {
                exchangers.sort_by_key(|exchanger| exchanger.preference);
                exchangers.truncate(MOST_RECORDS);
                Answer::Found(exchangers)
            }
            other => other,
        }
    }

    /// The IPv6 and IPv4 addresses of a host. One kind is enough where the other cannot be had now.
    pub(crate) async fn addresses(&self, host: &str) -> Answer<Vec<IpAddr>> {
        let (dns, name) = (self.clone(), host.to_owned());
        let six =
            spawn_local(async move { dns.records(&name, RecordType::AAAA, RData::ip_addr).await });
        let four = self.records(host, RecordType::A, RData::ip_addr).await;
        let six = six
            .await
            .unwrap_or_else(|problem| Answer::Later(problem.to_string()));
        both(six, four)
    }

    /// The name of a host: the first of its PTR records whose addresses have this one among them. Anybody who runs the
    /// name servers of an address can give it any name, but only the owner of a name can say that the address is its.
    pub(crate) async fn name(&self, address: IpAddr) -> Answer<Option<String>> {
        timeout(NAME_LIMIT, self.confirmed_name(address.to_canonical()))
            .await
            .unwrap_or_else(|_| Answer::Later("no name in time".to_owned()))
    }

    async fn confirmed_name(&self, address: IpAddr) -> Answer<Option<String>> {
        let place = reverse(address);
        let names = self.records(&place, RecordType::PTR, |data| match data {
            RData::PTR(name) => to_ascii(&spelled(name)),
            _ => None,
        });
        let names = match names.await {
            Answer::Found(names) => names,
            Answer::NoSuchName => return Answer::Found(None),
            Answer::Later(reason) | Answer::OutOfReach(reason) => return Answer::Later(reason),
        };
        let mut later = None;
        for name in names.into_iter().take(MOST_NAMES) {
            match self.addresses(&name).await {
                Answer::Found(addresses) if addresses.contains(&address) => {
                    return Answer::Found(Some(name));
                }
                Answer::Found(_) | Answer::NoSuchName => {}
                Answer::Later(reason) | Answer::OutOfReach(reason) => later = Some(reason),
            }
        }
        later.map_or(Answer::Found(None), Answer::Later)
    }

    async fn records<T>(
        &self,
        name: &str,
        kind: RecordType,
        pick: impl Fn(&RData) -> Option<T>,
    ) -> Answer<Vec<T>> {
        let Some(name) = to_ascii(name).and_then(|name| Name::from_ascii(name + ".").ok()) else {
            return Answer::NoSuchName;
        };
        timeout(QUESTION_LIMIT, self.ask(&name, kind, pick))
            .await
            .unwrap_or_else(|_| Answer::Later("no name server answered in time".to_owned()))
    }

    /// Asks one name server after the other until one knows; those that said nothing get another turn.
    async fn ask<T>(
        &self,
        name: &Name,
        kind: RecordType,
        pick: impl Fn(&RData) -> Option<T>,
    ) -> Answer<Vec<T>> {
        let count = self.servers.len();
        let first = self.good.get();
        let mut turns: Vec<usize> = (0..count).cycle().skip(first).take(count).collect();
        let mut answer = Answer::Later("no name server is named".to_owned());
        for _ in 0..ROUNDS {
            let mut silent = Vec::new();
            for index in turns {
                let Some(server) = self.servers.get(index) else {
                    continue;
                };
                answer = match server.lookup(name.clone(), kind).await {
                    Ok(lookup) => read(&lookup, &pick),
                    Err(error) if error.is_nx_domain() => Answer::NoSuchName,
                    Err(error) if error.is_no_records_found() => Answer::Found(Vec::new()),
                    Err(error) => {
                        if !matches!(error, NetError::Dns(_)) {
                            silent.push(index);
                        }
                        Answer::Later(error.to_string())
                    }
                };
                if !matches!(answer, Answer::Later(_)) {
                    self.good.set(index);
                    return answer;
                }
            }
            turns = silent;
        }
        answer
    }
}

fn resolver(server: SocketAddr) -> Result<TokioResolver, NetError> {
    let mut config = NameServerConfig::udp_and_tcp(server.ip());
    for connection in &mut config.connections {
        connection.port = server.port();
    }
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![config]);
    let mut builder = Resolver::builder_with_config(config, TokioRuntimeProvider::default());
    set_options(builder.options_mut());
    builder.build()
}

fn set_options(options: &mut ResolverOpts) {
    options.timeout = SERVER_LIMIT;
    options.attempts = 0; // repeating is done here
    options.edns0 = true;
    options.cache_size = CACHE;
    options.use_hosts_file = ResolveHosts::Never;
    options.positive_max_ttl = Some(LONGEST_TTL);
    options.negative_max_ttl = Some(LONGEST_DENIAL);
    options.max_active_requests = 1_000;
}

/// The wanted records of an answer. One without any is a denial only if its code says so: a code that nobody knows is no answer.
fn read<T>(lookup: &Lookup, pick: &impl Fn(&RData) -> Option<T>) -> Answer<Vec<T>> {
    let records: Vec<T> = lookup
        .answers()
        .iter()
        .filter_map(|record| pick(&record.data))
        .collect();
    match lookup.message().metadata.response_code {
        _ if !records.is_empty() => Answer::Found(records),
        ResponseCode::NoError => Answer::Found(records),
        ResponseCode::NXDomain => Answer::NoSuchName,
        code => Answer::Later(format!("error response: {code}")),
    }
}

/// What the answers for both kinds of address say together.
fn both(six: Answer<Vec<IpAddr>>, four: Answer<Vec<IpAddr>>) -> Answer<Vec<IpAddr>> {
    let mut addresses = Vec::new();
    let mut later = None;
    let mut denied = 0;
    for answer in [six, four] {
        match answer {
            Answer::Found(mut some) => {
                some.truncate(MOST_RECORDS / 2);
                addresses.append(&mut some);
            }
            Answer::NoSuchName => denied += 1,
            Answer::Later(reason) | Answer::OutOfReach(reason) => later = Some(reason),
        }
    }
    match later {
        Some(reason) if addresses.is_empty() => Answer::Later(reason),
        None if denied == 2 => Answer::NoSuchName,
        _ => Answer::Found(addresses),
    }
}

/// Where the name of an address stands (RFC 1035 section 3.5, RFC 3596 section 2.5).
fn reverse(address: IpAddr) -> String {
    let (labels, zone): (Vec<String>, _) = match address {
        IpAddr::V4(ip) => {
            let octets = ip.octets().into_iter().rev();
            (
                octets.map(|octet| octet.to_string()).collect(),
                "in-addr.arpa",
            )
        }
        IpAddr::V6(ip) => {
            let octets = ip.octets().into_iter().rev();
            let halves = octets.flat_map(|octet| [octet & 15, octet >> 4]);
            (halves.map(|half| format!("{half:x}")).collect(), "ip6.arpa")
        }
    };
    format!("{}.{zone}", labels.join("."))
}

/// A name without its last dot, escaped by hickory where it has odd octets.
fn spelled(name: &Name) -> String {
    let mut text = name.to_lowercase().to_ascii();
    if text.ends_with('.') {
        text.pop();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &[&str]) -> Answer<Vec<IpAddr>> {
        Answer::Found(text.iter().map(|ip| ip.parse().unwrap()).collect())
    }

    #[test]
    fn one_kind_of_address_is_enough() {
        let later = || Answer::Later("SERVFAIL".to_owned());
        assert_eq!(both(later(), found(&["192.0.2.1"])), found(&["192.0.2.1"]));
        assert_eq!(
            both(found(&[]), found(&["192.0.2.1"])),
            found(&["192.0.2.1"])
        );
        assert_eq!(both(found(&[]), later()), later());
        assert_eq!(both(Answer::NoSuchName, later()), later());
    }

    #[test]
    fn a_host_does_not_exist_only_if_both_answers_say_so() {
        assert_eq!(
            both(Answer::NoSuchName, Answer::NoSuchName),
            Answer::NoSuchName
        );
        assert_eq!(both(found(&[]), Answer::NoSuchName), found(&[]));
    }

    #[test]
    fn the_name_of_an_address_stands_in_reverse() {
        let reverse = |text: &str| reverse(text.parse().unwrap());
        assert_eq!(reverse("192.0.2.17"), "17.2.0.192.in-addr.arpa");
        assert_eq!(
            reverse("2001:db8::567:89ab"),
            "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
        );
    }

    #[test]
    fn the_root_is_an_empty_name() {
        assert_eq!(spelled(&Name::root()), "");
        assert_eq!(
            spelled(&Name::from_ascii("MX.Example.").unwrap()),
            "mx.example"
        );
    }
}
