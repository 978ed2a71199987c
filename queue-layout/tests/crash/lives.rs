//! Recording: outcomes, moves, children, removals.

use stafette_queue_layout::sim::SimDisk;
use stafette_queue_layout::{Event, Record, Recorder, Scan, Then, Verdict};
use stafette_wire::QueueId;

use crate::explore::assert_holds;
use crate::post::{accept, attempt, bounce, note, record, send_all};
use crate::world::{NOW, Wanted, World};

fn living(disk: &SimDisk) -> Vec<QueueId> {
    let mut ids: Vec<QueueId> = Scan::living(disk)
        .filter_map(|found| Some(found.ok()?.id))
        .collect();
    ids.sort_unstable();
    ids
}

#[test]
fn a_message_is_delivered_and_removed_once() {
    assert_holds(|disk, world| {
        accept(disk, world, &[("one", &["ok"])]);
        send_all(disk, world);
    });
}

#[test]
fn a_deferred_message_waits_and_then_goes() {
    assert_holds(|disk, world| {
        accept(disk, world, &[("one", &["late"])]);
        send_all(disk, world);
    });
}

#[test]
fn a_recipient_that_is_done_stays_done_while_others_wait() {
    assert_holds(|disk, world| {
        accept(disk, world, &[("one", &["ok", "late", "okay", "later"])]);
        send_all(disk, world);
    });
}

#[test]
fn a_bounce_comes_into_being_exactly_once() {
    assert_holds(|disk, world| {
        accept(disk, world, &[("one", &["fail"])]);
        send_all(disk, world);
    });
}

#[test]
fn a_message_to_an_alias_goes_on_as_each_child_exactly_once() {
    assert_holds(|disk, world| {
        accept(disk, world, &[("one", &["alias"])]);
        send_all(disk, world);
    });
}

#[test]
fn an_alias_among_others_is_expanded_exactly_once() {
    assert_holds(|disk, world| {
        accept(disk, world, &[("one", &["ok", "alias", "late"])]);
        send_all(disk, world);
    });
}

#[test]
fn a_message_with_every_outcome_is_told_to_the_end() {
    assert_holds(|disk, world| {
        accept(disk, world, &[("one", &["ok", "late", "fail"])]);
        send_all(disk, world);
    });
}

#[test]
fn records_that_share_their_flushes_hold_as_single_ones_do() {
    assert_holds(|disk, world| {
        accept(
            disk,
            world,
            &[
                ("one", &["ok", "late"]),
                ("two", &["fail", "late"]),
                ("three", &["ok"]),
            ],
        );
        batch_of_all(disk, world);
        send_all(disk, world);
    });
}

/// One batch: a deferral, a failure with its bounce, a removal, and one message twice.
fn batch_of_all(disk: &SimDisk, world: &mut World) {
    let [one, two, three] = living(disk)[..] else {
        return;
    };
    let Some(child) = bounce(disk, world, two, "two", vec![0]) else {
        return;
    };
    world
        .mail
        .insert((three, "ok".to_owned()), "three".to_owned());
    let record = |id, events, then| Record { id, events, then };
    let batch = [
        record(one, vec![attempt(1, Verdict::Deferred)], Then::Keep),
        record(two, vec![attempt(0, Verdict::Failed), child], Then::Keep),
        record(three, Vec::new(), Then::Remove),
        record(one, vec![attempt(1, Verdict::Deferred)], Then::Keep),
    ];
    world.removing.insert(three);
    for (record, result) in batch.iter().zip(Recorder::new(disk).record(&batch)) {
        if result.is_ok() {
            note(world, record);
        }
    }
}

#[test]
fn a_held_message_stays_held_and_a_released_one_goes() {
    assert_holds(|disk, world| {
        accept(disk, world, &[("one", &["late"])]);
        let mut recorder = Recorder::new(disk);
        let [id] = living(disk)[..] else {
            return;
        };
        let held = vec![Event::Held { at: NOW, by: 0 }];
        if record(world, &mut recorder, id, held, Then::Hold).is_none() {
            return;
        }
        world.placed.insert(id, Wanted::Held);
        world.placed.remove(&id);
        let released = vec![Event::Released { at: NOW, by: 0 }];
        if record(world, &mut recorder, id, released, Then::Release).is_some() {
            world.placed.insert(id, Wanted::Living);
        }
    });
}

#[test]
fn a_message_that_was_said_to_be_held_is_held() {
    assert_holds(|disk, world| {
        accept(disk, world, &[("one", &["late"])]);
        let [id] = living(disk)[..] else {
            return;
        };
        let held = vec![Event::Held { at: NOW, by: 0 }];
        if record(world, &mut Recorder::new(disk), id, held, Then::Hold).is_some() {
            world.placed.insert(id, Wanted::Held);
        }
    });
}
