//! What clients hear, and what the other programs are told.

use crate::others::Place;

/// The replies begin like that.
fn assert_heard(replies: &[String], expected: &[&str]) {
    assert_eq!(replies.len(), expected.len(), "{replies:?}");
    for (reply, start) in replies.iter().zip(expected) {
        assert!(
            reply.starts_with(start),
            "{replies:?} instead of {expected:?}"
        );
    }
}

const JOE: &str = "MAIL FROM:<joe@example.org>";
const DEMO: &str = "RCPT TO:<demo@stafette.test>";
const ELSEWHERE: &str = "RCPT TO:<joe@elsewhere.test>";
const LETTER: &str = "Subject: x\r\n\r\nbody\r\n.";

#[test]
fn a_refused_client_is_greeted_and_hears_the_reply_at_each_mail() {
    let place = Place::with(&[(
        "access",
        "Connect:10.1\tREJECT\nConnect:10.1.2.3\tERROR:4.7.0:421 go away",
    )]);
    let (replies, log) = place.session(
        "10.1.7.7",
        &[JOE, DEMO, "MAIL FROM:<>", "ETRN backup.test", "QUIT"],
    );
    let denied = "550 5.7.1 access denied";
    assert_heard(&replies, &[denied, "503", denied, "459", "221"]);
    assert!(log.contains("access line 1: REJECT"), "{log}");
    let (replies, _) = place.session("10.1.2.3", &[JOE, "NOOP"]);
    assert_heard(&replies, &["421 4.7.0 go away"]);
    assert_eq!(place.told().names.len(), 0);
}

#[test]
fn only_what_is_said_of_a_client_lets_it_relay() {
    let place = Place::with(&[("access", "192.168.2\tRELAY\nFrom:example.org\tRELAY")]);
    let (replies, _) = place.session("192.168.2.9", &[JOE, ELSEWHERE]);
    assert_heard(&replies, &["250 2.1.0", "250 2.1.5"]);
    let (replies, _) = place.session("192.0.2.1", &[JOE, ELSEWHERE]);
    assert_heard(&replies, &["250 2.1.0", "550 5.7.1"]);
    assert!(place.told().looked_up.is_empty(), "no entry names a host");
}

#[test]
fn a_sender_is_judged_by_the_most_specific_entry() {
    let place = Place::with(&[(
        "access",
        "cyberspammer.com\tERROR:\"550 We don't accept mail from spammers\"\nFREE.STEALTH.MAILER@\tREJECT\nokay.cyberspammer.com\tOK\nspam@site.com\tREJECT",
    )]);
    for (from, expected) in [
        (
            "a@x.cyberspammer.com",
            "550 5.7.1 We don't accept mail from spammers",
        ),
        ("a@okay.cyberspammer.com", "250 2.1.0"),
        ("Free.Stealth.Mailer@example.net", "550 5.7.1 access denied"),
        ("spam@site.com", "550 5.7.1"),
        ("ham@site.com", "250 2.1.0"),
        ("", "250 2.1.0"),
    ] {
        let (replies, _) = place.session("192.0.2.1", &[&format!("MAIL FROM:<{from}>")]);
        assert_heard(&replies, &[expected]);
    }
}

#[test]
fn what_is_thrown_away_is_accepted_and_logged_and_queue_hears_nothing_of_it() {
    let place = Place::with(&[("access", "From:junk.test\tDISCARD")]);
    let (replies, log) = place.session(
        "192.0.2.1",
        &[
            JOE,
            "RCPT TO:<sink@stafette.test>",
            DEMO,
            "DATA",
            LETTER,
            JOE,
            "RCPT TO:<sink@stafette.test>",
            "DATA",
            LETTER,
            "MAIL FROM:<a@junk.test>",
            DEMO,
            ELSEWHERE,
            "DATA",
            LETTER,
            "MAIL FROM:<a@junk.test>",
            DEMO,
            "BDAT 8\r\nbare\n.",
            "RSET",
            JOE,
            DEMO,
            "BDAT 6 LAST\r\nbody",
        ],
    );
    let (ok, to) = ("250 2.1.0", "250 2.1.5");
    let thrown = "250 2.0.0 message accepted";
    assert_heard(
        &replies,
        &[
            ok,
            to,
            to,
            "354",
            "250 2.0.0 queued as",
            ok,
            to,
            "354",
            thrown,
            ok,
            to,
            to,
            "354",
            thrown,
            ok,
            to,
            "550 5.5.2",
            "250",
            ok,
            to,
            "250 2.0.0 queued as",
        ],
    );
    let told = place.told();
    assert_eq!(
        told.queued,
        [["demo@stafette.test"], ["demo@stafette.test"]]
    );
    assert_eq!(told.stray, 0);
    assert_eq!(log.matches("message-discarded").count(), 4, "{log}");
    assert!(log.contains("access line 1: DISCARD"), "{log}");
}

