//! Every kind of alias does what sendmail does, and what is wrong with the table harms nothing else.

use stafette_tests::client::Client;
use stafette_tests::instance::Instance;
use stafette_tests::peer::Peer;
use stafette_tests::{file, wait};

const LETTER: &[u8] = b"From: demo@stafette.test\nTo: you\nSubject: hello\n\nbody\n";

/// An instance with mailboxes demo, joe, eric and paul, not started.
fn new(arguments: &[&str]) -> Instance {
    let mut all = arguments.to_vec();
    for name in ["demo", "joe", "eric", "paul"] {
        all.extend(["--mailbox", name]);
    }
    Instance::new(&all)
}

fn send(instance: &Instance, to: &str) {
    instance.sendmail(&["-f", "demo@stafette.test", to], LETTER);
}

/// What `sendmail -bv` says, and its exit code.
fn verify(instance: &Instance, address: &str) -> (String, Option<i32>) {
    let output = instance.run("sendmail", &["-bv", address], b"");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (said, output.status.code())
}

fn check(instance: &Instance) -> String {
    let output = instance.run("stafette", &["check"], b"");
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    said
}

#[test]
fn targets_of_every_kind_get_the_message_each_once() {
    let peer = Peer::friendly();
    let mut instance = new(&["--route", &peer.route("far.test")]);
    let home = instance.path().join("spool/alias");
    let (archive, folder) = (home.join("archive"), home.join("folder/"));
    instance.set(
        "aliases",
        &format!(
            "# As people write them.\nmany: joe,\n\teric, \"paul\",\n  joe@stafette.test, x@far.test\nNested: many, paul\nprogram: \"|cat >>received; printf '%s\\n' \\\"$SENDER\\\" >>received\"\nfile: {}\nfolder: {}/\nbit.bucket: /dev/null\njoe: \\joe, eric\n\"two words\": paul",
            archive.display(),
            folder.display()
        ),
    );
    instance.start();
    send(&instance, "nested");
    for name in ["joe", "eric", "paul"] {
        let mail = instance.wait_for_mail(name, 1).remove(0);
        assert!(mail.starts_with(b"Return-Path: <demo@stafette.test>\n"));
    }
    assert_eq!(peer.wait_for(1).remove(0).recipients.len(), 1);
    for name in ["program", "file", "folder", "bit.bucket", "Two Words"] {
        let name = if name.contains(' ') {
            "\"two words\"@stafette.test"
        } else {
            name
        };
        send(&instance, name);
    }
    wait::until_true("what the program got", || {
        let received = file::read(&home.join("received"));
        received.contains("\nSubject: hello\n") && received.contains("demo@stafette.test\n")
    });
    wait::until_true("the file", || {
        let archive = file::read(&archive);
        archive.starts_with("From demo@stafette.test ") && archive.ends_with("\nbody\n\n")
    });
    wait::until_true("the folder", || {
        stafette_tests::maildir::files(&folder).len() == 1
    });
    assert_eq!(instance.wait_for_mail("paul", 2).len(), 2);
    instance.wait_until_empty();
    for (name, count) in [("joe", 1), ("eric", 1), ("paul", 2), ("demo", 0)] {
        assert_eq!(instance.mail(name).len(), count, "{name}");
    }
    assert_eq!(verify(&instance, "many").1, Some(0));
    assert!(
        verify(&instance, "many").0.contains("aliases:2"),
        "{}",
        verify(&instance, "many").0
    );
}

#[test]
fn a_loop_is_named_and_a_huge_list_harms_nobody_else() {
    let mut instance = new(&[]);
    let huge = instance.path().join("etc/huge");
    let mut members = String::with_capacity(11_000_000);
    for number in 0..320_000 {
        members.push_str(&format!("somebody.{number:08}@far.example.org\n"));
    }
    assert!(members.len() > 10_000_000);
    file::put(&huge, members);
    instance.set(
        "aliases",
        &format!(
            "here: there\nthere: further\nfurther: here\npartly: joe, here\nhuge: :include:{}",
            huge.display()
        ),
    );
    instance.start();
    let (said, code) = verify(&instance, "here");
    assert!(code == Some(67) && said.contains("loop"), "{said}");
    let mut client = Client::ehlo(instance.smtp());
    client.expect("MAIL FROM:<demo@stafette.test>", "250");
    let reply = client.expect("RCPT TO:<here@stafette.test>", "550 5.4.6");
    assert!(reply.contains("loop"), "{reply}");
    client.expect("RCPT TO:<partly@stafette.test>", "250");
    client.expect("DATA", "354");
    client.send(b"Subject: hello\r\n\r\nbody\r\n.\r\n");
    assert!(client.reply().starts_with("250"));
    assert_eq!(instance.wait_for_mail("joe", 1).len(), 1);
    let problems = check(&instance);
    assert!(problems.contains("loop"), "{problems}");
    assert!(problems.contains("huge"), "{problems}");
    // Nobody gets a part of a message to so many in silence, and others are not kept waiting.
    send(&instance, "huge");
    send(&instance, "eric");
    assert_eq!(instance.wait_for_mail("eric", 1).len(), 1);
    let told = wait::until(&format!("an answer; logs:\n{}", instance.logs()), || {
        let report = instance.mail("demo").into_iter().next();
        let report = report.map(|report| String::from_utf8_lossy(&report).into_owned());
        let listing = instance.mailq();
        report.or_else(|| listing.contains('(').then_some(listing))
    });
    assert!(told.contains("huge"), "{told}");
}

