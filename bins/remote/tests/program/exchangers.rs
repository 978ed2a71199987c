//! Which hosts are tried, and what is said if there is none.

use stafette_wire::delivery::{Fate, Host};

use crate::instance::{Instance, Names};
use crate::job::{Giver, fates, job_for, words};
use crate::peer::{Peer, say};

fn at(ip: &str, port: u16) -> std::net::SocketAddr {
    format!("{ip}:{port}").parse().unwrap()
}

/// Two exchangers of d.example on one port, the first at 127.0.0.1, the backup at 127.0.0.2.
fn names() -> Names {
    Names::default()
        .mx("d.example", 10, "first.example")
        .mx("d.example", 20, "backup.example")
        .host("first.example", "127.0.0.1")
        .host("backup.example", "127.0.0.2")
}

#[test]
fn the_backup_is_used_when_the_primary_exchanger_is_dead() {
    let backup = Peer::at(at("127.0.0.2", 0), |_, _| None);
    let instance = Instance::with(names(), &[]);
    let giver = Giver::new(instance.connect());
    let outcome = giver.run(job_for(1, "d.example", backup.port(), &["a@d.example"]));
    assert_eq!(fates(&outcome), [(Fate::Delivered, "2.6.0")]);
    let relay = format!("backup.example[127.0.0.2]:{}", backup.port());
    assert_eq!((outcome.relay, outcome.host), (relay, Host::Alive));
}

#[test]
fn the_backup_is_used_when_the_primary_exchanger_turns_everybody_away() {
    for greeting in ["554 5.7.1 no mail here", "421 too busy"] {
        let first =
            Peer::new(move |command, _| (command == "connect").then(|| say(greeting).unwrap()));
        let backup = Peer::at(at("127.0.0.2", first.port()), |_, _| None);
        let instance = Instance::with(names(), &[]);
        let giver = Giver::new(instance.connect());
        let outcome = giver.run(job_for(1, "d.example", first.port(), &["a@d.example"]));
        assert_eq!(fates(&outcome), [(Fate::Delivered, "2.6.0")]);
        assert_eq!(backup.seen().contents.len(), 1);
    }
}

#[test]
fn a_refused_recipient_is_not_tried_at_the_backup() {
    let first = Peer::new(|command, _| match command.get(..4)? {
        "RCPT" => say("451 4.7.1 later"),
        _ => None,
    });
    let backup = Peer::at(at("127.0.0.2", first.port()), |_, _| None);
    let instance = Instance::with(names(), &[]);
    let giver = Giver::new(instance.connect());
    let outcome = giver.run(job_for(1, "d.example", first.port(), &["a@d.example"]));
    assert_eq!(fates(&outcome), [(Fate::Deferred, "4.7.1")]);
    assert_eq!(backup.seen().connections, 0);
}

#[test]
fn a_destination_that_nobody_answers_for_is_dead() {
    let port = Peer::at(at("127.0.0.9", 0), |_, _| None).port();
    let instance = Instance::with(names(), &[]);
    let giver = Giver::new(instance.connect());
    let outcome = giver.run(job_for(1, "d.example", port, &["a@d.example"]));
    assert_eq!(fates(&outcome), [(Fate::Deferred, "4.4.1")]);
    assert!(words(&outcome).starts_with("backup.example[127.0.0.2]:"));
    assert_eq!(outcome.host, Host::Dead);
    assert!(!outcome.results[0].from_peer);
}

#[test]
fn a_greeting_that_refuses_defers_and_never_fails() {
    let peer = Peer::new(|command, _| match command {
        "connect" => say("554 5.7.1 no mail here"),
        _ => None,
    });
    let instance = Instance::new();
    let giver = Giver::new(instance.connect());
    let outcome = giver.run(job_for(1, "[127.0.0.1]", peer.port(), &["a@d.example"]));
    assert_eq!(fates(&outcome), [(Fate::Deferred, "4.7.1")]);
    assert_eq!(words(&outcome), "554 5.7.1 no mail here");
    assert_eq!(outcome.host, Host::Dead);
}

#[test]
fn destinations_without_a_host_get_their_verdict_without_a_connection() {
    let names = Names::default()
        .mx("null.example", 0, "")
        .mx("loop.example", 10, "us.example")
        .mx("lost.example", 10, "nowhere.example");
    let instance = Instance::with(names, &[]);
    let giver = Giver::new(instance.connect());
    for (domain, status) in [
        ("null.example", "5.1.10"),
        ("loop.example", "5.4.6"),
        ("lost.example", "5.4.4"),
        ("unknown.example", "5.1.2"),
    ] {
        let outcome = giver.run(job_for(1, domain, 25, &["a@d.example"]));
        assert_eq!(fates(&outcome), [(Fate::Failed, status)], "{domain}");
        assert_eq!(outcome.host, Host::Unknown);
        assert_eq!(outcome.relay, "");
    }
}

#[test]
fn our_own_smtpd_under_another_name_is_a_loop() {
    let peer = Peer::friendly();
    let names = Names::default()
        .mx("d.example", 10, "alias.example")
        .host("alias.example", "127.0.0.1");
    let listen = format!("127.0.0.1:{}", peer.port());
    let instance = Instance::with(names, &[("smtplisten", &listen)]);
    let giver = Giver::new(instance.connect());
    let outcome = giver.run(job_for(1, "d.example", peer.port(), &["a@d.example"]));
    assert_eq!(fates(&outcome), [(Fate::Failed, "5.4.6")]);
    assert_eq!(words(&outcome), "mail for d.example loops back to myself");
    assert_eq!(peer.seen().connections, 0);
}
