//! Why some bytes are no address.

use std::fmt;

/// What is wrong with an address, in the order in which the parts are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddrError {
    /// Bytes that are not UTF-8.
    NotUtf8,
    /// A control character, a NUL or a line end.
    ControlCharacter,
    /// No local-part, or an empty one.
    NoLocalPart,
    /// A character that a local-part may not hold unless quoted, a misplaced dot, or a quoted string that does not end.
    BadLocalPart,
    /// A local-part of more than [`crate::LOCAL_PART_MAX`] octets.
    LocalPartTooLong,
    /// No `@`, or nothing behind it.
    NoDomain,
    /// A domain that is no name.
    BadDomain,
    /// A domain of more than [`crate::DOMAIN_MAX`] octets, or a label of more than 63.
    DomainTooLong,
    /// Brackets that hold no IPv4 or IPv6 address.
    BadLiteral,
}

impl AddrError {
    /// Whether the fault lies in the part behind the `@`.
    #[must_use]
    pub fn is_domain(self) -> bool {
        matches!(
            self,
            Self::NoDomain | Self::BadDomain | Self::DomainTooLong | Self::BadLiteral
        )
    }
}

impl fmt::Display for AddrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotUtf8 => "address is not UTF-8",
            Self::ControlCharacter => "control character in address",
            Self::NoLocalPart => "no local-part",
            Self::BadLocalPart => "bad local-part",
            Self::LocalPartTooLong => "local-part too long",
            Self::NoDomain => "no domain",
            Self::BadDomain => "bad domain",
            Self::DomainTooLong => "domain too long",
            Self::BadLiteral => "bad address literal",
        })
    }
}

impl std::error::Error for AddrError {}

/// UTF-8 without anything that could end or hide a line.
pub(crate) fn check_text(bytes: &[u8]) -> Result<&str, AddrError> {
    let text = std::str::from_utf8(bytes).map_err(|_| AddrError::NotUtf8)?;
    if text
        .chars()
        .any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
    {
        return Err(AddrError::ControlCharacter);
    }
    Ok(text)
}
