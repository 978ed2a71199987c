//! A mailbox: a local-part and the domain that knows it.

use std::fmt;
use std::str::FromStr;

use crate::error::{AddrError, check_text};
use crate::{Domain, LocalPart};

/// A mailbox (RFC 5321 section 4.1.2), without angle brackets.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mailbox {
    domain: Domain,
    local: LocalPart,
    wire: Box<str>,
}

impl Mailbox {
    /// Parses `local-part@domain`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(wire: &[u8]) -> Result<Self, AddrError> {
        let (local, rest) = LocalPart::parse_prefix(check_text(wire)?)?;
        let domain = match rest.strip_prefix('@') {
            Some(domain) => Domain::parse(domain.as_bytes())?,
            None if rest.is_empty() => return Err(AddrError::NoDomain),
            None => return Err(AddrError::BadLocalPart),
        };
        Ok(Self::new(local, domain))
    }

    /// Joins the two parts.
    #[must_use]
    pub fn new(local: LocalPart, domain: Domain) -> Self {
        let wire = format!("{local}@{domain}").into();
        Self {
            domain,
            local,
            wire,
        }
    }

    /// The part before the `@`.
    #[must_use]
    pub fn local(&self) -> &LocalPart {
        &self.local
    }

    /// The part behind the `@`.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// The wire form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.wire
    }

    /// Whether only a peer with SMTPUTF8 can be told of it as it is (RFC 6531 section 3.4).
    #[must_use]
    pub fn needs_smtputf8(&self) -> bool {
        !self.wire.is_ascii()
    }

    /// The same mailbox with its domain in A-labels; it needs SMTPUTF8 only if the local-part does.
    #[must_use]
    pub fn with_ascii_domain(&self) -> Self {
        match self.domain.to_ascii() {
            Some(ascii) if ascii != self.domain.as_str() => match Domain::parse(ascii.as_bytes()) {
                Ok(domain) => Self::new(self.local.clone(), domain),
                Err(_) => self.clone(),
            },
            _ => self.clone(),
        }
    }
}

/// The wire form.
impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.wire)
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.wire)
    }
}

impl FromStr for Mailbox {
    type Err = AddrError;

    fn from_str(text: &str) -> Result<Self, AddrError> {
        Self::parse(text.as_bytes())
    }
}

#[cfg(test)]
mod tests;
