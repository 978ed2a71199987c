//! The part of a mailbox behind the `@`: a name, or an address in brackets.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

use crate::error::{AddrError, check_text};

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

    /// RFC 5890 section 2.3.2.1: U-labels, mapped as UTS 46 says, so that what is kept is what is looked up.
    fn parse_international(text: &str) -> Result<Self, AddrError> {
        let (unicode, verdict) =
            Uts46::new().to_unicode(text.as_bytes(), AsciiDenyList::STD3, Hyphens::Check);
        verdict.map_err(|_| AddrError::BadDomain)?;
        let ascii = international_to_ascii(&unicode).ok_or(AddrError::BadDomain)?;
        check_name(&ascii)?;
        if unicode.len() > DOMAIN_MAX {
            return Err(AddrError::DomainTooLong);
        }
        // What UTS 46 leaves in an xn-- label of its own accord would be mapped again when it is next read.
        let (again, verdict) =
            Uts46::new().to_unicode(unicode.as_bytes(), AsciiDenyList::STD3, Hyphens::Check);
        if verdict.is_err() || again != unicode {
            return Err(AddrError::BadDomain);
        }
        check_text(unicode.as_bytes())?;
        Ok(Self(unicode.into()))
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

fn international_to_ascii(text: &str) -> Option<String> {
    Uts46::new()
        .to_ascii(
            text.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::Check,
            DnsLength::Verify,
        )
        .ok()
        .map(|ascii| ascii.to_ascii_lowercase())
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
