//! Full disks: temporary errors that say why, nothing lost, outcomes still recorded, and recovery when room comes back, by itself.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "full_disk/disk.rs"]
mod disk;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use stafette_tests::client::Client;
use stafette_tests::instance::Instance;
use stafette_tests::peer::{Act, Peer};
use stafette_tests::settle::{self, Clock};
use stafette_tests::{load, maildir, wait};

use disk::{Kind, SmallDisk};

/// A peer that defers `wait` until the door is opened, and defers `no` once and refuses it then.
fn moody(door: &Arc<AtomicBool>) -> Peer {
    let door = Arc::clone(door);
    Peer::with(move |command, seen| {
        let is_first = || seen.commands.iter().filter(|one| *one == command).count() < 2;
        let later = || Some(Act::Say("451 4.7.1 come back later".to_owned()));
        if command.starts_with("RCPT TO:<wait@") && !door.load(Ordering::Relaxed) {
            return later();
        }
        if command.starts_with("RCPT TO:<no@") {
            return if is_first() {
                later()
            } else {
                Some(Act::Say("550 5.1.1 nobody here".to_owned()))
            };
        }
        None
    })
}

fn times_asked(peer: &Peer, recipient: &str) -> usize {
    let command = format!("RCPT TO:<{recipient}@far.test>");
    peer.seen()
        .commands
        .iter()
        .filter(|one| one.starts_with(&command))
        .count()
}

/// The text of all queue files that name this recipient.
fn stories(instance: &Instance, recipient: &str) -> String {
    let files = settle::waiting(instance);
    let texts = files.iter().filter_map(|file| std::fs::read(file).ok());
    let texts = texts.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    texts.filter(|text| text.contains(recipient)).collect()
}

/// Offers a message by SMTP and gives the first reply that is not of class 2 or 3, or the last one.
fn offer(instance: &Instance, content: &[u8]) -> String {
    let mut client = Client::ehlo(instance.smtp());
    for command in [
        "MAIL FROM:<demo@stafette.test>",
        "RCPT TO:<demo@stafette.test>",
        "DATA",
    ] {
        let reply = client.say(command);
        if !reply.starts_with(['2', '3']) {
            return reply;
        }
    }
    client.send(
        &String::from_utf8_lossy(content)
            .replace('\n', "\r\n")
            .into_bytes(),
    );
    client.say(".")
}

