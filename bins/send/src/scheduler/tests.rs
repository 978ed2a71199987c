//! The scheduler against a small world around it.

mod accident;
mod children;
mod deferring;
mod expanding;
mod forwarding;
mod life;
mod operator;
mod reporting;
mod restart;
mod retry;
mod said;
mod world;

use stafette_control::DomainSet;
use stafette_log::Event as LogEvent;
use stafette_queue_layout::{Event, Standing};
use stafette_wire::QueueId;
use stafette_wire::clean::Then;
use stafette_wire::delivery::{Fate, Host, Outcome};
use stafette_wire::envelope::Notify;
use stafette_wire::operator::FromSend;

use super::*;
use crate::message::Owed;
use said::*;
use world::*;

#[test]
fn a_message_delivered_at_once_costs_one_record_without_events() {
    let mut world = World::new(policy());
    let key = world.arrive("a@b.example", &["demo@me.example"]);
    assert_eq!(world.jobs.len(), 1);
    world.end(0, Fate::Delivered, Host::Unknown);
    assert_eq!(world.records, [(key, Vec::new(), Then::Remove)]);
    assert_eq!(world.acknowledged, [1]);
    assert_eq!(world.logged(LogEvent::AttemptDelivered), 1);
    assert_eq!(world.logged(LogEvent::MessageRemoved), 1);
    assert_eq!(world.scheduler.known(), 0);
}

#[test]
fn recipients_of_one_destination_travel_together_up_to_the_limit() {
    let mut world = World::new(policy());
    let to: Vec<String> = (0..250)
        .map(|number| format!("u{number}@far.example"))
        .collect();
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    world.arrive("a@b.example", &to);
    let sizes: Vec<usize> = world
        .jobs
        .iter()
        .map(|(_, job)| job.recipients.len())
        .collect();
    assert_eq!(sizes, [100, 100, 50]);
    world.end_all(Fate::Delivered, Host::Alive);
    assert_eq!(world.scheduler.known(), 0);
    assert_eq!(world.records.len(), 3);
}

#[test]
fn an_outcome_is_recorded_before_it_is_acknowledged() {
    let mut world = World::new(policy());
    world.arrive("a@b.example", &["x@far.example"]);
    world.is_clean_away = true;
    world.end(0, Fate::Delivered, Host::Alive);
    assert!(world.acknowledged.is_empty());
    world.is_clean_away = false;
    world.scheduler.clean_up();
    world.settle();
    assert_eq!(world.acknowledged, [1]);
    assert_eq!(world.scheduler.known(), 0);
}

#[test]
fn a_local_job_has_one_recipient() {
    let mut world = World::new(policy());
    world.arrive("a@b.example", &["one@me.example", "two@me.example"]);
    assert_eq!(world.jobs.len(), 2);
    assert!(world.jobs.iter().all(|(channel, job)| {
        *channel == Channel::Local && job.recipients.len() == 1 && job.next_hop.is_none()
    }));
}

#[test]
fn mail_for_a_live_host_does_not_wait_for_fifty_thousand_to_a_slow_one() {
    let mut world = World::new(policy());
    for _ in 0..50_000 {
        let key = world.write("a@b.example", &["x@slow.example"]);
        world.scheduler.arrived(key);
    }
    world.settle();
    assert_eq!(world.jobs.len(), 5, "the first window of the slow host");
    assert!(world.scheduler.open <= OPEN_LIMIT && world.scheduler.weight <= CAPACITY);
    world.arrive("a@b.example", &["x@live.example"]);
    assert_eq!(world.jobs.len(), 6);
    world.end(5, Fate::Delivered, Host::Alive);
    world.end_all(Fate::Deferred, Host::Dead);
    assert_eq!(world.logged(LogEvent::DestinationDead), 1);
    assert!(world.jobs.is_empty());
    assert_eq!(world.scheduler.waiting.len(), 50_000);
    let loads = world.loads;
    world.pass(60);
    assert_eq!(world.jobs.len(), 1, "one job tries whether it lives again");
    assert!(world.loads - loads <= 50_000);
    world.end(0, Fate::Delivered, Host::Alive);
    assert!(world.jobs.len() > 1);
    for _ in 0..200 {
        world.end_all(Fate::Delivered, Host::Alive);
    }
    assert!(world.scheduler.known() < 49_000);
}
