//! The virtusertable: addresses of virtual domains and what they stand for.
//!
//! A right side is one target or several: names of this host, addresses, `error:...`. `%1` is the user, `%2` the detail behind a `+`, `%3`
//! the detail with its `+`. They are put in after the right side was read, so that nothing in an address can add a target.

use stafette_addr::{Domain, LocalPart, Mailbox};
use stafette_control::Mistake;

use crate::tables::{Entry, Tables};
use crate::target::{Address, Item, parse_list};
use crate::{Table, key};

/// The keys that fit a mailbox. Of those that are there the smallest line number counts.
#[must_use]
pub fn keys(mailbox: &Mailbox) -> Vec<String> {
    let (local, domain) = (mailbox.local().as_str(), mailbox.domain());
    let with = |local: &str| key::of_mailbox(local, domain);
    let mut keys = vec![with(local)];
    if let Some((user, detail)) = local.split_once('+') {
        if !detail.is_empty() {
            keys.push(with(&format!("{user}++")));
        }
        keys.push(with(&format!("{user}+*")));
        keys.push(with(user));
        if !detail.is_empty() {
            keys.push(with("++"));
        }
        keys.push(with("+*"));
    }
    keys.push(with(""));
    keys
}

/// The compiled form of a key, in lower case.
pub(crate) fn compiled_key(text: &str) -> Result<String, Mistake> {
    let wrong = || {
        Mistake::new(
            format!("not an address: {text}"),
            "write USER@DOMAIN, or @DOMAIN for all the rest of a domain",
        )
    };
    if let Some(domain) = text.strip_prefix('@') {
        return key::domain(domain)
            .map(|domain| format!("@{domain}"))
            .ok_or_else(wrong);
    }
    key::mailbox(text).ok_or_else(wrong)
}

/// Reads a right side.
///
/// # Errors
/// What is wrong with it.
pub fn parse(value: &str) -> Result<Vec<Item>, Mistake> {
    let items = parse_list(value.as_bytes())?;
    let is_address = |item: &Item| matches!(item, Item::Address(_) | Item::Own(_) | Item::Error(_));
    if items.is_empty() {
        return Err(Mistake::new(
            "no target",
            "write a name, an address or error:nouser TEXT behind the address",
        ));
    }
    if !items.iter().all(is_address) {
        return Err(Mistake::new(
            "a program, a file or a list in the virtusertable",
            "write a name, and give that name to the program, file or list in aliases",
        ));
    }
    Ok(items)
}

/// Where the mail of `mailbox` goes, if the table says so.
///
/// # Errors
/// Why that cannot be said now.
pub fn find(tables: &Tables, mailbox: &Mailbox) -> Result<Option<(Vec<Item>, Entry)>, String> {
    let mut first: Option<Entry> = None;
    if !tables.is_there(Table::Virtusertable) {
        return Ok(None);
    }
    for key in keys(mailbox) {
        if let Some(entry) = tables.get(Table::Virtusertable, &key)?
            && first.as_ref().is_none_or(|first| entry.line < first.line)
        {
            first = Some(entry);
        }
    }
    let Some(entry) = first else { return Ok(None) };
    let items = targets(&entry.value, mailbox).map_err(|mistake| {
        let file = tables.file_name(Table::Virtusertable);
        format!("{file} line {}: {mistake}", entry.line)
    })?;
    Ok(Some((items, entry)))
}

/// Whether the table has a line `@domain`, so that the domain is ours.
///
/// # Errors
/// Why that cannot be said now.
pub fn has_catch_all(tables: &Tables, domain: &Domain) -> Result<bool, String> {
    let key = key::of_mailbox("", domain);
    Ok(tables.get(Table::Virtusertable, &key)?.is_some())
}

/// The targets of a right side for this mailbox: `%1`, `%2` and `%3` put in.
///
/// # Errors
/// What is wrong with the right side, or with what comes out.
pub fn targets(value: &str, mailbox: &Mailbox) -> Result<Vec<Item>, Mistake> {
    let local = mailbox.local().as_str();
    let (user, detail) = local.split_once('+').unwrap_or((local, ""));
    let plus = if local.contains('+') {
        format!("+{detail}")
    } else {
        String::new()
    };
    let parts = [user, detail, plus.as_str()];
    parse(value)?
        .into_iter()
        .map(|item| put_in(item, parts))
        .collect()
}

fn put_in(item: Item, parts: [&str; 3]) -> Result<Item, Mistake> {
    Ok(match item {
        Item::Address(address) => Item::Address(put_in_address(address, parts)?),
        Item::Own(address) => Item::Own(put_in_address(address, parts)?),
        Item::Error(mut reply) => {
            // A reply is ASCII, whatever the address is.
            reply.text = replace(&reply.text, parts)
                .chars()
                .map(|c| if matches!(c, ' '..='~') { c } else { '?' })
                .collect();
            Item::Error(reply)
        }
        other => other,
    })
}

fn put_in_address(address: Address, parts: [&str; 3]) -> Result<Address, Mistake> {
    let text = replace(address.local.as_str(), parts);
    let local = LocalPart::from_unquoted(text.as_bytes()).map_err(|error| {
        Mistake::new(
            format!("what comes out is no local-part: {error}"),
            "write a target that fits all addresses of the line",
        )
    })?;
    Ok(Address { local, ..address })
}

fn replace(text: &str, parts: [&str; 3]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let part = match after.as_bytes().first() {
            Some(b'1') => parts.first(),
            Some(b'2') => parts.get(1),
            Some(b'3') => parts.get(2),
            _ => None,
        };
        match part {
            Some(part) => {
                out.push_str(part);
                rest = after.get(1..).unwrap_or_default();
            }
            None => {
                out.push('%');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox(text: &str) -> Mailbox {
        text.parse().expect("a mailbox")
    }

    fn shown(value: &str, from: &str) -> Vec<String> {
        let items = targets(value, &mailbox(from)).expect("targets");
        items.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_detail_is_tried_before_its_user_and_the_rest_last() {
        assert_eq!(
            keys(&mailbox("Joe+Ext@Example.org")),
            ["joe+ext", "joe++", "joe+*", "joe", "++", "+*", ""]
                .map(|l| format!("{l}@example.org"))
        );
        assert_eq!(keys(&mailbox("joe@a.b")), ["joe@a.b", "@a.b"]);
    }

    #[test]
    fn parts_of_the_address_are_put_in() {
        assert_eq!(shown("%1@new.example", "joe@a.b"), ["joe@new.example"]);
        assert_eq!(
            shown("list%3@x.y, %2", "joe+ext@a.b"),
            ["list+ext@x.y", "ext"]
        );
        assert_eq!(shown("all%3", "joe@a.b"), ["all"]);
        assert_eq!(shown("50%%1", "joe@a.b"), ["50%joe"]);
    }

    #[test]
    fn an_address_cannot_add_targets() {
        assert_eq!(shown("%1", "\"a,b|c\"@a.b"), ["\"a,b|c\""]);
        assert_eq!(
            shown("error:nouser %1 is gone", "\u{fc}@a.b"),
            ["error:5.1.1:550 ? is gone"]
        );
    }

    #[test]
    fn programs_and_empty_right_sides_are_mistakes() {
        for value in ["", "|cat", "/file", ":include:/x", "a b c"] {
            assert!(parse(value).is_err(), "{value}");
        }
        assert_eq!(compiled_key("@Example.ORG").expect("a key"), "@example.org");
        assert!(compiled_key("joe").is_err());
    }
}
