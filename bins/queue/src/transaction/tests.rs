use super::*;
use stafette_addr::{Mailbox, ReversePath};
use std::time::Duration;

const USER: Client = Client::User(1000);
const SMTPD: Client = Client::Service { is_send: false };

fn desk(directory: &tempfile::TempDir) -> Desk {
    let rules = Rules {
        me: "me.test".into(),
        databytes: 1000,
        injectbytes: 100,
        maxrecipients: 2,
        maxhops: 3,
        minfree: 0,
        injectconnections: 1,
        injectperuser: 1,
        injecttimeout: Duration::from_secs(1),
    };
    let queue = directory.path().join("queue");
    Desk {
        disk: RealDisk::prepare(&queue).unwrap(),
        rules,
        room: Room::new(queue, 0),
        is_drop: false,
    }
}

fn sender() -> Sender {
    Sender {
        from: ReversePath::Null,
        body: Body::SevenBit,
        smtputf8: false,
        ret: None,
        envid: None,
        verp: false,
    }
}

fn origin() -> Origin {
    Origin {
        protocol: "ESMTP".into(),
        helo: "x".into(),
        address: None,
        name: "".into(),
    }
}

fn recipient(name: &str) -> Recipient {
    Recipient {
        mailbox: Mailbox::parse(name.as_bytes()).unwrap(),
        notify: None,
        orcpt: None,
        expanded: Expanded::No,
    }
}

fn begin(desk: &Desk, client: Client) -> Transaction {
    Transaction::begin(desk, client, sender(), 0, origin(), None).unwrap()
}

fn files(directory: &tempfile::TempDir) -> usize {
    std::fs::read_dir(directory.path().join("queue/tmp"))
        .unwrap()
        .count()
}

#[test]
fn a_message_becomes_ready_with_what_its_content_turned_out_to_be() {
    let directory = tempfile::tempdir().unwrap();
    let desk = desk(&directory);
    let mut transaction = begin(&desk, SMTPD);
    transaction.recipient(&desk, recipient("a@x.test"));
    transaction.recipient(&desk, recipient("a@x.test"));
    transaction.content(&desk, b"Subject: \xc3\xbc\n\n");
    transaction.content(&desk, b"x\n");
    let ready = transaction.finish(&desk, 15).unwrap();
    assert_eq!(
        (ready.summary.recipients, ready.summary.crlf_octets),
        (1, 18)
    );
    assert_eq!(ready.summary.sender.body, Body::EightBit);
    assert_eq!(files(&directory), 1);
    drop(ready);
    assert_eq!(files(&directory), 0, "what was never flushed goes");
}

#[test]
fn each_rule_that_is_broken_voids_the_message_and_its_file() {
    type Act = fn(&Desk, &mut Transaction);
    let acts: [(Act, Refusal); 6] = [
        (|desk, t| t.content(desk, &[b'a'; 101]), Refusal::TooBig),
        (|desk, t| t.content(desk, &[b'\n'; 60]), Refusal::TooBig),
        (
            |desk, t| (0..3).for_each(|n| t.recipient(desk, recipient(&format!("{n}@x.test")))),
            Refusal::TooManyRecipients,
        ),
        (
            |desk, t| t.content(desk, b"Received: a\nReceived: b\nDelivered-To: c\n\n"),
            Refusal::NotAllowed,
        ),
        (
            |desk, t| {
                t.recipient(
                    desk,
                    Recipient {
                        orcpt: Some(vec![b'a'; 501].as_slice().into()),
                        ..recipient("a@x.test")
                    },
                );
            },
            Refusal::NotAllowed,
        ),
        (
            |_, t| {
                t.envelope(Sender {
                    envid: Some(vec![b'a'; 101].as_slice().into()),
                    ..sender()
                });
            },
            Refusal::NotAllowed,
        ),
    ];
    let directory = tempfile::tempdir().unwrap();
    let desk = desk(&directory);
    for (number, (act, refusal)) in acts.into_iter().enumerate() {
        let mut transaction = begin(&desk, USER);
        act(&desk, &mut transaction);
        assert_eq!(files(&directory), 0, "act {number}");
        transaction.recipient(&desk, recipient("late@x.test"));
        let octets = transaction.octets;
        assert_eq!(
            transaction.finish(&desk, octets).unwrap_err().0.refusal,
            refusal,
            "act {number}"
        );
    }
}

