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
