//! Sessions, line by line.

use proptest::prelude::*;

use super::*;
use crate::data::ContentFault;

fn session() -> Session {
    Session::new(Offer::new("mx.example"))
}

/// What the caller would say if the other programs agreed with everything.
fn say(session: &mut Session, line: &str) -> String {
    let reply = match session.line(LineRead::Line(line.as_bytes())) {
        Step::Reply(reply) | Step::ReadData(reply) | Step::SkipChunk { reply, .. } => reply,
        Step::Close(reply) => return format!("{} bye", words(&reply)),
        Step::OpenMail(_) => session.mail_answered(MailVerdict::Accept),
        other @ (Step::Verify(_) | Step::Expand(_) | Step::Flush(_)) => panic!("{other:?}"),
        Step::CheckRecipient(recipient) => {
            let here = "mx.example".as_bytes();
            let here = stafette_addr::Domain::parse(here).unwrap();
            let mailbox = recipient.to.mailbox(&here).unwrap();
            session.rcpt_answered(RcptVerdict::Accept(mailbox)).reply
        }
        Step::ReadChunk { last: false, .. } => session.chunk_read(),
        Step::ReadChunk { last: true, .. } => {
            session.content_answered(ContentVerdict::Queued("ID".into()))
        }
    };
    words(&reply)
}

fn words(reply: &Reply) -> String {
    match reply.status {
        Some(status) => format!("{} {status}", reply.code),
        None => reply.code.to_string(),
    }
}

fn talk(session: &mut Session, lines: &[(&str, &str)]) {
    for (line, reply) in lines {
        assert_eq!(say(session, line), *reply, "{line}");
    }
}

fn ready() -> Session {
    let mut session = session();
    talk(
        &mut session,
        &[
            ("EHLO c", "250"),
            ("MAIL FROM:<a@b>", "250 2.1.0"),
            ("RCPT TO:<c@d>", "250 2.1.5"),
        ],
    );
    session
}

#[test]
fn a_message_comes_in() {
    let mut session = session();
    assert_eq!(
        session.greeting().to_wire(),
        b"220 mx.example ESMTP Stafette\r\n"
    );
    talk(
        &mut session,
        &[
            ("EHLO client.example", "250"),
            ("MAIL FROM:<a@b> SIZE=100", "250 2.1.0"),
            ("RCPT TO:<c@d>", "250 2.1.5"),
            ("RCPT TO:<Postmaster>", "250 2.1.5"),
            ("DATA", "354"),
        ],
    );
    assert_eq!(session.recipients(), 2);
    assert_eq!(session.protocol(), "ESMTP");
    let reply = session.content_answered(ContentVerdict::Queued("ID".into()));
    assert_eq!(reply.to_wire(), b"250 2.0.0 queued as ID\r\n");
    assert!(!session.in_transaction());
    talk(
        &mut session,
        &[
            ("RCPT TO:<c@d>", "503 5.5.1"),
            ("MAIL FROM:<>", "250 2.1.0"),
            ("QUIT", "221 2.0.0 bye"),
        ],
    );
}

#[test]
fn all_extensions_are_offered() {
    let mut session = session();
    let Step::Reply(reply) = session.line(LineRead::Line(b"EHLO c")) else {
        panic!()
    };
    let wire = String::from_utf8(reply.to_wire()).unwrap();
    for line in [
        "250-mx.example\r\n",
        "-PIPELINING\r\n",
        "-SIZE 50000000\r\n",
        "-8BITMIME\r\n",
        "-SMTPUTF8\r\n",
        "-ENHANCEDSTATUSCODES\r\n",
        "-CHUNKING\r\n",
        "-DSN\r\n",
        "250 HELP\r\n",
    ] {
        assert!(wire.contains(line), "{wire}");
    }
}

