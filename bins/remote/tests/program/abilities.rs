//! What the peer can and what the message needs.

use stafette_addr::{Mailbox, ReversePath};
use stafette_wire::delivery::{Bytes, Fate, Host};
use stafette_wire::envelope::{Body, Notify, Ret};

use crate::instance::Instance;
use crate::job::{Giver, TEXT, fates, job};
use crate::peer::{Peer, say};

/// A peer that offers exactly this.
fn offering(offers: &'static str) -> Peer {
    Peer::new(move |command, _| command.starts_with("EHLO").then(|| say(offers).unwrap()))
}

#[test]
fn dsn_parameters_go_to_a_peer_that_knows_them_and_to_no_other() {
    let instance = Instance::new();
    let giver = Giver::new(instance.connect());
    for (peer, knows) in [
        (Peer::friendly(), true),
        (offering("250-x\r\n250 PIPELINING"), false),
    ] {
        let mut job = job(1, peer.port());
        job.ret = Some(Ret::Headers);
        job.envid = Some(Bytes::from("id+1"));
        job.recipients[0].recipient.notify = Some(Notify {
            success: true,
            failure: true,
            delay: false,
        });
        job.recipients[0].recipient.orcpt = Some(Bytes::from("rfc822;first@d.example"));
        let outcome = giver.run(job);
        assert_eq!(fates(&outcome)[0].0, Fate::Delivered);
        assert_eq!(outcome.peer_reports, knows);
        let seen = peer.seen();
        let (mail, rcpt) = (&seen.commands[1], &seen.commands[2]);
        assert_eq!(mail.ends_with(" RET=HDRS ENVID=id+2B1"), knows, "{mail}");
        let parameters = " NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;first@d.example";
        assert_eq!(rcpt.ends_with(parameters), knows, "{rcpt}");
    }
}

#[test]
fn a_message_that_is_too_large_is_not_sent() {
    let instance = Instance::new();
    let peer = offering("250-x\r\n250 SIZE 10");
    let giver = Giver::new(instance.connect());
    let outcome = giver.run(job(1, peer.port()));
    assert_eq!(fates(&outcome), [(Fate::Failed, "5.3.4")]);
    assert_eq!(outcome.host, Host::Alive);
    assert_eq!(peer.seen().count("MAIL"), 0);
}

#[test]
fn the_announced_size_is_that_of_what_is_sent() {
    let (instance, peer) = (Instance::new(), Peer::friendly());
    let giver = Giver::new(instance.connect());
    let mut job = job(1, peer.port());
    job.add = vec![Bytes::from("A: b\n c")];
    giver.run(job);
    let seen = peer.seen();
    let size = seen.contents[0].len() - ".\r\n".len();
    assert!(
        seen.commands[1].contains(&format!(" SIZE={size}")),
        "{seen:?}"
    );
}

#[test]
fn content_of_eight_bits_needs_8bitmime() {
    let instance = Instance::new();
    let giver = Giver::new(instance.connect());
    for (peer, status) in [
        (Peer::friendly(), "2.6.0"),
        (offering("250-x\r\n250 PIPELINING"), "5.6.3"),
    ] {
        let mut job = job(1, peer.port());
        job.body = Body::EightBit;
        giver.give_with(job, "Subject: x\n\nä\n".as_bytes());
        assert_eq!(fates(&giver.outcome())[0].1, status);
        let asked = peer
            .seen()
            .commands
            .iter()
            .any(|line| line.contains(" BODY=8BITMIME"));
        assert_eq!(asked, status == "2.6.0");
    }
}

#[test]
fn addresses_in_other_scripts_need_smtputf8() {
    let instance = Instance::new();
    let giver = Giver::new(instance.connect());
    for (peer, status) in [
        (Peer::friendly(), "2.6.0"),
        (offering("250-x\r\n250 8BITMIME"), "5.6.7"),
    ] {
        let mut job = job(1, peer.port());
        job.smtputf8 = true;
        job.recipients[0].recipient.mailbox =
            Mailbox::parse("jürgen@d.example".as_bytes()).unwrap();
        assert_eq!(fates(&giver.run(job))[0].1, status);
        let asked = peer
            .seen()
            .commands
            .iter()
            .any(|line| line.contains(" SMTPUTF8"));
        assert_eq!(asked, status == "2.6.0");
    }
}

#[test]
fn a_domain_alone_in_another_script_is_sent_as_ascii() {
    let instance = Instance::new();
    let giver = Giver::new(instance.connect());
    let peer = offering("250 x");
    let mut job = job(1, peer.port());
    job.from = ReversePath::parse("a@bücher.example".as_bytes()).unwrap();
    assert_eq!(fates(&giver.run(job))[0].0, Fate::Delivered);
    assert_eq!(
        peer.seen().commands[1],
        "MAIL FROM:<a@xn--bcher-kva.example>"
    );
}

#[test]
fn damaged_content_is_reported_and_never_ended_with_a_dot() {
    let (instance, peer) = (Instance::new(), Peer::friendly());
    let giver = Giver::new(instance.connect());
    let large = b"0123456789\n".repeat(100_000);
    for text in [TEXT, &large] {
        let mut job = job(1, peer.port());
        job.content.offset = 7;
        job.content.octets = text.len() as u64;
        job.content.crc32 = crc32fast::hash(text) ^ 1;
        giver.give_as_it_is(job, text);
        let outcome = giver.outcome();
        assert!(outcome.damaged);
        assert_eq!(fates(&outcome), [(Fate::Deferred, "4.3.0")]);
    }
    assert!(peer.seen().contents.is_empty());
}

#[test]
fn an_intact_message_follows_a_damaged_one() {
    let (instance, peer) = (Instance::new(), Peer::friendly());
    let giver = Giver::new(instance.connect());
    let mut damaged = job(1, peer.port());
    damaged.content.octets = 1_000_000;
    giver.give_as_it_is(damaged, TEXT);
    assert!(giver.outcome().damaged);
    assert_eq!(
        fates(&giver.run(job(2, peer.port()))),
        [(Fate::Delivered, "2.6.0")]
    );
}
