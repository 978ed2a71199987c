//! The table access over the running programs: who may send, relay and be sent to, and what ETRN and VRFY say of it.

use std::process::Command;

use stafette_tests::client::Client;
use stafette_tests::dns::Dns;
use stafette_tests::instance::{Instance, feed};
use stafette_tests::letter::expect_mail;
use stafette_tests::peer::{PORT, Peer};
use stafette_tests::{address, skip, wait};

const LETTER: &[u8] = b"Subject: access\n\nbody\n";
const WIRE: &[u8] = b"Subject: access\r\n\r\nbody\r\n";

/// An instance with this table, and further settings, in force from the start.
fn with_table(table: &str, settings: &[(&str, &str)]) -> Instance {
    let mut instance = Instance::new(&["--mailbox", "demo", "--mailbox", "other"]);
    instance.set("access", table);
    for (name, value) in settings {
        instance.set(name, value);
    }
    instance.start();
    let compiled = instance.path().join("spool/tables/access.cdb");
    wait::until_true("the compiled table", || compiled.exists());
    instance
}

/// What a client at `ip` hears to these commands, which are sent at once, as under tcpserver: its greeting and EHLO are left out.
fn heard(instance: &Instance, ip: &str, commands: &[&str]) -> Vec<String> {
    let at = |name: &str| instance.path().join(name);
    let mut smtpd = Command::new(at("libexec/stafette-smtpd"));
    smtpd
        .env("STAFETTE_ETC", at("etc"))
        .env("STAFETTE_SPOOL", at("spool"))
        .env("STAFETTE_RUN", at("run"))
        .env("TCPREMOTEIP", ip);
    let input = format!("EHLO client.test\r\n{}\r\n", commands.join("\r\n"));
    let said = String::from_utf8_lossy(&feed(&mut smtpd, input.as_bytes()).stdout).into_owned();
    said.lines()
        .filter(|line| line.as_bytes().get(3) == Some(&b' '))
        .skip(2)
        .take(commands.len())
        .map(str::to_owned)
        .collect()
}

/// The reply to MAIL of a client at `ip`.
fn mail(instance: &Instance, ip: &str, from: &str) -> String {
    let command = format!("MAIL FROM:<{from}>");
    heard(instance, ip, &[&command]).join("\n")
}

/// The reply to a recipient elsewhere.
fn relay(instance: &Instance, ip: &str, from: &str) -> String {
    let command = format!("MAIL FROM:<{from}>");
    let replies = heard(instance, ip, &[&command, "RCPT TO:<joe@elsewhere.test>"]);
    replies.into_iter().nth(1).unwrap_or_default()
}

fn assert_starts(reply: &str, start: &str, what: &str) {
    assert!(
        reply.starts_with(start),
        "{what}: {reply:?} instead of {start:?}"
    );
}

#[test]
fn the_handbooks_table_decides_about_senders() {
    let instance = with_table(
        "# the handbook's
cyberspammer.com\tERROR:\"550 We don't accept mail from spammers\"
FREE.STEALTH.MAILER@\tREJECT
another.source.of.spam\tREJECT
okay.cyberspammer.com\tOK
spam@site.com\tREJECT
192.168.2\tRELAY
From:nasty@example.org\tERROR:5.7.1:550 never
From:slow@example.org\tERROR:4.7.1:450 come back tomorrow
From:friend@another.source.of.spam\tOK",
        &[],
    );
    for (from, expected) in [
        (
            "joe@cyberspammer.com",
            "550 5.7.1 We don't accept mail from spammers",
        ),
        (
            "joe@a.b.CyberSpammer.com",
            "550 5.7.1 We don't accept mail from spammers",
        ),
        ("joe@okay.cyberspammer.com", "250 2.1.0"),
        (
            "free.stealth.mailer@anywhere.test",
            "550 5.7.1 access denied",
        ),
        ("joe@another.source.of.spam", "550 5.7.1"),
        ("friend@another.source.of.spam", "250 2.1.0"),
        ("spam@site.com", "550 5.7.1"),
        ("SPAM@SITE.com", "550 5.7.1"),
        ("ham@site.com", "250 2.1.0"),
        ("nasty@example.org", "550 5.7.1 never"),
        ("slow@example.org", "450 4.7.1 come back tomorrow"),
        ("", "250 2.1.0"),
    ] {
        assert_starts(&mail(&instance, "192.0.2.1", from), expected, from);
    }
    assert_starts(
        &relay(&instance, "192.168.2.77", "joe@example.org"),
        "250 2.1.5",
        "192.168.2",
    );
    assert_starts(
        &relay(&instance, "192.168.3.77", "joe@example.org"),
        "550 5.7.1",
        "192.168.3",
    );
    // A sender is whatever the client writes: it opens nothing.
    assert_starts(
        &relay(&instance, "192.0.2.1", "joe@okay.cyberspammer.com"),
        "550 5.7.1",
        "OK",
    );
}

