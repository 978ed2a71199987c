//! Other addresses in the address fields of a header section: what masquerading does to it.
//!
//! Only the octets of an address change. Display names, comments, routes, groups, folds and the order of all that stay as they came,
//! and so does every field of which any part is no address list, and an address without a domain. Work is linear in the input.

use stafette_addr::Mailbox;

use crate::addresses::addresses;
use crate::header::{Field, fields};
use crate::token::Tokens;

/// A longer header section is left as it is by who rewrites, so that it need not be held.
pub const HEADER_MAX: usize = 1 << 20;

/// Fields that name senders.
const SENDERS: [&str; 8] = [
    "From",
    "Sender",
    "Reply-To",
    "Return-Receipt-To",
    "Disposition-Notification-To",
    "Resent-From",
    "Resent-Sender",
    "Resent-Reply-To",
];

/// Fields that name recipients.
const RECIPIENTS: [&str; 6] = ["To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc"];

/// Which fields are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those that name senders.
    Senders,
    /// Those that name senders or recipients.
    All,
}

impl Scope {
    fn has(self, field: &Field<'_>) -> bool {
        let recipients = match self {
            Self::Senders => [].iter(),
            Self::All => RECIPIENTS.iter(),
        };
        SENDERS.iter().chain(recipients).any(|name| field.is(name))
    }
}

/// The header section with the addresses that `change` gives in place of others; none if nothing changes.
pub fn rewrite(
    header: &[u8],
    scope: Scope,
    mut change: impl FnMut(&Mailbox) -> Option<Mailbox>,
) -> Option<Vec<u8>> {
    let mut new = Vec::new();
    let mut copied = 0usize;
    let mut at = 0usize;
    for field in fields(header) {
        let body = field.body();
        let body_at = at.saturating_add(field.raw.len().saturating_sub(body.len()));
        at = at.saturating_add(field.raw.len()).saturating_add(1);
        if !scope.has(&field) {
            continue;
        }
        let Ok(list) = addresses(body).into_iter().collect::<Result<Vec<_>, _>>() else {
            continue;
        };
        for listed in list {
            let Some(domain) = listed.domain else {
                continue;
            };
            let old = Mailbox::new(listed.local, domain);
            let Some(mailbox) = change(&old).filter(|mailbox| *mailbox != old) else {
                continue;
            };
            let start = body_at.saturating_add(listed.start);
            new.extend_from_slice(header.get(copied..start).unwrap_or_default());
            new.extend_from_slice(mailbox.as_str().as_bytes());
            keep_comments(
                body.get(listed.start..listed.end).unwrap_or_default(),
                &mut new,
            );
            copied = body_at.saturating_add(listed.end);
        }
    }
    if copied == 0 {
        return None;
    }
    new.extend_from_slice(header.get(copied..).unwrap_or_default());
    Some(new)
}

