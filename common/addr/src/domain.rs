//! The part of a mailbox behind the `@`: a name, or an address in brackets.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::error::{AddrError, check_text};
use crate::punycode::to_a_label;

/// The most octets that a domain may have (RFC 5321 section 4.5.3.1.2).
pub const DOMAIN_MAX: usize = 255;

/// The most octets that a label may have (RFC 1035 section 2.3.4).
const LABEL_MAX: usize = 63;

/// A domain name in lower case (ASCII, or as U-labels if it was given so), or an address literal.
///
/// Two spellings of one name in different scripts differ here; compare [`Domain::to_ascii`] where that matters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Domain(Box<str>);

impl Domain {
    /// Parses a domain or an address literal with its brackets.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(wire: &[u8]) -> Result<Self, AddrError> {
        let text = check_text(wire)?;
        if text.is_empty() {
            return Err(AddrError::NoDomain);
        }
        if text.len() > DOMAIN_MAX {
            return Err(AddrError::DomainTooLong);
        }
        if text.starts_with('[') {
            return parse_literal(text)
                .map(Self::from)
                .ok_or(AddrError::BadLiteral);
        }
        if text.is_ascii() {
            check_name(text)?;
            return Ok(Self(text.to_ascii_lowercase().into()));
        }
        Self::parse_international(text)
    }

    /// RFC 6531 section 3.3: a name with U-labels, which are taken in lower case. Whether each is one by the tables of RFC 5892, and
    /// normalised, is not known here: a name that is not is merely unknown to the DNS.
    fn parse_international(text: &str) -> Result<Self, AddrError> {
        let lower: String = text
            .chars()
            .map(|c| if is_dot(c) { '.' } else { c })
            .flat_map(char::to_lowercase)
            .collect();
        let is_label = |label: &str| {
            let ends = label.starts_with('-') || label.ends_with('-');
            label.is_ascii()
                || !ends && !label.starts_with("xn--") && label.chars().all(is_in_label)
        };
        if !lower.split('.').all(is_label) {
            return Err(AddrError::BadDomain);
        }
        let ascii = international_to_ascii(&lower).ok_or(AddrError::DomainTooLong)?;
        check_name(&ascii)?;
        // In A-labels it is usually longer, and there it must fit as well: that is how it is looked up.
        if lower.len() > DOMAIN_MAX || ascii.len() > DOMAIN_MAX {
            return Err(AddrError::DomainTooLong);
        }
        check_text(lower.as_bytes())?;
        Ok(Self(lower.into()))
    }

    /// Whether it is an address in brackets.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.0.starts_with('[')
    }

    /// The address of a literal.
    #[must_use]
    pub fn literal_ip(&self) -> Option<IpAddr> {
        parse_literal(&self.0)
    }

    /// The wire form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form that the DNS knows: A-labels in lower case. None for a literal.
    #[must_use]
    pub fn to_ascii(&self) -> Option<String> {
        if self.is_literal() {
            None
        } else if self.0.is_ascii() {
            Some(self.0.to_string())
        } else {
            international_to_ascii(&self.0)
        }
    }
}

