use super::*;

fn mailbox(text: &str) -> Mailbox {
    Mailbox::parse(text.as_bytes()).unwrap()
}

fn failed<'a>(to: &'a Mailbox, words: &'a [u8]) -> Recipient<'a> {
    Recipient {
        mailbox: to,
        original: Some(b"rfc822;Original@Example.org"),
        action: Action::Failed,
        status: "5.1.1",
        remote: Some("mx.example.net"),
        diagnostic: Some(Diagnostic {
            from_peer: true,
            words,
        }),
        last_attempt: Some(1_793_697_300),
        retry_until: None,
    }
}

fn composed(recipients: &[Recipient<'_>], original: Original<'_>) -> (Composed, String) {
    let report = Report {
        reporting_mta: "mail.example.org",
        from: &mailbox("MAILER-DAEMON@example.org"),
        to: &mailbox("sender@example.com"),
        audience: Audience::Sender,
        now: 1_793_697_300,
        message_id: "<1@example.org>",
        chance: 7,
        queue_id: "q1",
        envelope_id: Some(b"env\nX: y"),
        arrived: 1_793_690_000,
        recipients,
        original,
    };
    let composed = compose(&report);
    let text = String::from_utf8_lossy(&composed.content).into_owned();
    (composed, text)
}

#[test]
fn a_failure_says_all_that_rfc_3464_asks_for() {
    let to = mailbox("user@example.net");
    let (report, text) = composed(
        &[failed(&to, b"550-5.1.1 no\n550 5.1.1 such user")],
        Original::Headers(b"Subject: x\n\nbody\n"),
    );
    for line in [
        "To: sender@example.com",
        "Auto-Submitted: auto-replied",
        "Content-Type: multipart/report; report-type=delivery-status;",
        "Content-Type: message/delivery-status",
        "Reporting-MTA: dns; mail.example.org",
        "Original-Envelope-Id: env X: y",
        "Original-Recipient: rfc822; Original@Example.org",
        "Final-Recipient: rfc822; user@example.net",
        "Action: failed",
        "Status: 5.1.1",
        "Remote-MTA: dns; mx.example.net",
        "Diagnostic-Code: smtp; 550-5.1.1 no 550 5.1.1 such user",
        "Content-Type: text/rfc822-headers",
        "Subject: x",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(!text.contains("body\n"), "{text}");
    assert!(!report.eight_bit && !report.smtputf8);
}

#[test]
fn a_peer_cannot_add_a_field_or_end_a_part() {
    let to = mailbox("user@example.net");
    let (_, text) = composed(
        &[failed(
            &to,
            b"550 no\r\nAction: delivered\r\n\r\n--=_report_0000000000000007--",
        )],
        Original::Headers(b"Subject: x\n--=_report_0000000000000007\nY: z\n"),
    );
    assert!(!text.contains("\nAction: delivered"), "{text}");
    assert!(
        text.contains("boundary=\"=_report_0000000000000008\""),
        "{text}"
    );
    assert_eq!(text.matches("\n--=_report_0000000000000008").count(), 4);
}

#[test]
fn an_original_recipient_that_is_none_is_left_out() {
    let to = mailbox("user@example.net");
    for bad in [&b"no type"[..], b"a b;x", b";x", b"a:b;x"] {
        let mut recipient = failed(&to, b"");
        recipient.original = Some(bad);
        let (_, text) = composed(&[recipient], Original::Headers(b""));
        assert!(!text.contains("Original-Recipient"), "{text}");
        assert!(!text.contains("Diagnostic-Code"), "{text}");
    }
}

#[test]
fn an_address_beyond_ascii_makes_the_report_global() {
    let to = mailbox("jürgen@example.net");
    let (report, text) = composed(
        &[failed(&to, "550 für jürgen nicht".as_bytes())],
        Original::Headers("Subject: Grüße\n\n".as_bytes()),
    );
    assert!(text.contains("message/global-delivery-status"), "{text}");
    assert!(
        text.contains("Final-Recipient: utf-8; jürgen@example.net"),
        "{text}"
    );
    assert!(text.contains("message/global-headers"), "{text}");
    assert!(report.eight_bit && !report.smtputf8);
}

#[test]
fn eight_bit_content_is_labelled() {
    let to = mailbox("user@example.net");
    let (report, text) = composed(
        &[failed(&to, b"550 \xff")],
        Original::Full(b"Subject: x\n\n\xff\xfe"),
    );
    assert!(report.eight_bit);
    assert!(text.contains("Content-Type: message/rfc822"), "{text}");
    assert!(text.contains("550 \\xff"), "{text}");
    assert_eq!(
        text.matches("Content-Transfer-Encoding: 8bit").count(),
        2,
        "{text}"
    );
    assert_eq!(
        text.matches("Content-Transfer-Encoding: 7bit").count(),
        2,
        "{text}"
    );
}

#[test]
fn a_status_that_does_not_fit_its_action_is_replaced() {
    for (status, action, want) in [
        ("5.1.1", Action::Failed, "5.1.1"),
        ("4.4.7", Action::Failed, "4.4.7"),
        ("2.0.0", Action::Failed, "5.0.0"),
        ("4.4.1", Action::Delayed, "4.4.1"),
        ("5.1.1", Action::Delayed, "4.0.0"),
        ("x", Action::Delivered, "2.0.0"),
        ("2.1.5\nA: b", Action::Delivered, "2.0.0"),
    ] {
        assert_eq!(fields::status_code(status, action), want);
    }
}

#[test]
fn a_failure_of_old_age_says_so() {
    let to = mailbox("user@example.net");
    let mut recipient = failed(&to, b"451 later");
    recipient.status = "4.4.7";
    let (_, text) = composed(&[recipient], Original::Headers(b""));
    assert!(text.contains("until its time was over"), "{text}");
    assert!(text.contains("Status: 4.4.7"), "{text}");
}

#[test]
fn a_delay_says_until_when_it_is_tried() {
    let to = mailbox("user@example.net");
    let mut recipient = failed(&to, b"no answer");
    recipient.action = Action::Delayed;
    recipient.status = "4.4.1";
    recipient.retry_until = Some(1_793_797_300);
    recipient.diagnostic = Some(Diagnostic {
        from_peer: false,
        words: b"no answer",
    });
    let (_, text) = composed(&[recipient], Original::Headers(b""));
    assert!(text.contains("Will-Retry-Until: "), "{text}");
    assert!(
        text.contains("Diagnostic-Code: x-stafette; no answer"),
        "{text}"
    );
    assert!(text.contains("you need do nothing"), "{text}");
}
