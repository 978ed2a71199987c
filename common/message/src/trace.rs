//! Trace fields (RFC 5321 section 4.4): Received, Return-Path, Delivered-To.
//!
//! What a client said goes in bounded and with every octet replaced by `?` that could leave its place: no field made here holds
//! a line end other than its own folds.

use std::fmt::Write as _;
use std::net::IpAddr;

use stafette_addr::{Mailbox, ReversePath};

use crate::date;

/// Octets of a name that a client gave which are written.
const NAME_LIMIT: usize = 255;

/// Who handed the message over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via<'a> {
    /// A client of SMTP.
    Client {
        /// What it said in HELO or EHLO; empty if nothing.
        helo: &'a [u8],
        /// Its name, if somebody looked it up; else empty.
        name: &'a [u8],
        /// Its address, if known.
        address: Option<IpAddr>,
    },
    /// A user of this machine.
    User(u32),
    /// This mail system itself: a report.
    Ourselves,
}

/// What a Received field says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received<'a> {
    /// Who handed it over.
    pub via: Via<'a>,
    /// Our name.
    pub by: &'a str,
    /// `SMTP`, `ESMTP`, `UTF8SMTP` and their kin (RFC 3848); only written for clients.
    pub with: &'a str,
    /// Our name for the message.
    pub id: &'a str,
    /// The recipient, if there is only one.
    pub recipient: Option<&'a Mailbox>,
    /// When, in Unix seconds.
    pub time: i64,
}

/// The field, folded, without its last line end.
#[must_use]
pub fn received(field: &Received<'_>) -> String {
    let mut text = String::with_capacity(256);
    text.push_str("Received: ");
    let by = clean(field.by.as_bytes());
    let id = clean(field.id.as_bytes());
    match field.via {
        Via::Client {
            helo,
            name,
            address,
        } => {
            push_client(&mut text, helo, name, address);
            let with = clean(field.with.as_bytes());
            let with = if with.is_empty() { "SMTP" } else { &with };
            push(
                &mut text,
                format_args!("\n\tby {by} (Stafette) with {with} id {id}"),
            );
            if let Some(mailbox) = field.recipient.filter(|mailbox| !mailbox.needs_smtputf8()) {
                push(&mut text, format_args!("\n\tfor <{mailbox}>"));
            }
            push(&mut text, format_args!("; {}", date::rfc5322(field.time)));
        }
        Via::User(uid) => {
            push(
                &mut text,
                format_args!(
                    "by {by} (Stafette, from userid {uid})\n\tid {id}; {}",
                    date::rfc5322(field.time)
                ),
            );
        }
        Via::Ourselves => push(
            &mut text,
            format_args!(
                "by {by} (Stafette)\n\tid {id}; {}",
                date::rfc5322(field.time)
            ),
        ),
    }
    text
}

/// `Return-Path: <…>`: the reverse-path at final delivery.
#[must_use]
pub fn return_path(from: &ReversePath) -> String {
    format!("Return-Path: <{from}>")
}

/// `Delivered-To: …`: what a loop is found by.
#[must_use]
pub fn delivered_to(mailbox: &Mailbox) -> String {
    format!("Delivered-To: {mailbox}")
}

fn push(text: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing into a String does not fail.
    text.write_fmt(words).unwrap_or_default();
}

fn push_client(text: &mut String, helo: &[u8], name: &[u8], address: Option<IpAddr>) {
    let literal = address.map(|ip| match ip.to_canonical() {
        IpAddr::V4(v4) => format!("[{v4}]"),
        IpAddr::V6(v6) => format!("[IPv6:{v6}]"),
    });
    let (helo, name) = (clean(helo), clean(name));
    let said = match (&literal, helo.is_empty()) {
        (_, false) => &helo,
        (Some(literal), true) => literal,
        (None, true) => "unknown",
    };
    push(text, format_args!("from {said}"));
    match (&literal, name.is_empty()) {
        (Some(literal), true) => push(text, format_args!(" ({literal})")),
        (Some(literal), false) => push(text, format_args!(" ({name} {literal})")),
        (None, false) => push(text, format_args!(" ({name})")),
        (None, true) => {}
    }
}

/// Letters, digits and the few signs of names and literals; anything else could be syntax.
fn clean(bytes: &[u8]) -> String {
    bytes
        .iter()
        .take(NAME_LIMIT)
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b':' | b'[' | b']' => {
                char::from(*byte)
            }
            _ => '?',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base<'a>(via: Via<'a>, recipient: Option<&'a Mailbox>) -> String {
        let text = received(&Received {
            via,
            by: "mx.example.org",
            with: "ESMTP",
            id: "0abc",
            recipient,
            time: 0,
        });
        text.rsplit_once("; ")
            .map(|(front, _)| front.to_owned())
            .unwrap()
    }

    #[test]
    fn a_client_is_named_by_what_it_said_and_where_it_is() {
        let to = Mailbox::parse(b"joe@example.org").unwrap();
        let via = Via::Client {
            helo: b"client.test",
            name: b"real.test",
            address: Some("192.0.2.1".parse().unwrap()),
        };
        assert_eq!(
            base(via, Some(&to)),
            "Received: from client.test (real.test [192.0.2.1])\n\tby mx.example.org (Stafette) with ESMTP id 0abc\n\tfor <joe@example.org>"
        );
        let via = Via::Client {
            helo: b"",
            name: b"",
            address: Some("2001:db8::1".parse().unwrap()),
        };
        assert!(
            base(via, None).starts_with("Received: from [IPv6:2001:db8::1] ([IPv6:2001:db8::1])\n")
        );
    }

    #[test]
    fn a_local_user_is_named_by_number() {
        assert_eq!(
            base(Via::User(1000), None),
            "Received: by mx.example.org (Stafette, from userid 1000)\n\tid 0abc"
        );
        assert_eq!(
            base(Via::Ourselves, None),
            "Received: by mx.example.org (Stafette)\n\tid 0abc"
        );
    }

    #[test]
    fn nothing_that_a_client_says_leaves_its_place() {
        let via = Via::Client {
            helo: b"a\r\nBcc: x (y) \xff;",
            name: b")\0(",
            address: None,
        };
        let text = base(via, None);
        assert!(
            text.starts_with("Received: from a??Bcc:?x??y???? (???)\n\tby "),
            "{text}"
        );
    }

    #[test]
    fn the_null_reverse_path_is_printed_as_such() {
        assert_eq!(return_path(&ReversePath::Null), "Return-Path: <>");
        let mailbox = Mailbox::parse(b"\"j d\"@example.org").unwrap();
        assert_eq!(delivered_to(&mailbox), "Delivered-To: \"j d\"@example.org");
        assert_eq!(
            return_path(&mailbox.into()),
            "Return-Path: <\"j d\"@example.org>"
        );
    }
}
