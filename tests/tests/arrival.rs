//! Mail comes in by every way there is, and arrives byte for byte.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::process::Command;

use stafette_tests::client::Client;
use stafette_tests::instance::{Instance, feed};
use stafette_tests::letter::{expect_mail, to_crlf, to_wire};
use stafette_tests::skip;

const TO: &str = "demo@stafette.test";

/// Content that programs have stumbled over, lines ended by LF.
fn awkward_contents() -> Vec<Vec<u8>> {
    let any_octet: Vec<u8> = (0..=255).filter(|byte| !b"\r\n".contains(byte)).collect();
    let long_line = [
        b"Subject: long\n\n",
        "x".repeat(100_000).as_bytes(),
        b"\nend\n",
    ]
    .concat();
    let long_field = [
        b"X-Long: ",
        "y".repeat(100_000).as_bytes(),
        b"\nSubject: long field\n\nend\n",
    ]
    .concat();
    vec![
        b"Subject: plain\nFrom: joe@example.org\n\nHello,\nthis is it.\n".to_vec(),
        [b"Subject: any octet\n\n", any_octet.as_slice(), b"\n\0\n\0", any_octet.as_slice(), b"\n"].concat(),
        "Subject: grüße \u{fffd}\nX-Latin: ".bytes().chain(*b"\xe4\xf6\xfc\n\n\xff\xfe\n").collect(),
        long_line,
        long_field,
        b"Subject: dots\n\n.\n..\n...\n.a\na.\n .\n\n.\n".to_vec(),
        b".\n".to_vec(),
        b"Subject: fields only\n".to_vec(),
        b"Subject: empty body\n\n".to_vec(),
        b"\nno field, only a body\n".to_vec(),
        b"not a field at all\nSubject: late\n\nbody\n".to_vec(),
        b"Subject: blank lines\n\n\n\n\n".to_vec(),
        b"Subject: folded,\n\tas fields\n  may be \nX-Odd : yes\nBcc: seen@example.org\nDate:\nReceived: (of another)\nReturn-Path: <old@example.org>\nDelivered-To: someone@else.test\nContent-Length: 1\nStatus: RO\n\nFrom the start\n>From\n\t \n"
            .to_vec(),
        b"".to_vec(),
    ]
}

/// A message of 5 MB with lines of any kind.
fn large_content() -> Vec<u8> {
    let mut content = b"Subject: large\n\n".to_vec();
    let mut number: u32 = 1;
    while content.len() < 5_000_000 {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let byte = number.to_be_bytes()[0];
        match byte {
            b'\r' => {}
            b'\n' => content.extend_from_slice(b"\n."),
            other => content.push(other),
        }
    }
    content.push(b'\n');
    content
}

/// Runs a program that has to succeed.
fn succeed(command: &mut Command, input: &[u8]) {
    let output = feed(command, input);
    assert!(output.status.success(), "{command:?}: {output:?}");
}

/// A file with this content, below the instance's folder.
fn file(instance: &Instance, name: &str, content: &[u8]) -> String {
    let path = instance.path().join(name);
    #[expect(
        clippy::disallowed_methods,
        reason = "a test's file needs no durability"
    )]
    std::fs::write(&path, content).expect("a file");
    path.display().to_string()
}

#[test]
fn a_message_arrives_byte_for_byte_by_data() {
    let instance = Instance::started(&[]);
    let contents = awkward_contents();
    let mut client = Client::ehlo(instance.smtp());
    for content in &contents {
        let reply = client.mail("joe@example.org", &[TO], &to_wire(content));
        assert!(reply.starts_with("250 2.0.0 "), "{reply}");
    }
    client.expect("QUIT", "221 2.0.0");
    assert!(client.at_end());
    expect_mail(&instance, "demo", &contents);
    instance.wait_until_empty();
}

