//! The life of a message on a real file system.
#![expect(
    clippy::expect_used,
    reason = "a test that cannot go on ends by panicking"
)]

use std::error::Error;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use stafette_addr::{Mailbox, ReversePath};
use stafette_queue_layout::{
    Admission, Attempt, Damage, Draft, Envelope, Event, Found, Message, OpenError, Place, RealDisk,
    Record, RecordError, Recorder, Scan, Standing, TakeIn, Then, Verdict, commit, decode, drop_in,
    recover, take_in,
};
use stafette_wire::QueueId;
use stafette_wire::envelope::{Body, Bytes, Notify, Recipient, Ret, Sender};
use stafette_wire::submission::Origin;
use tempfile::TempDir;

type Outcome = Result<(), Box<dyn Error>>;

/// A queue of this test's own.
fn queue() -> Result<(TempDir, RealDisk), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let disk = RealDisk::prepare(&directory.path().join("queue"))?;
    Ok((directory, disk))
}

fn id(number: u64) -> QueueId {
    QueueId::new(number, [3; 9])
}

/// An envelope with everything that there is.
fn envelope(recipients: u32) -> Envelope {
    let mailbox = |text: String| Mailbox::parse(text.as_bytes()).expect("a mailbox");
    let recipient = |number| Recipient {
        mailbox: mailbox(format!("\"user \\\" {number}\"@example.org")),
        notify: Some(Notify::NEVER),
        orcpt: Some(Bytes::from("rfc822;a\n=\"b")),
        expanded: stafette_wire::envelope::Expanded::No,
    };
    Envelope {
        arrived: 1_795_360_370,
        origin: Origin {
            protocol: "ESMTP".to_owned(),
            helo: Bytes::from("a\nb c=d"),
            address: Some([192, 0, 2, 1].into()),
            name: Bytes::from("client.example"),
        },
        uid: Some(1000),
        parent: Some(id(7)),
        sender: Sender {
            from: ReversePath::Mailbox(mailbox("s\u{e4}nder@example.org".to_owned())),
            body: Body::EightBit,
            smtputf8: true,
            ret: Some(Ret::Headers),
            envid: Some(Bytes::from("\u{0}\u{ff}")),
            verp: false,
        },
        recipients: (0..recipients).map(recipient).collect(),
        add: vec![Bytes::from("Received: from a\n\tby b")],
    }
}

fn put(disk: &RealDisk, id: QueueId, content: &[u8], envelope: &Envelope) -> Outcome {
    let mut draft = Draft::create(disk, id)?;
    for part in content.chunks(50_000) {
        draft.write(part)?;
    }
    let mut sealed = [draft.seal(envelope, 99)?];
    commit(disk, &mut sealed).pop().ok_or("no result")??;
    Ok(())
}

fn done(disk: &RealDisk, id: QueueId, events: Vec<Event>, then: Then) -> Result<(), RecordError> {
    Recorder::new(disk)
        .record(&[Record { id, events, then }])
        .pop()
        .unwrap_or(Err(RecordError::Missing))
}

fn deferred(to: Vec<u32>) -> Event {
    Event::Attempt(Attempt {
        at: 1_795_360_400,
        verdict: Verdict::Deferred,
        to,
        relay: "mx.example.org[192.0.2.2]:25".to_owned(),
        status: "4.4.1".to_owned(),
        reply: b"451 later\r\nplease".to_vec(),
        from_peer: true,
        peer_reports: false,
    })
}

#[test]
fn what_was_accepted_is_read_as_it_was_written() -> Outcome {
    let (_directory, disk) = queue()?;
    for (number, length) in [0usize, 1, 4096, 300_000].into_iter().enumerate() {
        let id = id(u64::try_from(number)?);
        let content: Vec<u8> = (0u8..=255).cycle().take(length).collect();
        put(&disk, id, &content, &envelope(3))?;
        let message = Message::open(&disk, id)?;
        assert_eq!((message.place, message.head.crlf_octets), (Place::New, 99));
        assert_eq!(message.journal.envelope, envelope(3));
        assert!(message.check_content()?);
        let bytes = std::fs::read(disk.path().join(Place::New.path(id)))?;
        assert_eq!(decode(&bytes)?.1, message.journal);
        assert_eq!(bytes.get(128..128 + length), Some(&content[..]));
        let metadata = std::fs::metadata(disk.path().join(Place::New.path(id)))?;
        assert_eq!(metadata.permissions().mode() & 0o777, 0o640);
    }
    Ok(())
}