#[test]
fn a_clients_name_is_asked_for_once_and_only_if_the_table_has_names() {
    let place = Place::with(&[(
        "access",
        "Connect:bad.test\tREJECT\nConnect:friend.test\tRELAY",
    )]);
    assert_heard(
        &place.session("192.0.2.7", &[JOE, JOE]).0,
        &["550 5.7.1", "550 5.7.1"],
    );
    let (replies, log) = place.session("192.0.2.8", &[JOE, ELSEWHERE, "RSET", "NOOP", "WIZ"]);
    assert_heard(&replies, &["250", "250 2.1.5", "250", "250", "500"]);
    assert!(log.contains(" name=friend.test "), "{log}");
    let (replies, log) = place.session("192.0.2.9", &[JOE, ELSEWHERE]);
    assert_heard(&replies, &["250", "550 5.7.1"]);
    assert!(log.contains("lookup-failed"), "{log}");
    let told = place.told();
    assert_eq!(told.looked_up.len(), 3);
    assert_eq!(told.names, ["friend.test", ""]);
}

#[test]
fn a_table_that_is_not_compiled_yet_means_later_and_a_broken_one_changes_nothing() {
    let place = Place::with(&[]);
    place.set("access", "From:example.net\tREJECT");
    let (replies, log) = place.session("192.0.2.1", &[JOE, DEMO, "NOOP"]);
    assert_heard(&replies, &["451 4.3.0", "503", "250"]);
    assert!(log.contains("sender-refused"), "{log}");
    let commands = [JOE, "RSET", "MAIL FROM:<a@example.net>"];
    place.compile();
    let (replies, _) = place.session("192.0.2.1", &commands);
    assert_heard(&replies, &["250", "250", "550"]);
    place.set("access", "From:example.org\tREJECT\nnonsense");
    place.compile();
    let (replies, _) = place.session("192.0.2.1", &commands);
    assert_heard(&replies, &["250", "250", "550"]);
}

#[test]
fn recipients_are_refused_in_the_words_of_the_tables() {
    let place = Place::with(&[]);
    let (replies, _) = place.session(
        "192.0.2.1",
        &[
            JOE,
            "RCPT TO:<closed@stafette.test>",
            "RCPT TO:<later@stafette.test>",
            DEMO,
        ],
    );
    let closed = "550 5.2.1 this mailbox is closed??250 ok";
    assert_heard(&replies, &["250", closed, "451 4.3.0", "250 2.1.5"]);
}

#[test]
fn no_local_part_is_a_way_to_another_host() {
    let place = Place::with(&[("relayclients", "192.0.2.77")]);
    let bang = "RCPT TO:<other!user@stafette.test>";
    let (replies, _) = place.session(
        "192.0.2.1",
        &[
            JOE,
            "RCPT TO:<user%other.test@stafette.test>",
            "RCPT TO:<\"user@other.test\"@stafette.test>",
            bang,
            "RCPT TO:<@stafette.test:user@other.test>",
        ],
    );
    assert_heard(
        &replies,
        &["250", "550 5.1.1", "550 5.1.1", "550 5.7.1", "550 5.7.1"],
    );
    let (replies, _) = place.session("192.0.2.77", &[JOE, bang]);
    assert_heard(&replies, &["250", "250 2.1.5"]);
}

#[test]
fn etrn_is_passed_on_for_domains_that_everybody_may_send_to() {
    let place = Place::with(&[("relayclients", "192.0.2.77")]);
    let (replies, _) = place.session(
        "192.0.2.1",
        &["ETRN Backup.Test", "ETRN other.test", "ETRN #x"],
    );
    assert_heard(&replies, &["250 2.0.0", "459 4.7.1", "459 4.5.4"]);
    assert_heard(
        &place.session("192.0.2.77", &["ETRN other.test"]).0,
        &["459 4.7.1"],
    );
    assert_eq!(place.told().flushed, ["backup.test"]);
}

#[test]
fn vrfy_and_expn_tell_what_privacy_lets_them() {
    let asked = [
        "VRFY demo",
        "VRFY nobody",
        "VRFY a@other.test",
        "EXPN demo",
        "EXPN nobody",
    ];
    let open = Place::with(&[("privacy", "authwarnings")]);
    let (replies, _) = open.session("192.0.2.1", &asked);
    let demo = "250 2.1.5 <demo@stafette.test>";
    assert_heard(
        &replies,
        &[demo, "550 5.1.1", "252 2.0.0", "252 2.1.5", "550 5.1.1"],
    );
    for privacy in ["goaway", "novrfy noexpn"] {
        let shut = Place::with(&[("privacy", privacy)]);
        let (replies, _) = shut.session("192.0.2.1", &asked);
        assert_heard(&replies, &["252", "252", "252", "502", "502"]);
    }
}
