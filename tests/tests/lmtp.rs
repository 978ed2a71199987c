//! Mail handed to a real Dovecot by LMTP, over its Unix socket and over TCP.

use stafette_tests::client::Client;
use stafette_tests::dovecot::Dovecot;
use stafette_tests::instance::Instance;

const LETTER: &[u8] =
    b"From: demo@stafette.test\nTo: you\nSubject: hello\n\n.\n..\n\xc3\xbc body\n";

/// An instance whose mail for unix.test and tcp.test goes to the Dovecot.
fn before(dovecot: &Dovecot) -> Instance {
    let mut instance = Instance::new(&[]);
    let lmtp = dovecot.lmtp();
    instance.set(
        "mailertable",
        &format!(
            "unix.test lmtp:unix:{}\ntcp.test\tlmtp:{}:{}",
            dovecot.socket().display(),
            lmtp.ip(),
            lmtp.port()
        ),
    );
    instance.start();
    instance
}

#[test]
fn mail_reaches_dovecots_mailboxes_by_both_ways_and_an_unknown_user_comes_back() {
    if !Dovecot::possible() {
        return;
    }
    let dovecot = Dovecot::with_users(&["carol", "dave"]);
    let instance = before(&dovecot);
    for (count, domain) in ["unix.test", "tcp.test"].iter().enumerate() {
        let to: Vec<String> = ["carol", "nobody", "dave"]
            .iter()
            .map(|name| format!("{name}@{domain}"))
            .collect();
        let to: Vec<&str> = to.iter().map(String::as_str).collect();
        let mut arguments = vec!["-i", "-f", "demo@stafette.test"];
        arguments.extend(&to);
        instance.sendmail(&arguments, LETTER);
        for name in ["carol", "dave"] {
            let mail = dovecot.wait_for_mail(name, count + 1);
            for mail in &mail {
                assert!(
                    mail.contains("Return-Path: <demo@stafette.test>\n"),
                    "{mail}"
                );
                assert!(mail.ends_with("\n\n.\n..\n\u{fc} body\n"), "{mail}");
            }
        }
        let report = instance.wait_for_mail("demo", count + 1);
        let unknown = format!("nobody@{domain}");
        let report = report
            .iter()
            .map(|report| String::from_utf8_lossy(report).into_owned())
            .find(|report| report.contains(&unknown))
            .expect("a report");
        assert!(
            report.contains("550 5.1.1") && report.contains("doesn't exist"),
            "{report}"
        );
        assert!(report.contains("\nStatus: 5.1.1\n"), "{report}");
        instance.wait_until_empty();
        let shown = instance.run("sendmail", &["-bv", &format!("carol@{domain}")], b"");
        assert!(String::from_utf8_lossy(&shown.stdout).contains("mailer lmtp, host "));
    }
    for name in ["carol", "dave"] {
        assert_eq!(dovecot.mail(name).len(), 2, "{name}");
    }
}

#[test]
fn mail_waits_while_dovecot_is_down() {
    if !Dovecot::possible() {
        return;
    }
    let dovecot = Dovecot::with_users(&["carol"]);
    let instance = before(&dovecot);
    let socket = dovecot.socket();
    drop(dovecot);
    assert!(std::os::unix::net::UnixStream::connect(socket).is_err());
    let mut client = Client::ehlo(instance.smtp());
    let to = ["carol@unix.test", "carol@tcp.test"];
    let reply = client.mail("demo@stafette.test", &to, b"\r\nbody\r\n");
    assert!(reply.starts_with("250"), "{reply}");
    stafette_tests::wait::until_true("two recipients that wait", || {
        let listing = instance.mailq();
        to.iter().all(|to| listing.contains(to))
            && listing.matches("unable to connect").count() == 2
    });
    assert!(instance.mail("demo").is_empty());
}
