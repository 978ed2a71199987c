//! Peers that hang, close, babble or change their mind, at each stage.

use stafette_wire::delivery::{Fate, Host};

use crate::instance::{Instance, Names};
use crate::job::{Giver, fates, job, job_for, words};
use crate::peer::{Act, OFFERS, Peer, say};

/// Command prefixes for each stage of a session.
const STAGES: [&str; 6] = ["connect", "EHLO", "MAIL", "RCPT", "DATA", "."];

/// A peer that does `act` at `stage`. Without PIPELINING, so that it is the stage that is waited for.
fn breaking(stage: &'static str, act: Act) -> Peer {
    Peer::new(move |command, _| {
        if command.starts_with(stage) {
            return Some(act.clone());
        }
        command
            .starts_with("EHLO")
            .then(|| say("250 peer.example").unwrap())
    })
}

#[test]
fn a_peer_that_hangs_is_given_up_when_the_time_of_the_stage_is_over() {
    let mut instance = Instance::new();
    let giver = Giver::new(instance.connect());
    for stage in STAGES {
        let peer = breaking(stage, Act::Hang);
        giver.give(job(1, peer.port()));
        peer.wait_for(stage);
        instance.later(599);
        if stage == "." {
            // RFC 5321 section 4.5.3.2.6: ten minutes, of which one second is left.
            assert_eq!(instance.workers().len(), 1);
            instance.later(2);
        }
        let outcome = giver.outcome();
        assert_eq!(fates(&outcome), [(Fate::Deferred, "4.4.2")], "{stage}");
        assert!(words(&outcome).contains("timed out"), "{stage}");
        assert_eq!(outcome.host, Host::Dead, "{stage}");
    }
}

#[test]
fn a_peer_that_closes_costs_a_deferral_at_any_stage() {
    let instance = Instance::new();
    let giver = Giver::new(instance.connect());
    for stage in STAGES {
        for act in [Act::Close, Act::SayAndClose("421 4.3.2 going down".into())] {
            let is_silent = matches!(act, Act::Close);
            let peer = breaking(stage, act);
            let outcome = giver.run(job(1, peer.port()));
            let (fate, status) = fates(&outcome)[0];
            assert_eq!(fate, Fate::Deferred, "{stage}");
            assert_eq!(status, if is_silent { "4.4.2" } else { "4.3.2" });
            assert_eq!(outcome.results[0].from_peer, !is_silent, "{stage}");
        }
    }
}

#[test]
fn a_line_dropped_after_the_final_dot_makes_one_copy_at_most_in_an_attempt() {
    let first = breaking(".", Act::Close);
    let address = format!("127.0.0.2:{}", first.port()).parse().unwrap();
    let backup = Peer::at(address, |_, _| None);
    let names = Names::default()
        .mx("d.example", 10, "first.example")
        .mx("d.example", 20, "backup.example")
        .host("first.example", "127.0.0.1")
        .host("backup.example", "127.0.0.2");
    let instance = Instance::with(names, &[]);
    let giver = Giver::new(instance.connect());
    let outcome = giver.run(job_for(1, "d.example", first.port(), &["a@d.example"]));
    assert_eq!(fates(&outcome), [(Fate::Deferred, "4.4.2")]);
    assert_eq!(first.seen().contents.len(), 1);
    assert_eq!(backup.seen().connections, 0);
}

#[test]
fn a_line_dropped_before_the_final_dot_lets_the_backup_be_tried() {
    let first = breaking("DATA", Act::Close);
    let address = format!("127.0.0.2:{}", first.port()).parse().unwrap();
    let backup = Peer::at(address, |_, _| None);
    let names = Names::default()
        .mx("d.example", 10, "first.example")
        .mx("d.example", 20, "backup.example")
        .host("first.example", "127.0.0.1")
        .host("backup.example", "127.0.0.2");
    let instance = Instance::with(names, &[]);
    let giver = Giver::new(instance.connect());
    let outcome = giver.run(job_for(1, "d.example", first.port(), &["a@d.example"]));
    assert_eq!(fates(&outcome), [(Fate::Delivered, "2.6.0")]);
    assert_eq!(backup.seen().contents.len(), 1);
}

#[test]
fn replies_of_a_thousand_lines_are_taken() {
    let instance = Instance::new();
    let peer = Peer::new(|command, _| {
        let (code, last) = match command.get(..4).unwrap_or(command) {
            "conn" => ("220", "220 peer"),
            "EHLO" => ("250", "250 DSN"),
            "MAIL" | "RCPT" | "." => ("250", "250 2.0.0 ok"),
            "DATA" => ("354", "354 go"),
            _ => return None,
        };
        let line = format!("{code}-words and more words\r\n");
        Some(Act::Say(line.repeat(1_000) + last))
    });
    let giver = Giver::new(instance.connect());
    let outcome = giver.run(job(1, peer.port()));
    assert_eq!(fates(&outcome)[0].0, Fate::Delivered);
    assert_eq!(outcome.results[0].reply.0.len(), 1_000);
}

#[test]
fn an_endless_reply_is_cut_off() {
    let instance = Instance::new();
    let giver = Giver::new(instance.connect());
    for stage in STAGES {
        let peer = breaking(stage, Act::Babble("250-more".into()));
        let outcome = giver.run(job(1, peer.port()));
        assert_eq!(fates(&outcome), [(Fate::Deferred, "4.5.0")], "{stage}");
    }
}

#[test]
fn replies_that_nobody_asked_for_are_not_taken_for_answers() {
    let instance = Instance::new();
    let giver = Giver::new(instance.connect());
    let peer = breaking("RCPT", Act::Say("250 ok\r\n354 go\r\n250 taken".into()));
    let outcome = giver.run(job(1, peer.port()));
    assert_eq!(fates(&outcome), [(Fate::Deferred, "4.5.0")]);
    assert!(peer.seen().contents.is_empty());
}

#[test]
fn a_peer_without_ehlo_is_greeted_with_helo() {
    let instance = Instance::new();
    let peer = Peer::new(|command, _| {
        command
            .starts_with("EHLO")
            .then(|| say("500 what is that").unwrap())
    });
    let giver = Giver::new(instance.connect());
    let outcome = giver.run(job(1, peer.port()));
    assert_eq!(fates(&outcome), [(Fate::Delivered, "2.6.0")]);
    let seen = peer.seen();
    assert_eq!(seen.commands[1], "HELO us.example");
    assert_eq!(seen.commands[2], "MAIL FROM:<sender@us.example>");
    assert!(!outcome.peer_reports);
}

#[test]
fn a_peer_that_invites_without_any_recipient_gets_no_message() {
    let instance = Instance::new();
    let peer = Peer::new(|command, _| match command.get(..4)? {
        "EHLO" => say(OFFERS),
        "RCPT" => say("550 5.1.1 no"),
        _ => None,
    });
    let giver = Giver::new(instance.connect());
    for number in [1, 2] {
        let outcome = giver.run(job(number, peer.port()));
        assert_eq!(fates(&outcome), [(Fate::Failed, "5.1.1")]);
    }
    // RFC 2920 section 3.1: a dot alone, and the connection goes on.
    let seen = peer.seen();
    assert_eq!(seen.contents, [b".\r\n", b".\r\n"]);
    assert_eq!(seen.connections, 1);
}
