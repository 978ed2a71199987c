//! The access table: who may connect, send, relay, and who gets no mail.
//!
//! A key is a host or domain (parents count), an IPv4 or IPv6 address, prefix or network, `user@`, `user@domain`, or `<>`, with one of
//! the tags `Connect:`, `From:`, `To:` in front, or with none, which means all three. Of all that fit the most specific counts; of the same
//! key with and without a tag, the one with it.

mod network;

use std::net::IpAddr;

use stafette_addr::{Domain, Mailbox, ReversePath};
use stafette_control::Mistake;

pub(crate) use self::network::key as network_key;
use crate::reply::{Reply, is_status, split_word, unquote};
use crate::tables::{Entry, Tables};
use crate::target::strip_prefix_ignoring_case;
use crate::{Table, key};

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Taken, whatever another rule says; no leave to relay.
    Ok,
    /// Refused, in the usual words.
    Reject,
    /// Taken and thrown away.
    Discard,
    /// Taken, and passed on to wherever it goes.
    Relay,
    /// Refused, in these words.
    Reply(Reply),
}

/// What was found, and where.
pub type Found = Option<(Action, Entry)>;

/// The tags that mean something here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    Connect,
    From,
    To,
}

impl Tag {
    const ALL: [Self; 3] = [Self::Connect, Self::From, Self::To];

    const fn word(self) -> &'static str {
        match self {
            Self::Connect => "connect:",
            Self::From => "from:",
            Self::To => "to:",
        }
    }
}

/// Reads a right side: `OK`, `REJECT`, `DISCARD`, `RELAY`, `ERROR:...`, `NNN text`.
///
/// # Errors
/// What is wrong with it.
pub fn parse(value: &str) -> Result<Action, Mistake> {
    let value = value.trim();
    // What stands behind a word is a remark, as sendmail takes it.
    let (word, _) = split_word(value);
    match word.to_ascii_uppercase().as_str() {
        "OK" => return Ok(Action::Ok),
        "REJECT" => return Ok(Action::Reject),
        "DISCARD" => return Ok(Action::Discard),
        "RELAY" => return Ok(Action::Relay),
        _ => {}
    }
    if let Some(text) = strip_prefix_ignoring_case(value, "error:") {
        return Reply::parse_error(text).map(Action::Reply);
    }
    let text = unquote(value);
    if let Some(reply) = Reply::parse_coded(text) {
        return reply.map(Action::Reply);
    }
    if is_status(word) {
        return Reply::parse_error(text).map(Action::Reply);
    }
    Err(Mistake::new(
        "no such action",
        "write OK, REJECT, DISCARD, RELAY, ERROR:D.S.N:TEXT, or a reply such as 550 5.7.1 TEXT",
    ))
}

/// The compiled form of a key, in lower case.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn compiled_key(text: &str) -> Result<String, Mistake> {
    let lower = text.to_lowercase();
    let (tag, rest) = split_tag(&lower);
    let rest = match network_key(rest) {
        Some(network) => network?,
        None => name_key(rest)?,
    };
    Ok(format!("{}{rest}", tag.map_or("", Tag::word)))
}

fn split_tag(text: &str) -> (Option<Tag>, &str) {
    Tag::ALL
        .into_iter()
        .find_map(|tag| Some((Some(tag), text.strip_prefix(tag.word())?)))
        .unwrap_or((None, text))
}

/// A key that is no network: a host, a domain, an address, a user.
fn name_key(text: &str) -> Result<String, Mistake> {
    let advice = "write Connect:, From: or To: (or nothing) and then a host, a domain, an address, a network, USER@ or USER@DOMAIN";
    let wrong = || Mistake::new(format!("not a key: {text}"), advice);
    if text == "<>" {
        return Ok(text.to_owned());
    }
    if let Some(user) = text.strip_suffix('@') {
        return key::local_part(user)
            .map(|user| format!("{user}@"))
            .ok_or_else(wrong);
    }
    if text.contains('@') {
        return key::mailbox(text).ok_or_else(wrong);
    }
    if text.contains(':') {
        return Err(wrong());
    }
    let (dot, name) = match text.strip_prefix('.') {
        Some(name) => (".", name),
        None => ("", text),
    };
    key::domain(name)
        .map(|name| format!("{dot}{name}"))
        .ok_or_else(wrong)
}

