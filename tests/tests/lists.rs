//! Mailing lists as people keep them: an alias with :include: and an owner, and a .qmail file with an owner and VERP.

use stafette_tests::instance::Instance;
use stafette_tests::peer::{Act, Peer};
use stafette_tests::people::Town;
use stafette_tests::{file, wait};

const LETTER: &[u8] =
    b"From: demo@stafette.test\nTo: list@stafette.test\nSubject: to all\n\nbody\n";

/// A peer that knows `good` only.
fn choosy() -> Peer {
    Peer::with(|command, _| {
        let is_bad = command.starts_with("RCPT") && !command.contains("<good@");
        is_bad.then(|| Act::Say("550 5.1.1 nobody here".to_owned()))
    })
}

fn text(mail: &[u8]) -> String {
    String::from_utf8_lossy(mail).into_owned()
}

#[test]
fn a_list_by_include_goes_out_under_its_owner_who_gets_what_comes_back() {
    let peer = choosy();
    let route = peer.route("far.test");
    let mut boxes = vec!["--route", &route];
    for name in ["demo", "ann", "ben", "eve"] {
        boxes.extend(["--mailbox", name]);
    }
    let mut instance = Instance::new(&boxes);
    let members = instance.path().join("etc/lists/members");
    let more = instance.path().join("etc/lists/more");
    file::put(
        &members,
        format!(
            "# members\nben, eve\ngood@far.test\n\"Ben again\" <ben@stafette.test>\n:include:{}\n",
            more.display()
        ),
    );
    file::put(&more, "bad@far.test\neve\n");
    instance.set(
        "aliases",
        &format!("list: :include:{}\nowner-list: ann", members.display()),
    );
    instance.start();
    instance.sendmail(&["-f", "demo@stafette.test", "list"], LETTER);
    for name in ["ben", "eve"] {
        let mail = text(&instance.wait_for_mail(name, 1).remove(0));
        assert!(
            mail.starts_with("Return-Path: <owner-list@stafette.test>\n"),
            "{mail}"
        );
        assert!(
            mail.contains("\nSubject: to all\n") && mail.ends_with("\n\nbody\n"),
            "{mail}"
        );
    }
    let taken = peer.wait_for(1).remove(0);
    assert!(
        taken.mail.starts_with("<owner-list@stafette.test>"),
        "{}",
        taken.mail
    );
    let report = text(&instance.wait_for_mail("ann", 1).remove(0));
    assert!(
        report.contains("bad@far.test") && report.contains("nobody here"),
        "{report}"
    );
    instance.wait_until_empty();
    for (name, count) in [("ben", 1), ("eve", 1), ("ann", 1), ("demo", 0)] {
        assert_eq!(instance.mail(name).len(), count, "{name}");
    }
    // A member more, and nobody has to say so.
    file::put(&more, "demo\n");
    wait::until_true("a list with the new member", || {
        let said = instance.run("sendmail", &["-bv", "list"], b"");
        text(&said.stdout).contains("demo@stafette.test")
    });
}

#[test]
fn a_list_by_qmail_files_has_programs_an_owner_and_verp() {
    if !Town::possible() {
        return;
    }
    let peer = choosy();
    let route = peer.route("far.test");
    let mut town = Town::new(&["bob", "carol", "dave"], &["--route", &route]);
    town.put(
        "bob",
        ".qmail-list",
        "|cat >>archive\n&carol@stafette.test\ndave@stafette.test\n&good@far.test\n&bad@far.test\n",
    );
    town.put("bob", ".qmail-list-owner", "./Maildir/\n");
    town.put(
        "bob",
        ".qmail-list-owner-default",
        "|echo \"$DEFAULT\" >>returned\n",
    );
    town.put("bob", ".qmail-plain", "carol@stafette.test\n");
    town.put("bob", ".qmail-plain-owner", "./Maildir/\n");
    town.instance.start();
    town.instance
        .sendmail(&["-f", "demo@stafette.test", "bob-list"], LETTER);
    for name in ["carol", "dave"] {
        let mail = town.wait_for_mail(name, 1).remove(0);
        let from = format!("Return-Path: <bob-list-owner-{name}=stafette.test@stafette.test>\n");
        assert!(mail.starts_with(&from), "{mail}");
    }
    wait::until_true("the archive", || {
        town.read("bob", "archive").ends_with("\n\nbody\n")
    });
    let taken = peer.wait_for(1).remove(0);
    assert!(
        taken
            .mail
            .starts_with("<bob-list-owner-good=far.test@stafette.test>"),
        "{}",
        taken.mail
    );
    wait::until_true("the report about one of them", || {
        town.read("bob", "returned") == "bad=far.test\n"
    });
    // Without the file for everybody's reports the owner gets them.
    town.instance
        .sendmail(&["-f", "demo@stafette.test", "bob-plain"], LETTER);
    let mail = town.wait_for_mail("carol", 2);
    let from = "Return-Path: <bob-plain-owner@stafette.test>\n";
    assert!(mail.iter().any(|mail| mail.starts_with(from)), "{mail:?}");
    // A report has no sender, and none is put in its place.
    town.instance.sendmail(&["-f", "", "bob-plain"], LETTER);
    let mail = town.wait_for_mail("carol", 3);
    assert!(
        mail.iter()
            .any(|mail| mail.starts_with("Return-Path: <>\n")),
        "{mail:?}"
    );
    town.instance.wait_until_empty();
    assert!(town.mail("bob").is_empty() && town.instance.mail("demo").is_empty());
}
