//! The real program in an instance of its own, spoken to as send does, with queue files made by hand.
//!
//! As root, recipients are users that nobody else is; otherwise everything is done as the caller, and what needs another
//! user is left out.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the whole file is a test"
)]

mod place;

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::time::Duration;

use place::{Mail, Place, is_root, owner};
use stafette_wire::delivery::{Fate, FromDelivery};

#[test]
fn a_message_arrives_byte_for_byte_behind_its_trace_fields() {
    let place = Place::new();
    let content = b"Subject: x\n\nhello \xff\0\r\nno end";
    let outcome = place.start().deliver(&Mail::new(content).to("joe"));
    assert_eq!(outcome.results[0].fate, Fate::Delivered, "{outcome:?}");
    assert_eq!(outcome.results[0].status, "2.0.0");
    let files = place.mail("joe", "new");
    assert_eq!(files.len(), 1);
    let (name, bytes) = &files[0];
    let front =
        "Return-Path: <jim@example.net>\nDelivered-To: joe@example.org\nReceived: by test\n";
    assert!(bytes.starts_with(front.as_bytes()));
    assert_eq!(&bytes[front.len()..], content);
    assert!(name.contains(&format!(".Q{}R7.", outcome.id)), "{name}");
    assert!(name.ends_with(&format!(",S={}", bytes.len())), "{name}");
    assert_eq!(place.mail("joe", "tmp").len(), 0);
}

#[test]
fn the_same_message_again_is_there_already_also_when_a_reader_has_moved_it() {
    let place = Place::new();
    let mail = Mail::new(b"Subject: x\n\nhello\n").to("joe");
    let local = place.start();
    assert_eq!(local.deliver(&mail).results[0].fate, Fate::Delivered);
    let name = place.mail("joe", "new").remove(0).0;
    let maildir = place.home("joe").join("Maildir");
    std::fs::rename(
        maildir.join("new").join(&name),
        maildir.join(format!("cur/{name}:2,RS")),
    )
    .unwrap();
    // Without an acknowledgement the program knows that the end may not be recorded.
    assert_eq!(local.deliver(&mail).results[0].fate, Fate::Delivered);
    drop(local);
    assert_eq!(
        place.start().deliver(&mail).results[0].fate,
        Fate::Delivered
    );
    assert_eq!(place.mail("joe", "new").len(), 0);
    assert_eq!(place.mail("joe", "cur").len(), 1);
}

#[test]
fn many_messages_for_many_users_arrive_once_each() {
    let place = Place::new();
    let local = place.start();
    let names = ["joe", "jim", "ann"];
    let mails: Vec<Mail> = (0..300)
        .map(|number| Mail::new(format!("Subject: {number}\n\n").as_bytes()).to(names[number % 3]))
        .collect();
    for mail in &mails {
        local.give(mail);
    }
    for _ in &mails {
        assert_eq!(local.outcome().results[0].fate, Fate::Delivered);
    }
    for name in names {
        assert_eq!(place.mail(name, "new").len(), 100);
    }
}

#[test]
fn outcomes_are_kept_for_a_send_that_comes_back_until_it_acknowledges_them() {
    let place = Place::new();
    let local = place.start();
    let mail = Mail::new(b"Subject: x\n\n").to("joe");
    local.give(&mail);
    let first = local.outcome();
    let local = local.reconnect();
    assert_eq!(local.outcome(), first);
    local.acknowledge(first.job);
    let local = local.reconnect();
    local.ping();
    assert_eq!(local.receive(), FromDelivery::Pong {});
}

#[test]
fn what_is_wrong_with_a_home_makes_mail_wait_and_is_said() {
    let place = Place::new();
    let local = place.start();
    let reply = |name: &str| {
        let outcome = local.deliver(&Mail::new(b"x\n").to(name));
        let result = &outcome.results[0];
        assert_eq!(result.fate, Fate::Deferred, "{result:?}");
        (
            result.status.clone(),
            String::from_utf8(result.reply.0.clone()).unwrap(),
        )
    };
    let home = place.home("joe");
    std::fs::set_permissions(&home, PermissionsExt::from_mode(0o777)).unwrap();
    let (status, words) = reply("joe");
    assert!(
        status == "4.7.0" && words.contains("writable by others"),
        "{words}"
    );
    std::fs::remove_dir_all(&home).unwrap();
    let (status, words) = reply("joe");
    assert!(
        status == "4.2.1" && words.contains("does not exist"),
        "{words}"
    );
    if is_root() {
        let home = place.home("jim");
        std::fs::set_permissions(&home, PermissionsExt::from_mode(0o755)).unwrap();
        chown(home, Some(owner().0 + 1), None).unwrap();
        let (status, words) = reply("jim");
        assert!(
            status == "4.3.5" && words.contains("is owned by user"),
            "{words}"
        );
    }
}