#[test]
fn commands_out_of_order_are_refused() {
    talk(
        &mut session(),
        &[
            ("MAIL FROM:<a@b>", "503 5.5.1"),
            ("RCPT TO:<a@b>", "503 5.5.1"),
            ("DATA", "503 5.5.1"),
            ("NOOP", "250 2.0.0"),
            ("HELP", "214 2.0.0"),
            ("RSET", "250 2.0.0"),
            ("VRFY joe", "252 2.0.0"),
            ("HELO c", "250"),
            ("RCPT TO:<a@b>", "503 5.5.1"),
            ("DATA", "503 5.5.1"),
            ("MAIL FROM:<a@b>", "250 2.1.0"),
            ("MAIL FROM:<a@b>", "503 5.5.1"),
            ("DATA", "554 5.5.1"),
            ("RCPT TO:<a@b>", "250 2.1.5"),
            ("DATA", "354"),
        ],
    );
}

#[test]
fn commands_that_are_not_offered_are_refused() {
    talk(
        &mut session(),
        &[
            ("EHLO c", "250"),
            ("EXPN list", "502 5.5.1"),
            ("ETRN d", "502 5.5.1"),
            ("STARTTLS", "502 5.5.1"),
            ("AUTH PLAIN", "502 5.5.1"),
            ("MAIL FROM:<a@b> AUTH=<>", "555 5.5.4"),
            ("TURN", "500 5.5.1"),
            ("GET / HTTP/1.1", "500 5.5.1 bye"),
        ],
    );
}

#[test]
fn rset_and_a_new_hello_end_the_transaction() {
    for line in ["RSET", "EHLO other", "HELO other"] {
        let mut session = ready();
        assert!(session.in_transaction());
        assert!(say(&mut session, line).starts_with("250"));
        assert!(!session.in_transaction());
        assert_eq!(session.recipients(), 0);
        talk(
            &mut session,
            &[("DATA", "503 5.5.1"), ("MAIL FROM:<a@b>", "250 2.1.0")],
        );
    }
}

#[test]
fn a_wrong_command_leaves_the_transaction_alone() {
    let mut session = ready();
    talk(
        &mut session,
        &[
            ("XYZZY", "500 5.5.1"),
            ("RCPT TO:<c", "501 5.1.3"),
            ("MAIL FROM:<x@y>", "503 5.5.1"),
            ("DATA", "354"),
        ],
    );
    assert_eq!(session.recipients(), 1);
}

#[test]
fn a_recipient_named_twice_is_one() {
    let mut session = ready();
    talk(
        &mut session,
        &[
            ("RCPT TO:<\"c\"@D>", "250 2.1.5"),
            ("RCPT TO:<C@d>", "250 2.1.5"),
        ],
    );
    assert_eq!(session.recipients(), 2);
}

#[test]
fn each_refusal_of_a_recipient_has_its_reply_and_the_others_stay() {
    for (verdict, expected) in [
        (RcptVerdict::UnknownUser, "550 5.1.1"),
        (RcptVerdict::RelayDenied, "550 5.7.1"),
        (RcptVerdict::AccountsUnavailable, "451 4.3.0"),
        (
            RcptVerdict::Refuse(Reply::new(450, Status::transient(7, 1), "greylisted")),
            "450 4.7.1",
        ),
    ] {
        let mut session = ready();
        assert!(matches!(
            session.line(LineRead::Line(b"RCPT TO:<x@y>")),
            Step::CheckRecipient(_)
        ));
        let checked = session.rcpt_answered(verdict);
        assert_eq!(
            (words(&checked.reply).as_str(), checked.add),
            (expected, None)
        );
        talk(&mut session, &[("DATA", "354")]);
    }
}

