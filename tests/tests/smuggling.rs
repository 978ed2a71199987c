//! Nothing can be smuggled: a message is one message, whatever its lines end with, and no parameter ends a line of ours.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use stafette_tests::client::Client;
use stafette_tests::instance::Instance;
use stafette_tests::letter::{expect_mail, to_wire};

/// What some server somewhere takes for the end of a message. None of them is.
const FALSE_ENDS: [&str; 16] = [
    "\n.\n",
    "\n.\r\n",
    "\r.\r",
    "\r.\n",
    "\r\n.\r",
    "\r.\r\n",
    "\r\n.\n",
    "\n.\r",
    "\r\n.\r\r\n",
    "\r\n\0.\n",
    "\r\n.\0\n",
    "\r\0\n.\r\n",
    "\n\0.\r\n",
    "\r\n.\r\0\n",
    "\n\n.\n\n",
    "\r\r.\r\r",
];

/// What would be a second message behind a false end.
const SECOND: &str = "MAIL FROM:<evil@example.org>\r\nRCPT TO:<demo@stafette.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nsmuggled\r\n";

const HONEST: &[u8] = b"Subject: honest\n\nthe only one\n";

fn attack(end: &str) -> Vec<u8> {
    format!("Subject: bait\r\n\r\ntext{end}{SECOND}").into_bytes()
}

fn expect_refusal(reply: &str, what: &dyn std::fmt::Debug) {
    assert!(
        reply.starts_with("550 5.5.2 "),
        "{what:?} was answered {reply:?}"
    );
}

/// Sends an honest message over the same session, and it is the only one that arrives.
fn only_the_honest_message_arrives(instance: &Instance, client: &mut Client) {
    let reply = client.mail("joe@example.org", &["demo@stafette.test"], &to_wire(HONEST));
    assert!(reply.starts_with("250 2.0.0 "), "{reply}");
    client.expect("QUIT", "221");
    assert!(client.at_end(), "something was answered behind QUIT");
    expect_mail(instance, "demo", &[HONEST.to_vec()]);
    instance.wait_until_empty();
    assert_eq!(instance.mail("demo").len(), 1, "a second message arrived");
    let log = instance.log("queue");
    assert!(!log.contains("evil"), "{log}");
}

#[test]
fn a_false_end_in_data_is_content_of_a_refused_message_wherever_the_stream_is_cut() {
    let instance = Instance::started(&[]);
    let mut client = Client::ehlo(instance.smtp());
    for end in FALSE_ENDS {
        let whole = [&attack(end), &b".\r\n"[..]].concat();
        let around = "Subject: bait\r\n\r\ntext".len();
        for cut in (around - 1..around + end.len() + 2).chain(whole.len() - 6..whole.len()) {
            client.send(b"MAIL FROM:<joe@example.org>\r\nRCPT TO:<demo@stafette.test>\r\nDATA\r\n");
            for code in ["250 2.1.0", "250 2.1.5", "354 "] {
                let reply = client.reply();
                assert!(
                    reply.starts_with(code),
                    "{end:?}: {reply:?} instead of {code}"
                );
            }
            client.send(&whole[..cut]);
            client.send(&whole[cut..]);
            expect_refusal(&client.reply(), &end);
        }
        client.expect("NOOP", "250 2.0.0 ok");
    }
    only_the_honest_message_arrives(&instance, &mut client);
}

#[test]
fn a_false_end_at_the_very_start_or_octet_by_octet_is_none() {
    let instance = Instance::started(&[]);
    let mut client = Client::ehlo(instance.smtp());
    for end in FALSE_ENDS
        .iter()
        .copied()
        .chain([".\n", ".\r", ".\r\r\n", ".\0\r\n."])
    {
        client.expect("MAIL FROM:<joe@example.org>", "250");
        client.expect("RCPT TO:<demo@stafette.test>", "250");
        client.expect("DATA", "354");
        let whole = [end.as_bytes(), b"NOOP\r\n", b"x\n\r\n.\r\n"].concat();
        for octet in whole {
            client.send(&[octet]);
        }
        expect_refusal(&client.reply(), &end);
    }
    only_the_honest_message_arrives(&instance, &mut client);
}

#[test]
fn nul_octets_around_the_dot_do_not_make_an_end_and_are_content() {
    let instance = Instance::started(&[]);
    let mut client = Client::ehlo(instance.smtp());
    let content = b"Subject: nul\n\n\0.\n.\0\n\0\n\0.\0\nMAIL FROM:<evil@example.org>\n";
    let reply = client.mail(
        "joe@example.org",
        &["demo@stafette.test"],
        &to_wire(content),
    );
    assert!(reply.starts_with("250 2.0.0 "), "{reply}");
    client.expect("QUIT", "221");
    expect_mail(&instance, "demo", &[content.to_vec()]);
}

/// `CR CR LF . CR LF` has a true end in it, and yet a server before us may have read on: nothing behind it is obeyed.
#[test]
fn behind_an_end_with_one_cr_too_many_nothing_is_obeyed() {
    let instance = Instance::started(&[]);
    let whole = [&attack("\r\r\n.\r\n"), &b".\r\n"[..]].concat();
    for cut in 0..30 {
        let mut client = Client::ehlo(instance.smtp());
        client.expect("MAIL FROM:<joe@example.org>", "250");
        client.expect("RCPT TO:<demo@stafette.test>", "250");
        client.expect("DATA", "354");
        client.send(&whole[..cut]);
        client.send(&whole[cut..]);
        expect_refusal(&client.reply(), &cut);
        assert!(client.is_over(), "the session goes on");
    }
    let mut client = Client::ehlo(instance.smtp());
    only_the_honest_message_arrives(&instance, &mut client);
}

