//! fetchmail takes mail from a real POP3 server and hands it to us, over SMTP and to sendmail.

use stafette_tests::client::Client;
use stafette_tests::dovecot::{Dovecot, PASSWORD};
use stafette_tests::instance::{Instance, feed};
use stafette_tests::maildir::split;
use stafette_tests::{file, skip};

/// Letters as a provider has them, the last one with dots, 8-bit text and no line end at its end.
const LETTERS: [&str; 3] = [
    "From: joe@example.org\r\nTo: carol@provider.test\r\nSubject: one\r\nMessage-ID: <1@example.org>\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\n\r\nfirst\r\n",
    "From: Joe <joe@example.org>\r\nTo: carol@provider.test\r\nSubject: two\r\nMessage-ID: <2@example.org>\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\n\r\n..\r\n...\r\nFrom here\r\nlast\r\n",
    "From: joe@example.org\r\nTo: carol@provider.test\r\nSubject: three\r\nMessage-ID: <3@example.org>\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\n\r\n\u{fc}\u{fc}\r\n",
];

/// Their bodies, as they arrive.
const BODIES: [&str; 3] = ["first\n", ".\n..\nFrom here\nlast\n", "\u{fc}\u{fc}\n"];

/// Puts the letters into Dovecot, by LMTP.
fn fill(dovecot: &Dovecot, count: usize) {
    let mut client = Client::connect(dovecot.lmtp());
    client.expect("LHLO client.test", "250");
    for letter in LETTERS {
        let reply = client.mail(
            "joe@example.org",
            &["carol@provider.test"],
            letter.as_bytes(),
        );
        assert!(reply.starts_with("250"), "{reply}");
    }
    assert_eq!(dovecot.wait_for_mail("carol", count).len(), count);
}

fn fetch(instance: &Instance, dovecot: &Dovecot, way: &str) {
    let home = instance.path().join("fetchmail");
    let pop3 = dovecot.pop3();
    let settings = home.join("fetchmailrc");
    file::put(
        &settings,
        format!(
            "poll {} protocol pop3 service {}\n user carol password {PASSWORD} is demo here\n sslproto '' no fetchall no keep\n {way}\n",
            pop3.ip(),
            pop3.port()
        ),
    );
    file::mode(&settings, 0o600);
    let mut fetchmail = std::process::Command::new("fetchmail");
    fetchmail
        .env("HOME", &home)
        .env("FETCHMAILHOME", &home)
        .env("LC_ALL", "C.UTF-8")
        .args(["--nosyslog", "-v", "-f"])
        .arg(&settings);
    let output = feed(&mut fetchmail, b"");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn fetched_mail_arrives_over_smtp_and_by_sendmail_and_leaves_the_provider() {
    if !Dovecot::possible() || !skip::unless_installed("fetchmail") {
        return;
    }
    let dovecot = Dovecot::with_users(&["carol"]);
    let instance = Instance::started(&[]);
    let sendmail = instance.path().join("bin/sendmail");
    let smtp = instance.smtp();
    let ways = [
        format!(
            "smtphost {}/{} smtpaddress stafette.test",
            smtp.ip(),
            smtp.port()
        ),
        format!("mda \"{} -i -f %F -- %T\"", sendmail.display()),
    ];
    for (round, way) in ways.iter().enumerate() {
        fill(&dovecot, LETTERS.len());
        fetch(&instance, &dovecot, way);
        assert!(
            dovecot.mail("carol").is_empty(),
            "fetched mail is still there"
        );
        let count = LETTERS.len() * (round + 1);
        let mail = instance.wait_for_mail("demo", count);
        for (subject, body) in ["one", "two", "three"].iter().zip(BODIES) {
            let field = format!("\nSubject: {subject}\n");
            let found: Vec<_> = mail
                .iter()
                .map(|message| split(message))
                .filter(|(fields, _)| fields.contains(&field))
                .collect();
            assert_eq!(found.len(), round + 1, "{subject} by {way}");
            for (fields, got) in found {
                assert!(
                    fields.starts_with("Return-Path: <joe@example.org>\n"),
                    "{fields}"
                );
                assert_eq!(String::from_utf8_lossy(&got), body, "{subject} by {way}");
            }
        }
    }
    instance.wait_until_empty();
}
