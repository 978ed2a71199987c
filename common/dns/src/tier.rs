//! Mail exchangers in the order in which RFC 5321 section 5.1 wants them tried.

use std::net::IpAddr;

use stafette_wire::resolve::Exchanger;

/// A number below the one given: the source of chance, so that tests can do without it.
pub(crate) type Random<'a> = &'a mut dyn FnMut(usize) -> usize;

/// Hosts of one preference, in the order in which they are tried.
pub(crate) type Tier = Vec<String>;

/// The tiers of a list of exchangers, best first, equal ones shuffled; none if it is a null MX (RFC 7505 section 3).
pub(crate) fn tiers(mut exchangers: Vec<Exchanger>, random: Random<'_>) -> Option<Vec<Tier>> {
    exchangers.retain(|exchanger| !exchanger.host.is_empty());
    if exchangers.is_empty() {
        return None;
    }
    exchangers.sort_by_key(|exchanger| exchanger.preference);
    let tiers = exchangers
        .chunk_by(|a, b| a.preference == b.preference)
        .map(|equal| {
            let mut hosts: Tier = Vec::new();
            for exchanger in equal {
                if !hosts.contains(&exchanger.host) {
                    hosts.push(exchanger.host.clone());
                }
            }
            shuffle(&mut hosts, random);
            hosts
        })
        .collect();
    Some(tiers)
}

/// Addresses that mail can be sent to, shuffled, IPv6 and IPv4 in turn (RFC 5321 section 5.2 leaves the order to us), so that a
/// broken network of one kind costs one wait.
pub(crate) fn interleave(addresses: &[IpAddr], random: Random<'_>) -> Vec<IpAddr> {
    let usable = addresses
        .iter()
        .copied()
        .filter(|ip| !ip.is_multicast() && *ip != IpAddr::from([255, 255, 255, 255]));
    let (mut v6, mut v4): (Vec<_>, Vec<_>) = usable.partition(IpAddr::is_ipv6);
    for kind in [&mut v6, &mut v4] {
        kind.sort_unstable();
        kind.dedup();
        shuffle(kind, random);
    }
    let mut mixed = Vec::with_capacity(addresses.len());
    let (mut v6, mut v4) = (v6.into_iter(), v4.into_iter());
    loop {
        let pair = (v6.next(), v4.next());
        if pair == (None, None) {
            return mixed;
        }
        mixed.extend(pair.0);
        mixed.extend(pair.1);
    }
}

fn shuffle<T>(list: &mut [T], random: Random<'_>) {
    for end in (1..list.len()).rev() {
        list.swap(end, random(end.saturating_add(1)).min(end));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchanger(preference: u16, host: &str) -> Exchanger {
        let host = host.to_owned();
        Exchanger { preference, host }
    }

    fn last(n: usize) -> usize {
        n - 1
    }

    #[test]
    fn better_preferences_come_first_and_equal_ones_are_shuffled() {
        let list = vec![
            exchanger(20, "c"),
            exchanger(10, "a"),
            exchanger(10, "b"),
            exchanger(10, "a"),
        ];
        assert_eq!(
            tiers(list.clone(), &mut last).unwrap(),
            [vec!["a", "b"], vec!["c"]]
        );
        assert_eq!(
            tiers(list, &mut |_| 0).unwrap(),
            [vec!["b", "a"], vec!["c"]]
        );
    }

    #[test]
    fn a_null_mx_beside_real_ones_is_ignored() {
        assert_eq!(tiers(vec![exchanger(0, "")], &mut last), None);
        assert_eq!(
            tiers(vec![exchanger(0, ""), exchanger(5, "a")], &mut last).unwrap(),
            [["a"]]
        );
    }

    #[test]
    fn both_kinds_of_address_take_turns() {
        let text = ["192.0.2.2", "192.0.2.1", "::2", "192.0.2.1", "224.0.0.1"];
        let list: Vec<IpAddr> = text.iter().map(|ip| ip.parse().unwrap()).collect();
        let mixed: Vec<String> = interleave(&list, &mut last)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(mixed, ["::2", "192.0.2.1", "192.0.2.2"]);
    }
}
