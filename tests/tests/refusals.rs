//! What smtpd refuses, with which reply, and that a session goes on as a new one afterwards.

use stafette_tests::client::Client;
use stafette_tests::instance::{Instance, signal};
use stafette_tests::letter::expect_mail;
use stafette_tests::wait;

const LETTER: &[u8] = b"Subject: refusals\n\nbody\n";
const WIRE: &[u8] = b"Subject: refusals\r\n\r\nbody\r\n";

/// An instance with settings that are there from the start.
fn instance_with(settings: &[(&str, &str)]) -> Instance {
    let mut instance = Instance::new(&[]);
    for (name, value) in settings {
        instance.set(name, value);
    }
    instance.start();
    instance
}

/// Kills a program and keeps it down until the value is dropped.
struct Down<'a> {
    instance: &'a Instance,
}

impl<'a> Down<'a> {
    fn keep(instance: &'a Instance, program: &str) -> Self {
        signal(instance.supervisor(), "STOP");
        for pid in instance.processes(program) {
            signal(pid, "KILL");
        }
        // Dead, though nobody has waited for it: its command line is gone.
        wait::until_true("the death of a program", || {
            instance.processes(program).is_empty()
        });
        Self { instance }
    }
}

impl Drop for Down<'_> {
    fn drop(&mut self) {
        signal(self.instance.supervisor(), "CONT");
    }
}

#[test]
fn commands_out_of_order_are_refused_and_cost_nothing() {
    let instance = instance_with(&[("maxbadcommands", "1000")]);
    let mut client = Client::connect(instance.smtp());
    for command in [
        "MAIL FROM:<joe@example.org>",
        "RCPT TO:<demo@stafette.test>",
        "DATA",
    ] {
        client.expect(command, "503 5.5.1");
    }
    client.expect("HELO client.test", "250 ");
    for (command, code) in [
        ("RCPT TO:<demo@stafette.test>", "503 5.5.1"),
        ("DATA", "503 5.5.1"),
        ("BDAT 0 LAST", "503 5.5.1"),
        ("MAIL FROM:<joe@example.org>", "250 2.1.0"),
        ("MAIL FROM:<joe@example.org>", "503 5.5.1"),
        ("DATA", "554 5.5.1"),
        ("RCPT TO:<demo@stafette.test>", "250 2.1.5"),
        ("BDAT 3", ""),
        ("DATA", "503 5.5.1"),
        ("RCPT TO:<demo@stafette.test>", "503 5.5.1"),
        ("MAIL FROM:<joe@example.org>", "503 5.5.1"),
        ("RSET", "250 2.0.0"),
        ("BDAT 5 LAST", ""),
        ("NOOP", "250 2.0.0"),
        ("EHLO again.test", "250-"),
        ("MAIL FROM:<joe@example.org>", "250"),
        ("EHLO again.test", "250-"),
        ("RCPT TO:<demo@stafette.test>", "503 5.5.1"),
    ] {
        match command {
            "BDAT 3" => {
                client.send(b"BDAT 3\r\nabc");
                assert!(client.reply().starts_with("250 2.0.0"));
            }
            "BDAT 5 LAST" => {
                client.send(b"BDAT 5 LAST\r\nQUIT\n");
                assert!(client.reply().starts_with("503 5.5.1"));
            }
            _ => drop(client.expect(command, code)),
        }
    }
    let reply = client.mail("joe@example.org", &["demo@stafette.test"], WIRE);
    assert!(reply.starts_with("250 2.0.0"), "{reply}");
    expect_mail(&instance, "demo", &[LETTER.to_vec()]);
}

#[test]
fn unknown_users_and_relaying_are_refused_and_the_others_get_their_mail() {
    let instance = instance_with(&[("relayclients", "192.0.2.0/24"), ("maxbadcommands", "1000")]);
    let mut client = Client::ehlo(instance.smtp());
    client.expect("MAIL FROM:<joe@example.org>", "250");
    client.expect("RCPT TO:<nobody@stafette.test>", "550 5.1.1");
    client.expect("RCPT TO:<joe@example.net>", "550 5.7.1");
    client.expect("RCPT TO:<demo@sub.stafette.test>", "550 5.7.1");
    client.expect("RCPT TO:<demo%example.net@stafette.test>", "550 5.1.1");
    client.expect("RCPT TO:<\"joe@example.net\"@stafette.test>", "550 5.1.1");
    client.expect("RCPT TO:<example.net!joe@stafette.test>", "550 5.");
    client.expect("RCPT TO:<@stafette.test:joe@example.net>", "550 5.7.1");
    client.expect("RCPT TO:<joe@[192.0.2.1]>", "550 5.7.1");
    client.expect("RCPT TO:<>", "501 5.1.3");
    client.expect("RCPT TO:<demo>", "501 5.1.3");
    client.expect("RCPT TO:<@example.net:demo@STAFETTE.test>", "250 2.1.5");
    client.expect("DATA", "354");
    client.send(WIRE);
    client.expect(".", "250 2.0.0");
    expect_mail(&instance, "demo", &[LETTER.to_vec()]);
    let log = instance.log("smtpd");
    assert_eq!(log.matches(" recipient-refused ").count(), 8, "{log}");
}