#[test]
fn each_refusal_of_mail_has_its_reply_and_its_tail_is_no_mistake() {
    for (verdict, expected) in [
        (MailVerdict::DiskFull, "452 4.3.1"),
        (MailVerdict::QueueUnavailable, "451 4.3.0"),
        (
            MailVerdict::Refuse(Reply::new(550, Status::permanent(7, 1), "no")),
            "550 5.7.1",
        ),
    ] {
        let mut session = session();
        talk(&mut session, &[("EHLO c", "250")]);
        assert!(matches!(
            session.line(LineRead::Line(b"MAIL FROM:<a@b>")),
            Step::OpenMail(_)
        ));
        assert_eq!(words(&session.mail_answered(verdict)), expected);
        for _ in 0..100 {
            talk(&mut session, &[("RCPT TO:<c@d>", "503 5.5.1")]);
        }
        talk(
            &mut session,
            &[("DATA", "503 5.5.1"), ("MAIL FROM:<a@b>", "250 2.1.0")],
        );
        assert_eq!(session.counts().1, 0);
    }
}

#[test]
fn each_end_of_a_content_has_its_reply_and_leaves_a_session_like_new() {
    for (verdict, expected) in [
        (ContentVerdict::Faulty(ContentFault::BareCr), "550 5.5.2"),
        (ContentVerdict::Faulty(ContentFault::BareLf), "550 5.5.2"),
        (ContentVerdict::TooLarge, "552 5.3.4"),
        (ContentVerdict::Loops, "554 5.4.6"),
        (ContentVerdict::Discarded, "250 2.0.0"),
        (ContentVerdict::DiskFull, "452 4.3.1"),
        (ContentVerdict::QueueUnavailable, "451 4.3.0"),
    ] {
        for command in ["DATA", "BDAT 10", "BDAT 10 LAST"] {
            let mut session = ready();
            assert!(matches!(
                session.line(LineRead::Line(command.as_bytes())),
                Step::ReadData(_) | Step::ReadChunk { .. }
            ));
            assert_eq!(words(&session.content_answered(verdict.clone())), expected);
            assert!(!session.in_transaction());
            talk(
                &mut session,
                &[
                    ("RCPT TO:<c@d>", "503 5.5.1"),
                    ("MAIL FROM:<a@b>", "250 2.1.0"),
                    ("RCPT TO:<c@d>", "250 2.1.5"),
                    ("DATA", "354"),
                ],
            );
        }
    }
}

#[test]
fn a_message_comes_in_by_chunks() {
    let mut session = ready();
    talk(
        &mut session,
        &[
            ("BDAT 10", "250 2.0.0"),
            ("DATA", "503 5.5.1"),
            ("RCPT TO:<e@f>", "503 5.5.1"),
            ("MAIL FROM:<a@b>", "503 5.5.1"),
            ("NOOP", "250 2.0.0"),
            ("BDAT 0", "250 2.0.0"),
            ("BDAT 5 LAST", "250 2.0.0"),
        ],
    );
    assert!(!session.in_transaction());
}

#[test]
fn the_octets_of_a_refused_chunk_are_read_all_the_same() {
    let skipped =
        |session: &mut Session, line: &str| match session.line(LineRead::Line(line.as_bytes())) {
            Step::SkipChunk { size, reply } => (size, words(&reply)),
            other => panic!("{other:?}"),
        };
    let mut fresh = session();
    assert_eq!(skipped(&mut fresh, "BDAT 10"), (10, "503 5.5.1".into()));
    talk(
        &mut fresh,
        &[("EHLO c", "250"), ("MAIL FROM:<a@b>", "250 2.1.0")],
    );
    assert_eq!(
        skipped(&mut fresh, "BDAT 10 LAST"),
        (10, "554 5.5.1".into())
    );

    let mut session = ready();
    talk(&mut session, &[("BDAT 49999999", "250 2.0.0")]);
    assert_eq!(skipped(&mut session, "BDAT 2"), (2, "552 5.3.4".into()));
    assert!(!session.in_transaction());
    let wrong = session.counts().1;
    for _ in 0..100 {
        assert_eq!(skipped(&mut session, "BDAT 7"), (7, "503 5.5.1".into()));
    }
    assert_eq!(session.counts().1, wrong);
    talk(&mut session, &[("MAIL FROM:<a@b>", "250 2.1.0")]);
    assert_eq!(
        skipped(&mut session, "BDAT 18446744073709551615 LAST").1,
        "554 5.5.1"
    );
}

