//! Networks: which clients an entry means, as `address/bits` or as a single address.

use crate::problem::Mistake;
use std::net::{IpAddr, Ipv6Addr};

/// All addresses that begin with the same bits. IPv4 and IPv4-mapped IPv6 addresses are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    /// With the bits behind the prefix cleared, in the space of IPv6.
    base: u128,
    /// Length of the prefix in the space of IPv6.
    bits: u32,
}

impl Network {
    /// Whether `address` is in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        in_v6_space(address) & mask(self.bits) == self.base
    }
}

/// A list of networks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

impl Networks {
    /// Whether one of them contains `address`.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Network> for Networks {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}

/// One network: `10.0.0.0/8`, `192.0.2.1`, `2001:db8::/32`, `[::1]`.
///
/// # Errors
/// What is wrong with it; also if bits are set behind the prefix, since then one of the two numbers is not what was meant.
pub fn parse_network(text: &str) -> Result<Network, Mistake> {
    let advice = "write ADDRESS or ADDRESS/BITS, such as 192.0.2.0/24 or 2001:db8::/32";
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let bare = address
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(address);
    let address: IpAddr = bare
        .parse()
        .map_err(|_| Mistake::new("not an address", advice))?;
    let (width, shift) = if address.is_ipv4() {
        (32, 96)
    } else {
        (128, 0)
    };
    let bits = match bits {
        None => width,
        Some(bits) => crate::parse_number(bits, 0, width).map_err(|_| {
            Mistake::new(
                "no such prefix length",
                format!("write a number from 0 to {width} behind the slash"),
            )
        })?,
    };
    let bits = shift + u32::try_from(bits).unwrap_or(128).min(128);
    let base = in_v6_space(address);
    if base & mask(bits) != base {
        return Err(Mistake::new(
            "the address has bits behind the prefix",
            "write the network's first address, or a longer prefix",
        ));
    }
    Ok(Network { base, bits })
}

/// The address as a number; IPv4 as ::ffff:0:0/96 (RFC 4291 section 2.5.5.2).
fn in_v6_space(address: IpAddr) -> u128 {
    let v6: Ipv6Addr = match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    };
    v6.to_bits()
}

/// The first `bits` bits of 128.
fn mask(bits: u32) -> u128 {
    u128::MAX.checked_shl(128 - bits.min(128)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_in(network: &str, address: &str) -> bool {
        parse_network(network)
            .expect("a network")
            .contains(address.parse().expect("an address"))
    }

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        assert!(is_in("127.0.0.0/8", "127.255.255.255"));
        assert!(!is_in("127.0.0.0/8", "128.0.0.0"));
        assert!(is_in("192.0.2.1", "192.0.2.1"));
        assert!(!is_in("192.0.2.1", "192.0.2.2"));
        assert!(is_in("::1/128", "::1"));
        assert!(is_in("2001:db8::/32", "2001:db8:ffff::1"));
        assert!(!is_in("2001:db8::/32", "2001:db9::1"));
    }

    #[test]
    fn a_mapped_address_is_the_ipv4_address() {
        assert!(is_in("127.0.0.0/8", "::ffff:127.0.0.1"));
        assert!(!is_in("127.0.0.0/8", "::127.0.0.1"));
    }

    #[test]
    fn all_of_ipv4_is_not_all_of_ipv6() {
        assert!(is_in("0.0.0.0/0", "203.0.113.9"));
        assert!(!is_in("0.0.0.0/0", "2001:db8::1"));
        assert!(is_in("::/0", "203.0.113.9"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "/8",
            "10.0.0.1/8",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10/8",
            "::1/129",
            "localhost",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
        ] {
            assert!(parse_network(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_and_both_spellings_of_an_address_are_one(text in "[0-9a-f:./\\[\\]]{0,30}", address: u32) {
            if let Ok(network) = parse_network(&text) {
                let v4 = std::net::Ipv4Addr::from(address);
                prop_assert_eq!(network.contains(v4.into()), network.contains(v4.to_ipv6_mapped().into()));
            }
        }
    }
}
