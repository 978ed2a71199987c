//! The limits of a session, each with its control file, and that memory is among them.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use stafette_tests::client::Client;
use stafette_tests::instance::Instance;
use stafette_tests::letter::{expect_mail, to_wire};
use stafette_tests::wait;

const LETTER: &[u8] = b"Subject: limits\n\nbody\n";
const TO: &str = "demo@stafette.test";

/// An instance with settings that are there from the start.
fn instance_with(settings: &[(&str, &str)]) -> Instance {
    let mut instance = Instance::new(&[]);
    for (name, value) in settings {
        instance.set(name, value);
    }
    instance.start();
    instance
}

fn begin(client: &mut Client) {
    client.expect("MAIL FROM:<joe@example.org>", "250");
    client.expect(&format!("RCPT TO:<{TO}>"), "250");
}

#[test]
fn a_message_over_databytes_is_refused_when_announced_and_when_it_comes() {
    let instance = instance_with(&[("databytes", "1000")]);
    let mut client = Client::connect(instance.smtp());
    let offer = client.expect("EHLO client.test", "250");
    assert!(offer.contains("-SIZE 1000\r\n"), "{offer}");
    client.expect("MAIL FROM:<joe@example.org> SIZE=1001", "552 5.3.4");
    client.expect("RCPT TO:<demo@stafette.test>", "503");
    let body = |octets: usize| [vec![b'x'; octets - 4], b"\r\n\r\n".to_vec()].concat();
    for (octets, code) in [
        (1001, "552 5.3.4"),
        (100_000, "552 5.3.4"),
        (1000, "250 2.0.0"),
    ] {
        let reply = client.mail("joe@example.org", &[TO], &body(octets));
        assert!(reply.starts_with(code), "{octets}: {reply}");
    }
    begin(&mut client);
    client.send(&[b"BDAT 999\r\n", &body(1000)[..999]].concat());
    assert!(client.reply().starts_with("250"));
    client.send(b"BDAT 2 LAST\r\n\n\n");
    assert!(client.reply().starts_with("552 5.3.4"));
    begin(&mut client);
    client.send(&[b"BDAT 1001\r\n", body(1001).as_slice(), b"BDAT 0 LAST\r\n"].concat());
    assert!(client.reply().starts_with("552 5.3.4"));
    assert!(client.reply().starts_with("503 5.5.1"));
    client.expect("BDAT 99999999999999999999999999", "501 5.5.4");
    begin(&mut client);
    client.send(&[b"BDAT 1000 LAST\r\n", body(1000).as_slice()].concat());
    assert!(client.reply().starts_with("250 2.0.0 queued"));
    let content = String::from_utf8(body(1000))
        .expect("text")
        .replace("\r\n", "\n")
        .into_bytes();
    expect_mail(&instance, "demo", &[content.clone(), content]);
    instance.wait_until_empty();
    assert_eq!(instance.mail("demo").len(), 2);
}

#[test]
fn recipients_beyond_the_limit_are_for_another_message() {
    let instance = instance_with(&[("maxrecipients", "3")]);
    let mut client = Client::ehlo(instance.smtp());
    client.expect("MAIL FROM:<joe@example.org>", "250");
    for to in ["demo", "demo", "root", "nobody", "postmaster"] {
        let code = if to == "nobody" {
            "550 5.1.1"
        } else {
            "250 2.1.5"
        };
        client.expect(&format!("RCPT TO:<{to}@stafette.test>"), code);
    }
    client.expect("RCPT TO:<mailer-daemon@stafette.test>", "452 4.5.3");
    client.expect("DATA", "354");
    client.send(&to_wire(LETTER));
    client.expect(".", "250 2.0.0");
    expect_mail(&instance, "demo", &vec![LETTER.to_vec(); 3]);
}

#[test]
fn a_thousand_recipients_are_taken_and_no_more() {
    let instance = instance_with(&[]);
    let mut client = Client::ehlo(instance.smtp());
    client.expect("MAIL FROM:<joe@example.org>", "250");
    let all: String = (0..1001)
        .map(|n| format!("RCPT TO:<x{n}@far.test>\r\n"))
        .collect();
    client.send(all.as_bytes());
    for n in 0..1000 {
        let reply = client.reply();
        assert!(reply.starts_with("250 2.1.5"), "recipient {n}: {reply}");
    }
    assert!(client.reply().starts_with("452 4.5.3"));
    client.expect("RSET", "250");
    begin(&mut client);
}