#[test]
fn of_what_is_said_of_a_client_the_most_specific_counts() {
    let instance = with_table(
        "Connect:10.1\tREJECT
Connect:10.1.2\tOK
Connect:10.1.2.3\tERROR:4.7.0:421 go away
Connect:10.9.0.0/16\tRELAY
Connect:IPv6:2001:db8::/32\tREJECT
From:partner.test\tRELAY
From:10.1.2.3\tOK",
        &[],
    );
    for (ip, expected) in [
        ("10.1.7.7", "550 5.7.1 access denied"),
        ("10.1.2.4", "250 2.1.0"),
        ("10.1.2.3", "421 4.7.0 go away"),
        ("10.10.0.1", "250 2.1.0"),
        ("2001:db8::25", "550 5.7.1"),
        ("2001:db9::25", "250 2.1.0"),
    ] {
        assert_starts(&mail(&instance, ip, "joe@example.org"), expected, ip);
    }
    // Each MAIL is refused, nothing behind it is a transaction, and the session goes on but behind 421.
    let replies = heard(
        &instance,
        "10.1.7.7",
        &[
            "MAIL FROM:<a@b.test>",
            "RCPT TO:<demo@stafette.test>",
            "MAIL FROM:<>",
            "QUIT",
        ],
    );
    let codes: Vec<&str> = replies.iter().filter_map(|reply| reply.get(..3)).collect();
    assert_eq!(codes, ["550", "503", "550", "221"], "{replies:?}");
    let closed = heard(&instance, "10.1.2.3", &["MAIL FROM:<a@b.test>", "NOOP"]);
    assert_eq!(closed.len(), 1, "{closed:?}");
    assert_starts(
        &relay(&instance, "10.9.200.1", "joe@example.org"),
        "250 2.1.5",
        "RELAY",
    );
    assert_starts(
        &relay(&instance, "192.0.2.1", "joe@partner.test"),
        "550 5.7.1",
        "From: RELAY",
    );
}

#[test]
fn recipients_are_refused_relayed_and_thrown_away_one_by_one() {
    let instance = with_table(
        "To:closed@stafette.test\tERROR:5.2.1:550 this mailbox is closed
To:other@stafette.test\tDISCARD
To:partner.test\tRELAY",
        &[],
    );
    let mut client = Client::ehlo(instance.smtp());
    client.expect("MAIL FROM:<joe@example.org>", "250");
    client.expect(
        "RCPT TO:<closed@stafette.test>",
        "550 5.2.1 this mailbox is closed",
    );
    client.expect("RCPT TO:<joe@partner.test>", "250 2.1.5");
    client.expect("RSET", "250");
    let to = ["other@stafette.test", "demo@stafette.test"];
    let reply = client.mail("joe@example.org", &to, WIRE);
    assert_starts(&reply, "250 2.0.0 queued as ", "one of two is thrown away");
    expect_mail(&instance, "demo", &[LETTER.to_vec()]);
    let reply = client.mail("joe@example.org", &["other@stafette.test"], WIRE);
    assert_starts(&reply, "250 2.0.0 message accepted", "all are thrown away");
    client.expect("QUIT", "221");
    instance.wait_until_empty();
    assert!(instance.mail("other").is_empty());
    let log = instance.log("smtpd");
    let lines = log.matches(" message-discarded ").count();
    assert_eq!(lines, 2, "{log}");
    assert_eq!(log.matches(" to=other@stafette.test ").count(), 2, "{log}");
}

