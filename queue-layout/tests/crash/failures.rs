//! A disk that fails at one operation and lives on: errors are told, nothing is lost, and a restart puts all in order.

use stafette_queue_layout::sim::{Breadth, SimDisk};
use stafette_queue_layout::{Message, Record, Recorder, Scan, Then, Verdict};

use crate::explore::{INTERRUPTIONS, Judge, Script};
use crate::post::{accept, attempt, leave, send_all, take};
use crate::world::{NOW, World};

/// ENOSPC and EIO.
const ERRORS: [i32; 2] = [28, 5];

/// Lets each operation of `script` fail in turn, then looks at what a kill and what a loss of power would leave.
fn assert_survives(script: Script) {
    let mut judge = Judge::new(None);
    for error in ERRORS {
        for operation in 1.. {
            let (disk, mut world) = (SimDisk::new(), World::default());
            disk.set_clock(NOW);
            disk.fail_at(operation, error);
            script(&disk, &mut world);
            let mut found = disk.crashes(Breadth::Full);
            found.push(disk.killed());
            for found in found {
                let judged = judge.judge(&found, &world, INTERRUPTIONS);
                judged.unwrap_or_else(|what| {
                    panic!(
                        "error {error} at operation {operation}: {what}: {:#?}",
                        found.paths()
                    )
                });
            }
            if disk.operations() < operation {
                break;
            }
        }
    }
}

#[test]
fn a_failure_while_accepting_makes_the_message_void_or_leaves_it_whole() {
    assert_survives(|disk, world| {
        accept(disk, world, &[("one", &["ok"]), ("two", &["ok"])]);
    });
}

#[test]
fn a_failure_while_recording_forgets_nothing() {
    assert_survives(|disk, world| {
        accept(
            disk,
            world,
            &[("one", &["ok", "late", "fail"]), ("two", &["ok"])],
        );
        send_all(disk, world);
    });
}

#[test]
fn a_failure_while_taking_in_neither_loses_nor_doubles() {
    assert_survives(|disk, world| {
        leave(disk, world, "one", &["ok"]);
        leave(disk, world, "two", &["ok"]);
        drop(take(disk, world));
        send_all(disk, world);
    });
}

#[test]
fn what_could_not_be_written_is_recorded_when_asked_again_unless_a_flush_failed() {
    let (mut recovered, mut distrusted) = (0, 0);
    for error in ERRORS {
        for operation in 1.. {
            let (disk, mut world) = (SimDisk::new(), World::default());
            accept(&disk, &mut world, &[("one", &["late"])]);
            let id = Scan::living(&disk).next().unwrap().unwrap().id;
            let record = [Record {
                id,
                events: vec![attempt(0, Verdict::Deferred)],
                then: Then::Keep,
            }];
            let failing = disk.operations() + operation;
            disk.fail_at(failing, error);
            let mut recorder = Recorder::new(&disk);
            let first = recorder.record(&record).remove(0);
            if disk.operations() < failing {
                break;
            }
            let again = recorder.record(&record).remove(0);
            assert_eq!(again.is_err(), recorder.distrusts(), "{first:?} {again:?}");
            distrusted += usize::from(again.is_err());
            if again.is_ok() {
                recovered += usize::from(first.is_err());
                for found in disk.crashes(Breadth::Full) {
                    let message = Message::open(&found, id).unwrap();
                    let attempts = message.journal.states[0].attempts;
                    assert!(attempts >= 1, "error {error} at operation {operation}");
                }
            }
        }
    }
    assert!(recovered > 0 && distrusted > 0, "{recovered} {distrusted}");
}
