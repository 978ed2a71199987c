//! Keys of the access table that are addresses: IPv4 by dots (`192.0.2`), IPv6 by colons (`IPv6:2001:db8`), either as `ADDRESS/BITS`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use stafette_control::Mistake;

/// The compiled form if the text is an address or a network; IPv6 always becomes `ADDRESS/BITS`, a single IPv4 address stays one.
pub(crate) fn key(text: &str) -> Option<Result<String, Mistake>> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if let Some(rest) = bare.strip_prefix("ipv6:") {
        return Some(v6(rest));
    }
    let (address, bits) = bare
        .split_once('/')
        .map_or((bare, None), |(a, b)| (a, Some(b)));
    if is_dotted(address) {
        return Some(v4(address, bits));
    }
    address.parse::<Ipv6Addr>().is_ok().then(|| v6(bare))
}

fn is_dotted(text: &str) -> bool {
    !text.is_empty()
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
}

fn v4(address: &str, bits: Option<&str>) -> Result<String, Mistake> {
    let parts: Option<Vec<u8>> = address
        .trim_end_matches('.')
        .split('.')
        .map(|part| part.parse().ok())
        .collect();
    let parts = parts
        .filter(|parts| parts.len() <= 4)
        .ok_or_else(|| wrong(address))?;
    let Some(bits) = bits else {
        let words: Vec<String> = parts.iter().map(ToString::to_string).collect();
        return Ok(words.join("."));
    };
    let mut octets = [0; 4];
    for (octet, part) in octets.iter_mut().zip(&parts) {
        *octet = *part;
    }
    let address = Ipv4Addr::from(octets);
    let bits = length(bits, 32)?;
    if masked_v4(address, bits) != address {
        return Err(behind());
    }
    Ok(if bits == 32 {
        address.to_string()
    } else {
        format!("{address}/{bits}")
    })
}

fn v6(text: &str) -> Result<String, Mistake> {
    let (address, bits) = text
        .split_once('/')
        .map_or((text, None), |(a, b)| (a, Some(b)));
    if let Ok(address) = address.parse::<Ipv6Addr>() {
        let bits = bits.map_or(Ok(128), |bits| length(bits, 128))?;
        if masked_v6(address, bits) != address {
            return Err(behind());
        }
        if let Some(v4) = address.to_ipv4_mapped().filter(|_| bits >= 96) {
            return Ok(match bits - 96 {
                32 => v4.to_string(),
                bits => format!("{v4}/{bits}"),
            });
        }
        return Ok(format!("{address}/{bits}"));
    }
    // The first groups alone: all that begins with them.
    let groups: Option<Vec<u16>> = address
        .trim_end_matches(':')
        .split(':')
        .map(|group| {
            u16::from_str_radix(group, 16)
                .ok()
                .filter(|_| group.len() <= 4)
        })
        .collect();
    let groups = groups
        .filter(|groups| groups.len() < 8 && bits.is_none())
        .ok_or_else(|| wrong(text))?;
    let mut whole = [0; 8];
    for (to, from) in whole.iter_mut().zip(&groups) {
        *to = *from;
    }
    Ok(format!("{}/{}", Ipv6Addr::from(whole), groups.len() * 16))
}

fn length(bits: &str, most: u32) -> Result<u32, Mistake> {
    bits.parse()
        .ok()
        .filter(|bits| *bits <= most)
        .ok_or_else(|| {
            Mistake::new(
                "no such prefix length",
                format!("write a number from 0 to {most} behind the slash"),
            )
        })
}

fn wrong(text: &str) -> Mistake {
    Mistake::new(
        format!("not an address: {text}"),
        "write 192.0.2.1, 192.0.2, 192.0.2.0/24, IPv6:2001:db8 or 2001:db8::/32",
    )
}

fn behind() -> Mistake {
    Mistake::new(
        "the address has bits behind the prefix",
        "write the network's first address, or a longer prefix",
    )
}

fn masked_v4(address: Ipv4Addr, bits: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(address.to_bits() & u32::MAX.checked_shl(32 - bits.min(32)).unwrap_or(0))
}

fn masked_v6(address: Ipv6Addr, bits: u32) -> Ipv6Addr {
    let mask = u128::MAX.checked_shl(128 - bits.min(128)).unwrap_or(0);
    Ipv6Addr::from_bits(address.to_bits() & mask)
}

/// All compiled keys that mean `ip`, the longest prefix first.
pub(super) fn keys(ip: IpAddr) -> Vec<String> {
    let mut keys = Vec::new();
    match ip.to_canonical() {
        IpAddr::V4(v4) => {
            keys.push(v4.to_string());
            for bits in (0..32).rev() {
                let network = masked_v4(v4, bits);
                keys.push(format!("{network}/{bits}"));
                let [a, b, c, _] = v4.octets();
                match bits {
                    24 => keys.push(format!("{a}.{b}.{c}")),
                    16 => keys.push(format!("{a}.{b}")),
                    8 => keys.push(format!("{a}")),
                    _ => {}
                }
            }
        }
        IpAddr::V6(v6) => {
            keys.extend(
                (0..=128)
                    .rev()
                    .map(|bits| format!("{}/{bits}", masked_v6(v6, bits))),
            );
        }
    }
    keys
}
