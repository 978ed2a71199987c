//! Addresses as other hosts see them.

use std::time::{Duration, Instant};

use stafette_addr::ReversePath;
use stafette_control::Instance as Directories;
use stafette_wire::delivery::{Bytes, Fate, Protocol};

use crate::instance::{Instance, Names};
use crate::job::{Giver, fates, job, words};
use crate::peer::Peer;

const TEXT: &[u8] = b"Received: from us.example\nFrom: \"Joe (us.example)\" <joe@us.example>\nTo: ann@us.example,\n bob@them.example\nSubject: joe@us.example\n\n.joe@us.example\n";

/// Compiles the tables, as the program for that does.
fn compile(instance: &Instance) {
    let path = |name| instance.folder().join(name);
    let directories = Directories {
        etc: path("etc"),
        spool: path("spool"),
        run: path("run"),
    };
    assert!(stafette_table::compile(&directories, false).is_good());
}

/// Sends the text and gives back what MAIL said and the content as the peer has it.
fn sent(instance: &Instance) -> (String, String) {
    let peer = Peer::friendly();
    let giver = Giver::new(instance.connect());
    giver.give_with(job(1, peer.port()), TEXT);
    assert_eq!(fates(&giver.outcome()), [(Fate::Delivered, "2.6.0")]);
    let seen = peer.seen();
    assert_eq!(
        (seen.count("MAIL"), seen.contents.len()),
        (1, 1),
        "exactly one copy"
    );
    let mail = seen.commands.iter().find(|line| line.starts_with("MAIL"));
    let content = String::from_utf8(seen.contents[0].clone()).unwrap();
    (mail.unwrap().clone(), content)
}

fn wire(from: &str, to: &str) -> String {
    format!(
        "Received: from us.example\r\nFrom: \"Joe (us.example)\" <{from}>\r\nTo: {to},\r\n bob@them.example\r\nSubject: joe@us.example\r\n\r\n..joe@us.example\r\n.\r\n"
    )
}

#[test]
fn senders_are_masqueraded_and_nothing_else() {
    let instance = Instance::with(Names::default(), &[("masquerade", "visible.example\n")]);
    let (mail, content) = sent(&instance);
    let wanted = wire("joe@visible.example", "ann@us.example");
    assert_eq!(content, wanted);
    // Without the dot that was doubled and the final line.
    let size = wanted.len() - 4;
    assert!(
        mail.starts_with(&format!("MAIL FROM:<sender@us.example> SIZE={size}")),
        "{mail}"
    );
}

#[test]
fn recipients_and_the_envelope_are_masqueraded_if_asked() {
    let settings = [
        ("masquerade", "visible.example\n"),
        ("allmasquerade", "1\n"),
        ("masqueradeenvelope", "1\n"),
        ("masqueradeexceptions", "root\njoe\n"),
    ];
    let instance = Instance::with(Names::default(), &settings);
    let (mail, content) = sent(&instance);
    assert!(
        mail.starts_with("MAIL FROM:<sender@visible.example> "),
        "{mail}"
    );
    assert_eq!(content, wire("joe@us.example", "ann@visible.example"));
}

#[test]
fn a_compiled_genericstable_counts_without_a_restart() {
    let instance = Instance::new();
    assert_eq!(sent(&instance).1, wire("joe@us.example", "ann@us.example"));
    instance.set("genericstable", "joe Joe.Doe@firm.example\n");
    compile(&instance);
    let end = Instant::now() + Duration::from_secs(20);
    let wanted = wire("Joe.Doe@firm.example", "ann@us.example");
    while sent(&instance).1 != wanted {
        assert!(Instant::now() < end);
    }
    instance.unset("genericstable");
    compile(&instance);
    while sent(&instance).1 == wanted {
        assert!(Instant::now() < end);
    }
}

#[test]
fn a_genericstable_that_is_not_compiled_yet_makes_mail_wait() {
    let instance = Instance::with(Names::default(), &[("genericstable", "joe x@y.example\n")]);
    let peer = Peer::friendly();
    let giver = Giver::new(instance.connect());
    giver.give_with(job(1, peer.port()), TEXT);
    let outcome = giver.outcome();
    assert_eq!(fates(&outcome), [(Fate::Deferred, "4.3.0")]);
    assert!(
        words(&outcome).contains("genericstable"),
        "{}",
        words(&outcome)
    );
    assert_eq!(peer.seen().connections, 0);
}

#[test]
fn a_host_with_one_relay_for_everything_needs_no_word_about_the_envelope() {
    let settings = [
        ("smtproutes", ":relay.example\n"),
        ("masquerade", "visible.example\n"),
    ];
    let instance = Instance::with(Names::default(), &settings);
    let (mail, content) = sent(&instance);
    assert!(
        mail.starts_with("MAIL FROM:<sender@visible.example> "),
        "{mail}"
    );
    assert_eq!(content, wire("joe@visible.example", "ann@us.example"));
}

#[test]
fn added_fields_are_masqueraded_too_and_the_null_sender_stays() {
    let settings = [
        ("masquerade", "visible.example\n"),
        ("masqueradeenvelope", "1\n"),
    ];
    let instance = Instance::with(Names::default(), &settings);
    let peer = Peer::friendly();
    let giver = Giver::new(instance.connect());
    let mut job = job(1, peer.port());
    job.from = ReversePath::Null;
    job.add = vec![Bytes::from("Resent-From: a@us.example,\n\tb@us.example")];
    giver.give_with(job, b"\nbody\n");
    assert_eq!(fates(&giver.outcome()), [(Fate::Delivered, "2.6.0")]);
    let seen = peer.seen();
    assert!(seen.commands[1].starts_with("MAIL FROM:<> "));
    assert_eq!(
        seen.contents[0],
        b"Resent-From: a@visible.example,\r\n\tb@visible.example\r\n\r\nbody\r\n.\r\n"
    );
}

#[test]
fn final_delivery_by_lmtp_shows_the_addresses_as_they_are() {
    let instance = Instance::with(Names::default(), &[("masquerade", "visible.example\n")]);
    let peer = Peer::friendly();
    let giver = Giver::new(instance.connect());
    let mut job = job(1, peer.port());
    let hop = job.next_hop.as_mut().unwrap();
    (hop.mx, hop.protocol) = (false, Protocol::Lmtp);
    giver.give_with(job, TEXT);
    assert_eq!(fates(&giver.outcome()), [(Fate::Delivered, "2.0.0")]);
    let wanted = wire("joe@us.example", "ann@us.example");
    assert_eq!(peer.seen().contents, [wanted.into_bytes()]);
}