#[test]
fn a_batch_of_many_messages_is_accepted_together() -> Outcome {
    let (_directory, disk) = queue()?;
    let mut batch = Vec::new();
    for number in 0..20 {
        let mut draft = Draft::create(&disk, id(number))?;
        draft.write(b"content\n")?;
        batch.push(draft.seal(&envelope(1), 9)?);
    }
    assert!(commit(&disk, &mut batch).iter().all(Result::is_ok));
    assert_eq!(Scan::living(&disk).count(), 20);
    Ok(())
}

#[test]
fn an_id_that_is_taken_is_never_taken_again() -> Outcome {
    let (_directory, disk) = queue()?;
    put(&disk, id(1), b"first", &envelope(1))?;
    assert!(put(&disk, id(1), b"second", &envelope(1)).is_err());
    let message = Message::open(&disk, id(1))?;
    let mut content = [0; 5];
    message.read_content(&mut content, 0)?;
    assert_eq!(&content, b"first");
    // What was void left nothing behind.
    assert_eq!(std::fs::read_dir(disk.path().join("tmp"))?.count(), 0);
    Ok(())
}

#[test]
fn a_deferred_message_moves_on_and_its_time_is_a_hint_in_the_file() -> Outcome {
    let (_directory, disk) = queue()?;
    put(&disk, id(1), b"content", &envelope(2))?;
    let due = Event::Due {
        at: 1_795_360_400,
        next: 1_795_360_800,
        to: Vec::new(),
    };
    done(&disk, id(1), vec![deferred(vec![0, 1]), due], Then::Keep)?;
    let found: Vec<Found> = Scan::living(&disk).collect::<Result<_, _>>()?;
    let expected = Found {
        id: id(1),
        place: Place::Cur,
        due: 1_795_360_800,
    };
    assert_eq!(found, [expected]);
    let message = Message::open(&disk, id(1))?;
    assert_eq!(message.journal.next_attempt(), Some(1_795_360_800));
    for state in &message.journal.states {
        assert_eq!((state.standing, state.attempts), (Standing::Pending, 1));
        assert_eq!(
            state.last.as_ref().ok_or("no attempt")?.reply,
            b"451 later\r\nplease"
        );
    }
    Ok(())
}

#[test]
fn an_append_after_a_torn_one_begins_on_a_line_of_its_own() -> Outcome {
    let (_directory, disk) = queue()?;
    put(&disk, id(1), b"content", &envelope(2))?;
    done(&disk, id(1), vec![deferred(vec![0])], Then::Keep)?;
    let path = disk.path().join(Place::Cur.path(id(1)));
    let torn = std::fs::OpenOptions::new().write(true).open(&path)?;
    torn.set_len(std::fs::metadata(&path)?.len() - 9)?;
    done(&disk, id(1), vec![deferred(vec![1])], Then::Keep)?;
    let message = Message::open(&disk, id(1))?;
    let attempts: Vec<u32> = message
        .journal
        .states
        .iter()
        .map(|state| state.attempts)
        .collect();
    assert_eq!((attempts, message.journal.skipped), (vec![0, 1], 1));
    Ok(())
}

#[test]
fn a_message_is_held_released_and_removed() -> Outcome {
    let (_directory, disk) = queue()?;
    put(&disk, id(1), b"content", &envelope(1))?;
    done(&disk, id(1), vec![Event::Held { at: 0, by: 0 }], Then::Hold)?;
    assert_eq!(Message::open(&disk, id(1))?.place, Place::Hold);
    done(&disk, id(1), Vec::new(), Then::Hold)?;
    done(
        &disk,
        id(1),
        vec![Event::Released { at: 0, by: 0 }],
        Then::Release,
    )?;
    assert_eq!(Message::open(&disk, id(1))?.place, Place::Cur);
    done(&disk, id(1), Vec::new(), Then::Remove)?;
    assert!(matches!(
        Message::open(&disk, id(1)),
        Err(OpenError::Missing)
    ));
    assert!(matches!(
        done(&disk, id(1), Vec::new(), Then::Remove),
        Err(RecordError::Missing)
    ));
    Ok(())
}

