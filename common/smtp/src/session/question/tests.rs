//! What is asked besides sending mail.

use super::super::{MailVerdict, Offer};
use super::*;
use crate::line::LineRead;

fn open() -> Session {
    let mut session = Session::new(Offer {
        vrfy: true,
        expn: true,
        etrn: true,
        ..Offer::new("mx.example")
    });
    assert_eq!(say(&mut session, "EHLO c"), "250");
    session
}

fn ask(session: &mut Session, line: &str) -> Step {
    session.line(LineRead::Line(line.as_bytes()))
}

/// The code and status of an immediate reply, or what is asked.
fn say(session: &mut Session, line: &str) -> String {
    match ask(session, line) {
        Step::Reply(reply) => words(&reply),
        Step::Verify(mailbox) => format!("verify {mailbox}"),
        Step::Expand(mailbox) => format!("expand {mailbox}"),
        Step::Flush(domain) => format!("flush {domain}"),
        Step::OpenMail(_) => words(&session.mail_answered(MailVerdict::Accept)),
        other => panic!("{other:?}"),
    }
}

fn words(reply: &Reply) -> String {
    let status = reply.status.map(|status| format!(" {status}"));
    format!("{}{}", reply.code, status.unwrap_or_default())
}

#[test]
fn etrn_is_offered_where_it_is_obeyed() {
    let Step::Reply(reply) = ask(&mut open(), "EHLO c") else {
        panic!()
    };
    assert!(reply.lines.iter().any(|line| line == "ETRN"));
    let Step::Reply(reply) = ask(&mut Session::new(Offer::new("mx.example")), "EHLO c") else {
        panic!()
    };
    assert!(!reply.lines.iter().any(|line| line == "ETRN"));
}

#[test]
fn etrn_names_a_domain() {
    for (line, expected) in [
        ("ETRN Example.ORG", "flush example.org"),
        ("ETRN @example.org", "flush example.org"),
        ("ETRN #night", "459 4.5.4"),
        ("ETRN", "501 5.5.4"),
        ("ETRN @", "501 5.5.4"),
        ("ETRN a b", "501 5.5.4"),
        ("ETRN joe@example.org", "501 5.5.4"),
        ("ETRN [192.0.2.1]", "501 5.5.4"),
    ] {
        assert_eq!(say(&mut open(), line), expected, "{line}");
    }
}

#[test]
fn etrn_needs_ehlo_and_no_transaction() {
    let mut session = open();
    assert_eq!(say(&mut session, "MAIL FROM:<a@b>"), "250 2.1.0");
    assert_eq!(say(&mut session, "ETRN example.org"), "503 5.5.1");
    assert!(session.in_transaction());
    assert_eq!(say(&mut session, "HELO c"), "250");
    assert_eq!(say(&mut session, "ETRN example.org"), "503 5.5.1");
}

#[test]
fn each_answer_to_etrn_has_its_reply() {
    for (verdict, expected) in [
        (FlushVerdict::Started, "250 2.0.0"),
        (FlushVerdict::NotAllowed, "459 4.7.1"),
        (FlushVerdict::Unavailable, "458 4.3.0"),
    ] {
        assert_eq!(words(&open().flushed(verdict)), expected);
    }
}

#[test]
fn a_session_has_its_fill_of_etrn() {
    let mut session = open();
    for _ in 0..10 {
        assert_eq!(say(&mut session, "ETRN example.org"), "flush example.org");
    }
    assert_eq!(say(&mut session, "ETRN example.org"), "458 4.7.0");
    assert_eq!(say(&mut session, "NOOP"), "250 2.0.0");
}

#[test]
fn vrfy_and_expn_take_an_address_in_any_form() {
    for (line, expected) in [
        ("VRFY joe", "verify joe@mx.example"),
        ("VRFY joe@example.org", "verify joe@example.org"),
        ("VRFY Joe User <joe@example.org>", "verify joe@example.org"),
        ("VRFY <Postmaster>", "verify postmaster@mx.example"),
        ("EXPN staff", "expand staff@mx.example"),
        ("VRFY joe@", "501 5.1.3"),
        ("VRFY <joe", "501 5.1.3"),
        ("VRFY j\u{f6}rg", "553 5.6.7"),
    ] {
        assert_eq!(say(&mut open(), line), expected, "{line}");
    }
}

#[test]
fn each_answer_to_vrfy_and_expn_has_its_reply() {
    let joe = Mailbox::parse(b"joe@mx.example").unwrap();
    for (verdict, verified, expanded) in [
        (RcptVerdict::Accept(joe), "250 2.1.5", "252 2.1.5"),
        (RcptVerdict::UnknownUser, "550 5.1.1", "550 5.1.1"),
        (RcptVerdict::RelayDenied, "252 2.0.0", "252 2.0.0"),
        (RcptVerdict::AccountsUnavailable, "252 2.0.0", "252 2.0.0"),
    ] {
        assert_eq!(words(&open().verified(verdict.clone())), verified);
        assert_eq!(words(&open().expanded(verdict)), expanded);
    }
}

#[test]
fn a_question_leaves_a_transaction_alone() {
    let mut session = open();
    assert_eq!(say(&mut session, "MAIL FROM:<a@b>"), "250 2.1.0");
    assert_eq!(say(&mut session, "VRFY joe"), "verify joe@mx.example");
    assert_eq!(
        words(&session.verified(RcptVerdict::UnknownUser)),
        "550 5.1.1"
    );
    assert!(session.in_transaction());
}
