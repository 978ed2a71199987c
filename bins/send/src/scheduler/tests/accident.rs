//! Programs that die, disks that are full, files that are no messages.

use super::*;

#[test]
fn a_try_cut_short_is_repeated_at_once_and_is_no_attempt() {
    let mut world = World::new(policy());
    let key = world.arrive("a@b.example", &["demo@me.example"]);
    world.scheduler.parent_down(Channel::Local);
    world.jobs.clear();
    world.settle();
    world.up(Channel::Local);
    world.settle();
    assert_eq!(world.jobs.len(), 1);
    assert_eq!(world.disk[&key].states[0].attempts, 0);
    assert_eq!(world.logged(LogEvent::AttemptCut), 1);
    world.end(0, Fate::Delivered, Host::Unknown);
    assert_eq!(world.scheduler.known(), 0);
}

#[test]
fn a_message_that_kills_its_worker_again_and_again_gets_a_pause() {
    let mut world = World::new(policy());
    world.arrive("a@b.example", &["demo@me.example"]);
    let mut cuts = 0;
    while !world.jobs.is_empty() {
        world.end(0, Fate::Cut, Host::Unknown);
        cuts += 1;
        assert!(cuts < 100);
    }
    assert_eq!(cuts, 5);
    assert_eq!(world.acknowledged.len(), 5);
    assert_eq!(world.pass_to_wake(), 10);
    assert_eq!(world.jobs.len(), 1);
}

#[test]
fn a_parent_that_is_away_keeps_its_jobs_if_it_still_runs_them() {
    let mut world = World::new(policy());
    world.arrive("a@b.example", &["demo@me.example"]);
    let (_, job) = world.jobs[0].clone();
    world.scheduler.parent_down(Channel::Local);
    let running = stafette_wire::delivery::Running {
        job: job.job,
        id: job.id,
        recipients: vec![0],
    };
    world.scheduler.hello(Channel::Local, 40, vec![running]);
    world.scheduler.parent_up(Channel::Local);
    world.settle();
    assert_eq!(world.logged(LogEvent::AttemptCut), 0);
    world.end(0, Fate::Delivered, Host::Unknown);
    assert_eq!(world.scheduler.known(), 0);
}

#[test]
fn an_outcome_that_cannot_be_recorded_is_not_tried_again_but_recorded_later() {
    let mut world = World::new(policy());
    let key = world.arrive("a@b.example", &["x@far.example", "y@near.example"]);
    world.is_disk_full = true;
    world.end(0, Fate::Delivered, Host::Alive);
    assert!(world.acknowledged.is_empty());
    assert_eq!(world.logged(LogEvent::OutcomeUnrecorded), 1);
    world.end(0, Fate::Deferred, Host::Alive);
    world.pass(30);
    world.pass(10_000);
    assert!(
        world.jobs.is_empty(),
        "nothing is tried while nothing can be recorded"
    );
    world.is_disk_full = false;
    world.pass(30);
    assert_eq!(world.acknowledged.len(), 2);
    assert_eq!(world.disk[&key].states[0].standing, Standing::Delivered);
    assert_eq!(world.disk[&key].states[1].attempts, 1);
    world.pass(10);
    assert_eq!(world.jobs.len(), 1, "only the deferred one is tried");
    world.end_all(Fate::Delivered, Host::Alive);
    assert_eq!(world.scheduler.known(), 0);
}

#[test]
fn a_removal_that_was_done_when_clean_died_is_done() {
    let mut world = World::new(policy());
    let key = world.arrive("a@b.example", &["demo@me.example"]);
    world.is_clean_away = true;
    world.end(0, Fate::Delivered, Host::Unknown);
    world.disk.remove(&key);
    world.is_clean_away = false;
    world.scheduler.clean_up();
    world.settle();
    assert_eq!(world.acknowledged, [1]);
    assert_eq!(world.logged(LogEvent::OutcomeUnrecorded), 0);
    assert_eq!(world.logged(LogEvent::MessageRemoved), 1);
    assert_eq!(world.scheduler.known(), 0);
}

#[test]
fn content_that_differs_from_its_checksum_goes_to_bad() {
    let mut world = World::new(policy());
    let key = world.arrive("a@b.example", &["demo@me.example"]);
    let (channel, job) = world.jobs.remove(0);
    let mut outcome = outcome(&job, Fate::Deferred, Host::Unknown);
    outcome.damaged = true;
    outcome.results.clear();
    world.scheduler.outcome(channel, outcome);
    world.settle();
    assert_eq!(world.place[&key], Place::Bad);
    assert_eq!(world.acknowledged, [1]);
}