#[test]
fn what_a_client_or_sender_sends_is_thrown_away_and_the_log_says_so() {
    let instance = with_table("Connect:127\tDISCARD\nFrom:junk@example.org\tDISCARD", &[]);
    let mut client = Client::ehlo(instance.smtp());
    let to = [
        "demo@stafette.test",
        "nobody@stafette.test",
        "joe@elsewhere.test",
    ];
    let reply = client.mail("joe@example.org", &to, WIRE);
    assert_starts(&reply, "250 2.0.0 message accepted", "DATA");
    client.expect("MAIL FROM:<joe@example.org>", "250");
    client.expect("RCPT TO:<demo@stafette.test>", "250");
    client.send(format!("BDAT {}\r\n", WIRE.len()).as_bytes());
    client.send(WIRE);
    assert_starts(&client.reply(), "250 2.0.0", "a chunk");
    client.expect("BDAT 0 LAST", "250 2.0.0 message accepted");
    client.expect("MAIL FROM:<joe@example.org>", "250");
    client.expect("RCPT TO:<demo@stafette.test>", "250");
    client.expect("DATA", "354");
    client.send(b"bare\nline\r\n");
    client.expect(".", "550 5.5.2");
    client.expect("QUIT", "221");
    let log = instance.log("smtpd");
    assert_eq!(log.matches(" message-discarded ").count(), 4, "{log}");
    assert!(log.contains("access line 1: DISCARD"), "{log}");
    let replies = heard(
        &instance,
        "192.0.2.1",
        &[
            "MAIL FROM:<junk@example.org>",
            "RCPT TO:<demo@stafette.test>",
            "DATA",
            "Subject: x\r\n\r\n.",
        ],
    );
    assert_starts(&replies.join("\n"), "250 2.1.0", "junk");
    assert!(
        replies
            .iter()
            .any(|reply| reply.contains("message accepted")),
        "{replies:?}"
    );
    instance.wait_until_empty();
    assert!(instance.mail("demo").is_empty());
    assert!(!instance.log("queue").contains("message-queued"));
}

#[test]
fn a_changed_table_counts_without_a_restart_and_a_broken_one_does_not_count() {
    let instance = with_table("From:example.org\tREJECT", &[]);
    let mut client = Client::ehlo(instance.smtp());
    client.expect("MAIL FROM:<joe@example.org>", "550 5.7.1");
    instance.set("access", "From:example.net\tREJECT");
    wait::until_true("the new table, in a session under way", || {
        let reply = client.say("MAIL FROM:<joe@example.org>");
        client.expect("RSET", "250");
        reply.starts_with("250")
    });
    client.expect("MAIL FROM:<joe@example.net>", "550 5.7.1");
    instance.set(
        "access",
        "From:example.net\tREJECT\nFrom:example.org\tREFUSE",
    );
    wait::until_true("the mistake in the log", || {
        instance.log("tables").contains(" setting-bad ")
    });
    let mut client = Client::ehlo(instance.smtp());
    client.expect("MAIL FROM:<joe@example.net>", "550 5.7.1");
    client.expect("MAIL FROM:<joe@example.org>", "250 2.1.0");
    instance.set("access", "From:example.org\tREJECT");
    wait::until_true("the table to be right again", || {
        mail(&instance, "192.0.2.1", "joe@example.org").starts_with("550")
    });
}