/// The address literal of an IP address (RFC 5321 section 4.1.3).
impl From<IpAddr> for Domain {
    fn from(ip: IpAddr) -> Self {
        Self(
            match ip {
                IpAddr::V4(v4) => format!("[{v4}]"),
                IpAddr::V6(v6) => format!("[IPv6:{v6}]"),
            }
            .into(),
        )
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn international_to_ascii(lower: &str) -> Option<String> {
    let labels: Option<Vec<String>> = lower.split('.').map(to_a_label).collect();
    Some(labels?.join("."))
}

/// The dots of other scripts, which keyboards there make (RFC 3490 section 3.1).
fn is_dot(c: char) -> bool {
    matches!(c, '\u{3002}' | '\u{ff0e}' | '\u{ff61}')
}

/// Whether a U-label may hold the character: no blanks, signs, symbols, format characters or second forms of other letters.
fn is_in_label(c: char) -> bool {
    match c {
        '\0'..='\x7f' => c.is_ascii_alphanumeric() || matches!(c, '-' | '_'),
        '\u{200c}' | '\u{200d}' | '\u{b7}' => true,
        '\u{80}'..='\u{bf}' | '\u{d7}' | '\u{f7}' => false,
        '\u{2000}'..='\u{2bff}' | '\u{3000}'..='\u{3004}' => false,
        '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe50}'..='\u{ffff}' => false,
        '\u{1d400}'..='\u{1d7ff}' | '\u{1f000}'..='\u{1ffff}' | '\u{e0000}'.. => false,
        _ => !c.is_whitespace() && !c.is_control(),
    }
}

/// RFC 5321 section 4.1.3.
fn parse_literal(text: &str) -> Option<IpAddr> {
    let inside = text.strip_prefix('[')?.strip_suffix(']')?;
    if let Ok(v4) = inside.parse::<Ipv4Addr>() {
        return Some(v4.into());
    }
    let (tag, address) = inside.split_at_checked(5)?;
    if !tag.eq_ignore_ascii_case("IPv6:") {
        return None;
    }
    address.parse::<Ipv6Addr>().ok().map(IpAddr::from)
}

/// RFC 5321 section 4.1.2: labels of letters, digits and inner hyphens.
fn check_name(name: &str) -> Result<(), AddrError> {
    let mut last = "";
    for label in name.split('.') {
        if label.len() > LABEL_MAX {
            return Err(AddrError::DomainTooLong);
        }
        let good = !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !good {
            return Err(AddrError::BadDomain);
        }
        last = label;
    }
    // A name that looks like an IPv4 address would be taken for one by a resolver.
    if last.bytes().all(|b| b.is_ascii_digit()) {
        return Err(AddrError::BadDomain);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(wire: &str) -> Result<String, AddrError> {
        Domain::parse(wire.as_bytes()).map(|d| d.to_string())
    }

    #[test]
    fn a_name_that_fits_only_in_u_labels_is_too_long() {
        let label = format!("{}ü", "a".repeat(39));
        let name = vec![label; 6].join(".");
        assert!(name.len() <= DOMAIN_MAX);
        assert_eq!(
            Domain::parse(name.as_bytes()),
            Err(AddrError::DomainTooLong)
        );
    }

    #[test]
    fn names_are_lower_case() {
        assert_eq!(printed("Example.ORG"), Ok("example.org".into()));
        assert_eq!(printed("BÜCHER.example"), Ok("bücher.example".into()));
        assert_eq!(printed("localhost"), Ok("localhost".into()));
    }

    #[test]
    fn the_dns_is_asked_for_a_labels() {
        let domain = Domain::parse("bücher.example".as_bytes()).unwrap();
        assert_eq!(domain.to_ascii().as_deref(), Some("xn--bcher-kva.example"));
        let plain = Domain::parse(b"xn--bcher-kva.example").unwrap();
        assert_eq!(plain.as_str(), "xn--bcher-kva.example");
    }

    #[test]
    fn literals_have_one_spelling() {
        assert_eq!(printed("[192.0.2.1]"), Ok("[192.0.2.1]".into()));
        assert_eq!(
            printed("[ipv6:2001:DB8:0::1]"),
            Ok("[IPv6:2001:db8::1]".into())
        );
        let v6 = Domain::parse(b"[IPv6:::1]").unwrap();
        assert!(v6.is_literal());
        assert_eq!(v6.literal_ip(), Some(Ipv6Addr::LOCALHOST.into()));
        assert_eq!(v6.to_ascii(), None);
    }

    #[test]
    fn what_is_no_domain_is_refused() {
        for wire in [
            ".",
            "a.",
            ".a",
            "a..b",
            "-a.b",
            "a-.b",
            "a b",
            "a@b",
            "a\"b",
            "127.0.0.1",
            "1",
            "a.1",
            "ü..a",
            "ü.-a",
        ] {
            assert_eq!(printed(wire), Err(AddrError::BadDomain), "{wire}");
        }
        for wire in [
            "[",
            "[]",
            "[1.2.3]",
            "[::1]",
            "[IPv6:1]",
            "[a:b]",
            "[1.2.3.4]x",
            "[IPv6:fe80::1%eth0]",
        ] {
            assert_eq!(printed(wire), Err(AddrError::BadLiteral), "{wire}");
        }
        assert_eq!(printed(""), Err(AddrError::NoDomain));
        assert_eq!(printed("a\r\n.b"), Err(AddrError::ControlCharacter));
    }

    #[test]
    fn lengths_are_bounded() {
        let label = "x".repeat(63);
        assert!(printed(&label).is_ok());
        assert_eq!(printed(&format!("{label}x")), Err(AddrError::DomainTooLong));
        let name = format!("{label}.{label}.{label}.{label}");
        assert!(printed(&name).is_ok());
        assert_eq!(printed(&format!("{name}.x")), Err(AddrError::DomainTooLong));
    }
}