fn hand_in(instance: &Instance, to: &str, content: &[u8]) -> (Option<i32>, String) {
    let output = instance.run("sendmail", &["-i", "-f", "demo@stafette.test", to], content);
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// Both ways in say that there is no room, and only for now.
fn is_refused_for_now(instance: &Instance) {
    let reply = offer(instance, &load::content("refused", 1000));
    assert!(reply.starts_with("452 4.3.1"), "{reply}");
    let (code, said) = hand_in(
        instance,
        "demo@stafette.test",
        &load::content("refused", 1000),
    );
    assert_eq!(code, Some(75), "{said}");
    assert!(
        said.contains("full") || said.contains("free") || said.contains("space"),
        "{said}"
    );
}

/// Both ways in are open again, without anybody's help.
fn is_taken_again(instance: &Instance) {
    wait::until_true("SMTP to take mail again", || {
        offer(instance, &load::content("again-smtp", 1000)).starts_with("250")
    });
    let (code, said) = hand_in(
        instance,
        "demo@stafette.test",
        &load::content("again-sendmail", 1000),
    );
    assert_eq!(code, Some(0), "{said}");
}

/// Fills the spool while two messages wait in it, and sees them through.
fn a_spool_fills_up(kind: Kind) {
    let door = Arc::new(AtomicBool::new(false));
    let peer = moody(&door);
    let mut instance = Instance::new(&["--route", &peer.route("far.test")]);
    let Some(disk) = SmallDisk::on(&instance.path().join("spool"), kind, 8 * 1024) else {
        return;
    };
    instance.set("minfree", "0");
    instance.start();
    let mut clock = Clock::default();
    for recipient in ["wait", "no"] {
        let to = format!("{recipient}@far.test");
        let (code, said) = hand_in(&instance, &to, &load::content(recipient, 20));
        assert_eq!(code, Some(0), "{said}");
        wait::until_true("the first try", || {
            stories(&instance, &to).contains("come back later")
        });
    }
    disk.fill();
    is_refused_for_now(&instance);

    // The next tries are recorded on the full disk; the report that one leads to finds no room, and waits.
    let before = stories(&instance, "wait@far.test").len();
    let more = wait::within(std::time::Duration::from_secs(20), || {
        clock.advance(&instance, 1000);
        let asked = times_asked(&peer, "wait") > 2 && times_asked(&peer, "no") > 1;
        (asked && stories(&instance, "wait@far.test").len() > before).then_some(())
    });
    assert!(
        more.is_some(),
        "no outcome was recorded; logs:\n{}",
        instance.logs()
    );
    assert!(
        !stories(&instance, "no@far.test").is_empty(),
        "what must be reported is still there"
    );
    assert!(
        instance.mail("demo").is_empty(),
        "a report was delivered though it could not be written"
    );

    disk.make_room();
    is_taken_again(&instance);
    door.store(true, Ordering::Relaxed);
    settle::drain(&instance, &mut clock);
    let held = settle::held(&instance, "demo");
    assert_eq!(
        held.copies.into_iter().collect::<Vec<_>>(),
        [
            ("again-sendmail".to_owned(), 1),
            ("again-smtp".to_owned(), 1)
        ]
    );
    let failed = ("no".to_owned(), "failed".to_owned());
    assert_eq!(held.reports.get(&failed), Some(&1), "{:?}", held.reports);
    let taken = peer.seen().taken;
    let tokens: Vec<_> = taken
        .iter()
        .filter_map(|one| load::token(&one.content))
        .collect();
    assert_eq!(tokens, ["wait"]);
    settle::leaves_nothing(&mut instance);
    instance.stop();
}

#[test]
fn a_spool_in_memory_that_fills_up_refuses_for_now_records_outcomes_and_recovers() {
    a_spool_fills_up(Kind::Tmpfs);
}

#[test]
fn a_spool_on_ext4_that_fills_up_refuses_for_now_records_outcomes_and_recovers() {
    a_spool_fills_up(Kind::Ext4);
}

#[test]
fn with_less_free_than_minfree_mail_is_refused_before_its_content_comes() {
    let mut instance = Instance::new(&[]);
    let Some(disk) = SmallDisk::on(&instance.path().join("spool"), Kind::Tmpfs, 20 * 1024) else {
        return;
    };
    instance.set("minfree", "10000000");
    instance.start();
    disk.fill_but(9_000_000);
    wait::until_true("the want of room to be seen", || {
        let mut client = Client::ehlo(instance.smtp());
        client
            .say("MAIL FROM:<demo@stafette.test>")
            .starts_with("452 4.3.1")
    });
    is_refused_for_now(&instance);
    assert!(
        instance.log("queue").contains(" disk-low "),
        "{}",
        instance.log("queue")
    );
    disk.make_room();
    is_taken_again(&instance);
    assert!(
        instance.log("queue").contains(" disk-recovered "),
        "{}",
        instance.log("queue")
    );
    assert_eq!(instance.wait_for_mail("demo", 2).len(), 2);
    instance.stop();
}

#[test]
fn a_spool_without_room_for_another_file_refuses_for_now() {
    let mut instance = Instance::new(&[]);
    let Some(disk) = SmallDisk::on(&instance.path().join("spool"), Kind::Ext4, 4 * 1024) else {
        return;
    };
    instance.set("minfree", "0");
    instance.start();
    disk.fill_with_files();
    wait::until_true("the want of files to be seen", || {
        offer(&instance, &load::content("refused", 1)).starts_with("452 4.3.1")
    });
    is_refused_for_now(&instance);
    disk.make_room();
    is_taken_again(&instance);
    assert_eq!(instance.wait_for_mail("demo", 2).len(), 2);
    instance.stop();
}

#[test]
fn sendmail_on_a_full_disk_with_no_daemon_running_says_so_and_leaves_nothing_behind() {
    let mut instance = Instance::new(&[]);
    let Some(disk) = SmallDisk::on(&instance.path().join("spool"), Kind::Tmpfs, 4 * 1024) else {
        return;
    };
    instance.set("minfree", "0");
    instance.start();
    instance.stop();
    disk.fill();
    let (code, said) = hand_in(
        &instance,
        "demo@stafette.test",
        &load::content("down", 1000),
    );
    assert_eq!(code, Some(75), "{said}");
    assert!(
        said.contains("full") || said.contains("free") || said.contains("space"),
        "{said}"
    );
    assert!(
        settle::waiting(&instance).is_empty(),
        "{:?}",
        settle::waiting(&instance)
    );
    disk.make_room();
    let (code, said) = hand_in(
        &instance,
        "demo@stafette.test",
        &load::content("down", 1000),
    );
    assert_eq!(code, Some(0), "{said}");
    instance.start();
    assert_eq!(instance.wait_for_mail("demo", 1).len(), 1);
    instance.stop();
}

#[test]
fn mail_for_a_full_mailbox_waits_with_the_reason_and_arrives_once_and_whole() {
    let mut instance = Instance::new(&[]);
    let Some(disk) = SmallDisk::on(&instance.path().join("mail"), Kind::Tmpfs, 4 * 1024) else {
        return;
    };
    instance.start();
    disk.fill();
    for number in 0..5 {
        let content = load::content(&format!("full-{number}"), 1000);
        assert!(
            offer(&instance, &content).starts_with("250"),
            "the queue has room"
        );
    }
    let listing = wait::until("the reason in mailq", || {
        Some(instance.mailq()).filter(|text| text.matches("disk is full").count() == 5)
    });
    assert!(listing.contains("demo@stafette.test"), "{listing}");
    let log = instance.log("send");
    assert!(log.contains("4.3.1") || log.contains("4.2.2"), "{log}");
    let maildir = instance.maildir("demo");
    let left = std::fs::read_dir(maildir.join("tmp")).expect("tmp").count();
    assert_eq!(
        left, 0,
        "half-written files were left in the Maildir's tmp/"
    );
    assert!(maildir::files(&maildir).is_empty());
    disk.make_room();
    settle::drain(&instance, &mut Clock::default());
    let held = settle::held(&instance, "demo");
    assert_eq!(held.copies.len(), 5, "{held:?}");
    assert!(held.copies.values().all(|count| *count == 1), "{held:?}");
    instance.stop();
}
