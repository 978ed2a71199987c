//! What is obeyed and what is refused.

use proptest::prelude::*;
use stafette_addr::{Mailbox, xtext_encode};

use super::*;

fn parsed(line: &str) -> Command {
    parse_command(line.as_bytes()).unwrap_or_else(|e| panic!("{line:?}: {e:?}"))
}

fn refused(line: &str) -> String {
    let error = parse_command(line.as_bytes()).expect_err(line);
    format!("{} {}", error.code, error.status)
}

fn mail(line: &str) -> (String, MailParams) {
    match parsed(line) {
        Command::Mail { from, params } => (from.to_string(), params),
        other => panic!("{other:?}"),
    }
}

fn rcpt(line: &str) -> (String, RcptParams) {
    match parsed(line) {
        Command::Rcpt { to, params } => (to.to_string(), params),
        other => panic!("{other:?}"),
    }
}

#[test]
fn verbs_are_known_in_any_case() {
    for (line, command) in [
        ("data", Command::Data),
        ("RSET  ", Command::Rset),
        ("Noop whatever you like", Command::Noop),
        ("quit", Command::Quit),
        ("VRFY joe", Command::Vrfy("joe".into())),
        ("expn list", Command::Expn("list".into())),
        ("HELP me", Command::Help),
        ("etrn example.org", Command::Etrn("example.org".into())),
        ("STARTTLS", Command::Starttls),
        (
            "bdat 0 last",
            Command::Bdat {
                size: 0,
                last: true,
            },
        ),
        (
            "BDAT 1000",
            Command::Bdat {
                size: 1000,
                last: false,
            },
        ),
        (
            "auth plain AHgAeQ==",
            Command::Auth {
                mechanism: "PLAIN".into(),
                initial: Some("AHgAeQ==".into()),
            },
        ),
    ] {
        assert_eq!(parsed(line), command, "{line}");
    }
}

#[test]
fn what_is_no_command_is_refused_with_the_right_reply() {
    for (line, reply) in [
        ("", "500 5.5.1"),
        ("XYZZY", "500 5.5.1"),
        (" NOOP", "500 5.5.1"),
        ("NOOP\0", "500 5.5.2"),
        ("NOOP \t", "500 5.5.2"),
        ("DATA now", "501 5.5.4"),
        ("QUIT now", "501 5.5.4"),
        ("VRFY", "501 5.5.4"),
        ("HELO", "501 5.5.4"),
        ("EHLO a b", "501 5.5.4"),
        ("EHLO (x)", "501 5.5.4"),
        ("BDAT", "501 5.5.4"),
        ("BDAT -1", "501 5.5.4"),
        ("BDAT 1 FIRST", "501 5.5.4"),
        ("BDAT 1 LAST LAST", "501 5.5.4"),
        ("BDAT 111111111111111111111", "501 5.5.4"),
        ("GET / HTTP/1.1", "500 5.5.1"),
    ] {
        assert_eq!(refused(line), reply, "{line}");
    }
    assert_eq!(parse_command(b"NOOP \xff"), Err(CommandError::NOT_TEXT));
}

#[test]
fn a_client_may_call_itself_what_does_no_harm() {
    for name in [
        "mail.example.org",
        "[192.0.2.1]",
        "[IPv6:2001:db8::1]",
        "my_pc",
        "bücher.example",
    ] {
        let expected = ClientName::parse(name).unwrap();
        assert_eq!(
            parsed(&format!("EHLO {name}")),
            Command::Ehlo(expected.clone())
        );
        assert_eq!(parsed(&format!("HELO {name}")), Command::Helo(expected));
    }
    assert!(ClientName::parse(&"x".repeat(256)).is_none());
}

#[test]
fn paths_are_read_as_clients_write_them() {
    for (line, from) in [
        ("MAIL FROM:<>", ""),
        ("mail from:<joe@example.org>", "joe@example.org"),
        ("MAIL FROM: <joe@example.org> ", "joe@example.org"),
        ("MAIL  FROM:<joe@example.org>", "joe@example.org"),
        (
            "MAIL FROM:<@a.example,@[IPv6:::1]:joe@example.org>",
            "joe@example.org",
        ),
        ("MAIL FROM:<\"a>b\"@example.org>", "\"a>b\"@example.org"),
        (
            "MAIL FROM:<\"a\\\">b\"@example.org>",
            "\"a\\\">b\"@example.org",
        ),
    ] {
        assert_eq!(mail(line).0, from, "{line}");
    }
    assert_eq!(rcpt("RCPT TO:<Postmaster>").0, "postmaster");
    assert_eq!(rcpt("RCPT TO:<joe@[192.0.2.1]>").0, "joe@[192.0.2.1]");
}