#[test]
fn a_size_that_is_too_large_is_refused_before_the_content() {
    let mut session = session();
    talk(
        &mut session,
        &[
            ("EHLO c", "250"),
            ("MAIL FROM:<a@b> SIZE=50000001", "552 5.3.4"),
            ("MAIL FROM:<a@b> SIZE=50000000", "250 2.1.0"),
        ],
    );
}

#[test]
fn addresses_in_other_scripts_need_smtputf8() {
    let mut session = session();
    talk(
        &mut session,
        &[
            ("EHLO c", "250"),
            ("MAIL FROM:<ä@b>", "553 5.6.7"),
            ("MAIL FROM:<a@b>", "250 2.1.0"),
            ("RCPT TO:<ä@b>", "553 5.6.7"),
            ("RSET", "250 2.0.0"),
            ("MAIL FROM:<ä@b> SMTPUTF8", "250 2.1.0"),
            ("RCPT TO:<ä@b>", "250 2.1.5"),
        ],
    );
    assert_eq!(session.protocol(), "UTF8SMTP");
}

#[test]
fn too_many_recipients_are_for_another_message() {
    let mut session = session();
    talk(
        &mut session,
        &[("EHLO c", "250"), ("MAIL FROM:<a@b>", "250 2.1.0")],
    );
    for n in 0..1000 {
        assert_eq!(say(&mut session, &format!("RCPT TO:<u{n}@d>")), "250 2.1.5");
    }
    talk(
        &mut session,
        &[("RCPT TO:<u1000@d>", "452 4.5.3"), ("DATA", "354")],
    );
    assert_eq!(session.recipients(), 1000);
}

#[test]
fn too_many_wrong_commands_end_the_session() {
    let mut session = session();
    for _ in 0..20 {
        assert_eq!(say(&mut session, "XYZZY"), "500 5.5.1");
    }
    assert_eq!(say(&mut session, "NOOP"), "250 2.0.0");
    let Step::Close(reply) = session.line(LineRead::Fault(LineFault::BareLf)) else {
        panic!()
    };
    assert_eq!(reply.to_wire(), b"421 4.7.0 mx.example too many errors\r\n");
}

#[test]
fn too_many_commands_end_the_session() {
    let mut session = session();
    for _ in 0..10_000 {
        assert_eq!(say(&mut session, "NOOP"), "250 2.0.0");
    }
    assert_eq!(say(&mut session, "NOOP"), "421 4.7.0 bye");
}

#[test]
fn lines_that_are_none_are_refused() {
    let mut session = session();
    for fault in [LineFault::BareCr, LineFault::BareLf, LineFault::TooLong] {
        let Step::Reply(reply) = session.line(LineRead::Fault(fault)) else {
            panic!()
        };
        assert_eq!(words(&reply), "500 5.5.2");
    }
}

proptest! {
    #[test]
    fn no_conversation_upsets_the_session(
        lines in proptest::collection::vec(
            prop_oneof![
                Just("EHLO c"), Just("MAIL FROM:<a@b>"), Just("RCPT TO:<c@d>"), Just("DATA"), Just("BDAT 5"),
                Just("BDAT 5 LAST"), Just("RSET"), Just("NOOP"), Just("XYZZY"), Just("MAIL FROM:<a@b> SIZE=99999999"),
            ],
            0..60,
        ),
    ) {
        let mut session = session();
        for line in lines {
            let reply = say(&mut session, line);
            if reply == "354" {
                session.content_answered(ContentVerdict::Faulty(ContentFault::BareLf));
            }
            prop_assert!(session.in_transaction() || session.recipients() == 0);
        }
    }
}