/// Comments may stand within an address: those go behind the new one. A fold in front of one stays, so that no line has blanks alone.
fn keep_comments(address: &[u8], new: &mut Vec<u8>) {
    let mut behind = 0;
    for (_, place) in Tokens::new(address) {
        let between = address.get(behind..place.start).unwrap_or_default();
        if between.contains(&b'(') {
            new.extend_from_slice(between.trim_ascii_end());
        }
        behind = place.end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn visible(old: &Mailbox) -> Option<Mailbox> {
        (old.domain().as_str() == "in.test")
            .then(|| format!("{}@out.example", old.local()).parse().unwrap())
    }

    fn senders(header: &str) -> String {
        let new = rewrite(header.as_bytes(), Scope::Senders, visible);
        String::from_utf8(new.unwrap_or_else(|| header.into())).unwrap()
    }

    #[test]
    fn only_the_octets_of_addresses_change() {
        for (header, want) in [
            ("From: joe@in.test\n", "From: joe@out.example\n"),
            (
                "FROM : \"Joe, in.test\" <joe@IN.test> (joe@in.test)\n",
                "FROM : \"Joe, in.test\" <joe@out.example> (joe@in.test)\n",
            ),
            (
                "Subject: joe@in.test\nReply-To: a@in.test,\n\tB <b@other.test>,\n (x) c@in.test\n\n",
                "Subject: joe@in.test\nReply-To: a@out.example,\n\tB <b@other.test>,\n (x) c@out.example\n\n",
            ),
            (
                "Sender: <@r.test:joe@in.test>\n",
                "Sender: <@r.test:joe@out.example>\n",
            ),
            (
                "From: Us: \"j d\"@in.test, joe;\n",
                "From: Us: \"j d\"@out.example, joe;\n",
            ),
            (
                "From: joe (a)\n . (b) d\n @ in (c) .test (d)\n",
                "From: joe.d@out.example (a) (b) (c) (d)\n",
            ),
            (
                "From: =?utf-8?q?J=C3=BC?= <j@in.test>",
                "From: =?utf-8?q?J=C3=BC?= <j@out.example>",
            ),
        ] {
            assert_eq!(senders(header), want);
        }
    }

    #[test]
    fn a_field_that_is_no_list_of_addresses_stays_as_it_is() {
        for header in [
            "From: joe@in.test, two words\n",
            "From: \"joe@in.test\n",
            "From: joe@in.test <\n",
            "From:\n",
            "From: joe\n",
            "X-From: joe@in.test\n",
            "no field\nFrom: joe@in.test\n",
            "\nFrom: joe@in.test\n",
        ] {
            assert_eq!(senders(header), header);
        }
    }

    #[test]
    fn recipients_change_only_if_asked() {
        let header = b"To: a@in.test\nCc: b@in.test\nResent-To: c@in.test\nBcc: d@in.test\nResent-Cc: e@in.test\n";
        assert_eq!(rewrite(header, Scope::Senders, visible), None);
        let new = rewrite(header, Scope::All, visible).unwrap();
        let text = String::from_utf8(new).unwrap();
        assert_eq!(text.matches("@out.example").count(), 5, "{text}");
    }

    fn hostile() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop::sample::select(vec![
            &b"From:"[..],
            b"To: ",
            b"a",
            b"joe@in.test",
            b"@in.test",
            b"<",
            b">",
            b"@",
            b",",
            b";",
            b":",
            b".",
            b"(",
            b")",
            b"\"",
            b"\\",
            b"[",
            b"]",
            b" ",
            b"\n ",
            b"\n",
            b"\0",
            b"\xff",
            b"=?u?q?",
            b"?=",
        ]);
        prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
    }

    fn all_addresses(header: &[u8]) -> Vec<String> {
        let named = fields(header).filter(|field| Scope::All.has(field));
        let lists = named.flat_map(|field| {
            let list = addresses(field.body());
            list.into_iter().collect::<Result<Vec<_>, _>>()
        });
        lists
            .flatten()
            .map(|listed| {
                format!(
                    "{}@{:?}",
                    listed.local,
                    listed.domain.map(|d| d.to_string())
                )
            })
            .collect()
    }

    proptest! {
        #[test]
        fn nothing_changes_where_nothing_is_to_change(rest in hostile()) {
            let header = [b"From:", &rest[..]].concat();
            prop_assert_eq!(rewrite(&header, Scope::All, |_| None), None);
            prop_assert_eq!(rewrite(&header, Scope::All, |old| Some(old.clone())), None);
        }

        #[test]
        fn a_new_address_is_read_where_the_old_one_was(rest in hostile(), local in "[ -~]{1,8}") {
            let header = [b"From:", &rest[..]].concat();
            let local = stafette_addr::LocalPart::from_unquoted(local.as_bytes()).unwrap();
            let new = Mailbox::new(local, stafette_addr::Domain::parse(b"out.example").unwrap());
            let mut wanted = Vec::new();
            for text in all_addresses(&header) {
                let is_changed = !text.ends_with("@None");
                wanted.push(if is_changed { format!("{}@{:?}", new.local(), Some("out.example")) } else { text });
            }
            let changed = rewrite(&header, Scope::All, |_| Some(new.clone())).unwrap_or(header);
            prop_assert_eq!(all_addresses(&changed), wanted);
        }
    }
}