#[test]
fn a_changed_file_counts_by_itself_and_a_broken_one_changes_nothing() {
    let mut instance = new(&[]);
    instance.set("aliases", "team: joe");
    instance.start();
    let leads_to = |name: &str, to: &str| verify(&instance, name).0.contains(to);
    wait::until_true("the first table", || leads_to("team", "joe@"));
    instance.set("aliases", "team: eric\nother: paul");
    wait::until_true("the second table", || leads_to("team", "eric@"));
    assert!(leads_to("other", "paul@"));
    // Said at once when asked.
    instance.set("aliases", "team: paul\nother: paul");
    let output = instance.run("newaliases", &[], b"");
    assert!(output.status.success(), "{output:?}");
    wait::until_true("the third table", || leads_to("team", "paul@"));
    instance.set("aliases", "team: joe\n\nthis line is no alias\nother: joe");
    let output = instance.run("newaliases", &[], b"");
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        !output.status.success() && said.contains("aliases:3"),
        "{said}"
    );
    wait::until_true("the log to name the line", || {
        instance.log("tables").contains("file=aliases line=3")
    });
    assert!(
        check(&instance).contains("aliases:3"),
        "{}",
        check(&instance)
    );
    send(&instance, "team");
    assert_eq!(instance.wait_for_mail("paul", 1).len(), 1);
    instance.set("aliases", "team: joe");
    wait::until_true("the repaired table", || leads_to("team", "joe@"));
    std::fs::remove_file(instance.path().join("etc/aliases")).expect("rm");
    wait::until_true("no table", || verify(&instance, "team").1 == Some(67));
}

#[test]
fn postmaster_and_mailer_daemon_arrive_even_if_nobody_is_named() {
    let mut instance = Instance::new(&[]);
    file::put(&instance.path().join("etc/users/assign"), ".\n");
    instance.start();
    for name in ["postmaster", "MAILER-DAEMON", "root"] {
        let mut client = Client::ehlo(instance.smtp());
        let to = format!("{name}@stafette.test");
        let reply = client.mail("x@example.org", &[&to], b"Subject: help\r\n\r\nbody\r\n");
        assert!(reply.starts_with("250"), "{reply}");
    }
    let mut client = Client::ehlo(instance.smtp());
    client.expect("MAIL FROM:<x@example.org>", "250");
    client.expect("RCPT TO:<nobody@stafette.test>", "550");
    client.expect("RCPT TO:<postmaster>", "250");
    client.expect("RSET", "250");
    let last_resort = instance.path().join("spool/alias/Maildir");
    wait::until_true(
        &format!("three messages; logs:\n{}", instance.logs()),
        || stafette_tests::maildir::files(&last_resort).len() == 3,
    );
    // With an alias they go where it says.
    instance.set("aliases", "postmaster: root\nroot: x@[127.0.0.1]");
    wait::until_true("the alias", || {
        verify(&instance, "mailer-daemon")
            .0
            .contains("x@[127.0.0.1]")
    });
}

#[test]
fn a_list_of_ten_megabytes_goes_to_all_of_it_and_nobody_else_waits() {
    const MEMBERS: usize = 99_000;
    let nobody = stafette_tests::address::fresh();
    let mut instance = new(&["--route", &format!("far.example.org {nobody}:2626")]);
    let list = instance.path().join("etc/list");
    let name = "x".repeat(80);
    let mut members = String::with_capacity(11_000_000);
    for number in 0..MEMBERS {
        members.push_str(&format!("{number:08}.{name}@far.example.org\n"));
    }
    assert!(members.len() > 10_000_000);
    file::put(&list, members);
    instance.set("aliases", &format!("all: :include:{}", list.display()));
    instance.start();
    send(&instance, "all");
    send(&instance, "eric");
    assert_eq!(instance.wait_for_mail("eric", 1).len(), 1);
    let recipients = || -> usize {
        let log = instance.log("queue");
        let children = log.lines().filter(|line| line.contains(" proto=forward "));
        let count = |line: &str| -> Option<usize> {
            let rest = line.split(" recipients=").nth(1)?;
            rest.split(' ').next()?.parse().ok()
        };
        children.filter_map(count).sum()
    };
    wait::until_true("children for all of the list", || recipients() == MEMBERS);
    // The message itself is done with; its children wait for their host.
    wait::until_true("the end of the message", || {
        instance.log("send").contains(" message-removed ")
            && instance.mailq().contains("onnection refused")
    });
    send(&instance, "paul");
    assert_eq!(instance.wait_for_mail("paul", 1).len(), 1);
    assert_eq!(recipients(), MEMBERS);
    assert!(instance.mail("demo").is_empty());
}
