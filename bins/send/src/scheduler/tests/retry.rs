//! Deferrals, lifetimes, unknown users, paused and dead destinations.

use super::*;

#[test]
fn attempts_follow_the_quadratic_schedule() {
    let mut world = World::new(policy());
    let key = world.arrive("a@b.example", &["x@far.example"]);
    let mut ages = Vec::new();
    for _ in 0..4 {
        world.end_all(Fate::Deferred, Host::Alive);
        world.pass_to_wake();
        ages.push(world.now - START);
        assert_eq!(world.jobs.len(), 1);
    }
    assert_eq!(ages, [400, 1600, 3600, 6400]);
    assert_eq!(world.disk[&key].states[0].attempts, 4);
    assert_eq!(world.place[&key], Place::Cur);
}

#[test]
fn each_recipient_keeps_its_own_time() {
    let mut world = World::new(policy());
    world.arrive("a@b.example", &["demo@me.example", "x@far.example"]);
    world.end_all(Fate::Deferred, Host::Unknown);
    world.pass_to_wake();
    assert_eq!(world.now - START, 100);
    assert_eq!(world.jobs.len(), 1);
    assert_eq!(world.jobs[0].0, Channel::Local);
    world.end(0, Fate::Delivered, Host::Unknown);
    world.pass_to_wake();
    assert_eq!(world.now - START, 400);
    assert_eq!(world.jobs[0].0, Channel::Remote);
}

#[test]
fn the_last_reason_is_the_reason_of_the_failure_when_the_lifetime_is_over() {
    let mut world = World::new(policy());
    let key = world.arrive("a@b.example", &["x@far.example"]);
    world.end_all(Fate::Deferred, Host::Alive);
    world.pass(432_000);
    world.end_all(Fate::Deferred, Host::Alive);
    let state = &world.disk[&key].states[0];
    assert_eq!(state.standing, Standing::Failed);
    let last = state.last.as_ref().unwrap();
    assert_eq!(
        (last.status.as_str(), last.reply.as_slice()),
        ("4.4.7", &b"451 later"[..])
    );
    assert_eq!(world.reports.len(), 1);
}

#[test]
fn a_dead_host_does_not_keep_mail_beyond_its_lifetime() {
    let mut world = World::new(policy());
    let first = world.arrive("a@b.example", &["x@far.example"]);
    world.end_all(Fate::Deferred, Host::Dead);
    world.pass(431_990);
    world.end_all(Fate::Deferred, Host::Dead);
    world.pass(120);
    world.end_all(Fate::Deferred, Host::Dead);
    assert_eq!(world.disk[&first].states[0].standing, Standing::Failed);
    assert_eq!(world.reports.len(), 1);
}

#[test]
fn an_expired_message_fails_without_an_attempt_while_its_host_is_dead() {
    let mut world = World::new(policy());
    let old = world.arrive("a@b.example", &["x@far.example"]);
    world.end_all(Fate::Deferred, Host::Alive);
    world.pass(431_999);
    world.end_all(Fate::Deferred, Host::Alive);
    world.arrive("a@b.example", &["y@far.example"]);
    world.end_all(Fate::Deferred, Host::Dead);
    world.arrive("a@b.example", &["y@far.example"]);
    world.end_all(Fate::Deferred, Host::Dead);
    world.pass(1);
    assert!(world.jobs.is_empty());
    assert_eq!(world.disk[&old].states[0].standing, Standing::Failed);
    assert_eq!(
        world.disk[&old].states[0].last.as_ref().unwrap().reply,
        b"451 later"
    );
}

#[test]
fn an_unknown_user_fails_and_a_database_that_is_silent_defers() {
    let mut world = World::new(policy());
    world.unknown.push("nobody@me.example".into());
    let key = world.arrive("a@b.example", &["nobody@me.example"]);
    assert_eq!(world.disk[&key].states[0].standing, Standing::Failed);
    world.scheduler.users_down();
    let key = world.arrive("a@b.example", &["demo@me.example"]);
    assert!(world.jobs.is_empty());
    assert_eq!(world.disk[&key].states[0].attempts, 0);
    world.scheduler.users_up();
    world.settle();
    assert_eq!(world.jobs.len(), 1);
}

#[test]
fn softbounce_turns_failures_into_deferrals() {
    let mut policy = policy();
    policy.softbounce = true;
    let mut world = World::new(policy);
    let key = world.arrive("a@b.example", &["x@far.example"]);
    world.end_all(Fate::Failed, Host::Alive);
    let state = &world.disk[&key].states[0];
    assert_eq!(state.standing, Standing::Pending);
    assert_eq!(state.last.as_ref().unwrap().status, "4.1.1");
    assert!(world.reports.is_empty());
}

#[test]
fn a_paused_domain_waits_until_it_is_resumed() {
    let mut policy = policy();
    policy.paused = stafette_control::parse_pattern("far.example")
        .ok()
        .into_iter()
        .collect();
    let mut world = World::new(policy);
    let key = world.arrive("a@b.example", &["x@far.example", "y@near.example"]);
    assert_eq!(world.jobs.len(), 1);
    world.end_all(Fate::Delivered, Host::Alive);
    assert_eq!(world.pass_to_wake(), 300);
    assert!(world.jobs.is_empty());
    world.scheduler.set_paused(0, DomainSet::default());
    world.settle();
    assert_eq!(world.finds, 1);
    world.scheduler.force(key);
    world.settle();
    assert_eq!(world.jobs.len(), 1);
    assert_eq!(world.logged(LogEvent::DestinationResumed), 1);
    assert_eq!(world.disk[&key].states[0].attempts, 0);
}