#[test]
fn a_client_that_makes_too_many_mistakes_is_sent_away() {
    let instance = instance_with(&[]);
    let mut client = Client::ehlo(instance.smtp());
    for _ in 0..20 {
        client.expect("HELLO", "500 5.5.1");
    }
    client.expect("HELLO", "421 4.7.0");
    assert!(client.is_over());
    let instance = instance_with(&[("maxbadcommands", "2")]);
    let mut client = Client::ehlo(instance.smtp());
    client.send(b"DATA\r\nDATA\r\nDATA\r\nNOOP\r\nNOOP\r\n");
    assert!(client.reply().starts_with("503 5.5.1"));
    assert!(client.reply().starts_with("503 5.5.1"));
    assert!(client.reply().starts_with("421 4.7.0"));
    assert!(client.is_over());
}

#[test]
fn a_client_that_gives_too_many_commands_is_sent_away() {
    let instance = instance_with(&[("maxcommands", "5")]);
    let mut client = Client::ehlo(instance.smtp());
    for _ in 0..4 {
        client.expect("NOOP", "250");
    }
    client.expect("NOOP", "421 4.7.0");
    assert!(client.is_over());
}

#[test]
fn a_client_that_says_nothing_is_sent_away() {
    let instance = instance_with(&[("timeoutcommand", "1"), ("timeoutdata", "2")]);
    let mut silent = Client::connect(instance.smtp());
    let mut halfway = Client::ehlo(instance.smtp());
    halfway.send(b"MAIL FR");
    let mut in_data = Client::ehlo(instance.smtp());
    begin(&mut in_data);
    in_data.expect("DATA", "354");
    in_data.send(b"Subject: half of it\r\n\r\n");
    let mut in_chunk = Client::ehlo(instance.smtp());
    begin(&mut in_chunk);
    in_chunk.send(b"BDAT 1000\r\nSubject: half of it\r\n\r\n");
    for client in [&mut silent, &mut halfway, &mut in_data, &mut in_chunk] {
        let reply = client.reply();
        assert!(reply.starts_with("421 4.4.2"), "{reply:?}");
        assert!(client.is_over());
    }
    wait::until_true("nothing of the halves to be left", || {
        instance.queued().is_empty()
    });
    assert_eq!(
        instance
            .log("smtpd")
            .matches(" reason=\"time limit\"")
            .count(),
        4
    );
}

#[test]
fn a_client_that_trickles_a_command_octet_by_octet_runs_into_the_time_limit() {
    let instance = instance_with(&[("timeoutcommand", "1")]);
    let stream = TcpStream::connect(instance.smtp()).expect("a connection");
    let pause = std::time::Duration::from_millis(200);
    stream.set_read_timeout(Some(pause)).expect("a time limit");
    let mut reader = BufReader::new(&stream);
    let mut said = String::new();
    let start = std::time::Instant::now();
    // The wait for a reply that must not come yet is what paces the octets.
    while start.elapsed().as_secs() < 10 && !said.contains("421 ") {
        drop((&stream).write_all(b"x"));
        drop(reader.read_line(&mut said));
    }
    assert!(
        said.contains("421 4.4.2"),
        "{said:?} after {:?}",
        start.elapsed()
    );
}

/// A client as soon as there is room for one: whoever looked whether the instance is ready may not be gone yet.
fn admitted(instance: &Instance) -> Client {
    wait::until("room for a client", || {
        let (client, greeting) = Client::connect_any(instance.smtp());
        greeting.starts_with("220 ").then_some(client)
    })
}

#[test]
fn connections_are_limited_in_all_and_from_one_address() {
    let instance = instance_with(&[("concurrencyperclient", "2")]);
    let mut first = admitted(&instance);
    let mut second = admitted(&instance);
    let (mut third, greeting) = Client::connect_any(instance.smtp());
    assert!(greeting.starts_with("421 4.7.0"), "{greeting}");
    assert!(third.is_over());
    first.expect("QUIT", "221");
    assert!(first.at_end());
    drop(admitted(&instance));
    second.expect("NOOP", "250");

    let instance = instance_with(&[("concurrencyincoming", "1")]);
    let mut first = admitted(&instance);
    let (_, greeting) = Client::connect_any(instance.smtp());
    assert!(greeting.starts_with("421 4.3.2"), "{greeting}");
    first.expect("NOOP", "250");
}

