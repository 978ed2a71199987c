//! Loops: a message that was delivered before to the address that it is for (`Delivered-To`).
//!
//! Each turn of a loop adds its fields at the top, so whoever looks need not read more than the first piece of content.

use stafette_addr::Mailbox;

use crate::header::{fields, unfold};

/// Whether the fields that were added to a message, each whole, or its content's header section say that it was delivered to `to`.
#[must_use]
pub fn was_delivered_to<'a>(
    added: impl IntoIterator<Item = &'a [u8]>,
    content: &'a [u8],
    to: &Mailbox,
) -> bool {
    added
        .into_iter()
        .flat_map(fields)
        .chain(fields(content))
        .filter(|field| field.is("Delivered-To"))
        .any(|field| Mailbox::parse(&unfold(field.body())).is_ok_and(|mailbox| mailbox == *to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_was_here_before_says_so_in_its_content_or_its_added_fields() {
        let joe = Mailbox::parse(b"joe@example.org").unwrap();
        let was = |added: &[&[u8]], content: &str| {
            was_delivered_to(added.iter().copied(), content.as_bytes(), &joe)
        };
        assert!(was(&[], "Subject: a\nDELIVERED-TO :\n joe@EXAMPLE.org\n\n"));
        assert!(was(&[b"Received: x", b"Delivered-To: joe@example.org"], ""));
        assert!(!was(
            &[b"Received: x"],
            "Delivered-To: jim@example.org\n\nDelivered-To: joe@example.org\n"
        ));
    }
}
