use std::path::PathBuf;

use stafette_addr::Mailbox as Address;
use stafette_sys::user;
use stafette_wire::QueueId;
use stafette_wire::delivery::{Content, Fate, Job};
use stafette_wire::envelope::Body;

use super::*;

const CONTENT: &[u8] = b"Subject: x\n\nhello\nFrom here\n";

fn letter(content: &'static [u8], crc32: u32) -> Letter<&'static [u8]> {
    let job = Job {
        job: 1,
        id: QueueId::new(1, [1; 9]),
        from: ReversePath::Null,
        recipients: Vec::new(),
        next_hop: None,
        body: Body::EightBit,
        smtputf8: false,
        ret: None,
        envid: None,
        content: Content {
            offset: 0,
            octets: content.len() as u64,
            crc32,
            crlf_octets: 0,
        },
        add: Vec::new(),
    };
    Letter::open(
        &job,
        &Address::parse(b"joe@example.org").unwrap(),
        content,
        100,
    )
    .unwrap()
}

struct Place {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

fn place() -> Place {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("Mailbox");
    Place {
        _directory: directory,
        path,
    }
}

fn mailbox(path: &Path) -> Mailbox<'_> {
    Mailbox {
        path,
        uid: user::effective_uid(),
        spool_group: None,
        patience: Duration::ZERO,
    }
}

fn deliver_one(mailbox: &Mailbox<'_>, letter: &Letter<&'static [u8]>) -> Verdict {
    let mut verdicts = deliver(mailbox, &[(letter, &ReversePath::Null)]);
    assert_eq!(verdicts.len(), 1);
    verdicts.remove(0)
}

fn good() -> Letter<&'static [u8]> {
    letter(CONTENT, crc32fast::hash(CONTENT))
}

#[test]
fn each_message_stands_between_its_separator_and_a_blank_line() {
    let place = place();
    let from = ReversePath::Null;
    let (one, two) = (good(), good());
    let verdicts = deliver(&mailbox(&place.path), &[(&one, &from), (&two, &from)]);
    assert!(verdicts.iter().all(Verdict::is_delivered));
    let text = std::fs::read_to_string(&place.path).unwrap();
    let messages: Vec<&str> = text.split("From MAILER-DAEMON ").collect();
    assert_eq!(messages.len(), 3);
    assert!(messages[1].ends_with("hello\n>From here\n\n"), "{text}");
    assert!(messages[1].contains("\nReturn-Path: <>\nDelivered-To: joe@example.org\nSubject: x\n"));
    assert_eq!(
        std::fs::metadata(&place.path).unwrap().mode() & 0o777,
        0o600
    );
    assert!(!place.path.with_extension("lock").exists());
}

#[test]
fn a_torn_end_does_not_swallow_the_next_message() {
    for (torn, missing) in [("x", "\n\n"), ("x\n", "\n"), ("x\n\n", ""), ("\n", "")] {
        let place = place();
        File::create(&place.path)
            .unwrap()
            .write_all(torn.as_bytes())
            .unwrap();
        assert!(deliver_one(&mailbox(&place.path), &good()).is_delivered());
        let text = std::fs::read_to_string(&place.path).unwrap();
        assert!(
            text.starts_with(&format!("{torn}{missing}From MAILER-DAEMON ")),
            "{text}"
        );
    }
}

#[test]
fn damaged_content_is_cut_off_again() {
    let place = place();
    assert!(deliver_one(&mailbox(&place.path), &good()).is_delivered());
    let before = std::fs::metadata(&place.path).unwrap().len();
    let large: &'static [u8] = Vec::leak(vec![b'a'; 400_000]);
    let verdict = deliver_one(&mailbox(&place.path), &letter(large, 1));
    assert!(verdict.damaged);
    assert_eq!(std::fs::metadata(&place.path).unwrap().len(), before);
}

#[test]
fn a_mailbox_that_another_program_holds_is_left_alone() {
    let place = place();
    assert!(deliver_one(&mailbox(&place.path), &good()).is_delivered());
    let other = fs::append_nofollow(&place.path, None).unwrap();
    assert!(fs::try_lock_record(&other).unwrap());
    let verdict = deliver_one(&mailbox(&place.path), &good());
    assert_eq!(
        (verdict.fate, verdict.status.as_str()),
        (Fate::Deferred, "4.2.0")
    );
    drop(other);
    let dot = place.path.with_file_name("Mailbox.lock");
    let lock = File::create(&dot).unwrap();
    assert!(!deliver_one(&mailbox(&place.path), &good()).is_delivered());
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(600);
    lock.set_modified(long_ago).unwrap();
    let patient = Mailbox {
        patience: Duration::from_secs(5),
        ..mailbox(&place.path)
    };
    assert!(deliver_one(&patient, &good()).is_delivered());
    assert!(!dot.exists());
}

#[test]
fn only_the_recipients_own_regular_file_is_a_mailbox() {
    let place = place();
    let stranger = Mailbox {
        uid: user::effective_uid() + 1,
        ..mailbox(&place.path)
    };
    File::create(&place.path).unwrap();
    assert_eq!(deliver_one(&stranger, &good()).status, "4.7.0");
    let directory = place.path.parent().unwrap();
    assert_eq!(
        deliver_one(&mailbox(directory), &good()).fate,
        Fate::Deferred
    );
    let link = directory.join("link");
    std::os::unix::fs::symlink(&place.path, &link).unwrap();
    assert!(deliver_one(&mailbox(&link), &good()).is_delivered());
    let spool = Mailbox {
        spool_group: Some(8),
        ..mailbox(&link)
    };
    assert_eq!(deliver_one(&spool, &good()).fate, Fate::Deferred);
}
