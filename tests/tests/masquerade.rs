//! What other hosts see of our addresses: masquerading, its exceptions, the genericstable, and the host that has only a smarthost.

use stafette_tests::instance::Instance;
use stafette_tests::peer::{Peer, Taken};

/// An instance of the host inner.corp.test whose mail all goes to the peer, not started.
fn new(peer: &Peer) -> Instance {
    let address = peer.address();
    let mut arguments = vec!["--domain", "inner.corp.test"];
    for name in ["demo", "joe", "ops"] {
        arguments.extend(["--mailbox", name]);
    }
    let instance = Instance::new(&arguments);
    instance.set(
        "smtproutes",
        &format!(":{}:{}", address.ip(), address.port()),
    );
    instance
}

fn send(instance: &Instance, from: &str) {
    let letter = format!(
        "From: Joe Doe <{from}>\nTo: x@far.test, joe@inner.corp.test\nCc: ops@inner.corp.test\nReply-To: {from}\nSubject: hello from {from}\n\nbody of {from}\n"
    );
    instance.sendmail(&["-i", "-f", from, "x@far.test"], letter.as_bytes());
}

fn content(taken: &Taken) -> String {
    String::from_utf8_lossy(&taken.content).replace("\r\n", "\n")
}

fn has(text: &str, line: &str) {
    assert!(
        text.contains(&format!("\n{line}\n")),
        "no {line:?} in\n{text}"
    );
}

#[test]
fn a_null_clients_smarthost_sees_one_domain_in_header_and_envelope() {
    let peer = Peer::friendly();
    let mut instance = new(&peer);
    instance.set("masquerade", "corp.test");
    instance.start();
    send(&instance, "joe@inner.corp.test");
    // As cron writes it.
    let cron = b"From: root (Cron Daemon)\nTo: x@far.test\nSubject: Cron\n\nout\n";
    instance.sendmail(&["-i", "-FCronDaemon", "-oem", "x@far.test"], cron);
    let taken = peer.wait_for(2);
    for taken in taken {
        let text = content(&taken);
        if text.contains("\nSubject: Cron\n") {
            assert!(taken.mail.contains("@corp.test>"), "{}", taken.mail);
            has(&text, "From: root@corp.test (Cron Daemon)");
        } else {
            assert!(taken.mail.starts_with("<joe@corp.test>"), "{}", taken.mail);
            has(&text, "From: Joe Doe <joe@corp.test>");
            has(&text, "Reply-To: joe@corp.test");
            has(&text, "To: x@far.test, joe@inner.corp.test");
            has(&text, "Subject: hello from joe@inner.corp.test");
            assert!(
                text.ends_with("\n\nbody of joe@inner.corp.test\n"),
                "{text}"
            );
        }
    }
    // Mail that stays here stays as it is.
    instance.sendmail(
        &["-f", "joe@inner.corp.test", "demo"],
        b"From: joe\nSubject: inside\n\nbody\n",
    );
    let mail = instance.wait_for_mail("demo", 1).remove(0);
    let mail = String::from_utf8_lossy(&mail).into_owned();
    assert!(
        mail.starts_with("Return-Path: <joe@inner.corp.test>\n"),
        "{mail}"
    );
    has(&mail, "From: joe@inner.corp.test");
}

#[test]
fn exceptions_recipients_and_the_genericstable_are_as_asked_for() {
    let peer = Peer::friendly();
    let mut instance = new(&peer);
    instance.set("masquerade", "corp.test");
    instance.set("masqueradedomains", "inner.corp.test\n.lab.test");
    instance.set("masqueradeexceptions", "root\nops@inner.corp.test");
    instance.set("masqueradeenvelope", "0");
    instance.set("allmasquerade", "1");
    instance.set(
        "genericstable",
        "joe Joe.Doe@corp.test\ndeep@x.lab.test other",
    );
    instance.start();
    for (count, (from, seen)) in [
        ("joe@inner.corp.test", "Joe.Doe@corp.test"),
        ("demo@inner.corp.test", "demo@corp.test"),
        ("root@inner.corp.test", "root@inner.corp.test"),
        ("ops@inner.corp.test", "ops@inner.corp.test"),
        ("a@host.lab.test", "a@corp.test"),
        ("a@elsewhere.test", "a@elsewhere.test"),
    ]
    .into_iter()
    .enumerate()
    {
        send(&instance, from);
        let taken = peer.wait_for(count + 1).pop().expect("a message");
        let text = content(&taken);
        has(&text, &format!("From: Joe Doe <{seen}>"));
        has(&text, &format!("Reply-To: {seen}"));
        has(&text, "To: x@far.test, Joe.Doe@corp.test");
        has(&text, "Cc: ops@inner.corp.test");
        assert!(
            taken.mail.starts_with(&format!("<{from}>")),
            "{}",
            taken.mail
        );
    }
}
