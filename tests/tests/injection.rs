//! Mail from local users: `sendmail` with the options that programs give it, and what it makes of their messages.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use stafette_tests::instance::Instance;
use stafette_tests::letter::{as_it_came, show};
use stafette_tests::maildir::split;
use stafette_tests::peer::Peer;

const TO: &str = "demo@stafette.test";

/// The one message that arrives, as text.
fn only_mail(instance: &Instance, name: &str) -> String {
    let mail = instance.wait_for_mail(name, 1);
    instance.wait_until_empty();
    assert_eq!(instance.mail(name).len(), 1);
    String::from_utf8_lossy(mail.first().expect("a message")).into_owned()
}

/// The message whose body is this.
fn with_body<'a>(mail: &'a [Vec<u8>], body: &str) -> &'a [u8] {
    let found = mail
        .iter()
        .find(|message| split(message).1 == body.as_bytes());
    found.map_or_else(|| b"".as_slice(), Vec::as_slice)
}

#[test]
fn the_calls_of_well_known_programs_are_understood() {
    let instance = Instance::started(&[]);
    let calls: &[(&[&str], &str)] = &[
        (&["-t"], "root@stafette.test"),
        (&["-ti"], "root@stafette.test"),
        (&["-t", "-oi"], "root@stafette.test"),
        (&["-bm", "-i", TO], "root@stafette.test"),
        (&["-i", "-f", "joe@example.org", TO], "joe@example.org"),
        (&["-i", "-fjoe@example.org", TO], "joe@example.org"),
        (&["-r", "joe@example.org", "-i", TO], "joe@example.org"),
        (&["-f", "Joe Doe <joe@example.org>", TO], "joe@example.org"),
        (&["-f", "joe", TO], "joe@stafette.test"),
        (&["-f", "", TO], ""),
        (&["-f", "<>", TO], ""),
        (&["-FJoe Doe", "-i", "--", TO], "root@stafette.test"),
        (
            &[
                "-F",
                "Joe Doe",
                "-oem",
                "-oi",
                "-f",
                "joe@example.org",
                "--",
                TO,
            ],
            "joe@example.org",
        ),
        (&["-vtifjoe@example.org"], "joe@example.org"),
        (
            &[
                "-i",
                "-B8BITMIME",
                "-FCronDaemon",
                "-odi",
                "-oem",
                "-oi",
                "demo",
            ],
            "root@stafette.test",
        ),
        (
            &["demo,demo@stafette.test", " Demo <demo@stafette.test>"],
            "root@stafette.test",
        ),
        (
            &[
                "-A",
                "c",
                "-Am",
                "-B",
                "8BITMIME",
                "-C",
                "/nonexistent",
                "-E",
                "-G",
                "-J",
                "-L",
                "tag",
                "-N",
                "never",
                "-O",
                "a=b",
                "-OTimeout=1h",
                "-R",
                "hdrs",
                "-U",
                "-V",
                "id+2B",
                "-X",
                "/dev/null",
                "-c",
                "-d0.1",
                "-d",
                "-em",
                "-e",
                "q",
                "-h",
                "3",
                "-h3",
                "-m",
                "-n",
                "-odb",
                "-odf",
                "-oQ/nonexistent",
                "-om",
                "-oo",
                "-om",
                "-ov",
                "-p",
                "SMTP:host",
                "-s",
                "-v",
                "-x",
                TO,
            ],
            "root@stafette.test",
        ),
    ];
    for (number, (arguments, _)) in calls.iter().enumerate() {
        instance.sendmail(
            arguments,
            format!("To: demo\nSubject: call\n\ncall {number}\n").as_bytes(),
        );
    }
    let mail = instance.wait_for_mail("demo", calls.len());
    for (number, (arguments, from)) in calls.iter().enumerate() {
        let message = with_body(&mail, &format!("call {number}\n"));
        let start = format!("Return-Path: <{from}>\nDelivered-To: {TO}\n");
        assert!(
            message.starts_with(start.as_bytes()),
            "{arguments:?}: {}",
            show(message)
        );
    }
    instance.wait_until_empty();
    assert_eq!(
        instance.mail("demo").len(),
        calls.len(),
        "somebody got a message twice"
    );
}