#[test]
fn nobody_gets_mail_who_is_not_in_the_table_and_root_never() {
    let place = Place::new();
    let local = place.start();
    let outcome = local.deliver(&Mail::new(b"x\n").to("stranger"));
    assert_eq!(outcome.results[0].fate, Fate::Failed);
    assert_eq!(outcome.results[0].status, "5.1.1");
    let outcome = local.deliver(&Mail::new(b"x\n").to("toor"));
    assert_ne!(outcome.results[0].fate, Fate::Delivered);
}

#[test]
fn a_loop_and_a_damaged_message_are_told_apart() {
    let place = Place::new();
    let local = place.start();
    let looped = Mail::new(b"Delivered-To: joe@example.org\n\n").to("joe");
    assert_eq!(local.deliver(&looped).results[0].status, "5.4.6");
    let outcome = local.deliver(&Mail::new(b"Subject: x\n\n").damaged().to("joe"));
    assert!(outcome.damaged);
    assert_eq!(place.mail("joe", "new").len(), 0);
}

#[test]
fn an_mbox_is_written_where_defaultdelivery_says_so() {
    let place = Place::new();
    place.set("defaultdelivery", "./Mailbox\n");
    let outcome = place
        .start()
        .deliver(&Mail::new(b"Subject: x\n\nFrom me\n").to("joe"));
    assert_eq!(outcome.results[0].fate, Fate::Delivered, "{outcome:?}");
    let text = std::fs::read_to_string(place.home("joe").join("Mailbox")).unwrap();
    assert!(
        text.starts_with("From jim@example.net ") && text.ends_with("\n>From me\n\n"),
        "{text}"
    );
}

#[test]
fn a_mailbox_in_the_systems_spool_is_made_for_its_user_and_group_mail() {
    let spool = std::path::Path::new("/var/mail");
    if !is_root() || !spool.is_dir() {
        return;
    }
    let group = std::fs::metadata(spool).unwrap().gid();
    let prefix = format!("stafette-test-{}-", std::process::id());
    let mailbox = spool.join(format!("{prefix}joe"));
    let place = Place::new();
    place.set("defaultdelivery", &format!("/var/mail/{prefix}%u\n"));
    let local = place.start();
    for _ in 0..2 {
        let outcome = local.deliver(&Mail::new(b"Subject: x\n\n").to("joe"));
        assert_eq!(outcome.results[0].fate, Fate::Delivered, "{outcome:?}");
    }
    let metadata = std::fs::metadata(&mailbox).unwrap();
    let text = std::fs::read_to_string(&mailbox).unwrap();
    std::fs::remove_file(&mailbox).unwrap();
    assert_eq!((metadata.uid(), metadata.gid()), (owner().0, group));
    assert_eq!(metadata.mode() & 0o777, 0o660);
    assert_eq!(text.matches("From jim@example.net ").count(), 2);
    assert!(!spool.join(format!("{prefix}joe.lock")).exists());
}

#[test]
fn a_send_that_says_what_it_must_not_is_cut_off() {
    let place = Place::new();
    let local = place.start();
    let mail = Mail::new(b"x\n").to("joe");
    let bad: [&dyn Fn(&place::Local); 4] = [
        &|local| local.send_bytes(b"garbage", false),
        &|local| local.send_bytes(b"P", true),
        &|local| local.give_without_file(&mail),
        &|local| local.give(&Mail::new(b"x\n").to("joe").to("jim")),
    ];
    for say in bad {
        let local = local.reconnect();
        say(&local);
        assert!(local.is_cut_off());
    }
    assert_eq!(local.deliver(&mail).results[0].fate, Fate::Delivered);
}

#[test]
fn a_worker_that_is_killed_costs_no_attempt() {
    let place = Place::new();
    let local = place.start();
    assert_eq!(
        local.deliver(&Mail::new(b"x\n").to("joe")).results[0].fate,
        Fate::Delivered
    );
    // A mailbox that somebody holds keeps the worker busy.
    place.set("defaultdelivery", "./Mailbox\n");
    let lock = place.home("joe").join("Mailbox.lock");
    let file = std::fs::File::create(&lock).unwrap();
    let mail = Mail::new(b"x\n").to("joe");
    // The settings are looked at once a second.
    let outcome = loop {
        local.give(&mail);
        match local.outcome_within(Duration::from_millis(300)) {
            Some(outcome) => local.acknowledge(outcome.job),
            None => {
                local.kill_workers();
                break local.outcome();
            }
        }
    };
    assert_eq!(outcome.results[0].fate, Fate::Cut, "{outcome:?}");
    drop(file);
    std::fs::remove_file(lock).unwrap();
    assert_eq!(local.deliver(&mail).results[0].fate, Fate::Delivered);
}
