//! Programs of users as Debian has them: procmail, maildrop, formail and vacation, from .forward and from .qmail.

use stafette_tests::people::Town;
use stafette_tests::{file, skip, wait};

fn send(town: &Town, to: &str, subject: &str) {
    let letter = format!(
        "From: Joe <demo@stafette.test>\nTo: {to}@stafette.test\nSubject: {subject}\n\nfirst\n.\nFrom here\nlast\n"
    );
    let to = format!("{to}@stafette.test");
    town.instance
        .sendmail(&["-i", "-f", "demo@stafette.test", &to], letter.as_bytes());
}

/// Makes a Maildir in a home.
fn maildir(town: &Town, name: &str, directory: &str) {
    for part in ["", "tmp", "new", "cur"] {
        let path = town.home(name).join(directory).join(part);
        file::directory(&path, 0o700);
        file::give(&path, town.uid(name));
    }
}

#[test]
fn procmail_maildrop_and_formail_sort_mail() {
    if !Town::possible()
        || !skip::unless_installed("procmail")
        || !skip::unless_installed("maildrop")
    {
        return;
    }
    let mut town = Town::new(&["alice", "bob", "carol"], &[]);
    // The line of procmail's manual page, with all that it asks of a shell.
    town.put(
        "alice",
        ".forward",
        "\"|IFS=' ' && exec /usr/bin/procmail -f- || exit 75 #alice\"\n",
    );
    let rules = ":0\n* ^Subject:.*sort\nSorted/\n\n:0\nMaildir/\n";
    town.put("alice", ".procmailrc", format!("MAILDIR=$HOME\n{rules}"));
    town.put("bob", ".forward", "|/usr/bin/maildrop\n");
    let filter = "if (/^Subject:.*sort/)\n{\n  to \"Sorted\"\n}\nto \"Maildir\"\n";
    town.put("bob", ".mailfilter", filter);
    town.put(
        "carol",
        ".qmail",
        "|formail -I 'X-Seen: by formail' >>seen\n|procmail -p -m ./rules\n",
    );
    town.put("carol", "rules", rules);
    town.put("carol", ".qmail-drop", "|maildrop ./filter\n");
    town.put("carol", "filter", filter);
    for name in ["bob", "carol"] {
        maildir(&town, name, "Sorted");
    }
    town.instance.start();
    for (name, inbox, sorted) in [
        ("alice", 1, 1),
        ("bob", 1, 1),
        ("carol", 1, 1),
        ("carol-drop", 2, 2),
    ] {
        send(&town, name, "plain");
        send(&town, name, "to sort");
        let home = name.split('-').next().unwrap_or(name);
        let plain = town.wait_for_mail(home, inbox);
        assert!(
            plain.iter().all(|mail| mail.contains("\nSubject: plain\n")),
            "{plain:?}"
        );
        let sorted = town.wait_for_mail_in(home, "Sorted", sorted);
        for mail in sorted {
            assert!(mail.contains("\nSubject: to sort\n"), "{mail}");
            assert!(mail.contains("\n\nfirst\n.\n"), "{mail}");
        }
    }
    let seen = town.read("carol", "seen");
    assert_eq!(seen.matches("\nX-Seen: by formail\n").count(), 2, "{seen}");
    town.instance.wait_until_empty();
}

#[test]
fn vacation_answers_each_sender_once() {
    if !Town::possible() || !skip::unless_installed("vacation") {
        return;
    }
    let mut town = Town::new(&["alice"], &["--mailbox", "demo", "--mailbox", "other"]);
    town.put(
        "alice",
        ".forward",
        "\\alice, \"|/usr/bin/vacation alice\"\n",
    );
    town.put(
        "alice",
        ".vacation.msg",
        "From: alice@stafette.test (Alice)\nSubject: away\nPrecedence: bulk\n\nI am away. You wrote about $SUBJECT.\n",
    );
    town.instance.start();
    let begun = town.run_as("alice", "/usr/bin/vacation", &["-i"], b"");
    assert!(begun.status.success(), "{begun:?}");
    for (count, subject) in ["one", "two", "three"].iter().enumerate() {
        send(&town, "alice", subject);
        assert_eq!(town.wait_for_mail("alice", count + 1).len(), count + 1);
        let reply = town.instance.wait_for_mail("demo", 1);
        assert_eq!(reply.len(), 1, "a second reply");
        town.instance.wait_until_empty();
    }
    let reply = town.instance.mail("demo").remove(0);
    let reply = String::from_utf8_lossy(&reply).into_owned();
    assert!(
        reply.contains("\nTo: demo@stafette.test\n") && reply.contains("about one."),
        "{reply}"
    );
    // Mail of robots is not answered, that of somebody else is.
    let robot = b"From: other@stafette.test\nTo: alice@stafette.test\nPrecedence: list\n\nbody\n";
    town.instance
        .sendmail(&["-f", "other@stafette.test", "alice"], robot);
    assert_eq!(town.wait_for_mail("alice", 4).len(), 4);
    let person = b"From: other@stafette.test\nTo: alice@stafette.test\nSubject: me\n\nbody\n";
    town.instance
        .sendmail(&["-f", "other@stafette.test", "alice"], person);
    assert_eq!(town.instance.wait_for_mail("other", 1).len(), 1);
    wait::until_true("an empty queue", || town.instance.queued().is_empty());
    assert_eq!(town.instance.mail("other").len(), 1);
    assert_eq!(town.instance.mail("demo").len(), 1);
}
