//! LMTP (RFC 2033): a verdict for each recipient after the content.

use std::sync::mpsc::channel;
use std::time::Duration;

use stafette_sys::poll::readable;
use stafette_wire::delivery::{Fate, Host, Job, Protocol};

use crate::instance::{Instance, Names};
use crate::job::{Giver, fates, job_for, words};
use crate::peer::{Act, Peer, say};

fn lmtp_to(number: u64, host: &str, port: u16, recipients: &[&str]) -> Job {
    let mut job = job_for(number, host, port, recipients);
    let hop = job.next_hop.as_mut().unwrap();
    (hop.mx, hop.protocol) = (false, Protocol::Lmtp);
    job
}

fn lmtp(number: u64, port: u16, recipients: &[&str]) -> Job {
    lmtp_to(number, "[127.0.0.1]", port, recipients)
}

const THREE: [&str; 3] = ["a@d.example", "b@d.example", "c@d.example"];

#[test]
fn each_accepted_recipient_has_a_verdict_of_its_own_in_the_order_of_rcpt() {
    let instance = Instance::new();
    let peer = Peer::new(|command, _| match command {
        "RCPT TO:<b@d.example>" => say("550 5.1.1 no such user"),
        ". <c@d.example>" => say("452 4.2.2 over quota"),
        ". <d@d.example>" => say("554-5.6.0 bad\r\n554 5.6.0 message"),
        _ => None,
    });
    let giver = Giver::new(instance.connect());
    let to = [
        "a@d.example",
        "b@d.example",
        "c@d.example",
        "d@d.example",
        "e@d.example",
    ];
    let outcome = giver.run(lmtp(1, peer.port(), &to));
    assert_eq!(
        fates(&outcome),
        [
            (Fate::Delivered, "2.0.0"),
            (Fate::Failed, "5.1.1"),
            (Fate::Deferred, "4.2.2"),
            (Fate::Failed, "5.6.0"),
            (Fate::Delivered, "2.0.0"),
        ]
    );
    assert_eq!(outcome.results[2].reply.0, b"452 4.2.2 over quota");
    assert!(outcome.results.iter().all(|each| each.from_peer));
    assert_eq!(outcome.relay, format!("[127.0.0.1]:{}", peer.port()));
    assert!(outcome.peer_reports && outcome.host == Host::Alive);
    let seen = peer.seen();
    assert_eq!(seen.commands[0], "LHLO us.example");
    assert_eq!((seen.count("EHLO"), seen.contents.len()), (0, 1));
}

#[test]
fn a_unix_socket_takes_mail_and_keeps_its_session() {
    let instance = Instance::new();
    let path = instance.folder().join("lmtp");
    let peer = Peer::on_socket(&path, |_, _| None);
    let giver = Giver::new(instance.connect());
    for number in 0..5 {
        let mut job = lmtp_to(
            number,
            path.to_str().unwrap(),
            0,
            &["a@d.example", "b@d.example"],
        );
        job.next_hop.as_mut().unwrap().protocol = Protocol::LmtpUnix;
        let outcome = giver.run(job);
        assert_eq!(fates(&outcome), [(Fate::Delivered, "2.0.0"); 2]);
        assert_eq!(outcome.relay, format!("lmtp:{}", path.display()));
    }
    let seen = peer.seen();
    assert_eq!((seen.connections, seen.contents.len()), (1, 5));
    assert_eq!(seen.contents[0], b"Subject: test\r\n\r\nhello\r\n.\r\n");
}

#[test]
fn a_socket_that_nobody_serves_defers_the_mail() {
    let instance = Instance::new();
    let giver = Giver::new(instance.connect());
    let mut job = lmtp_to(1, "/nonexistent/lmtp", 0, &["a@d.example"]);
    job.next_hop.as_mut().unwrap().protocol = Protocol::LmtpUnix;
    let outcome = giver.run(job);
    assert_eq!(fates(&outcome), [(Fate::Deferred, "4.4.1")]);
    assert!(words(&outcome).starts_with("lmtp:/nonexistent/lmtp: unable to connect: "));
    assert_eq!(outcome.host, Host::Dead);
}