#[test]
fn a_message_that_has_passed_a_hundred_hosts_is_refused() {
    let instance = instance_with(&[]);
    let mut client = Client::ehlo(instance.smtp());
    let letter = |hops: usize| {
        let received = "Received: from a by b\n\tfor c; now\n".repeat(hops / 2);
        let delivered = "delivered-to :  someone@else.test\n".repeat(hops - hops / 2);
        format!("{received}Subject: hops\nX: Received: no\n{delivered}\nReceived: none\n")
            .into_bytes()
    };
    let mut send = |hops: usize| client.mail("joe@example.org", &[TO], &to_wire(&letter(hops)));
    for (hops, code) in [(100, "554 5.4.6"), (1000, "554 5.4.6"), (99, "250 2.0.0")] {
        let reply = send(hops);
        assert!(reply.starts_with(code), "{hops}: {reply}");
    }
    expect_mail(&instance, "demo", &[letter(99)]);
}

#[test]
fn no_mail_is_taken_when_the_disk_is_nearly_full() {
    let instance = instance_with(&[("minfree", "1000000000000000")]);
    let mut client = Client::ehlo(instance.smtp());
    client.expect("MAIL FROM:<joe@example.org>", "452 4.3.1");
    client.expect("RCPT TO:<demo@stafette.test>", "503");
    client.expect("NOOP", "250");
    client.expect("MAIL FROM:<joe@example.org> SIZE=10", "452 4.3.1");
    client.expect("QUIT", "221");
    assert!(instance.queued().is_empty());
}

/// A number of a process's status, such as its parent, or the most memory it has had so far in KiB.
fn status(pid: u32, name: &str) -> u32 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a status");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .expect("a line of it");
    let number = line.trim_start_matches(':').trim().trim_end_matches(" kB");
    number.parse().expect("a number")
}

/// The most memory that the one session of an instance and its queue have had so far, in KiB.
fn peaks(instance: &Instance) -> (u32, u32) {
    let all = instance.processes("smtpd");
    let session = all
        .iter()
        .find(|pid| all.contains(&status(**pid, "PPid")))
        .expect("a session");
    let queue = instance.processes("queue");
    (
        status(*session, "VmHWM"),
        queue.iter().map(|pid| status(*pid, "VmHWM")).sum(),
    )
}

#[test]
fn memory_does_not_grow_with_the_message_nor_with_the_number_of_chunks() {
    let instance = instance_with(&[("maxcommands", "1000000")]);
    let mut client = Client::ehlo(instance.smtp());
    let line = [vec![b'x'; 998], b"\r\n".to_vec()].concat();
    let mut transfer = |lines: usize| {
        begin(&mut client);
        client.expect("DATA", "354");
        let piece = line.repeat(100);
        for _ in 0..lines / 100 {
            client.send(&piece);
        }
        client.expect(".", "250 2.0.0");
    };
    transfer(1000);
    let before = peaks(&instance);
    transfer(50_000);
    let after = peaks(&instance);
    assert!(
        after.0 < before.0 + 300,
        "smtpd grew from {} to {} KiB",
        before.0,
        after.0
    );
    assert!(
        after.1 < before.1 + 2000,
        "queue grew from {} to {} KiB",
        before.1,
        after.1
    );

    begin(&mut client);
    let count = 100_000;
    let stream = client.stream();
    let feeder = std::thread::spawn(move || {
        (&stream)
            .write_all(&b"BDAT 1\r\nx".repeat(count))
            .expect("the server listens");
    });
    for _ in 0..count {
        assert!(client.reply().starts_with("250 2.0.0"));
    }
    feeder.join().expect("the feeding thread");
    client.send(b"BDAT 2 LAST\r\n\r\n");
    assert!(client.reply().starts_with("250 2.0.0 queued"));
    let chunked = peaks(&instance);
    assert!(
        chunked.0 < before.0 + 300,
        "smtpd grew from {} to {} KiB",
        before.0,
        chunked.0
    );
    assert!(
        chunked.1 < before.1 + 2000,
        "queue grew from {} to {} KiB",
        before.1,
        chunked.1
    );
    drop(instance.wait_for_mail("demo", 3));
}
