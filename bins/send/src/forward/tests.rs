use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use stafette_queue_layout::{Envelope, Journal, Place};
use stafette_sys::packet::Listener;
use stafette_wire::delivery::{Bytes, Content};
use stafette_wire::envelope::{Body, Expanded, Ret};
use stafette_wire::submission::{FromQueue, Origin, ToQueue, content};
use stafette_wire::{MAX_PACKET, Packet, QueueId};

use super::*;

const TEXT: &[u8] = b"Subject: x\nDelivered-To: here@me.example\n\nbody\n";

fn mailbox(text: &str) -> Mailbox {
    Mailbox::parse(text.as_bytes()).unwrap()
}

fn recipient(text: &str) -> Recipient {
    Recipient {
        mailbox: mailbox(text),
        notify: None,
        orcpt: None,
        expanded: Expanded::Mailbox,
    }
}

/// A message to `to` with `text` for content.
fn message(to: &str, text: &[u8]) -> Loaded {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"head\n").unwrap();
    file.write_all(text).unwrap();
    let octets = u64::try_from(text.len()).unwrap();
    let envelope = Envelope {
        arrived: 0,
        origin: Origin {
            protocol: "ESMTP".into(),
            helo: Bytes::default(),
            address: None,
            name: Bytes::default(),
        },
        uid: None,
        parent: None,
        sender: Sender {
            from: ReversePath::parse(b"a@b.example").unwrap(),
            body: Body::SevenBit,
            smtputf8: false,
            ret: Some(Ret::Full),
            envid: Some("q".into()),
            verp: false,
        },
        recipients: vec![recipient(to)],
        add: vec!["Received: by me".into()],
    };
    Loaded {
        key: QueueId::new(1, [1; 9]).into(),
        place: Place::New,
        content: Content {
            offset: 5,
            octets,
            crc32: crc32fast::hash(TEXT),
            crlf_octets: octets,
        },
        journal: Journal {
            states: Vec::new(),
            envelope,
            children: Vec::new(),
            skipped: 0,
            unknown: 0,
        },
        file: Some(Arc::new(OwnedFd::from(file))),
    }
}

fn order(to: &str, text: &[u8]) -> ForwardOrder {
    let message = message(to, text);
    let from = message.journal.envelope.sender.from.clone();
    ForwardOrder {
        sender: sender(&message, from, false),
        message,
        number: 1,
        protocol: FORWARD,
        to: vec![0],
        parts: vec![Part {
            recipients: vec![recipient("x@far.example")],
            delivered_to: vec![mailbox(to)],
        }],
    }
}

/// What queue heard: the sender, the recipients, the content, and whether it was to be kept.
type Heard = (Option<Sender>, Vec<Recipient>, Vec<u8>, bool);

/// A queue that takes one message.
fn queue(folder: &tempfile::TempDir) -> (PathBuf, JoinHandle<Heard>) {
    let path = folder.path().join("queue/socket");
    let listener = Listener::bind(&path, 0o600).unwrap();
    let thread = std::thread::spawn(move || {
        let socket = listener.accept().unwrap();
        let mut heard: Heard = (None, Vec::new(), Vec::new(), false);
        let mut buffer = vec![0; MAX_PACKET];
        loop {
            let length = match socket.recv(&mut buffer) {
                Ok((length, _)) if length > 0 => length,
                _ => return heard,
            };
            let packet = &buffer[..length];
            if let Some(piece) = content(packet) {
                heard.2.extend_from_slice(piece);
                continue;
            }
            let answer = match ToQueue::decode(packet).unwrap() {
                ToQueue::Mail { sender, parent, .. } => {
                    assert_eq!(parent, Some(QueueId::new(1, [1; 9])));
                    heard.0 = Some(sender);
                    FromQueue::Go {}
                }
                ToQueue::Recipient { recipient } => {
                    heard.1.push(recipient);
                    continue;
                }
                ToQueue::Commit { octets, .. } => {
                    assert_eq!(octets, u64::try_from(heard.2.len()).unwrap());
                    heard.3 = true;
                    FromQueue::Queued {
                        id: QueueId::new(2, [2; 9]),
                    }
                }
                other => panic!("{other:?}"),
            };
            socket.send(&answer.encode(), &[]).unwrap();
        }
    });
    (path, thread)
}

#[test]
fn a_child_is_the_parent_with_what_happened_to_it_in_front() {
    let folder = tempfile::tempdir().unwrap();
    let (path, thread) = queue(&folder);
    let made = make(&path, &order("team@me.example", TEXT));
    assert_eq!(
        made,
        Forwarded::Queued(vec![QueueId::new(2, [2; 9]).into()])
    );
    let (sender, recipients, content, is_kept) = thread.join().unwrap();
    assert!(is_kept);
    assert_eq!(recipients, [recipient("x@far.example")]);
    assert_eq!(sender.unwrap().envid, Some("q".into()));
    let front = b"Delivered-To: team@me.example\nReceived: by me\n";
    assert_eq!(content, [&front[..], TEXT].concat());
}

#[test]
fn a_damaged_content_makes_no_child() {
    for text in [&TEXT[..TEXT.len() - 1], &TEXT.to_ascii_uppercase()] {
        let folder = tempfile::tempdir().unwrap();
        let (path, thread) = queue(&folder);
        let made = make(&path, &order("team@me.example", text));
        assert_eq!(made, Forwarded::Damaged);
        assert!(!thread.join().unwrap().3);
    }
}

#[test]
fn a_message_that_was_here_before_makes_no_child_and_neither_does_one_without_queue() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nobody");
    let made = make(&path, &order("here@me.example", TEXT));
    assert_eq!(made, Forwarded::Looped(vec![0]));
    let made = make(&path, &order("team@me.example", TEXT));
    assert!(matches!(made, Forwarded::Later(_)), "{made:?}");
}

#[test]
fn only_who_keeps_the_reverse_path_keeps_the_wishes() {
    let message = message("team@me.example", TEXT);
    let owner = ReversePath::parse(b"owner-team@me.example").unwrap();
    let listed = sender(&message, owner, true);
    assert_eq!((listed.ret, listed.envid, listed.verp), (None, None, true));
    let same = sender(&message, ReversePath::parse(b"a@b.example").unwrap(), false);
    assert_eq!(same.ret, Some(Ret::Full));
}
