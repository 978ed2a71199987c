//! Header sections, address lists, hop counts.

use stafette_addr::Mailbox;
use stafette_message::header::{fields, split, unfold};
use stafette_message::rewrite::{Scope, rewrite};
use stafette_message::section::{Section, Taken};
use stafette_message::{HopCounter, addresses};

use crate::cut::cuts;

/// The fields and what follows them are the content, octet for octet; folded or not, nothing is made up.
pub fn header_fields_are_the_content(data: &[u8]) {
    let mut all = Vec::new();
    let mut walk = fields(data);
    for field in walk.by_ref() {
        assert!(!field.name.is_empty() && field.raw.starts_with(field.name));
        assert!(unfold(field.body()).len() <= field.raw.len());
        all.extend_from_slice(field.raw);
        if all.len() < data.len() {
            all.push(b'\n');
        }
    }
    all.extend_from_slice(walk.rest());
    assert_eq!(all, data);
    let (header, body) = split(data);
    assert!(header.len() + body.len() <= data.len() && data.ends_with(body));
}

/// Streamed in any cut, the section and the hop count are the same.
pub fn header_sections_ignore_cuts(data: &[u8]) {
    let mut whole = HopCounter::new();
    whole.feed(data);
    for pieces in cuts(data) {
        let mut cut = HopCounter::new();
        pieces.into_iter().for_each(|piece| cut.feed(piece));
        assert_eq!(whole.hops(), cut.hops());
    }
    let mut section = Section::new(4096);
    if let Taken::Ended(used) = section.feed(data) {
        assert!(used <= data.len());
    }
    assert!(section.finish().0.len() <= 4096);
}

/// Whatever a list of addresses holds, what comes out is an address or an error, and not more of them than octets.
pub fn address_lists_give_addresses(data: &[u8]) {
    let listed = addresses::addresses(data);
    assert!(listed.len() <= data.len());
}

/// Where nothing is to change nothing changes, and where everything is, the same number of addresses of the same fields are read, each
/// of them the new one; fields and body stay in their places.
pub fn rewritten_headers_hold_the_new_addresses(data: &[u8]) {
    assert_eq!(rewrite(data, Scope::All, |_| None), None);
    assert_eq!(rewrite(data, Scope::All, |old| Some(old.clone())), None);
    let Ok(new) = Mailbox::parse(b"\"new one\"@out.example") else {
        return;
    };
    let mut changed = 0;
    let text = rewrite(data, Scope::All, |old| {
        changed += usize::from(*old != new);
        Some(new.clone())
    });
    assert_eq!(text.is_some(), changed > 0);
    let text = text.unwrap_or_else(|| data.to_vec());
    let mut walks = (fields(data), fields(&text));
    for (old, now) in walks.0.by_ref().zip(walks.1.by_ref()) {
        assert_eq!(old.name, now.name);
        let lists = [old.body(), now.body()].map(addresses::addresses);
        if old.raw != now.raw {
            assert_eq!(lists[0].len(), lists[1].len());
            for listed in &lists[1] {
                let Ok(listed) = listed else {
                    panic!("no address any more");
                };
                let mailbox = listed
                    .domain
                    .clone()
                    .map(|domain| Mailbox::new(listed.local.clone(), domain));
                assert!(mailbox.is_none_or(|mailbox| mailbox == new));
            }
        }
    }
    assert_eq!(walks.0.next(), None);
    assert_eq!(walks.1.next(), None);
    assert_eq!(walks.0.rest(), walks.1.rest());
}
