//! Trace fields at final delivery, and the loops that they show.
//!
//! Only the header section within the first piece of content is looked at (64 KiB). That is enough to end every loop:
//! each turn adds its fields at the top, so that the fields of a loop are the first ones of the message.

use stafette_addr::Mailbox;
use stafette_addr::ReversePath;
use stafette_message::header::HopCounter;
use stafette_message::loops::was_delivered_to;
use stafette_message::trace::{delivered_to, return_path};
use stafette_wire::delivery::Bytes;

use crate::verdict::Verdict;

/// What final delivery puts in front of everything: Return-Path (RFC 5321 section 4.4) and Delivered-To.
#[must_use]
pub fn own_fields(from: &ReversePath, to: &Mailbox) -> String {
    format!("{}\n{}\n", return_path(from), delivered_to(to))
}

/// The fields of the queue, which stand behind those.
#[must_use]
pub fn added_fields(add: &[Bytes]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    for field in add {
        out.extend_from_slice(&field.0);
        out.push(b'\n');
    }
    out
}

/// The verdict if this message was delivered to `to` before, or has more than `hop_limit` trace fields
/// (RFC 5321 section 6.3).
#[must_use]
pub fn find_loop(add: &[Bytes], content: &[u8], to: &Mailbox, hop_limit: u32) -> Option<Verdict> {
    let mut hops = HopCounter::new();
    for field in add {
        hops.feed(&field.0);
        hops.feed(b"\n");
    }
    hops.feed(content);
    if hops.hops() > hop_limit {
        return Some(Verdict::loops(format!(
            "the message has {} trace fields and {hop_limit} is the limit: it loops",
            hops.hops()
        )));
    }
    let added = add.iter().map(|field| field.0.as_slice());
    was_delivered_to(added, content, to).then(|| {
        Verdict::loops(format!(
            "the message was delivered to {to} before: it loops"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joe() -> Mailbox {
        Mailbox::parse(b"joe@example.org").unwrap()
    }

    fn status(content: &str) -> Option<String> {
        find_loop(&[], content.as_bytes(), &joe(), 3).map(|verdict| verdict.status)
    }

    #[test]
    fn a_message_that_was_here_before_is_a_loop() {
        assert_eq!(
            status("Delivered-To: joe@example.org\n\nx\n").as_deref(),
            Some("5.4.6")
        );
        assert_eq!(
            status("Subject: a\nDELIVERED-TO :\n joe@EXAMPLE.org\n\n").as_deref(),
            Some("5.4.6")
        );
        assert_eq!(
            status("Delivered-To: jim@example.org\n\nDelivered-To: joe@example.org\n"),
            None
        );
        let add = [Bytes(b"Delivered-To: joe@example.org".to_vec())];
        assert!(find_loop(&add, b"", &joe(), 3).is_some());
    }

    #[test]
    fn too_many_hops_are_a_loop() {
        let hop = "Received: from a\n\tby b\n";
        assert_eq!(status(&format!("{}\n", hop.repeat(3))), None);
        assert_eq!(
            status(&format!("{}\n", hop.repeat(4))).as_deref(),
            Some("5.4.6")
        );
        let add = [Bytes(b"Received: by us".to_vec())];
        let content = format!("{}\n", hop.repeat(3));
        assert!(find_loop(&add, content.as_bytes(), &joe(), 3).is_some());
    }
}
