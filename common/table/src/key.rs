//! Keys as they are compared: in lower case, local-parts without quotes, domains in the form that people read.
//!
//! A NUL stands in no name, so that what begins or ends with one is ours: line numbers and notes.

use stafette_addr::{Domain, LocalPart, Mailbox};

/// Note of the access table: clients are named by host or domain.
pub(crate) const CONNECT_NAMES: &str = "\0connect-names";

/// Note of every table: the files that it was made from, as they were.
pub(crate) const MADE_FROM: &str = "\0made-from";

/// The key under which the line number of `key` is kept.
pub(crate) fn line_key(key: &str) -> String {
    format!("{key}\0")
}

pub(crate) fn lower_local(local: &LocalPart) -> String {
    local.as_str().to_lowercase()
}

pub(crate) fn lower_domain(domain: &Domain) -> String {
    domain.as_str().to_lowercase()
}

/// `user@domain` as a key.
pub(crate) fn of_mailbox(local: &str, domain: &Domain) -> String {
    format!("{}@{}", local.to_lowercase(), lower_domain(domain))
}

pub(crate) fn mailbox(text: &str) -> Option<String> {
    let mailbox = Mailbox::parse(text.as_bytes()).ok()?;
    Some(of_mailbox(mailbox.local().as_str(), mailbox.domain()))
}

pub(crate) fn local_part(text: &str) -> Option<String> {
    let local = LocalPart::parse(text.as_bytes()).ok()?;
    Some(lower_local(&local))
}

/// The key of a domain as it is looked up: whatever way it is spelt, the same.
pub(crate) fn domain(text: &str) -> Option<String> {
    let name = text.strip_suffix('.').unwrap_or(text);
    Domain::parse(name.as_bytes())
        .ok()
        .map(|domain| lower_domain(&domain))
}
