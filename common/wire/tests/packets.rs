//! Every packet survives encoding and decoding, and no bytes are believed that are not exactly one packet.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use stafette_addr::{Mailbox, ReversePath};
use stafette_wire::clean::{FromClean, ToClean};
use stafette_wire::delivery::{Content, FromDelivery, Job, JobRecipient, NextHop, ToDelivery};
use stafette_wire::envelope::{Body, Bytes, Notify, Recipient, Ret, Sender};
use stafette_wire::operator::{FromSend, ToSend};
use stafette_wire::resolve::{FromResolve, ToResolve};
use stafette_wire::submission::{FromQueue, Origin, ToQueue, content};
use stafette_wire::tables::{FromTables, ToTables};
use stafette_wire::users::{FromUsers, ToUsers};
use stafette_wire::{MAX_PACKET, Packet, QueueId, WireError};

fn mailbox(text: &str) -> Mailbox {
    Mailbox::parse(text.as_bytes()).unwrap()
}

fn recipient() -> Recipient {
    Recipient {
        mailbox: mailbox("b@example.org"),
        notify: Some(Notify {
            success: true,
            failure: false,
            delay: true,
        }),
        orcpt: Some(Bytes::from("rfc822;\n\0")),
        expanded: stafette_wire::envelope::Expanded::Lines,
    }
}

fn job() -> Job {
    Job {
        job: u64::MAX,
        id: QueueId::new(12, [3; 9]),
        from: ReversePath::Null,
        recipients: vec![
            JobRecipient {
                index: 7,
                recipient: recipient()
            };
            3
        ],
        next_hop: Some(NextHop {
            line: "l".into(),
            host: "h".into(),
            port: 25,
            mx: true,
            protocol: stafette_wire::delivery::Protocol::Smtp,
        }),
        body: Body::EightBit,
        smtputf8: true,
        ret: Some(Ret::Headers),
        envid: None,
        content: Content {
            offset: 128,
            octets: 5,
            crc32: 9,
            crlf_octets: 6,
        },
        add: vec![Bytes::from("Received: x")],
    }
}

#[test]
fn a_job_arrives_as_it_was_sent() {
    let packet = ToDelivery::Job { job: job() };
    assert_eq!(ToDelivery::decode(&packet.encode()), Ok(packet));
}

#[test]
fn a_mail_arrives_as_it_was_sent() {
    let packet = ToQueue::Mail {
        sender: Sender {
            from: ReversePath::Mailbox(mailbox("a@example.org")),
            body: Body::SevenBit,
            smtputf8: false,
            ret: None,
            envid: Some(Bytes::from("x")),
            verp: false,
        },
        size: 77,
        origin: Origin {
            protocol: "ESMTP".into(),
            helo: Bytes::from("me"),
            address: Some("2001:db8::1".parse().unwrap()),
            name: Bytes::default(),
        },
        parent: Some(QueueId::new(1, [1; 9])),
    };
    assert_eq!(ToQueue::decode(&packet.encode()), Ok(packet));
}

#[test]
fn one_byte_less_or_more_is_an_error() {
    let good = ToDelivery::Job { job: job() }.encode();
    for cut in 0..good.len() {
        assert!(ToDelivery::decode(&good[..cut]).is_err(), "cut at {cut}");
    }
    let mut more = good;
    more.push(0);
    assert_eq!(ToDelivery::decode(&more), Err(WireError::LeftOver));
}

#[test]
fn a_false_count_or_length_reserves_nothing() {
    let mut lie = ToClean::Record {
        seq: 1,
        id: QueueId::new(1, [1; 9]),
        events: Vec::new(),
        then: stafette_wire::clean::Then::Keep,
    }
    .encode();
    let end = lie.len();
    lie[end - 5..end - 1].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(ToClean::decode(&lie).is_err());
    assert_eq!(
        ToClean::decode(&vec![b'R'; MAX_PACKET + 1]),
        Err(WireError::TooLong)
    );
}

#[test]
fn content_is_read_in_place() {
    assert_eq!(content(b"Dabc\n"), Some(&b"abc\n"[..]));
    assert_eq!(content(b"Cabc"), None);
    assert_eq!(content(b""), None);
}

#[test]
fn an_address_with_a_line_end_is_no_address() {
    let mut packet = ToUsers::Check {
        seq: 1,
        mailbox: mailbox("abc@example.org"),
    }
    .encode();
    let at = packet.iter().position(|byte| *byte == b'b').unwrap();
    packet[at] = b'\n';
    assert_eq!(
        ToUsers::decode(&packet),
        Err(WireError::BadValue("mailbox"))
    );
}

/// What decodes must encode to the same bytes: a packet has exactly one form.
fn canonical<P: Packet>(bytes: &[u8]) {
    if let Ok(packet) = P::decode(bytes) {
        assert_eq!(
            P::decode(&packet.encode()).ok().map(|again| again.encode()),
            Some(packet.encode())
        );
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_packet_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..300), kind in proptest::sample::select(b"MRCASPGQNOLHTEZKUFJDI".to_vec())) {
        let mut bytes = bytes;
        bytes.insert(0, kind);
        canonical::<ToQueue>(&bytes);
        canonical::<FromQueue>(&bytes);
        canonical::<ToUsers>(&bytes);
        canonical::<FromUsers>(&bytes);
        canonical::<ToDelivery>(&bytes);
        canonical::<FromDelivery>(&bytes);
        canonical::<ToClean>(&bytes);
        canonical::<FromClean>(&bytes);
        canonical::<ToSend>(&bytes);
        canonical::<FromSend>(&bytes);
        canonical::<ToResolve>(&bytes);
        canonical::<FromResolve>(&bytes);
        canonical::<ToTables>(&bytes);
        canonical::<FromTables>(&bytes);
    }

    #[test]
    fn a_damaged_job_never_panics(at in 0usize..200, byte in any::<u8>()) {
        let mut bytes = ToDelivery::Job { job: job() }.encode();
        let length = bytes.len();
        bytes[at % length] = byte;
        canonical::<ToDelivery>(&bytes);
    }
}
