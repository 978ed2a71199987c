//! Messages that arrive, and recipients that are judged one by one.

use stafette_addr::ReversePath;
use stafette_wire::delivery::{Bytes, Fate, Host};

use crate::instance::Instance;
use crate::job::{Giver, fates, job, job_for, words};
use crate::peer::{Act, Peer, say};

#[test]
fn a_message_arrives_octet_for_octet() {
    let (instance, peer) = (Instance::new(), Peer::friendly());
    let giver = Giver::new(instance.connect());
    let mut job = job(1, peer.port());
    job.add = vec![
        Bytes::from("Received: by us;\n\tnow"),
        Bytes::from("X-A: b"),
    ];
    giver.give_with(job, b"Subject: x\n\n.dot\n..\nlast\xff without end");
    let outcome = giver.outcome();
    assert_eq!(fates(&outcome), [(Fate::Delivered, "2.6.0")]);
    assert_eq!(words(&outcome), "250 2.6.0 taken");
    assert!(outcome.results[0].from_peer);
    assert_eq!(outcome.results[0].index, 10);
    assert_eq!(outcome.host, Host::Alive);
    assert!(outcome.peer_reports);
    let relay = format!("[127.0.0.1]:{}", peer.port());
    assert_eq!(outcome.relay, relay);
    let seen = peer.seen();
    let content = b"Received: by us;\r\n\tnow\r\nX-A: b\r\nSubject: x\r\n\r\n..dot\r\n...\r\nlast\xff without end\r\n.\r\n";
    assert_eq!(seen.contents, [content.to_vec()]);
    assert_eq!(seen.commands[0], "EHLO us.example");
    assert!(
        seen.commands[1].starts_with("MAIL FROM:<sender@us.example> SIZE="),
        "{seen:?}"
    );
    assert_eq!(seen.commands[2], "RCPT TO:<one@d.example>");
}

#[test]
fn a_large_message_arrives_octet_for_octet() {
    let (instance, peer) = (Instance::new(), Peer::friendly());
    let giver = Giver::new(instance.connect());
    let text = b".0123456789\n".repeat(200_000);
    giver.give_with(job(1, peer.port()), &text);
    assert_eq!(fates(&giver.outcome()), [(Fate::Delivered, "2.6.0")]);
    let mut wire = b"..0123456789\r\n".repeat(200_000);
    wire.extend_from_slice(b".\r\n");
    assert!(peer.seen().contents == [wire]);
}

#[test]
fn accepted_deferred_and_refused_recipients_of_one_message_are_told_apart() {
    let instance = Instance::new();
    let peer = Peer::new(|command, _| match command {
        "RCPT TO:<full@d.example>" => say("452 4.2.2 mailbox full"),
        "RCPT TO:<gone@d.example>" => say("550-5.1.1 no such user\r\n550 5.1.1 here"),
        "RCPT TO:<old@d.example>" => say("551 moved"),
        _ => None,
    });
    let giver = Giver::new(instance.connect());
    let to = [
        "gone@d.example",
        "good@d.example",
        "full@d.example",
        "old@d.example",
    ];
    let outcome = giver.run(job_for(1, "[127.0.0.1]", peer.port(), &to));
    assert_eq!(
        fates(&outcome),
        [
            (Fate::Failed, "5.1.1"),
            (Fate::Delivered, "2.6.0"),
            (Fate::Deferred, "4.2.2"),
            (Fate::Failed, "5.0.0"),
        ]
    );
    let reply = &outcome.results[0].reply.0;
    assert_eq!(reply, b"550 5.1.1 no such user 5.1.1 here");
    assert_eq!(outcome.host, Host::Alive);
    assert_eq!(peer.seen().contents.len(), 1);
}

#[test]
fn greylisted_mail_is_deferred_and_delivered_at_the_next_attempt() {
    let instance = Instance::new();
    let peer = Peer::new(|command, seen| {
        (command.starts_with("RCPT") && seen.count("RCPT") == 1)
            .then(|| Act::Say("451 4.7.1 greylisted".to_owned()))
    });
    let giver = Giver::new(instance.connect());
    let first = giver.run(job(1, peer.port()));
    assert_eq!(fates(&first), [(Fate::Deferred, "4.7.1")]);
    assert_eq!(first.host, Host::Alive);
    let second = giver.run(job(1, peer.port()));
    assert_eq!(fates(&second), [(Fate::Delivered, "2.6.0")]);
    assert_eq!(words(&second), "250 2.6.0 taken");
}

#[test]
fn a_thousand_recipients_travel_in_one_transaction() {
    let (instance, peer) = (Instance::new(), Peer::friendly());
    let giver = Giver::new(instance.connect());
    let to: Vec<String> = (0..1_000).map(|n| format!("r{n}@d.example")).collect();
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    let outcome = giver.run(job_for(1, "[127.0.0.1]", peer.port(), &to));
    assert_eq!(outcome.results.len(), 1_000);
    assert!(
        outcome
            .results
            .iter()
            .all(|each| each.fate == Fate::Delivered)
    );
    let seen = peer.seen();
    assert_eq!(
        (seen.count("MAIL"), seen.count("RCPT"), seen.count("DATA")),
        (1, 1_000, 1)
    );
}

#[test]
fn a_refused_sender_is_a_verdict_for_every_recipient() {
    let instance = Instance::new();
    let peer = Peer::new(|command, _| match command.get(..4)? {
        "MAIL" => say("550 5.7.1 not from you"),
        "RCPT" | "DATA" => say("503 5.5.1 MAIL first"),
        _ => None,
    });
    let giver = Giver::new(instance.connect());
    let mut job = job_for(
        1,
        "[127.0.0.1]",
        peer.port(),
        &["a@d.example", "b@d.example"],
    );
    job.from = ReversePath::Null;
    let outcome = giver.run(job);
    assert_eq!(
        fates(&outcome),
        [(Fate::Failed, "5.7.1"), (Fate::Failed, "5.7.1")]
    );
    assert!(peer.seen().commands[1].starts_with("MAIL FROM:<> "));
    assert!(peer.seen().contents.is_empty());
}

#[test]
fn a_refused_message_is_a_verdict_for_those_recipients_that_were_accepted() {
    for (at, reply, fate, status) in [
        ("DATA", "451 4.3.0 not now", Fate::Deferred, "4.3.0"),
        (".", "554 5.6.0 bad message", Fate::Failed, "5.6.0"),
        (".", "452 disk full", Fate::Deferred, "4.0.0"),
    ] {
        let instance = Instance::new();
        let peer = Peer::new(move |command, _| {
            if command == "RCPT TO:<gone@d.example>" {
                return say("550 5.1.1 no");
            }
            (command == at).then(|| Act::Say(reply.to_owned()))
        });
        let giver = Giver::new(instance.connect());
        let to = ["gone@d.example", "good@d.example"];
        let outcome = giver.run(job_for(1, "[127.0.0.1]", peer.port(), &to));
        assert_eq!(fates(&outcome), [(Fate::Failed, "5.1.1"), (fate, status)]);
    }
}
