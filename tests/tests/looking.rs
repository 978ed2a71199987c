//! What `sendmail` and `mailq` do beside taking messages: list, flush, and speak SMTP on a pipe.

use stafette_tests::instance::{Instance, signal};
use stafette_tests::letter::{expect_mail, to_crlf};
use stafette_tests::peer::{PORT, Peer};
use stafette_tests::{address, wait};

const LETTER: &[u8] =
    b"From: joe@example.org\nTo: x@far.test\nDate: now\nMessage-ID: <1@x>\nSubject: wait\n\nbody\n";

/// An instance whose mail for far.test goes to an address where nobody listens yet.
fn with_a_dead_host() -> (Instance, std::net::Ipv4Addr) {
    let host = address::fresh();
    let instance = Instance::started(&["--route", &format!("far.test {host}:{PORT}")]);
    (instance, host)
}

#[test]
fn mailq_prints_postfixs_columns_and_closing_line() {
    let (instance, _) = with_a_dead_host();
    assert_eq!(instance.mailq(), "Mail queue is empty\n");
    instance.sendmail(
        &[
            "-f",
            "joe@example.org",
            "one@far.test",
            "two@far.test",
            "demo@stafette.test",
        ],
        LETTER,
    );
    instance.sendmail(&["-f", "", "three@far.test"], LETTER);
    // The second one waits for the host that the first one has found dead.
    let listing = wait::until("an attempt, and two messages that wait", || {
        let listing = instance.mailq();
        let wait = !listing.contains('*') && listing.contains(" 2 Requests.");
        (wait && listing.contains("onnection refused")).then_some(listing)
    });
    let lines: Vec<&str> = listing.lines().collect();
    assert_eq!(
        lines.first(),
        Some(&"-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------")
    );
    let joe = lines
        .iter()
        .find(|line| line.ends_with("  joe@example.org"))
        .expect("the sender's line");
    let words: Vec<&str> = joe.split_whitespace().collect();
    let [id, size, day, month, date, time, sender] = words.as_slice() else {
        assert!(words.is_empty(), "not Postfix's columns: {joe:?}");
        return;
    };
    assert!(
        id.len() > 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "{id}"
    );
    assert!(
        size.parse::<u32>()
            .is_ok_and(|size| (80..120).contains(&size)),
        "{size}"
    );
    assert!(
        day.len() == 3 && month.len() == 3 && date.len() <= 2 && time.len() == 8,
        "{joe}"
    );
    assert_eq!(*sender, "joe@example.org");
    assert!(
        lines.iter().any(|line| line.ends_with("  MAILER-DAEMON")),
        "{listing}"
    );
    for recipient in ["one@far.test", "two@far.test", "three@far.test"] {
        let line = format!("{:42}{recipient}", "");
        assert_eq!(
            lines.iter().filter(|other| **other == line).count(),
            1,
            "{listing}"
        );
    }
    assert!(
        !listing.contains("demo@stafette.test"),
        "who has the message waits for nothing: {listing}"
    );
    assert_eq!(
        lines.iter().filter(|line| line.is_empty()).count(),
        2,
        "{listing}"
    );
    assert_eq!(lines.last(), Some(&"-- 1 Kbytes in 2 Requests."));
    assert_eq!(
        String::from_utf8_lossy(&instance.run("sendmail", &["-bp"], b"").stdout),
        listing
    );
}

#[test]
fn a_held_message_is_marked_and_mailq_works_without_daemons() {
    let (mut instance, _) = with_a_dead_host();
    instance.sendmail(&["x@far.test"], LETTER);
    let id = wait::until("the message's ID", || {
        let listing = instance.mailq();
        let words = listing
            .lines()
            .nth(1)?
            .split_whitespace()
            .next()?
            .to_owned();
        listing
            .contains("onnection refused")
            .then(|| words.trim_end_matches('*').to_owned())
    });
    let output = instance.run("stafette", &["queue", "hold", &id], b"");
    assert!(output.status.success(), "{output:?}");
    assert!(
        instance.mailq().contains(&format!("{id}! ")),
        "{}",
        instance.mailq()
    );
    instance.stop();
    let output = instance.run("mailq", &[], b"");
    let listing = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(
        listing.contains(&format!("{id}! ")) && listing.ends_with("-- 1 Kbytes in 1 Request.\n"),
        "{listing}"
    );
    let down = format!("{listing}{}", String::from_utf8_lossy(&output.stderr));
    assert!(down.contains("down"), "{down}");
}

