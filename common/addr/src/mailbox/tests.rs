//! What is a mailbox and what is none.

use proptest::prelude::*;

use super::*;

fn printed(wire: &str) -> Result<String, AddrError> {
    Mailbox::parse(wire.as_bytes()).map(|m| m.to_string())
}

#[test]
fn two_spellings_of_one_mailbox_are_equal() {
    let plain = Mailbox::parse(b"Joe@example.org").unwrap();
    assert_eq!(Mailbox::parse(b"\"Joe\"@EXAMPLE.org"), Ok(plain.clone()));
    assert_ne!(Mailbox::parse(b"joe@example.org"), Ok(plain));
}

#[test]
fn an_at_sign_in_quotes_ends_nothing() {
    let odd = Mailbox::parse(b"\"a@b\"@example.org").unwrap();
    assert_eq!(odd.local().as_str(), "a@b");
    assert_eq!(odd.domain().as_str(), "example.org");
    assert_eq!(odd.as_str(), "\"a@b\"@example.org");
}

#[test]
fn what_is_no_mailbox_is_refused() {
    for (wire, why) in [
        ("joe", AddrError::NoDomain),
        ("joe@", AddrError::NoDomain),
        ("@example.org", AddrError::NoLocalPart),
        ("", AddrError::NoLocalPart),
        ("a@b@c", AddrError::BadDomain),
        ("\"a\"b@c", AddrError::BadLocalPart),
        ("<a@b>", AddrError::BadLocalPart),
        ("a@b>", AddrError::BadDomain),
        ("a@[127.0.0.1", AddrError::BadLiteral),
        ("a\n@b", AddrError::ControlCharacter),
        ("a@b\0", AddrError::ControlCharacter),
    ] {
        assert_eq!(printed(wire), Err(why), "{wire:?}");
    }
}

#[test]
fn only_other_scripts_need_smtputf8() {
    assert!(
        !Mailbox::parse(b"a@xn--bcher-kva.example")
            .unwrap()
            .needs_smtputf8()
    );
    let domain = Mailbox::parse("a@bücher.example".as_bytes()).unwrap();
    assert!(domain.needs_smtputf8());
    assert_eq!(
        domain.with_ascii_domain().as_str(),
        "a@xn--bcher-kva.example"
    );
    let local = Mailbox::parse("ü@bücher.example".as_bytes()).unwrap();
    assert!(local.with_ascii_domain().needs_smtputf8());
}

proptest! {
    #[test]
    fn what_is_printed_is_parsed_as_the_same(text in "\\PC{0,12}@?[a-zA-Zßüİ。.\\[\\]0-9-]{0,20}") {
        if let Ok(mailbox) = Mailbox::parse(text.as_bytes()) {
            prop_assert_eq!(Mailbox::parse(mailbox.as_str().as_bytes()), Ok(mailbox));
        }
    }

    #[test]
    fn any_text_can_be_a_local_part(text in "\\PC{1,64}") {
        let local = LocalPart::from_unquoted(text.as_bytes());
        prop_assume!(local.is_ok());
        let mailbox = Mailbox::new(local.unwrap(), Domain::parse(b"example.org").unwrap());
        let read = Mailbox::parse(mailbox.as_str().as_bytes()).unwrap();
        prop_assert_eq!(read.local().as_str(), text);
    }

    #[test]
    fn no_bytes_upset_the_parser(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(mailbox) = Mailbox::parse(&bytes) {
            prop_assert!(mailbox.as_str().chars().all(|c| !c.is_control()));
        }
    }
}
