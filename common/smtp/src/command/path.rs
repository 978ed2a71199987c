//! The paths of MAIL and RCPT (RFC 5321 section 4.1.2).

use stafette_addr::{AddrError, Domain, LocalPart, Mailbox, ReversePath};
use std::fmt;

/// The path of RCPT.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RcptPath {
    /// `<Postmaster>` without a domain (RFC 5321 section 4.5.1).
    Postmaster,
    /// A mailbox.
    Mailbox(Mailbox),
}

impl RcptPath {
    /// Parses what stands in the angle brackets.
    pub(super) fn parse(path: &str, here: Option<&Domain>) -> Result<Self, AddrError> {
        if path.eq_ignore_ascii_case("postmaster") {
            return Ok(Self::Postmaster);
        }
        parse_mailbox(path, here).map(Self::Mailbox)
    }

    /// The mailbox that is meant; `here` is the domain whose postmaster we are.
    #[must_use]
    pub fn mailbox(&self, here: &Domain) -> Option<Mailbox> {
        match self {
            Self::Mailbox(mailbox) => Some(mailbox.clone()),
            Self::Postmaster => LocalPart::from_unquoted(b"postmaster")
                .ok()
                .map(|local| Mailbox::new(local, here.clone())),
        }
    }

    /// Whether only a client that said SMTPUTF8 may have named it.
    #[must_use]
    pub fn needs_smtputf8(&self) -> bool {
        match self {
            Self::Postmaster => false,
            Self::Mailbox(mailbox) => mailbox.needs_smtputf8(),
        }
    }
}

/// The wire form without angle brackets.
impl fmt::Display for RcptPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postmaster => "postmaster",
            Self::Mailbox(mailbox) => mailbox.as_str(),
        })
    }
}

/// Parses what stands in the angle brackets of MAIL.
pub(super) fn parse_reverse(path: &str, here: Option<&Domain>) -> Result<ReversePath, AddrError> {
    if path.is_empty() {
        return Ok(ReversePath::Null);
    }
    parse_mailbox(path, here).map(ReversePath::Mailbox)
}

/// Takes `FROM:` or `TO:` off, and the spaces behind it.
pub(super) fn after_keyword<'a>(rest: &'a str, keyword: &str) -> Option<&'a str> {
    let (word, rest) = rest.split_at_checked(keyword.len())?;
    word.eq_ignore_ascii_case(keyword)
        .then(|| rest.trim_start_matches(' '))
}

/// Splits into what stands in the angle brackets and the words behind them.
pub(super) fn split(rest: &str) -> Option<(&str, &str)> {
    let path = rest.strip_prefix('<')?;
    let end = closing_bracket(path)?;
    let (path, rest) = path.split_at_checked(end)?;
    let words = rest.strip_prefix('>')?;
    (words.is_empty() || words.starts_with(' ')).then_some((path, words))
}

/// Where the path ends: at the first `>` outside quotes.
fn closing_bracket(path: &str) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in path.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

fn parse_mailbox(path: &str, here: Option<&Domain>) -> Result<Mailbox, AddrError> {
    let path = without_route(path)?;
    match (Mailbox::parse(path.as_bytes()), here) {
        (Err(AddrError::NoDomain), Some(here)) if !path.ends_with('@') => {
            let local = LocalPart::parse(path.as_bytes())?;
            Ok(Mailbox::new(local, here.clone()))
        }
        (mailbox, _) => mailbox,
    }
}

/// RFC 5321 section 4.1.1.3 and appendix C: `@one,@two:` in front of the mailbox says nothing any more.
fn without_route(path: &str) -> Result<&str, AddrError> {
    if !path.starts_with('@') {
        return Ok(path);
    }
    let mut rest = path;
    loop {
        let hop = rest.strip_prefix('@').ok_or(AddrError::BadLocalPart)?;
        // A literal may hold colons.
        let from = if hop.starts_with('[') {
            hop.find(']').unwrap_or(0)
        } else {
            0
        };
        let end = hop
            .get(from..)
            .and_then(|h| h.find([',', ':']))
            .map(|at| at + from)
            .ok_or(AddrError::BadLocalPart)?;
        let (domain, next) = hop.split_at_checked(end).ok_or(AddrError::BadLocalPart)?;
        Domain::parse(domain.as_bytes())?;
        if let Some(mailbox) = next.strip_prefix(':') {
            return Ok(mailbox);
        }
        rest = next.strip_prefix(',').ok_or(AddrError::BadLocalPart)?;
    }
}