#[test]
fn a_file_that_is_no_message_stops_nothing_else() {
    let mut world = World::new(policy());
    let key = world.write("a@b.example", &["demo@me.example"]);
    world.scheduler.arrived(key);
    let effects = world.scheduler.run();
    assert!(matches!(effects.as_slice(), [Effect::Load(found)] if *found == key));
    world
        .scheduler
        .loaded(key, Reading::Damaged("damaged first line".into()));
    world.settle();
    assert_eq!(world.place[&key], Place::Bad);
    world.arrive("a@b.example", &["demo@me.example"]);
    assert_eq!(world.jobs.len(), 1);
}

#[test]
fn a_clean_that_comes_back_is_asked_once_for_each_record_and_in_the_old_order() {
    let mut world = World::new(policy());
    world.arrive("a@b.example", &["x@far.example"]);
    world.arrive("a@b.example", &["y@near.example"]);
    world.is_clean_away = true;
    world.end(0, Fate::Deferred, Host::Alive);
    let (channel, job) = world.jobs.remove(0);
    let outcome = outcome(&job, Fate::Deferred, Host::Alive);
    world.scheduler.outcome(channel, outcome);
    // The second record was not sent yet when clean came.
    world.scheduler.clean_up();
    let asked: Vec<u64> = world
        .scheduler
        .run()
        .iter()
        .filter_map(|effect| match effect {
            Effect::Record { seq, .. } => Some(*seq),
            _ => None,
        })
        .collect();
    assert_eq!(asked, [0, 1]);
}

#[test]
fn a_report_that_was_published_when_clean_died_is_delivered_at_once() {
    let mut world = World::new(policy());
    let key = world.arrive("a@b.example", &["x@far.example"]);
    world.end(0, Fate::Failed, Host::Alive);
    world.is_clean_away = true;
    let (child, _) = world.queue_report();
    world.disk.remove(&key);
    world.is_clean_away = false;
    world.scheduler.clean_up();
    world.settle();
    assert_eq!(world.logged(LogEvent::OutcomeUnrecorded), 0);
    assert_eq!(world.jobs.len(), 1);
    assert_eq!(world.jobs[0].1.id, child.id());
}

#[test]
fn a_parent_judges_only_the_recipients_that_it_was_given() {
    let mut world = World::new(policy());
    let key = world.arrive("a@b.example", &["x@far.example", "demo@me.example"]);
    let at = |world: &World, channel| {
        let found = world.jobs.iter().position(|(of, _)| *of == channel);
        found.unwrap()
    };
    let remote = at(&world, Channel::Remote);
    let (channel, job) = world.jobs.remove(remote);
    let mut outcome = outcome(&job, Fate::Deferred, Host::Alive);
    outcome.results[0].fate = Fate::Delivered;
    outcome.results.push(outcome.results[0].clone());
    outcome.results[1].index = 1;
    world.scheduler.outcome(channel, outcome);
    world.settle();
    assert_eq!(world.disk[&key].states[0].standing, Standing::Delivered);
    assert_eq!(world.disk[&key].states[1].standing, Standing::Pending);
}

#[test]
fn an_outcome_for_a_message_that_went_to_bad_is_not_kept_for_ever() {
    let mut world = World::new(policy());
    let key = world.arrive("a@b.example", &["x@far.example", "y@near.example"]);
    let (_, job) = world.jobs[0].clone();
    world.restart();
    world.is_clean_away = true;
    world.scheduler.arrived(key);
    assert_eq!(world.scheduler.run().len(), 1);
    world
        .scheduler
        .loaded(key, Reading::Damaged("damaged first line".into()));
    world
        .scheduler
        .outcome(Channel::Remote, outcome(&job, Fate::Delivered, Host::Alive));
    world.settle();
    assert!(world.acknowledged.is_empty());
    world.is_clean_away = false;
    world.scheduler.clean_up();
    world.settle();
    assert_eq!(world.acknowledged, [job.job]);
}

#[test]
fn a_message_that_the_operator_takes_out_of_bad_is_tried() {
    let mut world = World::new(policy());
    let key = world.write("a@b.example", &["demo@me.example"]);
    world.scheduler.seen(key, Place::Bad, 0);
    world.settle();
    assert!(world.jobs.is_empty());
    world.scheduler.seen(key, Place::New, 0);
    world.settle();
    assert_eq!(world.jobs.len(), 1);
}