#[test]
fn a_clients_name_counts_if_it_leads_back_to_the_address() {
    if !skip::unless_installed("nsd") {
        return;
    }
    let dns = Dns::serving(
        "arpa",
        "7.2.0.192.in-addr PTR mail.bad.arpa.
8.2.0.192.in-addr PTR friend.arpa.
9.2.0.192.in-addr PTR friend.arpa.
mail.bad A 192.0.2.7
friend A 192.0.2.8",
    );
    let instance = with_table(
        "Connect:bad.arpa\tREJECT\nConnect:friend.arpa\tRELAY",
        &[("nameservers", &dns.nameserver())],
    );
    assert_starts(
        &mail(&instance, "192.0.2.7", "joe@example.org"),
        "550 5.7.1",
        "bad.arpa",
    );
    assert_starts(
        &relay(&instance, "192.0.2.8", "joe@example.org"),
        "250 2.1.5",
        "friend",
    );
    assert_starts(
        &relay(&instance, "192.0.2.9", "joe@example.org"),
        "550 5.7.1",
        "a liar",
    );
    assert_starts(
        &mail(&instance, "192.0.2.10", "joe@example.org"),
        "250 2.1.0",
        "no name",
    );
    let replies = heard(
        &instance,
        "192.0.2.8",
        &[
            "MAIL FROM:<joe@example.org>",
            "RCPT TO:<demo@stafette.test>",
            "DATA",
            "Subject: x\r\n\r\n.",
        ],
    );
    assert!(
        replies.iter().any(|reply| reply.contains("queued as")),
        "{replies:?}"
    );
    let mail = instance.wait_for_mail("demo", 1);
    let text = String::from_utf8_lossy(mail.first().map_or(&[][..], Vec::as_slice)).into_owned();
    assert!(text.contains("friend.arpa [192.0.2.8]"), "{text}");
}

#[test]
fn etrn_has_what_waits_for_a_backup_domain_tried_at_once() {
    let host = address::fresh();
    let mut instance = Instance::new(&["--route", &format!("far.test {host}:{PORT}")]);
    instance.set("relay-domains", "far.test");
    instance.start();
    let mut client = Client::ehlo(instance.smtp());
    assert!(
        client
            .expect("EHLO client.test", "250")
            .contains("-ETRN\r\n")
    );
    let reply = client.mail("joe@example.org", &["joe@far.test"], WIRE);
    assert_starts(&reply, "250 2.0.0", "backup MX");
    wait::until_true("a first attempt", || {
        instance.mailq().contains("onnection refused")
    });
    for (command, expected) in [
        ("ETRN example.org", "459 4.7.1"),
        ("ETRN #night", "459 4.5.4"),
        ("ETRN", "501 5.5.4"),
        ("ETRN joe@far.test", "501 5.5.4"),
    ] {
        client.expect(command, expected);
    }
    let peer = Peer::on(host, PORT, |_, _| None);
    client.expect("ETRN Far.Test", "250 2.0.0");
    assert_eq!(peer.wait_for(1).len(), 1);
    instance.wait_until_empty();
}

#[test]
fn vrfy_and_expn_answer_where_privacy_lets_them() {
    let mut instance = Instance::new(&[]);
    instance.set("privacy", "authwarnings");
    instance.set("relayclients", "192.0.2.1");
    instance.start();
    let mut client = Client::ehlo(instance.smtp());
    client.expect("VRFY demo", "250 2.1.5 <demo@stafette.test>");
    client.expect("VRFY Demo User <demo@stafette.test>", "250 2.1.5");
    client.expect("VRFY nobody", "550 5.1.1");
    client.expect("VRFY joe@elsewhere.test", "252 2.0.0");
    client.expect("EXPN demo", "252 2.1.5");
    client.expect("EXPN nobody", "550 5.1.1");
}

#[test]
fn no_local_part_is_a_way_to_another_host() {
    let instance = with_table("Connect:192.168.2\tRELAY", &[("relayclients", "192.0.2.1")]);
    let mut client = Client::ehlo(instance.smtp());
    client.expect("MAIL FROM:<joe@example.org>", "250");
    for to in [
        "demo%elsewhere.test@stafette.test",
        "\"joe@elsewhere.test\"@stafette.test",
        "elsewhere.test!joe@stafette.test",
        "elsewhere.test!joe%x@stafette.test",
        "@stafette.test:joe@elsewhere.test",
    ] {
        client.expect(&format!("RCPT TO:<{to}>"), "550 5.");
    }
}
