//! Single values: numbers, flags, addresses with a port.

use crate::problem::Mistake;
use std::net::{IpAddr, SocketAddr};

/// A number in decimal digits, within bounds.
///
/// # Errors
/// What is wrong with it.
pub fn parse_number(text: &str, min: u64, max: u64) -> Result<u64, Mistake> {
    let wanted = || {
        if max == u64::MAX {
            format!("write a number, at least {min}")
        } else {
            format!("write a number from {min} to {max}")
        }
    };
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Mistake::new("not a number", wanted()));
    }
    match text.parse::<u64>() {
        Ok(number) if (min..=max).contains(&number) => Ok(number),
        _ => Err(Mistake::new("number out of bounds", wanted())),
    }
}

/// Yes or no: `1` or `0`, also `yes`, `true`, `on` and `no`, `false`, `off`.
///
/// # Errors
/// If it is neither.
pub fn parse_flag(text: &str) -> Result<bool, Mistake> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "yes" | "true" | "on" => Ok(true),
        "0" | "no" | "false" | "off" => Ok(false),
        _ => Err(Mistake::new("neither yes nor no", "write 1 or 0")),
    }
}

/// An IP address with or without a port: `192.0.2.1`, `192.0.2.1:25`, `2001:db8::1`, `[2001:db8::1]:25`.
///
/// # Errors
/// What is wrong with it.
pub fn parse_address(text: &str, default_port: u16) -> Result<SocketAddr, Mistake> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(SocketAddr::new(address, default_port));
    }
    match text.parse::<SocketAddr>() {
        Ok(address) if address.port() != 0 => Ok(address),
        Ok(_) => Err(Mistake::new("port 0", "name a port from 1 to 65535")),
        Err(_) => Err(Mistake::new(
            "not an address",
            "write ADDRESS:PORT, an IPv6 address in brackets",
        )),
    }
}

/// A line of text for a peer to read: printable ASCII.
pub(crate) fn parse_ascii(text: &str) -> Result<String, Mistake> {
    if text.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) {
        Ok(text.to_owned())
    } else {
        Err(Mistake::new(
            "not plain ASCII",
            "write letters, digits and signs of ASCII only",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_have_digits_only_and_bounds() {
        assert_eq!(parse_number("20", 1, 100), Ok(20));
        for text in [
            "",
            "-1",
            "+5",
            "0",
            "101",
            "1e2",
            "5 ",
            "99999999999999999999999",
        ] {
            assert!(parse_number(text, 1, 100).is_err(), "{text}");
        }
    }

    #[test]
    fn flags_are_one_or_nought() {
        assert_eq!(parse_flag("1"), Ok(true));
        assert_eq!(parse_flag("No"), Ok(false));
        assert!(parse_flag("2").is_err());
    }

    #[test]
    fn an_address_may_leave_its_port_out() {
        for (text, address) in [
            ("192.0.2.1", "192.0.2.1:25"),
            ("127.0.0.1:2525", "127.0.0.1:2525"),
            ("::1", "[::1]:25"),
            ("[::]", "[::]:25"),
            ("[2001:db8::1]:587", "[2001:db8::1]:587"),
        ] {
            assert_eq!(
                parse_address(text, 25).map(|found| found.to_string()),
                Ok(address.to_owned()),
                "{text}"
            );
        }
        for text in [
            "",
            "*:25",
            ":25",
            "localhost:25",
            "1.2.3.4:0",
            "1.2.3.4:65536",
            "[1.2.3.4",
        ] {
            assert!(parse_address(text, 25).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_harm(text: String) {
            drop((parse_number(&text, 0, u64::MAX), parse_flag(&text), parse_address(&text, 25), parse_ascii(&text)));
        }
    }
}