#[test]
fn paths_that_are_none_are_refused() {
    for (line, reply) in [
        ("MAIL", "501 5.5.4"),
        ("MAIL FROM", "501 5.5.4"),
        ("MAIL FROM:", "501 5.1.7"),
        ("MAIL FROM:joe@example.org", "501 5.1.7"),
        ("MAIL FROM:<joe@example.org", "501 5.1.7"),
        ("MAIL FROM:<joe@example.org>SIZE=1", "501 5.1.7"),
        ("MAIL TO:<joe@example.org>", "501 5.5.4"),
        ("MAIL FROM:<joe>", "501 5.1.8"),
        ("MAIL FROM:<joe@>", "501 5.1.8"),
        ("MAIL FROM:<joe@1.2.3.4>", "501 5.1.8"),
        ("MAIL FROM:<joe doe@example.org>", "501 5.1.7"),
        ("MAIL FROM:<@a.example:>", "501 5.1.7"),
        ("MAIL FROM:<@a.example>", "501 5.1.7"),
        ("MAIL FROM:<<joe@example.org>>", "501 5.1.7"),
        ("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>", "500 5.5.2"),
        ("RCPT TO:<>", "501 5.1.3"),
        ("RCPT TO:<joe>", "501 5.1.3"),
        ("RCPT TO:joe@example.org", "501 5.1.3"),
        ("RCPT TO:<joe@example.org,jim@example.org>", "501 5.1.3"),
    ] {
        assert_eq!(refused(line), reply, "{line}");
    }
}

#[test]
fn a_local_client_may_leave_the_domain_out() {
    let here = Domain::parse(b"here.example").unwrap();
    let command = parse_command_at(b"RCPT TO:<joe>", Some(&here)).unwrap();
    let expected = RcptPath::Mailbox(Mailbox::parse(b"joe@here.example").unwrap());
    assert_eq!(
        command,
        Command::Rcpt {
            to: expected,
            params: RcptParams::default()
        }
    );
    assert!(parse_command_at(b"RCPT TO:<joe@>", Some(&here)).is_err());
    assert!(parse_command_at(b"RCPT TO:<>", Some(&here)).is_err());
}

#[test]
fn all_parameters_of_mail_are_read() {
    let (_, params) = mail(
        "MAIL FROM:<a@b> size=12345  BODY=8bitmime SMTPUTF8 RET=HDRS ENVID=QQ314159+20x AUTH=e+2Bf@example.org",
    );
    assert_eq!(params.size, Some(12345));
    assert_eq!(params.body, Some(Body::EightBitMime));
    assert!(params.smtputf8);
    assert_eq!(params.ret, Some(Ret::Headers));
    assert_eq!(
        params.envid.as_ref().map(EnvelopeId::as_str),
        Some("QQ314159 x")
    );
    assert_eq!(params.auth, Some(Mailbox::parse(b"e+f@example.org").ok()));
    assert_eq!(mail("MAIL FROM:<a@b> AUTH=<>").1.auth, Some(None));
    assert_eq!(
        mail("MAIL FROM:<a@b> SIZE=99999999999999999999").1.size,
        Some(u64::MAX)
    );
}

#[test]
fn all_parameters_of_rcpt_are_read() {
    let (_, params) = rcpt("RCPT TO:<a@b> NOTIFY=success,DELAY ORCPT=rfc822;Carol+2Bx@Ivory.EDU");
    let notify = Notify {
        success: true,
        failure: false,
        delay: true,
    };
    assert_eq!(params.notify, Some(notify));
    let orcpt = params.orcpt.unwrap();
    assert_eq!(
        (orcpt.kind(), orcpt.address()),
        ("rfc822", "Carol+x@Ivory.EDU")
    );
    let (_, never) = rcpt("RCPT TO:<a@b> NOTIFY=NEVER");
    assert!(never.notify.unwrap().is_never());
}

#[test]
fn an_original_recipient_in_another_script_is_read_in_each_encoding() {
    for value in ["utf-8;j\\x{FC}rgen@example.org", "UTF-8;jürgen@example.org"] {
        let orcpt = OriginalRecipient::parse(value).unwrap();
        assert_eq!(orcpt.address(), "jürgen@example.org");
        assert_eq!(orcpt.to_string(), "utf-8;j\\x{FC}rgen@example.org");
    }
}

