//! A new life of send: what it finds, and what runs already.

use super::*;
use stafette_wire::delivery::Running;

#[test]
fn a_running_job_of_a_former_life_is_not_started_again() {
    let mut world = World::new(policy());
    let key = world.arrive("a@b.example", &["x@far.example", "y@near.example"]);
    let (_, job) = world.jobs[0].clone();
    world.restart();
    world.scheduler.seen(key, Place::New, 0);
    world.up(Channel::Local);
    let running = Running {
        job: job.job,
        id: job.id,
        recipients: vec![0],
    };
    world.scheduler.hello(Channel::Remote, 40, vec![running]);
    world.scheduler.parent_up(Channel::Remote);
    world.settle();
    assert_eq!(world.jobs.len(), 1);
    assert_eq!(world.jobs[0].1.recipients[0].index, 1);
    world.end(0, Fate::Delivered, Host::Alive);
    assert!(world.disk.contains_key(&key));
    world
        .scheduler
        .outcome(Channel::Remote, outcome(&job, Fate::Delivered, Host::Alive));
    world.settle();
    assert!(!world.disk.contains_key(&key));
    assert!(world.acknowledged.contains(&job.job));
}

#[test]
fn an_outcome_of_a_former_life_is_recorded_before_anything_is_tried() {
    let mut world = World::new(policy());
    let key = world.arrive("a@b.example", &["x@far.example"]);
    let (_, job) = world.jobs[0].clone();
    world.restart();
    world.scheduler.hello(Channel::Remote, 40, Vec::new());
    world
        .scheduler
        .outcome(Channel::Remote, outcome(&job, Fate::Delivered, Host::Alive));
    world.scheduler.seen(key, Place::New, 0);
    world.scheduler.parent_up(Channel::Remote);
    world.settle();
    assert!(world.jobs.is_empty());
    assert!(!world.disk.contains_key(&key));
    assert_eq!(world.acknowledged, [job.job]);
}

#[test]
fn an_outcome_whose_message_is_gone_is_acknowledged() {
    let mut world = World::new(policy());
    let key = world.arrive("a@b.example", &["x@far.example"]);
    let (_, job) = world.jobs[0].clone();
    world.disk.remove(&key);
    world.restart();
    world
        .scheduler
        .outcome(Channel::Remote, outcome(&job, Fate::Delivered, Host::Alive));
    world.settle();
    assert_eq!(world.acknowledged, [job.job]);
    assert_eq!(world.scheduler.known(), 0);
}

#[test]
fn an_outcome_for_a_held_message_leaves_it_held() {
    let mut world = World::new(policy());
    let key = world.arrive("a@b.example", &["x@far.example", "y@near.example"]);
    let (_, job) = world.jobs[0].clone();
    world.place.insert(key, Place::Hold);
    world.restart();
    world.scheduler.seen(key, Place::Hold, 0);
    world.up(Channel::Remote);
    world
        .scheduler
        .outcome(Channel::Remote, outcome(&job, Fate::Delivered, Host::Alive));
    world.settle();
    assert_eq!(world.disk[&key].states[0].standing, Standing::Delivered);
    assert_eq!(world.place[&key], Place::Hold);
    assert!(world.jobs.is_empty());
}

#[test]
fn the_journal_says_when_and_the_hint_only_when_to_look() {
    let mut world = World::new(policy());
    let key = world.arrive("a@b.example", &["x@far.example"]);
    world.end_all(Fate::Deferred, Host::Alive);
    world.restart();
    world.up(Channel::Remote);
    world.scheduler.seen(key, Place::Cur, 0);
    world.settle();
    assert!(world.jobs.is_empty());
    assert_eq!(world.pass_to_wake(), 400);
    assert_eq!(world.jobs.len(), 1);
}

#[test]
fn nothing_is_read_before_clean_has_done_what_a_former_life_asked_for() {
    let mut world = World::new(policy());
    let key = world.write("a@b.example", &["x@far.example"]);
    world.scheduler = Scheduler::new(policy(), 7, 1_000_000);
    world.scheduler.users_up();
    world.up(Channel::Remote);
    world.scheduler.seen(key, Place::New, 0);
    world.settle();
    assert_eq!(world.loads, 0);
    world.scheduler.settled();
    world.settle();
    assert_eq!(world.jobs.len(), 1);
}
