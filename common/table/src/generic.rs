//! The genericstable: what senders of this host are called outside.

use stafette_addr::Mailbox;
use stafette_control::Mistake;

use crate::tables::{Entry, Tables};
use crate::target::Address;
use crate::{Table, key};

/// The compiled form of a key, in lower case: `user`, `user@host` or `@host`.
pub(crate) fn compiled_key(text: &str) -> Result<String, Mistake> {
    let found = match text.strip_prefix('@') {
        Some(domain) => key::domain(domain).map(|domain| format!("@{domain}")),
        None if text.contains('@') => key::mailbox(text),
        None => key::local_part(text),
    };
    found.ok_or_else(|| Mistake::new(format!("not an address: {text}"), "write USER or USER@HOST"))
}

/// Reads a right side: the address that the world sees. One without a domain keeps the domain that the address has.
///
/// # Errors
/// What is wrong with it.
pub fn parse(value: &str) -> Result<Address, Mistake> {
    Address::parse(value)
}

/// What `mailbox` is called outside. Keys without a domain count only if `is_ours`: its domain is one of this host's.
///
/// # Errors
/// Why that cannot be said now.
pub fn find(
    tables: &Tables,
    mailbox: &Mailbox,
    is_ours: bool,
) -> Result<Option<(Mailbox, Entry)>, String> {
    if !tables.is_there(Table::Genericstable) {
        return Ok(None);
    }
    let local = mailbox.local().as_str();
    let user = local.split_once('+').map(|(user, _)| user);
    let spellings = || std::iter::once(local).chain(user.filter(|user| !user.is_empty()));
    let mut keys: Vec<String> = spellings()
        .map(|local| key::of_mailbox(local, mailbox.domain()))
        .collect();
    if is_ours {
        keys.extend(spellings().map(str::to_lowercase));
    }
    keys.push(key::of_mailbox("", mailbox.domain()));
    for key in keys {
        if let Some(entry) = tables.get(Table::Genericstable, &key)? {
            let address = parse(&entry.value).map_err(|mistake| {
                let file = tables.file_name(Table::Genericstable);
                format!("{file} line {}: {mistake}", entry.line)
            })?;
            return Ok(Some((address.mailbox(mailbox.domain()), entry)));
        }
    }
    Ok(None)
}