#[test]
fn a_damaged_file_is_said_to_be_damaged_and_set_aside_untouched() -> Outcome {
    let (_directory, disk) = queue()?;
    put(&disk, id(1), b"content", &envelope(1))?;
    let path = disk.path().join(Place::New.path(id(1)));
    let mut bytes = std::fs::read(&path)?;
    *bytes.get_mut(200).ok_or("short")? ^= 1;
    std::fs::remove_file(&path)?;
    std::io::Write::write_all(&mut std::fs::File::create_new(&path)?, &bytes)?;
    let damage = Message::open(&disk, id(1)).err();
    assert!(
        matches!(damage, Some(OpenError::Damaged(Damage::EnvelopeTorn))),
        "{damage:?}"
    );
    done(&disk, id(1), Vec::new(), Then::Bad)?;
    assert_eq!(
        std::fs::read(disk.path().join(Place::Bad.path(id(1))))?,
        bytes
    );
    Ok(())
}

#[test]
fn a_child_that_is_not_there_is_not_named() -> Outcome {
    let (_directory, disk) = queue()?;
    put(&disk, id(1), b"content", &envelope(1))?;
    let child = Event::Child {
        at: 0,
        id: id(2),
        kind: stafette_queue_layout::ChildKind::Failed,
        to: vec![0],
    };
    let result = done(&disk, id(1), vec![child], Then::Remove);
    assert!(
        matches!(result, Err(RecordError::NoSuchChild(_))),
        "{result:?}"
    );
    assert!(Message::open(&disk, id(1))?.journal.children.is_empty());
    Ok(())
}

/// Leaves a drop.
fn leave(disk: &RealDisk, number: u64) -> Outcome {
    let mut draft = Draft::create_in_drop(disk, id(number))?;
    draft.write(b"two\nlines\n")?;
    drop_in(disk, draft.seal(&envelope(1), 0)?)?;
    Ok(())
}

#[test]
fn drops_are_taken_in_under_new_names_and_links_are_not_followed() -> Outcome {
    let (_directory, disk) = queue()?;
    leave(&disk, 1)?;
    leave(&disk, 2)?;
    let drop = disk.path().join("drop");
    symlink("/etc/passwd", drop.join(id(3).as_str()))?;
    std::fs::hard_link(drop.join(id(2).as_str()), drop.join(id(4).as_str()))?;
    let mut next = 10;
    let mut new_id = || {
        next += 1;
        id(next)
    };
    let mut owners = Vec::new();
    let report = take_in(&disk, &mut new_id, &mut |offer| {
        owners.push(offer.uid);
        Admission::Take(offer.envelope.clone())
    })?;
    let taken: Vec<QueueId> = report
        .iter()
        .filter_map(|what| match what {
            TakeIn::Taken { id, .. } => Some(*id),
            _ => None,
        })
        .collect();
    // The file with two names, by both of them, and the link are set aside.
    assert_eq!((taken.len(), report.len()), (1, 4), "{report:?}");
    assert_eq!(owners, [std::fs::metadata(disk.path())?.uid()]);
    let message = Message::open(&disk, *taken.first().ok_or("none")?)?;
    assert_eq!((message.head.octets, message.head.crlf_octets), (10, 12));
    assert_eq!(std::fs::read_dir(drop)?.count(), 0);
    assert_eq!(std::fs::read_dir(disk.path().join("tmp"))?.count(), 0);
    Ok(())
}

#[test]
fn recovery_of_a_sound_queue_does_nothing() -> Outcome {
    let (_directory, disk) = queue()?;
    put(&disk, id(1), b"content", &envelope(1))?;
    let draft = Draft::create(&disk, id(2))?;
    let much_later = i64::MAX / 2;
    assert!(recover(&disk, much_later).is_empty());
    drop(draft);
    Ok(())
}

#[test]
fn a_queue_that_is_there_is_prepared_without_a_change() -> Outcome {
    let (_directory, disk) = queue()?;
    put(&disk, id(1), b"content", &envelope(1))?;
    let again = RealDisk::prepare(disk.path())?;
    assert_eq!(Message::open(&again, id(1))?.id, id(1));
    let mode = std::fs::metadata(disk.path().join("drop"))?
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o3733);
    Ok(())
}
