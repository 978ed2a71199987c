//! Lines of virtusertable, mailertable and virtualdomains as people have them, and what comes of them.

use stafette_tests::client::Client;
use stafette_tests::dns::Dns;
use stafette_tests::instance::{Instance, feed};
use stafette_tests::namespace::enter;
use stafette_tests::peer::Peer;
use stafette_tests::people::Town;
use stafette_tests::route::{route, said};
use stafette_tests::{process, skip, wait};

/// An instance with mailboxes, not started.
fn new(arguments: &[&str]) -> Instance {
    let mut all = arguments.to_vec();
    for name in ["demo", "localuser", "joe", "eric", "paul"] {
        all.extend(["--mailbox", name]);
    }
    Instance::new(&all)
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

#[test]
fn mail_for_a_domain_whose_best_exchanger_we_are_is_ours_if_that_is_wished() {
    if !skip::unless_root() || !skip::unless_installed("nsd") {
        return;
    }
    let dns = Dns::serving(
        "far.test",
        "@ MX 10 stafette.test.\nother MX 10 mail.elsewhere.test.",
    );
    let mut instance = new(&[]);
    instance.set("nameservers", &dns.nameserver());
    instance.set("bestmxislocal", "1");
    instance.start();
    let mut client = Client::ehlo(instance.smtp());
    let reply = client.mail("x@example.org", &["joe@far.test"], b"\r\nbody\r\n");
    assert!(reply.starts_with("250"), "{reply}");
    assert_eq!(instance.wait_for_mail("joe", 1).len(), 1);
    client.expect("MAIL FROM:<x@example.org>", "250");
    client.expect("RCPT TO:<nobody@far.test>", "550 5.1.1");
    client.expect("RSET", "250");
    instance.wait_until_empty();
}