#[test]
fn vrfy_and_expn_tell_nothing() {
    let instance = instance_with(&[]);
    let mut client = Client::ehlo(instance.smtp());
    let known = client.expect("VRFY demo", "252 2.0.0");
    assert_eq!(client.expect("VRFY <nobody@stafette.test>", "252"), known);
    assert!(!known.contains("demo"), "{known}");
    client.expect("EXPN demo", "502 5.5.1");
    client.expect("HELP", "214 ");
    client.expect("NOOP whatever", "250 2.0.0");
    client.expect("ETRN example.org", "459 4.7.1");
    client.expect("STARTTLS", "502 5.5.1");
    client.expect("AUTH PLAIN AGEAYg==", "502 5.5.1");
    client.expect("", "500 5.5.");
    client.expect("WIZ", "500 5.5.1");
    client.expect("DATA now", "501 5.5.4");
    client.expect(&"x".repeat(5000), "500 5.5.2");
    client.expect("QUIT", "221 2.0.0");
    assert!(client.at_end());
}

#[test]
fn a_browser_that_was_made_to_talk_to_us_is_cut_off() {
    let instance = instance_with(&[]);
    let mut client = Client::connect(instance.smtp());
    client.send(b"POST / HTTP/1.1\r\nHost: x\r\n\r\nEHLO a\r\nMAIL FROM:<evil@example.org>\r\n");
    assert!(client.reply().starts_with("500 5.5.1"));
    assert!(client.is_over());
}

#[test]
fn a_recipient_named_twice_gets_one_copy() {
    let instance = Instance::started(&["--mailbox", "demo", "--mailbox", "other"]);
    let mut client = Client::ehlo(instance.smtp());
    let to = [
        "demo@stafette.test",
        "other@stafette.test",
        "demo@STAFETTE.TEST",
        "\"demo\"@stafette.test",
        "demo@stafette.test",
    ];
    let reply = client.mail("joe@example.org", &to, WIRE);
    assert!(reply.starts_with("250 2.0.0"), "{reply}");
    expect_mail(&instance, "other", &[LETTER.to_vec()]);
    expect_mail(&instance, "demo", &[LETTER.to_vec()]);
    instance.wait_until_empty();
    assert_eq!(instance.mail("demo").len(), 1);
    assert!(
        instance.log("queue").contains(" recipients=2\n"),
        "{}",
        instance.log("queue")
    );
}

#[test]
fn the_postmaster_needs_no_domain() {
    let instance = instance_with(&[]);
    let mut client = Client::ehlo(instance.smtp());
    for to in [
        "Postmaster",
        "postmaster@stafette.test",
        "POSTMASTER@stafette.test",
    ] {
        let reply = client.mail("", &[to], WIRE);
        assert!(reply.starts_with("250 2.0.0"), "{to}: {reply}");
    }
    expect_mail(&instance, "demo", &vec![LETTER.to_vec(); 3]);
}

#[test]
fn addresses_in_other_scripts_need_smtputf8() {
    let instance = instance_with(&[("maxbadcommands", "1000")]);
    let mut client = Client::ehlo(instance.smtp());
    client.expect("MAIL FROM:<jörg@example.org>", "553 5.6.7");
    client.expect("MAIL FROM:<joe@bücher.example>", "553 5.6.7");
    client.expect("MAIL FROM:<joe@example.org>", "250");
    client.expect("RCPT TO:<jörg@stafette.test>", "553 5.6.7");
    client.expect("RCPT TO:<demo@stafette.test>", "250");
    client.expect("RSET", "250");
    client.send(b"MAIL FROM:<j\xf6rg@example.org> SMTPUTF8\r\n");
    assert!(client.reply().starts_with("500 5.5.2"));
    client.expect("MAIL FROM:<jörg@bücher.example> SMTPUTF8", "250 2.1.0");
    client.expect("RCPT TO:<jörg@stafette.test>", "550 5.1.1");
    client.expect("RCPT TO:<demo@stafette.test>", "250 2.1.5");
    client.expect("DATA", "354");
    client.send(WIRE);
    client.expect(".", "250 2.0.0");
    expect_mail(&instance, "demo", &[LETTER.to_vec()]);
    let message = String::from_utf8(instance.mail("demo").remove(0)).expect("a message in UTF-8");
    assert!(
        message.starts_with("Return-Path: <jörg@bücher.example>\n"),
        "{message}"
    );
    assert!(message.contains("with UTF8SMTP"), "{message}");
}

