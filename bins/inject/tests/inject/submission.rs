//! What becomes of options and input.

use stafette_addr::ReversePath;
use stafette_wire::envelope::{Notify, Ret};

use crate::instance::{Instance, Play};

fn instance() -> Instance {
    let instance = Instance::new();
    instance.serve(Play::Take);
    instance
}

#[test]
fn a_complete_message_arrives_octet_for_octet() {
    let instance = instance();
    let message = b"Received: from a\n\tby b\nFrom: a@y.test\nTo: b@y.test\nDate: Thu, 01 Jan 1970 00:00:00 +0000\nMessage-ID: <x@y.test>\nSubject: \xc3\xbc \n\n.dot\nbare\rcr\nnul\0\xff\nno end";
    let got = instance.submit(&["-t", "-i"], message);
    assert_eq!(got.content, message);
    assert_eq!(got.to(), ["b@y.test"]);
}

#[test]
fn a_bare_text_becomes_a_message() {
    let got = instance().submit(&["-FJoe Doe", "-f", "joe", "root"], b"hello\nworld\n");
    let text = got.text();
    assert!(
        text.starts_with("From: Joe Doe <joe@x.test>\nTo: undisclosed-recipients:;\nDate: "),
        "{text}"
    );
    assert!(text.ends_with("@mx.x.test>\n\nhello\nworld\n"), "{text}");
    assert_eq!(got.sender.from.as_str(), "joe@x.test");
    assert_eq!(got.to(), ["root@x.test"]);
}

#[test]
fn header_recipients_are_added_to_the_arguments_and_bcc_goes() {
    let input = b"To: A <a@y.test>, grp: b, c@y.test;\nCc: a@y.test\nBcc: hidden@y.test\n\nx\n";
    let got = instance().submit(&["-t", "arg@y.test", "A@y.test, a@y.test"], input);
    assert_eq!(
        got.to(),
        [
            "arg@y.test",
            "A@y.test",
            "a@y.test",
            "b@x.test",
            "c@y.test",
            "hidden@y.test"
        ]
    );
    assert!(!got.text().contains("hidden"));
    assert!(got.text().contains("grp: b@x.test, c@y.test;"));
}

#[test]
fn options_of_delivery_reports_travel() {
    let words = [
        "-N",
        "success,failure",
        "-R",
        "hdrs",
        "-V",
        "a+2Bb",
        "-f",
        "<>",
        "joe",
    ];
    let got = instance().submit(&words, b"x\n");
    assert_eq!(got.recipients[0].notify, Notify::parse(b"success,failure"));
    assert_eq!(got.sender.ret, Some(Ret::Headers));
    assert_eq!(got.sender.envid.unwrap().0, b"a+b");
    assert_eq!(got.sender.from, ReversePath::Null);
}

#[test]
fn crlf_throughout_is_taken_as_lf_and_other_crs_stay() {
    let instance = instance();
    let body = |input: &[u8]| {
        let text = instance.submit(&["-i", "joe"], input).text();
        text.split_once("\n\n").unwrap().1.to_owned()
    };
    assert_eq!(body(b"Subject: x\r\n\r\na\r\nb\r\n"), "a\nb\n");
    assert_eq!(body(b"Subject: x\r\n\r\na\r\nb\n"), "a\r\nb\n");
    assert_eq!(body(b"Subject: x\n\na\r\nb\r\n"), "a\r\nb\r\n");
    assert_eq!(body(b"Subject: x\n\na\rb\n"), "a\rb\n");
}

#[test]
fn a_long_body_is_judged_by_its_last_line() {
    let instance = instance();
    let lines = "0123456789abcdef\r\n".repeat(100_000);
    let got = instance.submit(
        &["-i", "joe"],
        format!("Subject: x\r\n\r\n{lines}").as_bytes(),
    );
    assert!(
        got.text()
            .ends_with(&format!("\n\n{}", lines.replace('\r', "")))
    );
    let got = instance.submit(
        &["-i", "joe"],
        format!("Subject: x\r\n\r\n{lines}bare\n").as_bytes(),
    );
    assert!(got.text().ends_with(&format!("\n\n{lines}bare\n")));
    let plain = "0123456789abcdef\n".repeat(300_000);
    let got = instance.submit(&["-i", "joe"], format!("Subject: x\n\n{plain}").as_bytes());
    assert!(got.text().ends_with(&format!("\n\n{plain}")));
}

#[test]
fn a_lone_dot_ends_the_message_unless_it_is_content() {
    let instance = instance();
    assert!(
        instance
            .submit(&["joe"], b"a\n.\nb\n")
            .text()
            .ends_with("\n\na\n")
    );
    assert!(
        instance
            .submit(&["-oi", "joe"], b"a\n.\nb\n")
            .text()
            .ends_with("\n\na\n.\nb\n")
    );
}

#[test]
fn an_address_beyond_ascii_asks_for_smtputf8() {
    let instance = instance();
    assert!(instance.submit(&["jürgen@y.test"], b"x\n").sender.smtputf8);
    assert!(
        !instance
            .submit(&["joe@y.test"], b"Subject: \xc3\xbc\n\nx\n")
            .sender
            .smtputf8
    );
}

