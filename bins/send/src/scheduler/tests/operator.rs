//! Hold, release, remove, list.

use super::*;
use crate::stage::Deed;

fn is_done(packet: &FromSend) -> bool {
    matches!(packet, FromSend::Done { .. })
}

#[test]
fn a_waiting_message_is_held_and_released() {
    let mut world = World::new(policy());
    let key = world.arrive("a@b.example", &["x@far.example"]);
    world.end_all(Fate::Deferred, Host::Alive);
    world.scheduler.operate(1, 0, key.id(), Deed::Hold);
    world.settle();
    assert!(is_done(&world.answers[0]));
    world.pass(100_000);
    assert!(world.jobs.is_empty());
    world.scheduler.operate(1, 0, key.id(), Deed::Release);
    world.settle();
    assert!(is_done(&world.answers[1]));
    assert_eq!(world.jobs.len(), 1);
}

#[test]
fn a_message_that_is_being_tried_is_held_when_the_attempt_ends() {
    let mut world = World::new(policy());
    let key = world.arrive("a@b.example", &["x@far.example", "y@near.example"]);
    world.scheduler.operate(1, 0, key.id(), Deed::Hold);
    world.settle();
    assert_eq!(world.answers.len(), 1);
    world.end(0, Fate::Delivered, Host::Alive);
    assert_eq!(world.place[&key], Place::Cur);
    world.end(0, Fate::Deferred, Host::Alive);
    assert_eq!(world.place[&key], Place::Hold);
    assert_eq!(world.disk[&key].states[0].standing, Standing::Delivered);
}

#[test]
fn a_message_that_the_attempt_finished_is_not_held() {
    let mut world = World::new(policy());
    let key = world.arrive("a@b.example", &["x@far.example"]);
    world.scheduler.operate(1, 0, key.id(), Deed::Hold);
    world.settle();
    world.end(0, Fate::Delivered, Host::Alive);
    assert!(!world.disk.contains_key(&key));
    assert_eq!(world.scheduler.known(), 0);
    let key = world.arrive("a@b.example", &["x@far.example"]);
    world.scheduler.operate(1, 0, key.id(), Deed::Hold);
    world.settle();
    world.end(0, Fate::Failed, Host::Alive);
    assert_eq!(
        world.place[&key],
        Place::Hold,
        "the sender was not told yet"
    );
}

#[test]
fn a_removed_message_leaves_no_report_but_a_line_in_the_log() {
    let mut world = World::new(policy());
    let key = world.arrive("a@b.example", &["x@far.example"]);
    world.end_all(Fate::Deferred, Host::Alive);
    world.scheduler.operate(1, 0, key.id(), Deed::Remove);
    world.settle();
    assert!(is_done(&world.answers[0]) && !world.disk.contains_key(&key));
    assert_eq!(world.logged(LogEvent::MessageCancelled), 1);
    assert_eq!(world.scheduler.known(), 0);
}

#[test]
fn what_is_not_there_cannot_be_held() {
    let mut world = World::new(policy());
    let id = QueueId::new(5, [0; 9]);
    world.scheduler.operate(1, 0, id, Deed::Hold);
    world.settle();
    assert!(!is_done(&world.answers[0]));
    assert_eq!(world.scheduler.known(), 0);
}

#[test]
fn a_listing_goes_from_old_to_new_in_steps() {
    let mut world = World::new(policy());
    let mut keys = Vec::new();
    for _ in 0..5 {
        keys.push(world.arrive("a@b.example", &["x@far.example"]));
        world.end_all(Fate::Deferred, Host::Alive);
    }
    keys.push(world.arrive("a@b.example", &["x@far.example"]));
    world.scheduler.operate(1, 0, keys[1].id(), Deed::Hold);
    world.settle();
    let mut listed: Vec<Key> = Vec::new();
    loop {
        let step = world.scheduler.known_after(listed.last().copied(), 2);
        if step.is_empty() {
            break;
        }
        listed.extend(step.iter().map(|(key, _)| *key));
    }
    assert_eq!(listed, keys);
    assert!(world.scheduler.known_after(Some(keys[4]), 1)[0].1);
}