#[test]
fn a_flush_tries_everything_and_believes_no_host_dead() {
    let mut world = World::new(policy());
    world.arrive("a@b.example", &["x@far.example"]);
    world.end_all(Fate::Deferred, Host::Dead);
    world.pass(1);
    assert!(world.jobs.is_empty());
    world.scheduler.flush_all(0);
    world.settle();
    assert_eq!(world.jobs.len(), 1);
}

#[test]
fn a_flush_counts_for_a_message_whose_deferral_is_still_being_recorded() {
    for is_all in [true, false] {
        let mut world = World::new(policy());
        let key = world.arrive("a@b.example", &["x@far.example"]);
        world.is_clean_away = true;
        world.end_all(Fate::Deferred, Host::Alive);
        if is_all {
            world.scheduler.flush_all(0);
        } else {
            world.scheduler.force(key);
        }
        world.settle();
        assert!(world.jobs.is_empty(), "not before that is recorded");
        world.is_clean_away = false;
        world.scheduler.clean_up();
        world.settle();
        assert_eq!(world.jobs.len(), 1);
        world.end_all(Fate::Deferred, Host::Alive);
        assert!(world.jobs.is_empty(), "it is tried once");
    }
}

#[test]
fn a_clock_that_is_set_back_makes_nothing_wait_for_its_old_times() {
    const STEP: i64 = 100_000;
    let mut world = World::new(policy());
    let early = world.arrive("a@b.example", &["x@far.example"]);
    world.end_all(Fate::Deferred, Host::Alive);
    world.pass(STEP);
    world.end_all(Fate::Deferred, Host::Alive);
    let future = world.arrive("a@b.example", &["x@near.example"]);
    world.end(0, Fate::Deferred, Host::Alive);
    let dead = world.arrive("a@b.example", &["x@dead.example"]);
    world.end(0, Fate::Deferred, Host::Dead);
    assert!(world.disk[&future].states[0].due > START + STEP);
    world.pass(-STEP);
    assert_eq!(world.jobs.len(), 3, "each is tried at once");
    world.end_all(Fate::Deferred, Host::Alive);
    assert_eq!(world.pass_to_wake(), 400);
    assert_eq!(world.jobs.len(), 3);
    world.end_all(Fate::Delivered, Host::Alive);
    assert!(
        [early, future, dead]
            .iter()
            .all(|key| !world.disk.contains_key(key))
    );
}

#[test]
fn a_clock_that_was_set_back_while_we_were_away_makes_nothing_wait_for_its_old_times() {
    let mut world = World::new(policy());
    world.pass(10_000_000);
    let key = world.arrive("a@b.example", &["x@far.example"]);
    world.end_all(Fate::Deferred, Host::Alive);
    let hint = world.disk[&key].states[0].due;
    world.now -= 10_000_000;
    world.restart();
    world.up(Channel::Remote);
    world.scheduler.seen(key, Place::Cur, hint);
    world.settle();
    assert_eq!(world.pass_to_wake(), 86_400);
    assert_eq!(world.jobs.len(), 1);
}

#[test]
fn what_does_not_fit_a_job_does_not_join_a_line_that_died_meanwhile() {
    let mut policy = policy();
    policy.recipient_limit = 1;
    let mut world = World::new(policy);
    // So many recipients in memory that a message that only waits is put away.
    let many: Vec<String> = (0..10_000)
        .map(|number| format!("u{number}@many.example"))
        .collect();
    world.arrive(
        "a@b.example",
        &many.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    for _ in 0..5 {
        world.arrive("a@b.example", &["x@far.example"]);
    }
    let key = world.arrive("a@b.example", &["y@far.example", "z@far.example"]);
    let mut far = Vec::new();
    world.jobs.retain(|(channel, job)| {
        let is_far = job
            .next_hop
            .as_ref()
            .is_some_and(|hop| hop.host == "far.example");
        if is_far {
            far.push((*channel, job.clone()));
        }
        !is_far
    });
    assert_eq!(far.len(), 5);
    let mut end = |world: &mut World, fate, host| {
        let (channel, job) = far.remove(0);
        world.scheduler.outcome(channel, outcome(&job, fate, host));
        world.scheduler.run()
    };
    // There is room for it: it is read again, and while it is, the host dies.
    let mut effects = end(&mut world, Fate::Delivered, Host::Alive);
    let is_reading = |effect: &Effect| matches!(effect, Effect::Load(found) if *found == key);
    assert!(effects.iter().any(is_reading));
    for _ in 0..4 {
        effects.extend(end(&mut world, Fate::Deferred, Host::Dead));
    }
    for effect in effects {
        world.act(effect);
    }
    world.settle();
    let at = |world: &World| world.jobs.iter().position(|(_, job)| job.id == key.id());
    let first = at(&world).unwrap();
    world.end(first, Fate::Deferred, Host::Dead);
    assert_eq!(at(&world), None);
    world.pass(60);
    let second = at(&world).unwrap();
    assert_eq!(world.jobs[second].1.recipients[0].index, 1);
}