#[test]
fn an_account_database_that_is_down_means_later() {
    let instance = instance_with(&[]);
    let mut client = Client::ehlo(instance.smtp());
    client.expect("MAIL FROM:<joe@example.org>", "250");
    client.expect("RCPT TO:<demo@stafette.test>", "250");
    let down = Down::keep(&instance, "users");
    client.expect("RCPT TO:<demo@stafette.test>", "451 4.3.0");
    client.expect("RCPT TO:<nobody@stafette.test>", "451 4.3.0");
    client.expect("NOOP", "250");
    drop(down);
    wait::until_true("users to be back", || {
        client
            .say("RCPT TO:<nobody@stafette.test>")
            .starts_with("550 5.1.1")
    });
    client.expect("RCPT TO:<postmaster>", "250");
    client.expect("DATA", "354");
    client.send(WIRE);
    client.expect(".", "250 2.0.0");
    expect_mail(&instance, "demo", &vec![LETTER.to_vec(); 2]);
}

#[test]
fn an_account_database_that_hangs_means_later() {
    let instance = instance_with(&[]);
    let mut client = Client::ehlo(instance.smtp());
    client.expect("MAIL FROM:<joe@example.org>", "250");
    let users = instance.processes("users");
    users.iter().for_each(|pid| signal(*pid, "STOP"));
    client.expect("RCPT TO:<demo@stafette.test>", "451 4.3.0");
    users.iter().for_each(|pid| signal(*pid, "CONT"));
    client.expect("RCPT TO:<demo@stafette.test>", "250 2.1.5");
}

#[test]
fn a_queue_that_is_down_means_later_and_the_session_goes_on() {
    let instance = instance_with(&[]);
    let mut client = Client::ehlo(instance.smtp());
    client.expect("MAIL FROM:<joe@example.org>", "250");
    client.expect("RCPT TO:<demo@stafette.test>", "250");
    client.expect("DATA", "354");
    client.send(WIRE);
    let down = Down::keep(&instance, "queue");
    client.send(WIRE);
    client.expect(".", "451 4.3.0");
    client.expect("MAIL FROM:<joe@example.org>", "451 4.3.0");
    client.expect("RCPT TO:<demo@stafette.test>", "503");
    client.expect("RSET", "250");
    drop(down);
    wait::until_true("queue to be back", || {
        client.say("MAIL FROM:<joe@example.org>").starts_with("250")
    });
    client.expect("RCPT TO:<demo@stafette.test>", "250");
    client.send(format!("BDAT {}\r\n", WIRE.len()).as_bytes());
    client.send(WIRE);
    assert!(client.reply().starts_with("250 2.0.0"));
    let down = Down::keep(&instance, "queue");
    client.expect("BDAT 0 LAST", "451 4.3.0");
    drop(down);
    wait::until_true("queue to be back", || {
        let reply = client.say("MAIL FROM:<joe@example.org>");
        reply.starts_with("250") || {
            client.expect("RSET", "250");
            false
        }
    });
    client.expect("RCPT TO:<demo@stafette.test>", "250");
    client.expect("DATA", "354");
    client.send(WIRE);
    client.expect(".", "250 2.0.0");
    client.expect("QUIT", "221");
    expect_mail(&instance, "demo", &[LETTER.to_vec()]);
    // What the killed programs were writing stays in tmp/ until it is old.
    wait::until_true("an empty queue", || {
        instance.mailq() == "Mail queue is empty\n"
    });
    assert_eq!(instance.mail("demo").len(), 1);
}

#[test]
fn of_a_message_whose_client_goes_away_nothing_is_left() {
    let instance = instance_with(&[]);
    for ending in ["", "\r\n.", "\r\n.\r", "\r\n.\n"] {
        let mut client = Client::ehlo(instance.smtp());
        client.expect("MAIL FROM:<joe@example.org>", "250");
        client.expect("RCPT TO:<demo@stafette.test>", "250");
        client.expect("DATA", "354");
        client.send(format!("Subject: cut off\r\n\r\nbody{ending}").as_bytes());
    }
    let mut client = Client::ehlo(instance.smtp());
    client.expect("MAIL FROM:<joe@example.org>", "250");
    client.expect("RCPT TO:<demo@stafette.test>", "250");
    client.send(b"BDAT 100 LAST\r\nSubject: cut off\r\n\r\n");
    drop(client);
    wait::until_true("the end of all sessions", || {
        let log = instance.log("smtpd");
        log.matches("reason=\"client went away\"").count() >= 5
    });
    instance.wait_until_empty();
    assert!(instance.mail("demo").is_empty());
    assert!(!instance.log("queue").contains("message-queued"));
}

#[test]
fn a_server_that_stops_says_so_to_whoever_is_connected() {
    let mut instance = instance_with(&[]);
    let mut client = Client::ehlo(instance.smtp());
    client.expect("MAIL FROM:<joe@example.org>", "250");
    client.expect("RCPT TO:<demo@stafette.test>", "250");
    instance.stop();
    let reply = client.reply();
    assert!(reply.starts_with("421 4.3.2 "), "{reply:?}");
    assert!(client.is_over());
    assert!(instance.queued().is_empty(), "{:?}", instance.queued());
}