/// Whether a compiled key is a host or domain that a client's name could be compared with.
pub(crate) fn is_connect_name(compiled: &str) -> bool {
    let (tag, rest) = split_tag(compiled);
    let is_network = network_key(rest).is_some();
    matches!(tag, None | Some(Tag::Connect)) && !is_network && !rest.contains('@') && rest != "<>"
}

/// The keys that mean this address, the most specific first: `192.0.2.1`, `192.0.2.0/31`, ..., `192.0.2`, ....
#[must_use]
pub fn connect_keys(ip: IpAddr) -> Vec<String> {
    network::keys(ip)
}

/// The keys that mean this host or domain, the most specific first: itself, `.parent`, `parent`, and so on.
#[must_use]
pub fn domain_keys(domain: &str) -> Vec<String> {
    let domain = domain.to_lowercase();
    let mut keys = vec![domain.clone()];
    let mut rest = domain.as_str();
    while let Some((_, parent)) = rest.split_once('.').filter(|_| !rest.starts_with('[')) {
        keys.push(format!(".{parent}"));
        keys.push(parent.to_owned());
        rest = parent;
    }
    keys.retain(|key| !key.is_empty() && key != ".");
    keys
}

/// The keys that mean this mailbox, the most specific first: `user@domain`, `user@`, then those of its domain.
#[must_use]
pub fn address_keys(mailbox: &Mailbox) -> Vec<String> {
    let local = key::lower_local(mailbox.local());
    let mut keys = vec![
        format!("{local}@{}", key::lower_domain(mailbox.domain())),
        format!("{local}@"),
    ];
    keys.extend(keys_of_domain(mailbox.domain()));
    keys
}

fn keys_of_domain(domain: &Domain) -> Vec<String> {
    let mut keys = domain_keys(&key::lower_domain(domain));
    if let Some(ip) = domain.literal_ip() {
        keys.extend(connect_keys(ip));
    }
    keys
}

fn find(tables: &Tables, tag: Tag, keys: &[String]) -> Result<Found, String> {
    if !tables.is_there(Table::Access) {
        return Ok(None);
    }
    for key in keys {
        for tagged in [&format!("{}{key}", tag.word()), key] {
            if let Some(entry) = tables.get(Table::Access, tagged)? {
                let action = parse(&entry.value).map_err(|mistake| {
                    format!(
                        "{} line {}: {mistake}",
                        tables.file_name(Table::Access),
                        entry.line
                    )
                })?;
                return Ok(Some((action, entry)));
            }
        }
    }
    Ok(None)
}

/// What is said of a client by its address and, if it is known and was confirmed, its name. An address is more specific than a name.
///
/// # Errors
/// Why that cannot be said now.
pub fn connect(tables: &Tables, ip: IpAddr, name: Option<&str>) -> Result<Found, String> {
    let mut keys = connect_keys(ip);
    let whole_networks = keys.split_off(1.min(keys.len()));
    if let Some(name) = name {
        keys.extend(domain_keys(name.trim_end_matches('.')));
    }
    keys.extend(whole_networks);
    find(tables, Tag::Connect, &keys)
}

/// What is said of a reverse-path.
///
/// # Errors
/// Why that cannot be said now.
pub fn from(tables: &Tables, path: &ReversePath) -> Result<Found, String> {
    let keys = path
        .mailbox()
        .map_or_else(|| vec!["<>".to_owned()], address_keys);
    find(tables, Tag::From, &keys)
}

/// What is said of a recipient.
///
/// # Errors
/// Why that cannot be said now.
pub fn to(tables: &Tables, mailbox: &Mailbox) -> Result<Found, String> {
    find(tables, Tag::To, &address_keys(mailbox))
}

/// Whether an entry names clients by host or domain, so that the name of a client must be asked for.
///
/// # Errors
/// Why that cannot be said now.
pub fn has_connect_names(tables: &Tables) -> Result<bool, String> {
    tables.has_note(Table::Access, key::CONNECT_NAMES)
}

#[cfg(test)]
mod tests;
