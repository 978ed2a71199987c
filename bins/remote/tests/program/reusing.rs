//! Connections that are kept for the next message.

use stafette_wire::delivery::Fate;

use crate::instance::Instance;
use crate::job::{Giver, fates, job};
use crate::peer::{Act, Peer, say};

#[test]
fn messages_to_one_destination_share_a_connection() {
    let (instance, peer) = (Instance::new(), Peer::friendly());
    let giver = Giver::new(instance.connect());
    for number in 0..20 {
        let outcome = giver.run(job(number, peer.port()));
        assert_eq!(fates(&outcome), [(Fate::Delivered, "2.6.0")]);
    }
    let seen = peer.seen();
    assert_eq!(
        (seen.connections, seen.count("EHLO"), seen.count("MAIL")),
        (1, 1, 20)
    );
}

#[test]
fn a_connection_carries_a_hundred_messages_and_no_more() {
    let (instance, peer) = (Instance::new(), Peer::friendly());
    let giver = Giver::new(instance.connect());
    for number in 0..150 {
        giver.run(job(number, peer.port()));
    }
    assert_eq!(peer.seen().connections, 2);
    peer.wait_for("QUIT");
}

#[test]
fn nothing_of_a_refused_message_is_left_for_the_next_one() {
    let instance = Instance::new();
    let peer = Peer::new(|command, seen| match command.get(..4)? {
        "RCPT" if seen.count("RCPT") == 1 => say("550 5.1.1 no"),
        "DATA" if seen.count("DATA") == 1 => say("554 5.5.1 no valid recipients"),
        _ => None,
    });
    let giver = Giver::new(instance.connect());
    let first = giver.run(job(1, peer.port()));
    assert_eq!(fates(&first), [(Fate::Failed, "5.1.1")]);
    let second = giver.run(job(2, peer.port()));
    assert_eq!(fates(&second), [(Fate::Delivered, "2.6.0")]);
    let seen = peer.seen();
    assert_eq!((seen.connections, seen.count("RSET")), (1, 1));
    let reset = seen.commands.iter().position(|line| line == "RSET");
    assert!(seen.commands[reset.unwrap() + 1].starts_with("MAIL"));
}

#[test]
fn a_peer_that_closes_between_messages_costs_no_attempt() {
    for last_words in [Act::Close, Act::SayAndClose("421 4.4.2 idle".into())] {
        let instance = Instance::new();
        // The second message meets a connection that ends when it is used.
        let peer = Peer::new(move |command, seen| {
            let again = command.starts_with("MAIL") && seen.count("MAIL") == 2;
            again.then(|| last_words.clone())
        });
        let giver = Giver::new(instance.connect());
        for number in [1, 2] {
            let outcome = giver.run(job(number, peer.port()));
            assert_eq!(fates(&outcome), [(Fate::Delivered, "2.6.0")]);
        }
        assert_eq!(peer.seen().connections, 2);
    }
}

#[test]
fn a_peer_that_closed_before_the_next_message_is_not_asked_again() {
    let instance = Instance::new();
    let peer = Peer::new(|command, _| {
        (command == ".").then(|| Act::SayAndClose("250 2.0.0 taken, and bye".into()))
    });
    let giver = Giver::new(instance.connect());
    for number in 0..10 {
        let outcome = giver.run(job(number, peer.port()));
        assert_eq!(fates(&outcome), [(Fate::Delivered, "2.0.0")]);
    }
    assert_eq!(peer.seen().connections, 10);
}

#[test]
fn an_idle_connection_is_ended_politely() {
    let (instance, peer) = (Instance::new(), Peer::friendly());
    let giver = Giver::new(instance.connect());
    giver.run(job(1, peer.port()));
    peer.wait_for("QUIT");
}

#[test]
fn jobs_run_side_by_side_up_to_the_limit_and_the_rest_waits() {
    let instance = Instance::with(
        crate::instance::Names::default(),
        &[("concurrencyremote", "3")],
    );
    let peer = Peer::new(|command, seen| {
        let slow = command == "connect" && seen.connections <= 3;
        slow.then_some(Act::Hang)
    });
    let giver = Giver::new(instance.connect());
    for number in 0..3 {
        giver.give(job(number, peer.port()));
    }
    peer.wait_until(|seen| seen.connections == 3);
    assert_eq!(instance.workers().len(), 3);
    let quick = Peer::friendly();
    giver.give(job(9, quick.port()));
    let mut instance = instance;
    instance.later(301);
    let mut ended: Vec<u64> = (0..4).map(|_| giver.outcome().job).collect();
    ended.sort_unstable();
    assert_eq!(ended, [0, 1, 2, 9]);
    assert_eq!(quick.seen().contents.len(), 1);
}
