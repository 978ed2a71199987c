use proptest::prelude::*;

use super::*;

const DAY: i64 = 86_400;
const NOW: i64 = 20_000 * DAY;

fn srs(secrets: &[&str]) -> Srs {
    let secrets = secrets
        .iter()
        .map(|secret| Secret::new(secret.as_bytes()))
        .collect();
    Srs::new(Domain::parse(b"ours.example").unwrap(), secrets)
}

fn mailbox(text: &str) -> Mailbox {
    Mailbox::parse(text.as_bytes()).unwrap()
}

#[test]
fn a_sender_comes_back_in_any_case_for_three_weeks() {
    let srs = srs(&["secret"]);
    let sender = mailbox("Joe@example.org");
    let ours = srs.forward(&sender, NOW).unwrap();
    assert!(ours.as_str().starts_with("SRS0="), "{ours}");
    assert!(
        ours.as_str().ends_with("=example.org=Joe@ours.example"),
        "{ours}"
    );
    assert_eq!(srs.reverse(&ours, NOW + 21 * DAY), Some(Ok(sender)));
    let lower = mailbox(&ours.as_str().to_lowercase());
    assert_eq!(
        srs.reverse(&lower, NOW),
        Some(Ok(mailbox("joe@example.org")))
    );
    assert_eq!(srs.reverse(&ours, NOW + 22 * DAY), Some(Err(Wrong::Old)));
}

#[test]
fn what_another_host_made_leads_back_to_that_host() {
    let srs = srs(&["secret"]);
    let first = mailbox("SRS0=HHH=TT=example.org=joe@first.example");
    let ours = srs.forward(&first, NOW).unwrap();
    assert!(ours.as_str().contains("=first.example==HHH=TT="), "{ours}");
    assert_eq!(srs.reverse(&ours, NOW), Some(Ok(first.clone())));
    let second = mailbox("SRS1=XXXX=first.example==HHH=TT=example.org=joe@second.example");
    let ours = srs.forward(&second, NOW).unwrap();
    assert_eq!(srs.reverse(&ours, NOW), Some(Ok(first)));
}

#[test]
fn the_secret_before_is_taken_and_no_other() {
    let sender = mailbox("joe@example.org");
    let before = srs(&["old"]).forward(&sender, NOW).unwrap();
    assert_eq!(srs(&["new", "old"]).reverse(&before, NOW), Some(Ok(sender)));
    assert_eq!(
        srs(&["new"]).reverse(&before, NOW),
        Some(Err(Wrong::Signature))
    );
}

#[test]
fn other_addresses_are_none_of_ours() {
    let srs = srs(&["secret"]);
    for text in [
        "joe@ours.example",
        "SRS0@ours.example",
        "srs0x=y@ours.example",
        "SRS0=a=b=c=d@elsewhere.example",
    ] {
        assert_eq!(srs.reverse(&mailbox(text), NOW), None, "{text}");
    }
    for text in [
        "SRS0=a=b=c@ours.example",
        "SRS1=a=b@ours.example",
        "SRS1=a=b=c@ours.example",
    ] {
        let answer = srs.reverse(&mailbox(text), NOW);
        assert_eq!(answer, Some(Err(Wrong::Form)), "{text}");
    }
}

#[test]
fn an_address_that_would_be_too_long_is_not_made() {
    let long = format!("{}@example.org", "x".repeat(250));
    assert_eq!(srs(&["secret"]).forward(&mailbox(&long), NOW), None);
    assert_eq!(srs(&[]).forward(&mailbox("joe@example.org"), NOW), None);
}

proptest! {
    #[test]
    fn any_sender_comes_back(local in "[ -~]{1,100}", domain in "[a-z]{1,20}(\\.[a-z]{1,9}){1,3}") {
        let srs = srs(&["secret"]);
        let local = LocalPart::from_unquoted(local.as_bytes()).unwrap();
        prop_assume!(kind(local.as_str()).is_none());
        let sender = Mailbox::new(local, Domain::parse(domain.as_bytes()).unwrap());
        let ours = srs.forward(&sender, NOW).unwrap();
        prop_assert_eq!(srs.reverse(&mailbox(ours.as_str()), NOW), Some(Ok(sender)));
    }

    #[test]
    fn a_change_of_any_letter_is_noticed(at in 5_usize..36, to in "[A-Z2-7=a-z.]") {
        let srs = srs(&["secret"]);
        let ours = srs.forward(&mailbox("joe.user@example.org"), NOW).unwrap();
        let mut local = ours.local().as_str().to_owned();
        let at = at.min(local.len() - 1);
        prop_assume!(!local[at..=at].eq_ignore_ascii_case(&to));
        local.replace_range(at..=at, &to);
        let forged = Mailbox::new(LocalPart::from_unquoted(local.as_bytes()).unwrap(), ours.domain().clone());
        prop_assert!(srs.reverse(&forged, NOW).unwrap().is_err());
    }

    #[test]
    fn any_address_is_read_without_harm(local in "[sS][rR][sS][01][=+-]\\PC{0,60}") {
        if let Ok(local) = LocalPart::from_unquoted(local.as_bytes()) {
            let srs = srs(&["secret"]);
            let address = Mailbox::new(local, srs.domain().clone());
            prop_assert!(srs.reverse(&address, NOW).unwrap().is_err());
            prop_assert!(srs.forward(&address, NOW).is_none_or(|ours| matches!(srs.reverse(&ours, NOW), Some(Ok(_)))));
        }
    }
}
