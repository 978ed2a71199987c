//! The tables of the FreeBSD handbook word for word, and further lines that people have: what happens is what `sendmail -bv`, `-bt` and `stafette route` say.

use stafette_tests::client::Client;
use stafette_tests::instance::{Instance, feed};
use stafette_tests::namespace::enter;
use stafette_tests::peer::Peer;
use stafette_tests::people::Town;
use stafette_tests::{process, skip, wait};

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
.                             uucp-dom:your.uucp.relay";

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

fn said(instance: &Instance, command: &str, arguments: &[&str], input: &[u8]) -> String {
    let output = instance.run(command, arguments, input);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Where `stafette route --json` says that an address goes: mailer, host, user, and all that decided.
fn route(instance: &Instance, address: &str) -> [String; 4] {
    let text = said(instance, "stafette", &["route", "--json", address], b"");
    let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let word = |key: &str| {
        value
            .get(key)
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    [
        word("mailer"),
        word("host"),
        word("user"),
        value
            .get("decided")
            .map(ToString::to_string)
            .unwrap_or_default(),
    ]
}

/// All three ways to ask say that an address goes there.
fn goes(instance: &Instance, address: &str, mailer: &str, host: &str, user: &str) {
    let shown = if host.is_empty() {
        format!("mailer {mailer}, user {user}")
    } else {
        format!("mailer {mailer}, host {host}, user {user}")
    };
    let verified = said(instance, "sendmail", &["-bv", address], b"");
    assert!(
        verified.contains(&shown),
        "-bv {address}: no {shown:?} in {verified}"
    );
    let input = format!("3,0 {address}\n{address}\n");
    let tested = said(instance, "sendmail", &["-bt"], input.as_bytes());
    assert!(
        tested.matches(&shown).count() >= 2,
        "-bt {address}: no {shown:?} in {tested}"
    );
    let [is_mailer, is_host, is_user, _] = route(instance, address);
    if is_mailer != "alias" {
        assert_eq!(
            [is_mailer.as_str(), &is_host, &is_user],
            [mailer, host, user],
            "{address}"
        );
    }
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
        ("any.other.example", "uucp", "your.uucp.relay"),
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
fn mail_goes_where_the_lines_of_mailertable_and_virtusertable_send_it() {
    let [exact, below, rest] = [(); 3].map(|()| Peer::friendly());
    let mut instance = new(&[]);
    instance.set(
        "mailertable",
        &format!(
            "far.test  smtp:[{}]:2626\n.far.test\tesmtp:[{}]:2626\nno.test error:nohost no such host\nours.test local:paul\n. relay:[{}]:2626",
            exact.address().ip(), below.address().ip(), rest.address().ip()
        ),
    );
    instance.set(
        "virtusertable",
        "info@many.test joe, eric\nnobody@many.test error:nouser nobody of that name\nlate@many.test error:4.2.1:450 come tomorrow\nsales+*@many.test %1+%2@far.test\n@many.test %1@deep.far.test\n@moved.test %1@else.test",
    );
    instance.start();
    let mut client = Client::ehlo(instance.smtp());
    client.expect("MAIL FROM:<x@example.org>", "250");
    for to in [
        "a@far.test",
        "b@sub.far.test",
        "c@elsewhere.test",
        "d@many.test",
        "e@moved.test",
        "info@many.test",
        "f@ours.test",
    ] {
        client.expect(&format!("RCPT TO:<{to}>"), "250");
    }
    assert!(
        client
            .expect("RCPT TO:<x@no.test>", "550")
            .contains("no such host")
    );
    assert!(
        client
            .expect("RCPT TO:<nobody@many.test>", "550")
            .contains("nobody of that name")
    );
    assert!(
        client
            .expect("RCPT TO:<late@many.test>", "450")
            .contains("come tomorrow")
    );
    client.expect("DATA", "354");
    client.send(b"Subject: hello\r\n\r\nbody\r\n.\r\n");
    assert!(client.reply().starts_with("250"));
    for (peer, wanted) in [
        (&exact, &["a@far.test"][..]),
        (&below, &["b@sub.far.test", "d@deep.far.test"]),
        (&rest, &["c@elsewhere.test", "e@else.test"]),
    ] {
        let got = wait::until(&format!("{wanted:?}; logs:\n{}", instance.logs()), || {
            let taken = peer.seen().taken;
            let mut got: Vec<String> = taken
                .iter()
                .flat_map(|taken| taken.recipients.clone())
                .collect();
            got.sort();
            (got.len() >= wanted.len()).then_some(got)
        });
        for (got, wanted) in got.iter().zip(wanted) {
            assert!(
                got.starts_with(&format!("<{wanted}>")),
                "{got} is not {wanted}"
            );
        }
    }
    for name in ["joe", "eric", "paul"] {
        assert_eq!(instance.wait_for_mail(name, 1).len(), 1, "{name}");
    }
    let far = format!("{}:2626", exact.address().ip());
    let [mailer, host, ..] = route(&instance, "a@far.test");
    assert_eq!(
        (mailer.as_str(), host.replace(['[', ']'], "").as_str()),
        ("esmtp", far.as_str())
    );
    instance.wait_until_empty();
    // A new line counts without a restart.
    let before = process::running(&instance);
    instance.set("virtusertable", "@many.test paul");
    wait::until_true("the new table", || {
        said(&instance, "sendmail", &["-bv", "d@many.test"], b"").contains("/mail/paul)")
    });
    wait::until_true("its mail for paul", || {
        let reply =
            Client::ehlo(instance.smtp()).mail("x@example.org", &["z@many.test"], b"\r\nbody\r\n");
        assert!(reply.starts_with("250"), "{reply}");
        instance.wait_until_empty();
        instance.mail("paul").len() > 1
    });
    assert_eq!(before, process::running(&instance));
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

#[test]
fn a_virtual_domain_belongs_to_one_user() {
    if !Town::possible() {
        return;
    }
    let mut town = Town::new(&["alice", "bob"], &[]);
    town.instance.set(
        "virtualdomains",
        "alice.test:alice\n.alice.test:alice-sub\nspecial@alice.test:bob\nours.alice.test:",
    );
    town.instance.set("aliases", "alice-info: bob");
    town.put("alice", ".qmail-info", "./Maildir/\n");
    town.put("alice", ".qmail-sub-default", "|echo \"$DEFAULT\" >>sub\n");
    town.put("bob", ".qmail-special", "./Maildir/\n");
    town.instance.start();
    let mut client = Client::ehlo(town.instance.smtp());
    let to = [
        "info@alice.test",
        "who@deep.alice.test",
        "special@alice.test",
    ];
    let reply = client.mail("x@example.org", &to, b"\r\nbody\r\n");
    assert!(reply.starts_with("250"), "{reply}");
    let mail = town.wait_for_mail("alice", 1).remove(0);
    assert!(
        mail.contains("\nDelivered-To: alice-info@alice.test\n"),
        "{mail}"
    );
    assert_eq!(town.wait_for_mail("bob", 1).len(), 1);
    wait::until_true("what the program wrote", || {
        town.read("alice", "sub") == "who\n"
    });
    // Only what runs with this /etc/passwd knows these people.
    let stafette = town.instance.path().join("bin/stafette");
    let mut asked = enter(town.instance.supervisor(), &stafette.display().to_string());
    let output = feed(
        asked.args(["route", "info@alice.test", "special@alice.test"]),
        b"",
    );
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.contains("info@alice.test: mailer local, user alice\n"),
        "{said}"
    );
    assert!(
        said.contains("special@alice.test: mailer local, user bob\n"),
        "{said}"
    );
    assert!(said.contains("by virtualdomains:3: "), "{said}");
}