#[test]
fn recipients_without_a_reply_wait_and_nobody_gets_the_message_elsewhere() {
    for (last, status) in [
        (Act::Close, "4.4.2"),
        (Act::SayAndClose("421 4.3.2 going down".into()), "4.3.2"),
        (Act::SayAndClose("nonsense".into()), "4.5.0"),
    ] {
        let instance = Instance::new();
        let peer =
            Peer::new(move |command, _| (command == ". <b@d.example>").then(|| last.clone()));
        let giver = Giver::new(instance.connect());
        let outcome = giver.run(lmtp(1, peer.port(), &THREE));
        assert_eq!(
            fates(&outcome),
            [
                (Fate::Delivered, "2.0.0"),
                (Fate::Deferred, status),
                (Fate::Deferred, status)
            ]
        );
        let seen = peer.seen();
        assert_eq!((seen.connections, seen.contents.len()), (1, 1));
    }
}

#[test]
fn a_server_that_is_silent_after_the_first_reply_is_given_up() {
    let mut instance = Instance::new();
    let (reached, waiting) = channel();
    let peer = Peer::new(move |command, _| {
        (command == ". <b@d.example>").then(|| {
            reached.send(()).unwrap();
            Act::Hang
        })
    });
    let giver = Giver::new(instance.connect());
    giver.give(lmtp(1, peer.port(), &THREE));
    waiting.recv().unwrap();
    // The wait for this reply may begin before or after the clock is moved.
    while !readable(&giver.0, Some(Duration::from_millis(200))).unwrap() {
        instance.later(601);
    }
    let outcome = giver.outcome();
    assert_eq!(
        fates(&outcome),
        [
            (Fate::Delivered, "2.0.0"),
            (Fate::Deferred, "4.4.2"),
            (Fate::Deferred, "4.4.2")
        ]
    );
}

#[test]
fn more_replies_than_recipients_end_the_session_and_judge_nobody() {
    let instance = Instance::new();
    let peer = Peer::new(|command, seen| {
        let is_first = command == ". <a@d.example>" && seen.contents.len() == 1;
        is_first.then(|| Act::Say("250 2.0.0 saved\r\n550 5.0.0 and again".into()))
    });
    let giver = Giver::new(instance.connect());
    for number in [1, 2] {
        let outcome = giver.run(lmtp(number, peer.port(), &["a@d.example"]));
        assert_eq!(fates(&outcome), [(Fate::Delivered, "2.0.0")]);
    }
    assert_eq!(peer.seen().connections, 2);
}

#[test]
fn a_refused_lhlo_is_no_reason_to_say_helo() {
    let instance = Instance::new();
    let peer = Peer::new(|command, _| {
        command
            .starts_with("LHLO")
            .then(|| Act::Say("500 5.5.1 this is SMTP".into()))
    });
    let giver = Giver::new(instance.connect());
    let outcome = giver.run(lmtp(1, peer.port(), &["a@d.example"]));
    assert_eq!(fates(&outcome), [(Fate::Deferred, "4.5.1")]);
    assert_eq!(peer.seen().count("HELO"), 0);
}

#[test]
fn an_invitation_without_recipients_ends_the_session() {
    let instance = Instance::new();
    let peer = Peer::new(|command, seen| {
        let is_first = command.starts_with("RCPT") && seen.count("MAIL") == 1;
        is_first.then(|| Act::Say("550 5.1.1 no".into()))
    });
    let giver = Giver::new(instance.connect());
    let first = giver.run(lmtp(1, peer.port(), &["a@d.example"]));
    assert_eq!(fates(&first), [(Fate::Failed, "5.1.1")]);
    let second = giver.run(lmtp(2, peer.port(), &["a@d.example"]));
    assert_eq!(fates(&second), [(Fate::Delivered, "2.0.0")]);
    assert_eq!(peer.seen().connections, 2);
}

#[test]
fn a_server_beside_our_own_smtpd_is_no_loop() {
    let peer = Peer::friendly();
    let listen = format!("127.0.0.1:{}", peer.port());
    let names = Names::default().host("us.example", "127.0.0.1");
    let instance = Instance::with(names, &[("smtplisten", &listen)]);
    let giver = Giver::new(instance.connect());
    for (number, host) in [(1, "[127.0.0.1]"), (2, "us.example")] {
        let outcome = giver.run(lmtp_to(number, host, peer.port(), &["a@d.example"]));
        assert_eq!(fates(&outcome), [(Fate::Delivered, "2.0.0")], "{host}");
    }
    let smtp = giver.run(job_for(3, "[127.0.0.1]", peer.port(), &["a@d.example"]));
    assert_eq!(fates(&smtp), [(Fate::Failed, "5.4.6")]);
}
