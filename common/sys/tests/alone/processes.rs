//! Children, their ends and their signals.

use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::process::Command;
use std::time::Duration;

use stafette_sys::fork::{self, Ended, Pid, fork_child, wait_for};
use stafette_sys::packet::Socket;
use stafette_sys::signal::{Signal, Signals};
use stafette_sys::{fs, limits, poll, signal, user};

use crate::harness::{NOBODY, Test, succeeds};

pub(crate) fn all() -> Vec<Test> {
    let mut all = crate::harness::tests![true;
        a_worker_that_became_a_user_dies_with_its_parent,
        a_user_cannot_become_another,
    ];
    all.extend(crate::harness::tests![false;
        the_code_of_a_child_is_what_its_work_returned,
        a_child_that_panics_ends_with_its_own_code,
        every_child_that_ended_is_reaped_once,
        a_killed_child_is_told_from_one_that_exited,
        the_end_of_a_child_can_be_waited_for_by_poll,
        a_command_dies_with_its_starter,
        signals_arrive_at_the_descriptor,
        a_child_does_not_inherit_blocked_signals,
        termination_sets_a_flag,
        descriptors_beyond_what_the_process_may_open_are_refused_and_closed,
    ]);
    all
}

fn the_code_of_a_child_is_what_its_work_returned() {
    assert_eq!(
        wait_for(fork_child(|| 42).unwrap()).unwrap(),
        Ended::Exited(42)
    );
}

fn a_child_that_panics_ends_with_its_own_code() {
    let child = fork_child(|| {
        std::panic::set_hook(Box::new(|_| {}));
        panic!("on purpose");
    });
    assert_eq!(
        wait_for(child.unwrap()).unwrap(),
        Ended::Exited(fork::PANICKED)
    );
}

fn every_child_that_ended_is_reaped_once() {
    let signals = Signals::block(&[Signal::Child]).unwrap();
    let started = [1, 2, 3].map(|code| (fork_child(move || code).unwrap(), Ended::Exited(code)));
    let mut reaped = Vec::new();
    while reaped.len() < started.len() {
        assert!(poll::readable(&signals, Some(Duration::from_secs(10))).unwrap());
        assert_eq!(signals.next().unwrap(), Some(Signal::Child));
        while let Some(ended) = fork::reap().unwrap() {
            reaped.push(ended);
        }
    }
    reaped.sort_by_key(|(pid, _)| started.iter().position(|(each, _)| each == pid));
    assert_eq!(reaped, started);
    assert_eq!(fork::reap().unwrap(), None);
}

/// A child that lives until it is killed.
fn sleeper() -> Pid {
    fork_child(|| {
        let (one, _two) = Socket::pair().unwrap();
        i32::from(one.recv(&mut [0; 1]).is_ok())
    })
    .unwrap()
}

fn a_killed_child_is_told_from_one_that_exited() {
    let child = sleeper();
    assert_eq!(fork::try_wait(child).unwrap(), None);
    fork::kill(child, Signal::Kill).unwrap();
    assert_eq!(wait_for(child).unwrap(), Ended::Killed(9));
    assert!(wait_for(child).is_err());
}

fn the_end_of_a_child_can_be_waited_for_by_poll() {
    let child = sleeper();
    let watch = fork::watch(child).unwrap();
    assert!(!poll::readable(&watch, Some(Duration::ZERO)).unwrap());
    fork::kill(child, Signal::Term).unwrap();
    assert!(poll::readable(&watch, Some(Duration::from_secs(10))).unwrap());
    assert_eq!(wait_for(child).unwrap(), Ended::Killed(15));
}

/// Starts a parent, which starts a worker by `start` that holds the pipe open, kills the parent, and waits for the worker's end.
fn worker_ends_with_parent(start: impl FnOnce(&OwnedFd)) {
    fork::adopt_orphans().unwrap();
    let (reader, writer) = fs::pipe().unwrap();
    let (near, far) = Socket::pair().unwrap();
    let parent = fork_child(|| {
        start(&writer);
        far.send(b"started", &[]).unwrap();
        i32::from(far.recv(&mut [0; 1]).is_ok())
    });
    drop(writer);
    near.recv(&mut [0; 10]).unwrap();
    assert!(!poll::readable(&reader, Some(Duration::ZERO)).unwrap());
    fork::kill(parent.unwrap(), Signal::Kill).unwrap();
    assert!(poll::readable(&reader, Some(Duration::from_secs(10))).unwrap());
}

fn a_worker_that_became_a_user_dies_with_its_parent() {
    worker_ends_with_parent(|_| {
        let (ready, tell) = Socket::pair().unwrap();
        fork_child(move || {
            fork::die_with_parent().unwrap();
            user::become_user(NOBODY, NOBODY, &[]).unwrap();
            tell.send(b"ready", &[]).unwrap();
            i32::from(tell.recv(&mut [0; 1]).is_ok())
        })
        .unwrap();
        ready.recv(&mut [0; 10]).unwrap();
        std::mem::forget(ready);
    });
}

fn a_command_dies_with_its_starter() {
    worker_ends_with_parent(|writer| {
        // `cat` reads from a pipe that stays open, and holds the test's pipe as its standard output.
        let (input, hold) = fs::pipe().unwrap();
        let mut command = Command::new("cat");
        command.stdin(input).stdout(writer.try_clone().unwrap());
        std::mem::forget(
            fork::command_dies_with_parent(&mut command)
                .spawn()
                .unwrap(),
        );
        std::mem::forget(hold);
    });
}

fn a_user_cannot_become_another() {
    user::become_user(NOBODY, NOBODY, &[]).unwrap();
    assert!(user::become_user(1, 1, &[]).is_err());
    assert_eq!(user::effective_uid(), NOBODY);
}

fn signals_arrive_at_the_descriptor() {
    let signals = Signals::block(&[Signal::Term, Signal::Hup]).unwrap();
    assert_eq!(signals.next().unwrap(), None);
    fork::kill(Pid::own(), Signal::Hup).unwrap();
    assert!(poll::readable(&signals, None).unwrap());
    assert_eq!(signals.next().unwrap(), Some(Signal::Hup));
    assert_eq!(signals.next().unwrap(), None);
}

fn a_child_does_not_inherit_blocked_signals() {
    let _signals = Signals::block(&[Signal::Term]).unwrap();
    let child = sleeper();
    fork::kill(child, Signal::Term).unwrap();
    assert_eq!(wait_for(child).unwrap(), Ended::Killed(15));
}

fn termination_sets_a_flag() {
    signal::catch_termination().unwrap();
    assert!(!signal::terminated());
    fork::kill(Pid::own(), Signal::Term).unwrap();
    assert!(signal::terminated());
    assert!(succeeds(|| assert!(signal::terminated())));
}

fn descriptors_beyond_what_the_process_may_open_are_refused_and_closed() {
    let (one, two) = Socket::pair().unwrap();
    let (reader, writer) = fs::pipe().unwrap();
    one.send(b"x", &[writer.as_fd(); 50]).unwrap();
    drop(writer);
    limits::Limits {
        files: Some(30),
        ..limits::Limits::default()
    }
    .apply()
    .unwrap();
    two.set_max_fds(100);
    assert_eq!(
        two.recv(&mut [0; 10]).unwrap_err().kind(),
        ErrorKind::InvalidData
    );
    assert_eq!(std::fs::File::from(reader).read(&mut [0; 1]).unwrap(), 0);
}