#[test]
fn a_service_has_its_own_size_and_counts_hops_itself() {
    let directory = tempfile::tempdir().unwrap();
    let desk = desk(&directory);
    let mut transaction = begin(&desk, SMTPD);
    transaction.recipient(&desk, recipient("a@x.test"));
    transaction.content(&desk, "Received: x\n".repeat(20).as_bytes());
    assert!(transaction.finish(&desk, 240).is_ok());
}

#[test]
fn what_is_not_complete_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let desk = desk(&directory);
    let mut transaction = begin(&desk, USER);
    transaction.recipient(&desk, recipient("a@x.test"));
    transaction.content(&desk, b"abc");
    assert_eq!(
        transaction.finish(&desk, 4).unwrap_err().0.refusal,
        Refusal::NotAllowed
    );
    assert_eq!(
        begin(&desk, USER).finish(&desk, 0).unwrap_err().0.reason,
        "no recipients"
    );
}

#[test]
fn only_send_makes_children_and_nobody_announces_too_much() {
    let directory = tempfile::tempdir().unwrap();
    let desk = desk(&directory);
    let parent = Some(QueueId::new(1, [0; 9]));
    let child = |client| Transaction::begin(&desk, client, sender(), 0, origin(), parent);
    assert_eq!(child(SMTPD).unwrap_err().refusal, Refusal::NotAllowed);
    assert_eq!(child(USER).unwrap_err().refusal, Refusal::NotAllowed);
    assert!(child(Client::Service { is_send: true }).is_ok());
    let announced = Transaction::begin(&desk, USER, sender(), 101, origin(), None);
    assert_eq!(announced.unwrap_err().refusal, Refusal::TooBig);
    let full = Desk {
        room: Room::new(directory.path().into(), u64::MAX),
        ..desk
    };
    assert_eq!(
        Transaction::begin(&full, SMTPD, sender(), 0, origin(), None)
            .unwrap_err()
            .refusal,
        Refusal::NoSpace
    );
}

#[test]
fn a_report_is_taken_however_little_others_may_send() {
    let directory = tempfile::tempdir().unwrap();
    let desk = desk(&directory);
    let send = Client::Service { is_send: true };
    let parent = Some(QueueId::new(1, [0; QueueId::CHANCE]));
    let mut report = Transaction::begin(&desk, send, sender(), 0, origin(), parent).unwrap();
    report.recipient(&desk, recipient("a@x.test"));
    report.content(&desk, &[b'a'; 5000]);
    assert!(report.finish(&desk, 5000).is_ok());
}

#[test]
fn only_a_child_has_recipients_that_are_expanded_and_it_may_have_many() {
    let directory = tempfile::tempdir().unwrap();
    let desk = desk(&directory);
    let expanded = |name: &str, expanded| Recipient {
        expanded,
        ..recipient(name)
    };
    for client in [USER, SMTPD, Client::Service { is_send: true }] {
        let mut transaction = begin(&desk, client);
        transaction.recipient(&desk, expanded("a@x.test", Expanded::Mailbox));
        let (refused, _) = *transaction.finish(&desk, 0).unwrap_err();
        assert_eq!(refused.refusal, Refusal::NotAllowed);
    }
    let send = Client::Service { is_send: true };
    let parent = new_id().ok();
    let mut child = Transaction::begin(&desk, send, sender(), 0, origin(), parent).unwrap();
    child.recipient(&desk, expanded("a@x.test", Expanded::Mailbox));
    child.recipient(&desk, expanded("a@x.test", Expanded::Lines));
    child.recipient(&desk, expanded("a@x.test", Expanded::Lines));
    child.recipient(&desk, recipient("b@x.test"));
    assert_eq!(child.finish(&desk, 0).unwrap().summary.recipients, 3);
}