#[test]
fn bcc_is_obeyed_and_nobody_sees_it() {
    let peer = Peer::friendly();
    let route = peer.route("far.test");
    let instance = Instance::started(&[
        "--mailbox",
        "demo",
        "--mailbox",
        "secret",
        "--mailbox",
        "named",
        "--route",
        &route,
    ]);
    let letter = b"Subject: blind\nTo: demo@stafette.test,\n far@far.test\nbcc: Secret <secret@stafette.test>,\n\thidden@far.test\nBCC :\nBcc: \n\nBcc: this is body\n";
    instance.sendmail(&["-t", "-i", "named@stafette.test"], letter);
    let mut seen: Vec<Vec<u8>> = ["demo", "secret", "named"]
        .iter()
        .flat_map(|name| instance.wait_for_mail(name, 1))
        .collect();
    instance.wait_until_empty();
    let seen_by_peer = peer.seen();
    let mut far: Vec<String> = seen_by_peer
        .taken
        .iter()
        .flat_map(|taken| taken.recipients.clone())
        .collect();
    far.sort();
    assert!(
        far.len() == 2 && far.iter().any(|to| to.contains("<hidden@far.test>")),
        "{far:?}"
    );
    seen.extend(seen_by_peer.taken.iter().map(|taken| taken.content.clone()));
    for message in &seen {
        let message = String::from_utf8_lossy(message).replace('\r', "");
        let (fields, body) = message.split_once("\n\n").expect("a header section");
        assert_eq!(body, "Bcc: this is body\n");
        let fields = fields.to_lowercase();
        let own = fields.replace("delivered-to: secret@stafette.test\n", "");
        assert!(
            !own.lines().any(|line| line.starts_with("bcc"))
                && !own.contains("secret")
                && !own.contains("hidden"),
            "{fields}"
        );
    }
    assert_eq!(instance.mail("named").len(), 1);
}

#[test]
fn a_lone_dot_ends_the_message_unless_i_says_otherwise() {
    let instance = Instance::started(&[]);
    for (arguments, body, arrives) in [
        (&["-i", TO][..], "1\n.\nafter\n", "1\n.\nafter\n"),
        (&["-oi", TO], "2\n.\r\nafter\n", "2\n.\r\nafter\n"),
        (&[TO], "3\n.\nlost\n", "3\n"),
        (&["-t"], "4\n..\n.a\n. \n", "4\n..\n.a\n. \n"),
        (&["-bm", TO], "5\n.", "5\n"),
    ] {
        instance.sendmail(arguments, format!("To: {TO}\n\n{body}").as_bytes());
        let mail = instance.wait_for_mail("demo", 1);
        assert_eq!(
            split(mail.first().expect("a message")).1,
            arrives.as_bytes(),
            "{arguments:?}"
        );
        stafette_tests::maildir::files(&instance.maildir("demo"))
            .iter()
            .for_each(|file| std::fs::remove_file(file).expect("rm"));
    }
}

#[test]
fn a_wrong_call_or_a_bad_address_has_its_exit_code_and_leaves_nothing_behind() {
    let mut instance = Instance::new(&[]);
    instance.set("injectbytes", "100000");
    instance.start();
    let letter = b"Subject: refused\n\nbody\n".as_slice();
    let large = vec![b'x'; 200_000];
    for (arguments, input, code) in [
        (&["-i"][..], letter, 64),
        (&["-Z", TO], letter, 64),
        (&["-i", "-f"], letter, 64),
        (&["-N", "sometimes", TO], letter, 64),
        (&["-R", "half", TO], letter, 64),
        (&["-V", "a+0Ab", TO], letter, 64),
        (&["-f", "a@example.org, b@example.org", TO], letter, 64),
        (&["-f", "a b@example.org", TO], letter, 64),
        (&["-f", "-x@example.org", TO], letter, 64),
        (&[TO, "-froot"], letter, 64),
        (&["--", "-froot"], letter, 64),
        (&[""], letter, 64),
        (&["two words"], letter, 67),
        (&[TO, "a@b@c"], letter, 67),
        (&["a@exam\nple.org"], letter, 67),
        (&["-t"], letter, 65),
        (&["-t"], b"", 65),
        (&["-t"], b"To: demo@stafette.test, two words\n\nbody\n", 65),
        (&["-t"], b"To: -froot@stafette.test\n\nbody\n", 65),
        (&["-bE"], letter, 64),
        (&["-bv"], letter, 64),
        (&["-q!Rx"], letter, 64),
        (&["-G", "demo"], letter, 67),
        (&["-h", "100", TO], letter, 69),
        (&[TO], &large, 69),
    ] {
        let output = instance.run("sendmail", arguments, input);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(
            said.starts_with("sendmail: ") && said.lines().count() == 1,
            "{arguments:?}: {said:?}"
        );
        assert!(output.stdout.is_empty());
    }
    assert!(instance.queued().is_empty(), "{:?}", instance.queued());
    instance.sendmail(&[TO], letter);
    let message = only_mail(&instance, "demo");
    assert!(message.ends_with("\n\nbody\n"), "{message}");
}

