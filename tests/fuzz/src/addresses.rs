//! Mailboxes, domains, reverse-paths, xtext.

use stafette_addr::{Domain, LocalPart, Mailbox, ReversePath, xtext_decode, xtext_encode};

fn assert_harmless(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
}

/// What is printed is parsed again as the same, and holds no control character.
pub fn addresses_print_what_they_read(data: &[u8]) {
    if let Ok(mailbox) = Mailbox::parse(data) {
        assert_harmless(mailbox.as_str());
        assert_eq!(
            Mailbox::parse(mailbox.as_str().as_bytes()).as_ref(),
            Ok(&mailbox)
        );
        assert_eq!(
            LocalPart::parse(mailbox.local().to_string().as_bytes()).as_ref(),
            Ok(mailbox.local())
        );
        let ascii = mailbox.with_ascii_domain();
        assert_eq!(ascii.with_ascii_domain(), ascii);
        assert!(ascii.domain().as_str().is_ascii());
    }
    if let Ok(domain) = Domain::parse(data) {
        assert_harmless(domain.as_str());
        assert_eq!(
            Domain::parse(domain.as_str().as_bytes()).as_ref(),
            Ok(&domain)
        );
        assert_eq!(domain.is_literal(), domain.literal_ip().is_some());
        assert_eq!(domain.is_literal(), domain.to_ascii().is_none());
        if let Some(ascii) = domain.to_ascii() {
            assert!(Domain::parse(ascii.as_bytes()).is_ok(), "{ascii:?}");
        }
    }
    if let Ok(path) = ReversePath::parse(data) {
        assert_eq!(ReversePath::parse(path.to_string().as_bytes()), Ok(path));
    }
    if let Ok(local) = LocalPart::from_unquoted(data) {
        assert_eq!(local.as_str().as_bytes(), data);
        assert_eq!(LocalPart::parse(local.to_string().as_bytes()), Ok(local));
    }
    if let Some(decoded) = xtext_decode(data) {
        assert_eq!(
            xtext_decode(xtext_encode(&decoded).as_bytes()),
            Some(decoded)
        );
    }
}
