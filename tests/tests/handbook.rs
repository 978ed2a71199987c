//! The tables of the FreeBSD handbook word for word: what happens is what `sendmail -bv`, `-bt` and `stafette route` say.

use stafette_tests::client::Client;
use stafette_tests::instance::Instance;
use stafette_tests::peer::Peer;
use stafette_tests::route::{goes, route, said};
use stafette_tests::skip;

const LETTER: &[u8] = b"From: demo@stafette.test\nTo: you\nSubject: hello\n\nbody\n";

const ALIASES: &str = "root: localuser
ftp-bugs: joe,eric,paul
bit.bucket:  /dev/null
procmail: \"|/usr/local/bin/procmail\"";

const VIRTUSERTABLE: &str = "root@example.com                root
postmaster@example.com          postmaster@noc.example.net
@example.com                    joe";

const MAILERTABLE: &str = "#
# makemap hash /etc/mail/mailertable.db < /etc/mail/mailertable
#
horus.interface-business.de   uucp-dom:horus
.interface-business.de        uucp-dom:if-bus
interface-business.de         uucp-dom:if-bus
.heep.sax.de                  smtp8:%1
horus.UUCP                    uucp-dom:horus
if-bus.UUCP                   uucp-dom:if-bus
.                             uucp-dom:";

const RELAY_DOMAINS: &str = "your.isp.example.com
other.isp.example.net
users-isp.example.org
www.example.org";

/// An instance with mailboxes, not started.
fn new(arguments: &[&str]) -> Instance {
    let mut all = arguments.to_vec();
    for name in ["demo", "localuser", "joe", "eric", "paul"] {
        all.extend(["--mailbox", name]);
    }
    Instance::new(&all)
}

#[test]
fn the_handbooks_aliases_and_virtusertable_do_what_it_says() {
    let peer = Peer::friendly();
    let mut instance = new(&["--route", &peer.route("noc.example.net")]);
    instance.set("aliases", ALIASES);
    instance.set("virtusertable", VIRTUSERTABLE);
    instance.start();
    let [.., decided] = route(&instance, "root@example.com");
    assert!(
        decided.contains("\"virtusertable\"") && decided.contains("\"line\":1"),
        "{decided}"
    );
    let joe = route(&instance, "joe")[2].clone();
    goes(&instance, "ftp-bugs", "local", "", &joe);
    goes(
        &instance,
        "bit.bucket",
        "discard",
        "",
        "bit.bucket@stafette.test",
    );
    goes(
        &instance,
        "procmail",
        "prog",
        "",
        "|/usr/local/bin/procmail",
    );
    goes(&instance, "anybody@example.com", "local", "", &joe);
    let mut client = Client::ehlo(instance.smtp());
    let to = [
        "root@example.com",
        "postmaster@example.com",
        "Anybody.Else@Example.COM",
    ];
    let reply = client.mail("x@example.org", &to, b"Subject: hello\r\n\r\nbody\r\n");
    assert!(reply.starts_with("250"), "{reply}");
    assert_eq!(instance.wait_for_mail("localuser", 1).len(), 1);
    let taken = peer.wait_for(1).remove(0);
    assert_eq!(taken.recipients.len(), 1);
    assert!(
        taken.recipients[0].starts_with("<postmaster@noc.example.net>"),
        "{:?}",
        taken.recipients
    );
    assert_eq!(instance.wait_for_mail("joe", 1).len(), 1);
    instance.sendmail(&["ftp-bugs", "bit.bucket"], LETTER);
    for (name, count) in [("joe", 2), ("eric", 1), ("paul", 1)] {
        assert_eq!(instance.wait_for_mail(name, count).len(), count, "{name}");
    }
    instance.wait_until_empty();
    if skip::unless_installed("cdb") {
        for (table, key, value) in [
            ("aliases", "root", "localuser"),
            ("aliases", "bit.bucket", "/dev/null"),
            ("virtusertable", "@example.com", "joe"),
        ] {
            let file = instance
                .path()
                .join("spool/tables")
                .join(format!("{table}.cdb"));
            let found = std::process::Command::new("cdb")
                .arg("-q")
                .arg(file)
                .arg(key)
                .output();
            let found = found.expect("cdb");
            assert_eq!(
                String::from_utf8_lossy(&found.stdout).trim_end(),
                value,
                "{key}"
            );
        }
    }
}

#[test]
fn the_handbooks_mailertable_is_understood() {
    let mut instance = new(&[]);
    instance.set("mailertable", MAILERTABLE);
    instance.start();
    for (host, mailer, to) in [
        ("horus.interface-business.de", "uucp", "horus"),
        ("x.interface-business.de", "uucp", "if-bus"),
        ("interface-business.de", "uucp", "if-bus"),
        ("uriah.heep.sax.de", "esmtp", "uriah"),
        ("horus.UUCP", "uucp", "horus"),
        ("if-bus.UUCP", "uucp", "if-bus"),
        ("any.other.example", "uucp", "any.other.example"),
    ] {
        let [is_mailer, is_host, _, decided] = route(&instance, &format!("user@{host}"));
        assert_eq!(
            [is_mailer.as_str(), &is_host],
            [mailer, to],
            "{host}: {decided}"
        );
        assert!(decided.contains("mailertable"), "{host}: {decided}");
        let tested = said(
            &instance,
            "sendmail",
            &["-bt"],
            format!("3,0 user@{host}\n").as_bytes(),
        );
        assert!(
            tested.contains(&format!("mailer {mailer}, host {to}, user ")),
            "{tested}"
        );
    }
    let [mailer, host, ..] = route(&instance, "joe");
    assert_eq!([mailer.as_str(), &host], ["local", ""]);
}

#[test]
fn strangers_may_send_to_the_handbooks_relay_domains_and_to_no_others() {
    let peer = Peer::friendly();
    let mut instance = new(&["--route", &peer.route("www.example.org")]);
    instance.set("relay-domains", RELAY_DOMAINS);
    instance.set("local-host-names", "example.com\nmail.example.com");
    instance.set("relayclients", "192.0.2.1");
    instance.start();
    let mut client = Client::ehlo(instance.smtp());
    client.expect("MAIL FROM:<x@example.org>", "250");
    client.expect("RCPT TO:<x@elsewhere.example.org>", "5");
    client.expect("RCPT TO:<joe@mail.example.com>", "250");
    client.expect("RCPT TO:<nobody@example.com>", "550");
    client.expect("RCPT TO:<x@other.isp.example.net>", "250");
    client.expect("RSET", "250");
    let reply = client.mail(
        "x@example.org",
        &["x@www.example.org", "joe@example.com"],
        b"\r\nbody\r\n",
    );
    assert!(reply.starts_with("250"), "{reply}");
    assert_eq!(peer.wait_for(1).len(), 1);
    assert_eq!(instance.wait_for_mail("joe", 1).len(), 1);
}