#[test]
fn a_message_arrives_byte_for_byte_in_chunks_of_any_size() {
    let instance = Instance::started(&[]);
    let mut contents = awkward_contents();
    contents.push(b"Subject: no line end\n\nlast line".to_vec());
    contents.push(b"Subject: no line end, not even of a field".to_vec());
    let mut client = Client::ehlo(instance.smtp());
    for (content, size) in contents
        .iter()
        .zip([1, 2, 3, 7, 1000, 70_000].into_iter().cycle())
    {
        // Long ones in larger chunks: a session may give 10,000 commands.
        let size = if content.len() > 10_000 { 70_000 } else { size };
        let wire = to_crlf(content);
        client.expect("MAIL FROM:<joe@example.org> BODY=8BITMIME", "250 2.1.0");
        client.expect(&format!("RCPT TO:<{TO}>"), "250 2.1.5");
        for chunk in wire.chunks(size) {
            client.send(format!("BDAT {}\r\n", chunk.len()).as_bytes());
            client.send(chunk);
            let reply = client.reply();
            assert!(reply.starts_with("250 2.0.0 "), "{reply}");
        }
        client.expect("BDAT 0 LAST", "250 2.0.0 queued");
    }
    // The whole message in the one chunk that is the last.
    let whole = b"Subject: at once\n\n.\nbody\n".to_vec();
    client.expect("MAIL FROM:<>", "250");
    client.expect(&format!("RCPT TO:<{TO}>"), "250");
    client.send(format!("BDAT {} LAST\r\n", to_crlf(&whole).len()).as_bytes());
    client.send(&to_crlf(&whole));
    assert!(client.reply().starts_with("250 2.0.0 queued"));
    contents.push(whole);
    expect_mail(&instance, "demo", &contents);
}

#[test]
fn five_megabytes_arrive_byte_for_byte_by_data_by_bdat_and_by_sendmail() {
    let instance = Instance::started(&[]);
    let content = large_content();
    let mut client = Client::ehlo(instance.smtp());
    let reply = client.mail("joe@example.org", &[TO], &to_wire(&content));
    assert!(reply.starts_with("250 2.0.0 "), "{reply}");
    client.expect("MAIL FROM:<joe@example.org>", "250");
    client.expect(&format!("RCPT TO:<{TO}>"), "250");
    let wire = to_crlf(&content);
    client.send(format!("BDAT {} LAST\r\n", wire.len()).as_bytes());
    client.send(&wire);
    assert!(client.reply().starts_with("250 2.0.0 "));
    let complete = [
        &b"From: joe@example.org\nTo: x@example.org\nDate: Thu, 1 Jan 2026 00:00:00 +0000\nMessage-ID: <1@example.org>\n"[..],
        &content,
    ]
    .concat();
    instance.sendmail(&["-i", "-f", "joe@example.org", TO], &complete);
    expect_mail(&instance, "demo", &[content.clone(), content, complete]);
}

#[test]
fn a_client_that_pipelines_everything_has_its_mail_delivered_and_each_command_answered() {
    let instance = Instance::started(&[]);
    let contents = [
        b"Subject: first\n\n.one\n".to_vec(),
        b"Subject: second\n\ntwo\n".to_vec(),
        b"Subject: third\n\nby chunks, QUIT behind\n".to_vec(),
    ];
    let (first, second, third) = (
        to_wire(&contents[0]),
        to_wire(&contents[1]),
        to_crlf(&contents[2]),
    );
    let envelope = format!("MAIL FROM:<joe@example.org>\r\nRCPT TO:<{TO}>\r\n");
    let mut client = Client::connect(instance.smtp());
    let mut all =
        format!("EHLO client.test\r\n{envelope}RCPT TO:<nobody@stafette.test>\r\nDATA\r\n")
            .into_bytes();
    all.extend_from_slice(
        &[
            &first,
            &b".\r\n"[..],
            envelope.as_bytes(),
            b"DATA\r\n",
            &second,
            b".\r\n",
        ]
        .concat(),
    );
    all.extend_from_slice(format!("{envelope}BDAT 10\r\n").as_bytes());
    all.extend_from_slice(&third[..10]);
    all.extend_from_slice(format!("BDAT {} LAST\r\n", third.len() - 10).as_bytes());
    all.extend_from_slice(&[&third[10..], b"NOOP\r\nQUIT\r\n"].concat());
    client.send(&all);
    for code in [
        "250-",
        "250 2.1.0",
        "250 2.1.5",
        "550 5.1.1",
        "354 ",
        "250 2.0.0",
        "250 2.1.0",
        "250 2.1.5",
        "354 ",
        "250 2.0.0",
        "250 2.1.0",
        "250 2.1.5",
        "250 2.0.0",
        "250 2.0.0",
        "250 2.0.0",
        "221 2.0.0",
    ] {
        let reply = client.reply();
        assert!(reply.starts_with(code), "{reply:?} instead of {code}");
    }
    assert!(client.at_end());
    expect_mail(&instance, "demo", &contents);
}

