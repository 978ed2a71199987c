//! What people write in .forward and .qmail is done as sendmail and qmail do it, and a file that others could have written is not.

use std::process::Command;

use stafette_tests::people::Town;
use stafette_tests::{file, wait};

fn send(town: &Town, to: &str) {
    let letter = format!("From: demo@stafette.test\nTo: {to}\nSubject: to {to}\n\nbody\n");
    let to = format!("{to}@stafette.test");
    town.instance
        .sendmail(&["-i", "-f", "demo@stafette.test", &to], letter.as_bytes());
}

fn flush(town: &Town) {
    let output = town.instance.run("sendmail", &["-q"], b"");
    assert!(output.status.success(), "{output:?}");
}

/// Waits until mailq says why something waits, and the log as well.
fn wait_for_reason(town: &Town, reason: &str) {
    wait::until_true(
        &format!(
            "a deferral that says {reason:?}; logs:\n{}",
            town.instance.logs()
        ),
        || town.instance.mailq().contains(reason) && town.instance.log("send").contains(reason),
    );
}

#[test]
fn a_forward_names_others_the_user_and_files_of_extensions() {
    if !Town::possible() {
        return;
    }
    let mut town = Town::new(&["alice", "bob", "carol", "dave"], &[]);
    town.put(
        "alice",
        ".forward",
        "# both\n\\alice,\n bob@stafette.test\n",
    );
    town.put("alice", ".forward+lists", "carol\n");
    let kept = town.home("bob").join("kept");
    town.put(
        "bob",
        ".forward",
        format!("bob, {}, /dev/null, \"|cat >>piped\"\n", kept.display()),
    );
    town.put("carol", ".forward", ":include:");
    let people = town.home("carol").join("people");
    town.put(
        "carol",
        ".forward",
        format!(":include:{}\n", people.display()),
    );
    town.put("carol", "people", "# two\ndave\n\\carol\n");
    town.instance.start();
    send(&town, "alice");
    assert!(town.wait_for_mail("alice", 1)[0].contains("\nSubject: to alice\n"));
    assert!(town.wait_for_mail("bob", 1)[0].contains("\nDelivered-To: alice@stafette.test\n"));
    wait::until_true("a file with the message", || {
        let kept = town.read("bob", "kept");
        kept.starts_with("From ") && kept.contains("\nSubject: to alice\n")
    });
    wait::until_true("what the program got", || {
        town.read("bob", "piped").contains("\nSubject: to alice\n")
    });
    // An extension with a file of its own, and one without.
    send(&town, "alice+lists");
    for name in ["carol", "dave"] {
        assert!(town.wait_for_mail(name, 1)[0].contains("\nSubject: to alice+lists\n"));
    }
    send(&town, "alice+else");
    assert_eq!(town.wait_for_mail("alice", 2).len(), 2);
    assert_eq!(town.wait_for_mail("bob", 2).len(), 2);
    town.instance.wait_until_empty();
    for (name, count) in [("alice", 2), ("bob", 2), ("carol", 1), ("dave", 1)] {
        assert_eq!(town.mail(name).len(), count, "{name}");
    }
}

#[test]
fn a_qmail_file_runs_programs_forwards_and_fills_mailboxes() {
    if !Town::possible() {
        return;
    }
    let mut town = Town::new(&["bob", "carol"], &[]);
    town.put(
        "bob",
        ".qmail",
        "# done at the first line\n|cat >>first; exit 99\n./Maildir/\n",
    );
    town.put("bob", ".forward", "carol\n");
    town.put("bob", ".qmail-fail", "|echo no thanks; exit 100\n");
    town.put(
        "bob",
        ".qmail-later",
        "|test -e go || { echo not yet; exit 111; }\n./Maildir/\n",
    );
    town.put("bob", ".qmail-fwd", "&carol@stafette.test\n");
    town.put("bob", ".qmail-box", "./mbox\n./Other/\n");
    for part in ["", "tmp", "new", "cur"] {
        let path = town.home("bob").join("Other").join(part);
        file::directory(&path, 0o700);
        file::give(&path, town.uid("bob"));
    }
    let variables = [
        "SENDER",
        "RECIPIENT",
        "USER",
        "HOME",
        "LOCAL",
        "HOST",
        "EXT",
        "EXT2",
        "DEFAULT",
        "DTLINE",
        "RPLINE",
    ];
    let shown = variables.map(|name| format!("{name}=${name}")).join("\\n");
    town.put(
        "bob",
        ".qmail-list-default",
        format!("|printf \"{shown}\\n\" >variables; cat >message\n"),
    );
    town.instance.start();
    send(&town, "bob");
    wait::until_true("what the first program got", || {
        town.read("bob", "first").contains("\nSubject: to bob\n")
    });
    send(&town, "bob-fail");
    let report = town.instance.wait_for_mail("demo", 1).remove(0);
    let report = String::from_utf8_lossy(&report).into_owned();
    assert!(
        report.contains("no thanks") && report.contains("\nStatus: 5."),
        "{report}"
    );
    send(&town, "bob-later");
    wait_for_reason(&town, "not yet");
    town.put("bob", "go", "");
    flush(&town);
    assert!(town.wait_for_mail("bob", 1)[0].contains("\nSubject: to bob-later\n"));
    send(&town, "bob-fwd");
    let forwarded = town.wait_for_mail("carol", 1).remove(0);
    assert!(
        forwarded.starts_with("Return-Path: <demo@stafette.test>\n"),
        "{forwarded}"
    );
    assert!(
        forwarded.contains("\nDelivered-To: bob-fwd@stafette.test\n"),
        "{forwarded}"
    );
    send(&town, "bob-box");
    let other = town.wait_for_mail_in("bob", "Other", 1);
    assert!(other[0].contains("\nSubject: to bob-box\n"));
    wait::until_true("the mbox", || {
        let mbox = town.read("bob", "mbox");
        mbox.starts_with("From demo@stafette.test ") && mbox.ends_with("\nbody\n\n")
    });
    send(&town, "bob-list-one-two");
    wait::until_true("the message", || {
        town.read("bob", "message").ends_with("\n\nbody\n")
    });
    let home = town.home("bob");
    let expected = format!(
        "SENDER=demo@stafette.test\nRECIPIENT=bob-list-one-two@stafette.test\nUSER=bob\nHOME={}\nLOCAL=bob-list-one-two\nHOST=stafette.test\nEXT=list-one-two\nEXT2=one-two\nDEFAULT=one-two\nDTLINE=Delivered-To: bob-list-one-two@stafette.test\n\nRPLINE=Return-Path: <demo@stafette.test>\n\n",
        home.display()
    );
    assert_eq!(town.read("bob", "variables"), expected);
    let message = town.read("bob", "message");
    assert!(
        !message.contains("Return-Path:") && !message.contains("Delivered-To:"),
        "{message}"
    );
    town.instance.wait_until_empty();
    assert_eq!(
        town.mail("bob").len(),
        1,
        "99 stops, and .qmail wins over .forward"
    );
    assert_eq!(town.mail("carol").len(), 1);
}

