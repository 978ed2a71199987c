//! Variable envelope return paths: who bounces is seen from the address that the bounce comes to.

use stafette_addr::{LocalPart, Mailbox, ReversePath};

/// The reverse-path for one recipient: for `LOCAL@DOMAIN` and `user@host` it is `LOCALuser=host@DOMAIN`, as qmail has it.
///
/// The null path, and one that would be too long, stay as they are.
pub(crate) fn reverse_path(from: &ReversePath, to: &Mailbox) -> ReversePath {
    let Some(mailbox) = from.mailbox() else {
        return ReversePath::Null;
    };
    let local = format!(
        "{}{}={}",
        mailbox.local().as_str(),
        to.local().as_str(),
        to.domain().as_str()
    );
    match LocalPart::from_unquoted(local.as_bytes()) {
        Ok(local) => Mailbox::new(local, mailbox.domain().clone()).into(),
        Err(_) => from.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(from: &str, to: &str) -> String {
        let from = ReversePath::parse(from.as_bytes()).unwrap();
        let to = Mailbox::parse(to.as_bytes()).unwrap();
        reverse_path(&from, &to).as_str().to_owned()
    }

    #[test]
    fn a_recipient_stands_in_front_of_the_at_sign() {
        assert_eq!(
            path("list-owner-@x.test", "joe@y.test"),
            "list-owner-joe=y.test@x.test"
        );
        assert_eq!(
            path("list-@x.test", "\"j d\"@y.test"),
            "\"list-j d=y.test\"@x.test"
        );
    }

    #[test]
    fn what_cannot_be_made_stays_as_it_was() {
        assert_eq!(path("", "joe@y.test"), "");
        let long = format!("{}@y.test", "a".repeat(250));
        assert_eq!(path("list-owner-@x.test", &long), "list-owner-@x.test");
    }
}
