//! Bounces, warnings, reports of success, and reports about reports.

use super::*;

#[test]
fn all_failures_of_a_round_are_one_report_and_the_message_ends_with_it() {
    let mut world = World::new(policy());
    let key = world.arrive("a@b.example", &["x@far.example", "y@near.example"]);
    world.end(0, Fate::Failed, Host::Alive);
    assert!(world.reports.is_empty(), "the other is still being tried");
    world.end(0, Fate::Failed, Host::Alive);
    assert_eq!(world.reports.len(), 1);
    let (child, to) = world.queue_report();
    assert_eq!(to, [0, 1]);
    assert!(!world.disk.contains_key(&key));
    let (_, events, then) = world.records.last().unwrap();
    assert!(matches!(events.as_slice(), [Event::Child { .. }]));
    assert_eq!(*then, Then::Remove);
    assert_eq!(world.jobs.len(), 1, "the report is on its way: {child:?}");
    assert_eq!(world.logged(LogEvent::DsnQueued), 1);
}

#[test]
fn a_failure_is_on_the_disk_before_its_report_is_made() {
    let mut world = World::new(policy());
    let key = world.arrive("a@b.example", &["x@far.example"]);
    world.end_all(Fate::Failed, Host::Alive);
    assert_eq!(world.disk[&key].states[0].standing, Standing::Failed);
    world.restart();
    world.reports.clear();
    world.scheduler.seen(key, Place::Cur, 0);
    world.settle();
    assert_eq!(world.reports.len(), 1, "a new life makes the report");
    world.queue_report();
    assert!(!world.disk.contains_key(&key));
}

#[test]
fn a_report_that_queue_does_not_take_is_tried_again() {
    let mut world = World::new(policy());
    let key = world.arrive("a@b.example", &["x@far.example"]);
    world.end_all(Fate::Failed, Host::Alive);
    world.reports.clear();
    world
        .scheduler
        .reported(key, Reported::Later("no space".into()));
    world.settle();
    assert_eq!(world.pass_to_wake(), 60);
    assert_eq!(world.reports.len(), 1);
}

#[test]
fn a_child_that_was_tidied_away_before_it_was_named_is_made_again() {
    let mut world = World::new(policy());
    let key = world.arrive("a@b.example", &["x@far.example"]);
    world.end_all(Fate::Failed, Host::Alive);
    world.is_clean_away = true;
    world.queue_report();
    world.is_clean_away = false;
    let seq = *world.scheduler.records.keys().next().unwrap();
    world.scheduler.refused(seq, false, "no child 0123 in tmp");
    world.pass(30);
    assert_eq!(world.reports.len(), 1);
    world.queue_report();
    assert!(!world.disk.contains_key(&key));
}

#[test]
fn notify_never_is_honoured() {
    let mut world = World::new(policy());
    let key = world.write("a@b.example", &["x@far.example"]);
    world.notify(key, Notify::NEVER);
    world.scheduler.arrived(key);
    world.settle();
    world.end_all(Fate::Failed, Host::Alive);
    assert!(world.reports.is_empty() && world.scheduler.known() == 0);
    assert_eq!(world.logged(LogEvent::DsnSuppressed), 1);
}

#[test]
fn success_is_reported_if_it_was_asked_for_and_the_peer_does_not() {
    let success = Notify {
        success: true,
        failure: true,
        delay: false,
    };
    for peer_reports in [false, true] {
        let mut world = World::new(policy());
        let key = world.write("a@b.example", &["x@far.example"]);
        world.notify(key, success);
        world.scheduler.arrived(key);
        world.settle();
        let (channel, job) = world.jobs.remove(0);
        let mut outcome = outcome(&job, Fate::Delivered, Host::Alive);
        outcome.peer_reports = peer_reports;
        world.scheduler.outcome(channel, outcome);
        world.settle();
        assert_eq!(world.reports.len(), usize::from(!peer_reports));
        if !peer_reports {
            assert_eq!(world.disk[&key].states[0].standing, Standing::Delivered);
            world.queue_report();
        }
        assert!(!world.disk.contains_key(&key));
    }
}

#[test]
fn a_late_message_is_warned_of_once() {
    let mut policy = policy();
    policy.delay_warning = Some(14_400);
    let mut world = World::new(policy);
    let key = world.arrive("a@b.example", &["x@far.example"]);
    world.end_all(Fate::Deferred, Host::Alive);
    assert!(world.reports.is_empty());
    world.pass(14_400);
    world.end_all(Fate::Deferred, Host::Alive);
    assert_eq!(world.reports.len(), 1);
    assert_eq!(world.reports[0].kind, Owed::Delay);
    world.queue_report();
    assert!(world.disk[&key].states[0].warned);
    world.end_all(Fate::Delivered, Host::Alive);
    world.pass(86_400);
    world.end_all(Fate::Deferred, Host::Alive);
    assert!(world.reports.is_empty());
}

#[test]
fn a_null_reverse_path_is_never_answered_but_the_postmaster_is_told() {
    let mut world = World::new(policy());
    world.arrive("", &["x@far.example"]);
    world.end_all(Fate::Failed, Host::Alive);
    assert!(world.reports[0].is_double);
    let (child, _) = world.queue_report();
    assert_eq!(world.logged(LogEvent::DoubleBounce), 1);
    assert_eq!(
        world.jobs[0].1.recipients[0].recipient.mailbox.as_str(),
        "postmaster@me.example"
    );
    world.end_all(Fate::Failed, Host::Unknown);
    assert!(world.reports.is_empty(), "and that is the end");
    assert_eq!(world.place[&child], Place::Hold);
    assert!(world.disk.contains_key(&child), "nothing is dropped");
}

#[test]
fn the_postmaster_gets_a_bounded_number_of_reports_and_the_rest_is_held() {
    let mut world = World::new(policy());
    let keys: Vec<Key> = (0..40)
        .map(|_| world.arrive("", &["x@far.example"]))
        .collect();
    while !world.jobs.is_empty() {
        world.end(0, Fate::Failed, Host::Alive);
    }
    assert_eq!(world.reports.len(), 30);
    let held = keys
        .iter()
        .filter(|key| world.place[key] == Place::Hold)
        .count();
    assert_eq!(held, 10);
}

#[test]
fn a_bounce_has_a_shorter_life() {
    let mut world = World::new(policy());
    let key = world.arrive("", &["x@far.example"]);
    world.end_all(Fate::Deferred, Host::Alive);
    world.pass(86_400);
    world.end_all(Fate::Deferred, Host::Alive);
    assert_eq!(world.disk[&key].states[0].standing, Standing::Failed);
}