#[test]
fn sendmail_q_tries_at_once_what_waits() {
    let (instance, host) = with_a_dead_host();
    instance.sendmail(&["-i", "-f", "joe@example.org", "x@far.test"], LETTER);
    wait::until_true("the first attempt", || {
        instance.mailq().contains("onnection refused")
    });
    let peer = Peer::on(host, PORT, |_, _| None);
    let output = instance.run("sendmail", &["-q"], b"");
    assert!(output.status.success(), "{output:?}");
    let taken = peer.wait_for(1).remove(0);
    assert!(
        taken.content.ends_with(&to_crlf(LETTER)),
        "{:?}",
        String::from_utf8_lossy(&taken.content)
    );
    instance.wait_until_empty();
    for arguments in [&["-q30m"][..], &["-qRfar.test"], &["-qf"]] {
        let output = instance.run("sendmail", arguments, b"");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }
}

#[test]
fn newaliases_succeeds_and_says_nothing_wrong() {
    let instance = Instance::started(&[]);
    for (command, arguments) in [
        ("newaliases", &[][..]),
        ("sendmail", &["-bi"]),
        ("sendmail", &["-I"]),
    ] {
        let output = instance.run(command, arguments, b"");
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{output:?}"
        );
    }
}

#[test]
fn sendmail_bs_speaks_smtp_on_a_pipe_for_a_trusted_user() {
    let peer = Peer::friendly();
    let instance = Instance::started(&["--route", &peer.route("far.test")]);
    let dialogue = "EHLO localhost\nMAIL FROM:<joe@example.org>\nRCPT TO:<demo@stafette.test>\nRCPT TO:<x@far.test>\nDATA\n";
    let text = String::from_utf8_lossy(LETTER);
    let all = format!("{dialogue}{text}..dot\n.\nQUIT\n").replace('\n', "\r\n");
    let output = instance.run("sendmail", &["-bs"], all.as_bytes());
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "a log for the caller: {output:?}");
    let said = String::from_utf8(output.stdout).expect("replies in UTF-8");
    let codes: Vec<&str> = said
        .lines()
        .filter(|line| line.as_bytes().get(3) == Some(&b' '))
        .filter_map(|line| line.get(..3))
        .collect();
    assert_eq!(
        codes,
        ["220", "250", "250", "250", "250", "354", "250", "221"],
        "{said}"
    );
    expect_mail(&instance, "demo", &[[LETTER, b".dot\n"].concat()]);
    assert_eq!(peer.wait_for(1).len(), 1);
    // The variables of a network server mean nothing here.
    let mut command = std::process::Command::new(instance.path().join("bin/sendmail"));
    command
        .arg("-bs")
        .env("TCPREMOTEIP", "192.0.2.1")
        .env("PROTO", "TCP");
    let output = stafette_tests::instance::feed(&mut command, b"QUIT\r\n");
    assert!(output.stdout.ends_with(b" bye\r\n"), "{output:?}");
    assert!(
        !instance.logs().contains("192.0.2.1")
            && !String::from_utf8_lossy(&output.stderr).contains("192.0.2.1")
    );
}

#[test]
fn sendmail_waits_for_no_other_program_than_queue() {
    let instance = Instance::started(&[]);
    let stopped: Vec<u32> = [
        "send", "users", "local", "remote", "clean", "resolve", "smtpd",
    ]
    .iter()
    .flat_map(|program| instance.processes(program))
    .collect();
    stopped.iter().for_each(|pid| signal(*pid, "STOP"));
    instance.sendmail(
        &["-i", "-f", "joe@example.org", "demo@stafette.test"],
        LETTER,
    );
    stopped.iter().for_each(|pid| signal(*pid, "CONT"));
    expect_mail(&instance, "demo", &[LETTER.to_vec()]);
}