#[test]
fn a_file_that_others_may_have_arranged_makes_mail_wait_until_it_is_repaired() {
    if !Town::possible() {
        return;
    }
    let names = [
        "fifo", "zero", "linked", "shared", "broken", "open", "victim",
    ];
    let mut town = Town::new(&names, &[]);
    let home = |town: &Town, name: &str| town.home(name).join(".forward");
    let made = Command::new("mkfifo").arg(home(&town, "fifo")).status();
    assert!(made.is_ok_and(|made| made.success()));
    std::os::unix::fs::symlink("/dev/zero", home(&town, "zero")).expect("a link");
    town.put("victim", "theirs", "demo@stafette.test\n");
    file::mode(&town.home("victim").join("theirs"), 0o644);
    std::os::unix::fs::symlink(town.home("victim").join("theirs"), home(&town, "linked"))
        .expect("a link");
    town.put("shared", ".forward", "demo@stafette.test\n");
    file::mode(&home(&town, "shared"), 0o664);
    town.put("broken", ".qmail", "|exit 0\n&no address here\n");
    town.put("open", ".forward", "demo@stafette.test\n");
    file::mode(&town.home("open"), 0o777);
    for name in ["fifo", "zero", "linked"] {
        std::os::unix::fs::lchown(home(&town, name), Some(town.uid(name)), None).expect("chown");
    }
    town.instance.start();
    for (name, reason) in [
        ("fifo", "fifo/.forward is not a regular file"),
        ("zero", "zero/.forward is not a regular file"),
        ("linked", "linked/.forward is owned by user"),
        ("shared", "shared/.forward is writable by others"),
        ("broken", "no address here"),
        ("open", "writable"),
    ] {
        send(&town, name);
        wait_for_reason(&town, reason);
    }
    assert!(
        town.instance.mail("demo").is_empty(),
        "mail went where another's file sent it"
    );
    for name in ["fifo", "zero", "linked", "broken"] {
        for file in [".forward", ".qmail"] {
            drop(std::fs::remove_file(town.home(name).join(file)));
        }
        town.put(name, ".forward", format!("\\{name}\n"));
    }
    file::mode(&home(&town, "shared"), 0o644);
    file::mode(&town.home("open"), 0o755);
    flush(&town);
    for name in ["fifo", "zero", "linked", "broken"] {
        assert_eq!(town.wait_for_mail(name, 1).len(), 1);
    }
    assert_eq!(town.instance.wait_for_mail("demo", 2).len(), 2);
    town.instance.wait_until_empty();
}

#[test]
fn a_loop_of_forwards_ends_with_a_report() {
    if !Town::possible() {
        return;
    }
    let mut town = Town::new(&["alice", "bob"], &[]);
    town.put(
        "alice",
        ".forward",
        "bob@stafette.test, bob, alice@stafette.test\n",
    );
    town.put("bob", ".qmail", "&alice@stafette.test\n./Maildir/\n");
    town.instance.start();
    send(&town, "alice");
    let report = town.instance.wait_for_mail("demo", 1).remove(0);
    let report = String::from_utf8_lossy(&report).into_owned();
    assert!(
        report.contains("loop") && report.contains("alice@stafette.test"),
        "{report}"
    );
    town.instance.wait_until_empty();
    assert_eq!(town.mail("alice").len(), 1);
    assert_eq!(town.mail("bob").len(), 1);
    assert_eq!(town.instance.mail("demo").len(), 1);
}