#[test]
fn a_false_end_in_chunks_is_content_of_a_refused_message_and_a_true_one_is_plain_content() {
    let instance = Instance::started(&[]);
    let mut client = Client::ehlo(instance.smtp());
    for end in FALSE_ENDS.iter().copied().chain(["\r\r\n.\r\n"]) {
        let content = attack(end);
        let around = "Subject: bait\r\n\r\ntext".len();
        for cut in around..around + end.len() {
            let (a, b) = content.split_at(cut);
            // All at once, as a client may: a refused first chunk leaves the second one to be skipped.
            client.send(b"MAIL FROM:<joe@example.org>\r\nRCPT TO:<demo@stafette.test>\r\n");
            client.send(&[format!("BDAT {}\r\n", a.len()).as_bytes(), a].concat());
            client.send(&[format!("BDAT {} LAST\r\n", b.len()).as_bytes(), b].concat());
            let replies = [(); 4].map(|()| client.reply());
            assert!(
                replies[0].starts_with("250") && replies[1].starts_with("250"),
                "{replies:?}"
            );
            if replies[2].starts_with("250") {
                expect_refusal(&replies[3], &end);
            } else {
                expect_refusal(&replies[2], &end);
                assert!(replies[3].starts_with("503 5.5.1"), "{replies:?}");
            }
        }
        client.expect("NOOP", "250 2.0.0 ok");
    }
    let content = format!("Subject: honest\r\n\r\n.\r\n.\r\n{SECOND}.\r\n");
    client.expect("MAIL FROM:<joe@example.org>", "250");
    client.expect("RCPT TO:<demo@stafette.test>", "250");
    client.send(format!("BDAT {} LAST\r\n{content}QUIT\r\n", content.len()).as_bytes());
    assert!(client.reply().starts_with("250 2.0.0 queued"));
    assert!(client.reply().starts_with("221 "));
    assert!(client.at_end());
    expect_mail(
        &instance,
        "demo",
        &[content.replace("\r\n", "\n").into_bytes()],
    );
    instance.wait_until_empty();
    assert_eq!(instance.mail("demo").len(), 1);
}

/// `sendmail -bs` of an instance.
struct Bs(Child);

impl Bs {
    fn start(instance: &Instance) -> Self {
        let child = Command::new(instance.path().join("bin/sendmail"))
            .arg("-bs")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        Self(child.expect("sendmail -bs"))
    }

    /// Everything it says to this input.
    fn converse(mut self, input: &[u8]) -> String {
        let mut to = self.0.stdin.take().expect("a pipe");
        let input = input.to_vec();
        let feeder = std::thread::spawn(move || drop(to.write_all(&input)));
        let mut said = String::new();
        let mut from = self.0.stdout.take().expect("a pipe");
        from.read_to_string(&mut said).expect("replies in UTF-8");
        feeder.join().expect("the feeding thread");
        self.0.wait().expect("the end of sendmail -bs");
        said
    }
}

#[test]
fn a_false_end_is_none_in_sendmail_bs_either() {
    let instance = Instance::started(&[]);
    let start = "MAIL FROM:<joe@example.org>\r\nRCPT TO:<demo@stafette.test>\r\nDATA\r\n";
    let mut all = b"EHLO client.test\r\n".to_vec();
    for end in FALSE_ENDS {
        all.extend_from_slice(&[start.as_bytes(), &attack(end), b".\r\n"].concat());
    }
    all.extend_from_slice(&[start.as_bytes(), &to_wire(HONEST), b".\r\nQUIT\r\n"].concat());
    let said = Bs::start(&instance).converse(&all);
    let count = |start: &str| said.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!(count("550 5.5.2 "), FALSE_ENDS.len(), "{said}");
    assert_eq!(count("250 2.0.0 queued"), 1, "{said}");
    assert_eq!(count("354 "), FALSE_ENDS.len() + 1, "{said}");
    expect_mail(&instance, "demo", &[HONEST.to_vec()]);
    instance.wait_until_empty();
    assert_eq!(instance.mail("demo").len(), 1);
}

#[test]
fn a_bare_cr_or_lf_in_a_command_is_one_error_and_hides_no_other_command() {
    let mut instance = Instance::new(&[]);
    instance.set("maxbadcommands", "1000");
    instance.start();
    let mut client = Client::ehlo(instance.smtp());
    for bad in [
        "NOOP\nNOOP\r\n",
        "NOOP\rNOOP\r\n",
        "NOOP\r\r\n",
        "\nQUIT\r\n",
        "\rQUIT\r\n",
        "MAIL FROM:<joe@example.org>\nRCPT TO:<demo@stafette.test>\r\n",
        "MAIL FROM:<joe@example.org>\r RCPT TO:<demo@stafette.test>\r\n",
        "MAIL FROM:<joe\n@example.org>\r\n",
        "MAIL FROM:<\"joe\r\"@example.org>\r\n",
        "MAIL FROM:<joe@example.org>\0\r\n",
        "NOOP \0\r\n",
        "VRFY a\nDATA\r\n",
        "EHLO a\nb\r\n",
        "HELP \x0b\r\n",
    ] {
        let reply = {
            client.send(bad.as_bytes());
            client.reply()
        };
        assert!(
            reply.starts_with("500 5.5.2 "),
            "{bad:?} was answered {reply:?}"
        );
        client.expect("RCPT TO:<demo@stafette.test>", "503 5.5.1");
    }
    only_the_honest_message_arrives(&instance, &mut client);
}