#[test]
fn bad_parameters_are_refused() {
    for word in [
        "SIZE",
        "SIZE=",
        "SIZE=x",
        "SIZE=-1",
        "SIZE=1 SIZE=1",
        "BODY=BINARYMIME",
        "BODY=7BIT BODY=7BIT",
        "SMTPUTF8=1",
        "SMTPUTF8 smtputf8",
        "RET=ALL",
        "RET=FULL RET=FULL",
        "ENVID=",
        "ENVID=a=b",
        "ENVID=a ENVID=a",
        "ENVID=ü",
        "AUTH=",
        "AUTH=joe",
        "AUTH=<> AUTH=<>",
        "ENVID=+4",
    ] {
        assert_eq!(
            refused(&format!("MAIL FROM:<a@b> {word}")),
            "501 5.5.4",
            "{word}"
        );
    }
    for word in [
        "NOTIFY=",
        "NOTIFY=NEVER,SUCCESS",
        "NOTIFY=SUCCESS,",
        "NOTIFY=x",
        "NOTIFY=NEVER NOTIFY=NEVER",
        "ORCPT=",
        "ORCPT=rfc822",
        "ORCPT=rfc822;",
        "ORCPT=;a",
        "ORCPT=a b;c",
        "ORCPT=rfc822;a ORCPT=rfc822;a",
        "ORCPT=rfc822;ü",
        "ORCPT=rfc822;+C3+BC",
        "ORCPT=utf-8;\\x{110000}",
        "ORCPT=utf-8;\\x{D800}",
        "ORCPT=utf-8;\\x{",
        "ORCPT=utf-8;\\y",
    ] {
        let reply = refused(&format!("RCPT TO:<a@b> {word}"));
        assert!(
            matches!(reply.as_str(), "501 5.5.4" | "555 5.5.4"),
            "{word}: {reply}"
        );
    }
    assert_eq!(refused("MAIL FROM:<a@b> XYZZY=1"), "555 5.5.4");
    assert_eq!(refused("MAIL FROM:<a@b> NOTIFY=NEVER"), "555 5.5.4");
    assert_eq!(refused("RCPT TO:<a@b> SIZE=1"), "555 5.5.4");
}

#[test]
fn no_line_end_and_no_nul_comes_through_a_parameter_in_any_encoding() {
    for hidden in [
        "+0A",
        "+0D",
        "+00",
        "+0a",
        "+7F",
        "\\x{A}",
        "\\x{0}",
        "\\x{85}",
        "\\x{2028}",
        "\n",
        "\r",
        "\0",
    ] {
        for line in [
            format!("MAIL FROM:<a@b> ENVID=x{hidden}y"),
            format!("MAIL FROM:<a@b> AUTH=x{hidden}y@example.org"),
            format!("RCPT TO:<a@b> ORCPT=utf-8;x{hidden}y"),
        ] {
            // In ENVID and AUTH a backslash has no meaning, so those stay the harmless words that they are.
            match parse_command(line.as_bytes()) {
                Ok(command) => assert!(
                    hidden.starts_with('\\') && format!("{command:?}").contains("\\\\x"),
                    "{line:?}"
                ),
                Err(error) => assert!(matches!(error.code, 500 | 501), "{line:?}"),
            }
        }
        let raw = format!("RCPT TO:<a@b> ORCPT=rfc822;x{hidden}y");
        assert_eq!(
            parse_command(raw.as_bytes()).is_ok(),
            hidden.starts_with('\\'),
            "{raw:?}"
        );
    }
}

#[test]
fn the_values_of_dsn_parameters_are_bounded() {
    assert!(EnvelopeId::parse(&"x".repeat(100)).is_some());
    assert!(EnvelopeId::parse(&"x".repeat(101)).is_none());
    assert!(OriginalRecipient::parse(&format!("rfc822;{}", "x".repeat(493))).is_some());
    assert!(OriginalRecipient::parse(&format!("rfc822;{}", "x".repeat(494))).is_none());
}

proptest! {
    #[test]
    fn no_octets_upset_the_parser(line in proptest::collection::vec(any::<u8>(), 0..100)) {
        if let Ok(Command::Ehlo(name) | Command::Helo(name)) = parse_command(&line) {
            prop_assert!(name.as_str().chars().all(|c| !c.is_control() && c != ' '));
        }
    }

    #[test]
    fn printed_parameters_are_read_as_the_same(
        envid in "[ -~]{1,100}",
        address in "[ -~äλ文]{1,60}",
        kind in "[a-z0-9-]{1,10}|utf-8",
        (success, failure, delay) in any::<(bool, bool, bool)>(),
    ) {
        let envid = EnvelopeId::from_decoded(envid.as_bytes()).unwrap();
        prop_assert_eq!(EnvelopeId::parse(&envid.to_string()), Some(envid));
        let notify = Notify { success, failure, delay };
        prop_assert_eq!(Notify::parse(&notify.to_string()), Some(notify));
        if let Some(orcpt) = OriginalRecipient::new(&kind, &address) {
            prop_assume!(orcpt.to_string().len() <= 500);
            prop_assert_eq!(OriginalRecipient::parse(&orcpt.to_string()), Some(orcpt));
        }
    }

    #[test]
    fn whatever_is_hidden_in_xtext_never_becomes_a_control_character(octets in proptest::collection::vec(any::<u8>(), 1..40)) {
        let hidden = xtext_encode(&octets);
        if let Some(envid) = EnvelopeId::parse(&hidden) {
            prop_assert!(envid.as_str().chars().all(|c| !c.is_control()));
        }
        for kind in ["rfc822", "utf-8"] {
            if let Some(orcpt) = OriginalRecipient::parse(&format!("{kind};{hidden}")) {
                prop_assert!(orcpt.address().chars().all(|c| !c.is_control()));
            }
        }
    }
}