#[test]
fn a_message_from_swaks_arrives_byte_for_byte() {
    if !skip::unless_installed("swaks") {
        return;
    }
    let instance = Instance::started(&[]);
    let content = b"Subject: from swaks\nTo: demo\n\n.dot\nlatin \xe4\n\nend\n".to_vec();
    let data = format!("@{}", file(&instance, "letter", &to_crlf(&content)));
    let server = instance.smtp().ip().to_string();
    let port = instance.smtp().port().to_string();
    for more in [&["--pipeline"][..], &[]] {
        let mut swaks = Command::new("swaks");
        swaks.args([
            "--server",
            &server,
            "--port",
            &port,
            "--from",
            "joe@example.org",
            "--to",
            TO,
        ]);
        succeed(
            swaks.args(["--suppress-data", "--data", &data]).args(more),
            b"",
        );
    }
    // swaks ends the data with an empty line of its own.
    let content = [content.as_slice(), b"\n"].concat();
    expect_mail(&instance, "demo", &[content.clone(), content]);
}

#[test]
fn messages_from_smtp_source_arrive_byte_for_byte() {
    if !skip::unless_installed("smtp-source") {
        return;
    }
    let instance = Instance::started(&[]);
    let content = b"Subject: from smtp-source\n\n.dot\n..dots\nlatin \xe4\nend\n".to_vec();
    let letter = file(&instance, "letter", &content);
    let mut source = Command::new("smtp-source");
    source.args([
        "-s",
        "4",
        "-m",
        "20",
        "-F",
        &letter,
        "-f",
        "joe@example.org",
        "-t",
        TO,
    ]);
    succeed(source.arg(instance.smtp().to_string()), b"");
    // smtp-source ends the data with an empty line of its own.
    let content = [content.as_slice(), b"\n"].concat();
    expect_mail(&instance, "demo", &vec![content; 20]);
}

#[test]
fn messages_from_pythons_smtplib_arrive_byte_for_byte() {
    if !skip::unless_installed("python3") {
        return;
    }
    let instance = Instance::started(&[]);
    let contents = [
        b"Subject: from smtplib\n\n.dot\nlatin \xe4\0end\n".to_vec(),
        "Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\n\nutf-8 grüße\n"
            .as_bytes()
            .to_vec(),
    ];
    let script = "import smtplib, sys
data = sys.stdin.buffer.read()
with smtplib.SMTP(sys.argv[1], int(sys.argv[2]), timeout=30) as client:
    for message in data.split(b'=====\\r\\n'):
        refused = client.sendmail('joe@example.org', [sys.argv[3], 'nobody@stafette.test'], message, mail_options=['BODY=8BITMIME'])
        assert refused['nobody@stafette.test'][0] == 550, refused
";
    let mut python = Command::new("python3");
    python.args([
        "-c",
        script,
        &instance.smtp().ip().to_string(),
        &instance.smtp().port().to_string(),
        TO,
    ]);
    succeed(&mut python, &to_crlf(&contents.join(&b"=====\n"[..])));
    expect_mail(&instance, "demo", &contents);
}

#[test]
fn complete_messages_from_sendmail_arrive_byte_for_byte() {
    let instance = Instance::started(&[]);
    let fields = "From: Joe <joe@example.org>\nTo: Demo <demo@stafette.test>\nDate: Thu, 1 Jan 2026 00:00:00 +0000\nMessage-ID: <1@example.org>\n";
    let any_octet: Vec<u8> = (0..=255).filter(|byte| !b"\r\n".contains(byte)).collect();
    let bodies = [
        b"Subject: dots\n\n.\n..\n.a\n\n.\n".to_vec(),
        [b"Subject: any octet\n\n", any_octet.as_slice(), b"\n"].concat(),
        [b"Subject: long line\n\n", "x".repeat(100_000).as_bytes(), b"\n"].concat(),
        b"Subject: fields that are ours elsewhere\nX-Odd : yes\n\tand folded\nReceived: (of another)\n\nFrom the start\n".to_vec(),
        b"Subject: no line end\n\nlast line".to_vec(),
        b"Subject: empty body\n\n".to_vec(),
    ];
    let contents: Vec<Vec<u8>> = bodies
        .iter()
        .map(|body| [fields.as_bytes(), body].concat())
        .collect();
    for content in &contents {
        instance.sendmail(&["-t", "-i"], content);
    }
    expect_mail(&instance, "demo", &contents);
}
