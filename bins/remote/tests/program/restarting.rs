//! Programs that die and come back.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use stafette_sys::fork::{self, Pid};
use stafette_sys::packet::{MAX_PACKET, Socket};
use stafette_sys::signal::Signal;
use stafette_wire::Packet;
use stafette_wire::delivery::{Fate, FromDelivery, ToDelivery};

use crate::instance::Instance;
use crate::job::{Giver, fates, job};
use crate::peer::{Act, Peer};

const STRANGER: &str = "STAFETTE_TEST_STRANGER";

fn hanging() -> Peer {
    Peer::new(|command, _| command.starts_with("MAIL").then_some(Act::Hang))
}

#[test]
fn a_send_that_comes_back_is_told_what_runs_and_what_has_ended() {
    let mut instance = Instance::new();
    let (quick, slow) = (Peer::friendly(), hanging());
    let old = Giver::new(instance.connect());
    old.give(job(1, slow.port()));
    slow.wait_for("MAIL");
    old.give(job(2, quick.port()));
    assert_eq!(old.unacknowledged().job, 2);
    drop(old);
    let (new, running) = Giver::greeted(instance.connect());
    let running: Vec<u64> = running.iter().map(|each| each.job).collect();
    assert_eq!(running, [1]);
    let outcome = new.outcome();
    assert_eq!(outcome.job, 2);
    assert_eq!(fates(&outcome), [(Fate::Delivered, "2.6.0")]);
    instance.later(601);
    assert_eq!(new.outcome().job, 1);
    drop(new);
    let (last, running) = Giver::greeted(instance.connect());
    assert!(running.is_empty());
    assert_eq!(quick.seen().contents.len(), 1);
    last.run(job(3, quick.port()));
}

#[test]
fn a_job_that_nobody_had_read_when_its_send_died_is_told_to_the_next() {
    let instance = Instance::new();
    let slow = hanging();
    let old = Giver::new(instance.connect());
    // More than workers can have and than may wait for them: the rest lies in the socket.
    for number in 1..=60 {
        old.give(job(number, slow.port()));
    }
    drop(old);
    let (_new, mut running) = Giver::greeted(instance.connect());
    running.sort_by_key(|each| each.job);
    let running: Vec<u64> = running.iter().map(|each| each.job).collect();
    assert_eq!(running, (1..=60).collect::<Vec<u64>>());
}

#[test]
fn a_job_that_runs_is_not_started_a_second_time() {
    let mut instance = Instance::new();
    let slow = hanging();
    let giver = Giver::new(instance.connect());
    giver.give(job(1, slow.port()));
    slow.wait_for("MAIL");
    giver.give(job(1, slow.port()));
    instance.later(601);
    giver.outcome();
    assert_eq!(slow.seen().connections, 1);
}

#[test]
fn the_death_of_a_worker_is_no_attempt() {
    let instance = Instance::new();
    let slow = hanging();
    let giver = Giver::new(instance.connect());
    for death in 1..4 {
        giver.give(job(1, slow.port()));
        slow.wait_until(|seen| seen.count("MAIL") == death);
        for worker in instance.workers() {
            fork::kill(Pid::new(worker).unwrap(), Signal::Kill).unwrap();
        }
        // The third death over one message counts as an attempt.
        let fate = if death < 3 { Fate::Cut } else { Fate::Deferred };
        assert_eq!(fates(&giver.outcome()), [(fate, "4.3.0")]);
    }
    let quick = Peer::friendly();
    assert_eq!(
        fates(&giver.run(job(2, quick.port()))),
        [(Fate::Delivered, "2.6.0")]
    );
}

#[test]
fn workers_die_with_their_parent() {
    let mut instance = Instance::new();
    let slow = hanging();
    let giver = Giver::new(instance.connect());
    giver.give(job(1, slow.port()));
    slow.wait_for("MAIL");
    let workers = instance.workers();
    assert_eq!(workers.len(), 1);
    instance.end("-KILL");
    let is_alive = |pid: &i32| {
        let pid = pid.to_string();
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        !stat.is_empty() && !stat.contains(") Z ")
    };
    while workers.iter().any(is_alive) {
        std::thread::yield_now();
    }
}

#[test]
fn the_program_ends_when_it_is_told_to() {
    let mut instance = Instance::new();
    let peer = Peer::friendly();
    let giver = Giver::new(instance.connect());
    giver.run(job(1, peer.port()));
    assert_eq!(instance.end("-TERM"), Some(0));
}

#[test]
fn a_ping_is_answered_on_a_connection_of_its_own() {
    let instance = Instance::new();
    let giver = Giver::new(instance.connect());
    giver.0.send(&ToDelivery::Ping {}.encode(), &[]).unwrap();
    assert_eq!(giver.hear(), FromDelivery::Pong {});
}

#[test]
fn a_connection_that_makes_no_sense_is_closed_and_harms_nobody() {
    let (instance, peer) = (Instance::new(), Peer::friendly());
    let good = Giver::new(instance.connect());
    let descriptorless = ToDelivery::Job {
        job: job(1, peer.port()),
    };
    for packet in [b"\xff".to_vec(), descriptorless.encode()] {
        let bad = Giver::new(instance.connect());
        bad.0.send(&packet, &[]).unwrap();
        let mut buffer = vec![0; MAX_PACKET];
        assert_eq!(bad.0.recv(&mut buffer).unwrap().0, 0);
    }
    assert_eq!(fates(&good.run(job(2, peer.port())))[0].0, Fate::Delivered);
}

/// Not a test of its own: what the next one runs as another user.
#[test]
fn stranger() {
    if let Some(path) = std::env::var_os(STRANGER) {
        let socket = Socket::connect(std::path::Path::new(&path)).unwrap();
        let received = socket.recv(&mut [0; 4096]);
        assert!(!matches!(received, Ok((1.., _))), "{received:?}");
    }
}

#[test]
fn nobody_else_may_give_jobs() {
    let instance = Instance::new();
    let stranger = std::env::current_exe().unwrap();
    let started = Command::new(stranger)
        .args(["--exact", "restarting::stranger"])
        .env(STRANGER, instance.socket())
        .uid(65_533)
        .gid(65_533)
        .status();
    // Only root can be somebody else, and only where others may run what root has built.
    match started {
        Ok(status) => assert!(status.success()),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied),
    }
}