#[test]
fn what_a_message_lacks_is_added_and_what_it_has_stays() {
    let instance = Instance::started(&["--mailbox", "demo", "--mailbox", "other"]);
    instance.sendmail(
        &["-F", "Joe \"the\" Doe", "demo", "other"],
        b"no header section, only a body\n",
    );
    let text = only_mail(&instance, "demo");
    let (fields, body) = text.split_once("\n\n").expect("a header section");
    assert_eq!(body, "no header section, only a body\n");
    for field in [
        "\nFrom: \"Joe \\\"the\\\" Doe\" <root@stafette.test>\n",
        "\nTo: undisclosed-recipients:;\n",
        "\nDate: ",
        "\nMessage-ID: <",
    ] {
        assert_eq!(fields.matches(field).count(), 1, "{field:?} in\n{fields}");
    }
    assert_eq!(fields.lines().count(), 4 + 4, "{fields}");
    assert!(fields.contains("@stafette.test>"), "{fields}");

    let complete = "X-First: 1\nFrom: Joe <joe>\nDate: yesterday\nto: other, demo@stafette.test\n\t(demo)\nMessage-Id: <own>\nSubject:  two  \nReturn-Path: <forged@example.org>\nContent-Length: 17\n\nbody\n";
    instance.sendmail(&["-t"], complete.as_bytes());
    let expected = "X-First: 1\nFrom: Joe <joe@stafette.test>\nDate: yesterday\nto: other@stafette.test, demo@stafette.test\n\t(demo)\nMessage-Id: <own>\nSubject:  two  \n\nbody\n";
    let mail = instance.wait_for_mail("other", 2);
    let arrived = with_body(&mail, "body\n");
    assert_eq!(String::from_utf8_lossy(as_it_came(arrived)), expected);
}

#[test]
fn crlf_input_is_taken_as_lf_and_other_crs_stay_in_local_mail_and_are_never_sent() {
    let peer = Peer::friendly();
    let instance = Instance::started(&["--route", &peer.route("far.test")]);
    let fields = "From: joe@example.org\nTo: x@example.org\nDate: now\nMessage-ID: <1@x>\n";
    let dos = format!("{fields}Subject: 1\n\none\n\n.\ntwo\n");
    let stray = format!("{fields}Subject: 2\n\na\rb\nc\r\nd\r\r\n\r\n\r.\r\n.\r\ne\n");
    let long = format!("{fields}Subject: 3\n\n{}", "x\n".repeat(400_000));
    let late = format!("{fields}Subject: 4\n\n{}end\n", "x\r\n".repeat(400_000));
    for input in [
        dos.replace('\n', "\r\n"),
        stray.clone(),
        long.replace('\n', "\r\n"),
        late.clone(),
    ] {
        instance.sendmail(
            &["-i", "-f", "joe@example.org", TO, "x@far.test"],
            input.as_bytes(),
        );
    }
    stafette_tests::letter::expect_mail(
        &instance,
        "demo",
        &[dos, stray, long, late].map(String::into_bytes),
    );
    for taken in &peer.wait_for(4) {
        let content = String::from_utf8_lossy(&taken.content).replace("\r\n", "");
        assert!(
            !content.contains(['\r', '\n']),
            "a bare CR or LF was sent: {}",
            show(content.as_bytes())
        );
    }
    instance.wait_until_empty();
}