#[test]
fn one_who_is_turned_away_for_want_of_places_comes_again() {
    let instance = Instance::new();
    instance.serve(Play::TurnAway(2));
    assert_eq!(instance.submit(&["joe"], b"x\n").to(), ["joe@x.test"]);
}

#[test]
fn a_gateway_s_message_is_not_completed() {
    let message = b"From: a!joe\nTo: jane\nReturn-Path: <a@b.test>\nBcc: x@y.test\n\nx\n";
    let got = instance().submit(&["-G", "-i", "-f", "a!joe", "jane@y.test"], message);
    assert_eq!(got.content, message);
    assert_eq!(got.sender.from.as_str(), "joe@a.uucp");
}

#[test]
fn rmail_takes_its_envelope_from_arguments_and_from_lines() {
    let instance = instance();
    let input = b"From uucp Sun Nov 22 18:00:00 2026 remote from b\n>From joe Sun Nov 22 17:00:00 2026 remote from a\nSubject: x\n\nFrom here\n.\nend\n";
    let output = instance.run(
        "rmail",
        &["root", "c!jane", "gw.y.test!x", "d!e!z", "k@y.test"],
        input,
    );
    assert!(output.status.success(), "{output:?}");
    let got = instance.take();
    assert_eq!(got.sender.from.as_str(), "a!joe@b.uucp");
    assert_eq!(
        got.to(),
        [
            "root@x.test",
            "jane@c.uucp",
            "x@gw.y.test",
            "e!z@d.uucp",
            "k@y.test"
        ]
    );
    assert_eq!(got.text(), "Subject: x\n\nFrom here\n.\nend\n");
}

#[test]
fn an_address_of_uucp_stays_in_the_header_and_is_routed_by_its_domain() {
    let got = instance().submit(&["-t", "c!jane"], b"To: a!b!joe\n\nx\n");
    assert_eq!(got.to(), ["jane@c.uucp", "b!joe@a.uucp"]);
    assert!(got.text().starts_with("To: a!b!joe\n"), "{}", got.text());
}

#[test]
fn xv_asks_for_a_reverse_path_for_each_recipient() {
    let instance = instance();
    let got = instance.submit(&["-XV", "-f", "list@y.test", "joe"], b"x\n");
    assert_eq!(got.sender.from.as_str(), "list+@y.test");
    assert!(got.sender.verp);
    assert!(got.text().contains("list@y.test"), "{}", got.text());
    let got = instance.submit(&["-XV-=", "-f", "list@y.test", "joe"], b"x\n");
    assert_eq!(got.sender.from.as_str(), "list-@y.test");
    let got = instance.submit(&["-f", "list-@y.test-@[]", "joe"], b"x\n");
    assert_eq!(got.sender.from.as_str(), "list-@y.test");
    assert!(got.sender.verp);
}

#[test]
fn x_writes_the_session_down() {
    let instance = instance();
    let log = instance.path("log");
    let name = log.display().to_string();
    instance.submit(&["-X", &name, "joe"], b"Subject: x\n\nhello");
    let output = instance.run("sendmail", &["-X", &name, "-t"], b"no recipient\n");
    assert_eq!(output.status.code(), Some(65));
    let text = std::fs::read_to_string(log).unwrap();
    let lines: Vec<_> = text
        .lines()
        .map(|line| line.splitn(3, ' ').nth(2).unwrap())
        .collect();
    assert_eq!(lines[..3], ["<<< Subject: x", "<<< ", "<<< hello"]);
    assert!(lines[3].starts_with(">>> queued as "), "{text}");
    assert_eq!(
        lines[4..],
        ["<<< no recipient", ">>> no recipients in To, Cc or Bcc"]
    );
}

#[test]
fn a_chosen_sender_is_named_where_privacy_asks_for_it() {
    if !stafette_sys::user::is_root() {
        eprintln!("SKIPPED: no root, who alone can be somebody else");
        return;
    }
    let instance = instance();
    instance.open_for_all();
    let submit = |words: &[&str]| {
        let output = instance.run_as_nobody("sendmail", words, b"Subject: x\n\nx\n");
        assert!(output.status.success(), "{output:?}");
        instance.take().text()
    };
    let mark = "X-Authentication-Warning: mx.x.test: nobody set sender to joe@y.test using -f\n\n";
    assert!(!submit(&["-f", "joe@y.test", "root"]).contains("X-Auth"));
    instance.set("privacy", "authwarnings,novrfy");
    assert!(submit(&["-f", "joe@y.test", "root"]).contains(mark));
    assert!(!submit(&["-f", "nobody", "root"]).contains("X-Auth"));
    assert!(!submit(&["root"]).contains("X-Auth"));
    instance.set("trustedusers", "www nobody");
    assert!(!submit(&["-r", "joe@y.test", "root"]).contains("X-Auth"));
    let got = instance.submit(&["-f", "joe@y.test", "root"], b"x\n");
    assert!(!got.text().contains("X-Auth"), "root is trusted");
}
