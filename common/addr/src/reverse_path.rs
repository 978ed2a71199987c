//! Where notifications about a message go.

use std::fmt;
use std::str::FromStr;

use crate::{AddrError, Mailbox};

/// The reverse-path of an envelope (RFC 5321 section 3.3).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReversePath {
    /// `<>`: a notification, which is never answered (RFC 5321 section 4.5.5).
    Null,
    /// The mailbox that is told of failures.
    Mailbox(Mailbox),
}

impl ReversePath {
    /// Parses a mailbox or nothing, with or without angle brackets.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(wire: &[u8]) -> Result<Self, AddrError> {
        let inner = match wire.strip_prefix(b"<") {
            Some(open) => open.strip_suffix(b">").ok_or(AddrError::BadDomain)?,
            None => wire,
        };
        if inner.is_empty() {
            return Ok(Self::Null);
        }
        Mailbox::parse(inner).map(Self::Mailbox)
    }

    /// Whether it is `<>`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The mailbox, unless it is `<>`.
    #[must_use]
    pub fn mailbox(&self) -> Option<&Mailbox> {
        match self {
            Self::Null => None,
            Self::Mailbox(mailbox) => Some(mailbox),
        }
    }

    /// The wire form without angle brackets; empty for the null reverse-path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.mailbox().map_or("", Mailbox::as_str)
    }

    /// Whether only a peer with SMTPUTF8 can be told of it.
    #[must_use]
    pub fn needs_smtputf8(&self) -> bool {
        self.mailbox().is_some_and(Mailbox::needs_smtputf8)
    }
}

/// The wire form without angle brackets.
impl fmt::Display for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Mailbox> for ReversePath {
    fn from(mailbox: Mailbox) -> Self {
        Self::Mailbox(mailbox)
    }
}

impl FromStr for ReversePath {
    type Err = AddrError;

    fn from_str(text: &str) -> Result<Self, AddrError> {
        Self::parse(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_the_null_reverse_path() {
        assert_eq!(ReversePath::parse(b""), Ok(ReversePath::Null));
        assert_eq!(ReversePath::parse(b"<>"), Ok(ReversePath::Null));
        assert_eq!(ReversePath::Null.to_string(), "");
    }

    #[test]
    fn brackets_are_no_part_of_the_mailbox() {
        let path = ReversePath::parse(b"<joe@example.org>").unwrap();
        assert_eq!(path.to_string(), "joe@example.org");
        assert_eq!(ReversePath::parse(b"joe@example.org"), Ok(path));
        assert!(ReversePath::parse(b"<joe@example.org").is_err());
        assert!(ReversePath::parse(b"joe@example.org>").is_err());
    }
}
