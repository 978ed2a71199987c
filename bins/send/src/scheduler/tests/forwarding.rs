//! Aliases, lists, .forward files, and addresses for each recipient.

use stafette_wire::delivery::Forward;
use stafette_wire::envelope::Expanded;

use super::*;
use crate::forward::Forwarded;

const SUCCESS: Notify = Notify {
    success: true,
    failure: true,
    delay: false,
};

fn names(world: &World, child: Key) -> Vec<String> {
    let recipients = &world.disk[&child].envelope.recipients;
    recipients
        .iter()
        .map(|recipient| recipient.mailbox.as_str().to_owned())
        .collect()
}

/// Makes `team@me.example` stand for three.
pub(super) fn team(world: &mut World, owner: Option<&str>) {
    let to = [
        ("x@far.example", Expanded::Mailbox),
        ("demo@me.example", Expanded::Mailbox),
        ("team@me.example", Expanded::Lines),
    ];
    world.alias("team@me.example", &to, owner);
}

#[test]
fn an_alias_goes_on_as_a_child_and_its_parent_ends() {
    let mut world = World::new(policy());
    team(&mut world, None);
    let key = world.arrive("a@b.example", &["team@me.example"]);
    assert!(world.jobs.is_empty());
    let order = &world.forwards[0];
    let [own, others] = order.parts.as_slice() else {
        panic!("{:?}", order.parts)
    };
    assert!(own.delivered_to.is_empty(), "it would look like a loop");
    assert_eq!(own.recipients[0].expanded, Expanded::Lines);
    assert_eq!(others.delivered_to, [mailbox("team@me.example")]);
    let children = world.queue_forward();
    assert!(!world.disk.contains_key(&key));
    let (_, events, then) = world.records.last().unwrap();
    assert!(matches!(events.as_slice(), [Event::Forwarded { ids, .. }] if ids.len() == 2));
    assert_eq!(*then, Then::Remove);
    assert_eq!(
        names(&world, children[1]),
        ["x@far.example", "demo@me.example"]
    );
    assert_eq!(world.jobs.len(), 3, "the children are on their way");
    assert_eq!(world.logged(LogEvent::MessageForwarded), 1);
    assert_eq!(world.logged(LogEvent::AttemptDelivered), 1);
    world.end_all(Fate::Delivered, Host::Alive);
    assert_eq!(world.scheduler.known(), 0);
}

#[test]
fn a_child_is_asked_for_with_what_was_decided_and_its_reverse_path_may_be_rewritten() {
    let mut world = World::new(policy());
    world.rewritten = Some("SRS0=x@me.example");
    team(&mut world, None);
    world.arrive("a@b.example", &["team@me.example"]);
    world.queue_forward();
    let (_, expanded, from) = &world.lookups[2];
    assert_eq!(*expanded, Expanded::Mailbox);
    assert_eq!(from.as_deref(), Some("a@b.example"));
    let from = |channel| {
        let (_, job) = world.jobs.iter().find(|(of, _)| *of == channel).unwrap();
        job.from.as_str().to_owned()
    };
    assert_eq!(from(Channel::Remote), "SRS0=x@me.example");
    assert_eq!(from(Channel::Local), "a@b.example");
}

#[test]
fn a_rewritten_reverse_path_outlives_a_try_that_was_cut_short() {
    let mut world = World::new(policy());
    world.rewritten = Some("SRS0=x@me.example");
    world.alias(
        "one@me.example",
        &[("x@far.example", Expanded::Mailbox)],
        None,
    );
    world.arrive("a@b.example", &["one@me.example"]);
    world.queue_forward();
    world.end(0, Fate::Cut, Host::Unknown);
    assert_eq!(world.jobs[0].1.from.as_str(), "SRS0=x@me.example");
}

#[test]
fn who_is_named_twice_gets_one_copy() {
    let mut world = World::new(policy());
    team(&mut world, None);
    world.alias(
        "crew@me.example",
        &[
            ("x@far.example", Expanded::Mailbox),
            ("y@far.example", Expanded::Mailbox),
        ],
        None,
    );
    let to = ["team@me.example", "crew@me.example", "demo@me.example"];
    world.arrive("a@b.example", &to);
    assert_eq!(world.jobs.len(), 1, "demo is a recipient itself");
    let [own, others] = world.forwards[0].parts.as_slice() else {
        panic!()
    };
    assert_eq!((own.recipients.len(), others.recipients.len()), (1, 2));
}

#[test]
fn an_alias_for_nobody_is_delivered_and_one_for_those_who_have_it_too() {
    let mut world = World::new(policy());
    world.alias("null@me.example", &[], None);
    world.alias(
        "demos@me.example",
        &[("demo@me.example", Expanded::Mailbox)],
        None,
    );
    let to = ["null@me.example", "demos@me.example", "demo@me.example"];
    let key = world.arrive("a@b.example", &to);
    assert!(world.forwards.is_empty());
    assert_eq!(world.logged(LogEvent::AttemptDelivered), 2);
    world.end_all(Fate::Delivered, Host::Unknown);
    assert!(!world.disk.contains_key(&key));
}

#[test]
fn an_only_target_inherits_all_and_several_all_but_success() {
    let mut world = World::new(policy());
    world.alias(
        "one@me.example",
        &[("x@far.example", Expanded::Mailbox)],
        None,
    );
    team(&mut world, None);
    let key = world.write("a@b.example", &["one@me.example", "team@me.example"]);
    world.notify(key, SUCCESS);
    world.alias(
        "team@me.example",
        &[
            ("y@far.example", Expanded::Mailbox),
            ("z@far.example", Expanded::Mailbox),
        ],
        None,
    );
    world.scheduler.arrived(key);
    world.settle();
    let recipients = &world.forwards[0].parts[0].recipients;
    let success: Vec<bool> = recipients
        .iter()
        .map(|recipient| recipient.notify.unwrap().success)
        .collect();
    assert_eq!(success, [true, false, false]);
    let orcpt = recipients[0].orcpt.clone().unwrap();
    assert_eq!(orcpt.0, b"rfc822;one@me.example");
    world.queue_forward();
    assert_eq!(world.reports.len(), 1);
    assert_eq!(world.reports[0].to, [1], "only what was expanded");
    let last = world.reports[0].message.state(1).unwrap().last.clone();
    assert_eq!(last.unwrap().relay, crate::stage::ALIAS);
    world.queue_report();
    assert!(!world.disk.contains_key(&key));
}

#[test]
fn a_list_has_its_owner_for_a_sender_and_nothing_of_the_senders_wishes() {
    let mut world = World::new(policy());
    team(&mut world, Some("owner-team@me.example"));
    let key = world.write("a@b.example", &["team@me.example", "demo@me.example"]);
    world.notify(key, SUCCESS);
    world.disk.get_mut(&key).unwrap().envelope.sender.envid = Some("q".into());
    world.scheduler.arrived(key);
    world.settle();
    let order = &world.forwards[0];
    assert_eq!(order.sender.from.as_str(), "owner-team@me.example");
    assert_eq!(order.sender.envid, None);
    let recipients = order.parts.iter().flat_map(|part| &part.recipients);
    let recipients: Vec<_> = recipients.collect();
    assert_eq!(recipients.len(), 3, "demo is in the list, too");
    assert!(
        recipients
            .iter()
            .all(|it| it.notify.is_none() && it.orcpt.is_none())
    );
    world.queue_forward();
    assert_eq!(
        world.disk[&key].states[0].standing,
        Standing::Delivered,
        "to the list, which is told of success"
    );
}

#[test]
fn what_cannot_be_queued_is_tried_again_and_what_loops_fails() {
    let mut world = World::new(policy());
    team(&mut world, None);
    world.alias(
        "crew@me.example",
        &[("y@far.example", Expanded::Mailbox)],
        None,
    );
    let key = world.arrive("a@b.example", &["team@me.example", "crew@me.example"]);
    let number = world.forwards.remove(0).number;
    let later = Forwarded::Later("no space".into());
    world.scheduler.forwarded(key, number, later);
    world.settle();
    assert_eq!(world.logged(LogEvent::AttemptDeferred), 2);
    world.pass_to_wake();
    let number = world.forwards.remove(0).number;
    let looped = Forwarded::Looped(vec![0]);
    world.scheduler.forwarded(key, number, looped);
    world.settle();
    assert_eq!(world.disk[&key].states[0].standing, Standing::Failed);
    world.queue_report();
    assert_eq!(world.forwards[0].to, [1], "the other goes on");
    world.queue_forward();
    assert!(!world.disk.contains_key(&key));
}

#[test]
fn a_damaged_message_goes_on_to_nobody() {
    let mut world = World::new(policy());
    team(&mut world, None);
    let key = world.arrive("a@b.example", &["team@me.example"]);
    let number = world.forwards.remove(0).number;
    world.scheduler.forwarded(key, number, Forwarded::Damaged);
    world.settle();
    assert_eq!(world.place[&key], Place::Bad);
    assert_eq!(world.logged(LogEvent::MessageSetAside), 1);
}

#[test]
fn a_child_that_was_tidied_away_before_it_was_named_is_made_again() {
    let mut world = World::new(policy());
    team(&mut world, None);
    let key = world.arrive("a@b.example", &["team@me.example"]);
    world.is_clean_away = true;
    world.queue_forward();
    world.is_clean_away = false;
    let seq = *world.scheduler.records.keys().next().unwrap();
    world.scheduler.refused(seq, false, "no child 0123 in tmp");
    world.pass(31);
    assert_eq!(world.forwards.len(), 1);
    world.queue_forward();
    assert!(!world.disk.contains_key(&key));
}

/// The outcome of a recipient that was delivered and has the message go on.
fn forwarding(job: &stafette_wire::delivery::Job) -> Outcome {
    Outcome {
        forward: Some(Forward {
            from: job.from.clone(),
            verp: false,
            to: vec![mailbox("x@far.example")],
        }),
        ..outcome(job, Fate::Delivered, Host::Unknown)
    }
}

#[test]
fn a_forward_of_a_recipient_counts_when_the_child_is_named() {
    let mut world = World::new(policy());
    let key = world.arrive("a@b.example", &["demo@me.example"]);
    let (channel, job) = world.jobs.remove(0);
    world.scheduler.outcome(channel, forwarding(&job));
    world.settle();
    // A parent that connects anew tells it again.
    world.scheduler.outcome(channel, forwarding(&job));
    world.settle();
    assert_eq!(world.forwards.len(), 1);
    assert!(world.acknowledged.is_empty() && world.disk.contains_key(&key));
    assert_eq!(
        world.forwards[0].parts[0].delivered_to,
        [mailbox("demo@me.example")]
    );
    world.queue_forward();
    assert_eq!(world.acknowledged, [job.job]);
    assert!(!world.disk.contains_key(&key));
    assert_eq!(
        world.jobs[0].1.recipients[0].recipient.mailbox,
        mailbox("x@far.example")
    );
}

#[test]
fn a_forward_is_made_by_the_next_life_if_this_one_dies_and_once_only() {
    for is_recorded in [false, true] {
        let mut world = World::new(policy());
        let key = world.arrive("a@b.example", &["demo@me.example", "late@me.example"]);
        let (channel, job) = world.jobs.remove(0);
        world.scheduler.outcome(channel, forwarding(&job));
        world.settle();
        if is_recorded {
            world.queue_forward();
        }
        world.restart();
        world.forwards.clear();
        let before = world.disk.len();
        world.scheduler.hello(Channel::Local, 40, Vec::new());
        world.scheduler.outcome(channel, forwarding(&job));
        world.scheduler.seen(key, Place::Cur, 0);
        world.scheduler.parent_up(Channel::Local);
        world.settle();
        assert_eq!(world.forwards.len(), usize::from(!is_recorded));
        if !is_recorded {
            world.queue_forward();
            assert_eq!(world.disk.len(), before + 1);
        }
        assert_eq!(world.acknowledged.last(), Some(&job.job));
        let tried = |world: &World| -> Vec<u32> {
            let of_parent =
                |(_, job): &&(Channel, stafette_wire::delivery::Job)| Key::from(job.id) == key;
            let jobs = world.jobs.iter().filter(of_parent);
            jobs.map(|(_, job)| job.recipients[0].index).collect()
        };
        assert_eq!(tried(&world), [1], "demo has it");
    }
}

#[test]
fn a_forward_that_cannot_be_queued_defers_its_recipient() {
    let mut world = World::new(policy());
    let key = world.arrive("a@b.example", &["demo@me.example"]);
    let (channel, job) = world.jobs.remove(0);
    world.scheduler.outcome(channel, forwarding(&job));
    world.settle();
    let number = world.forwards.remove(0).number;
    let later = Forwarded::Later("no space".into());
    world.scheduler.forwarded(key, number, later);
    world.settle();
    assert_eq!(world.acknowledged, [job.job]);
    assert_eq!(world.disk[&key].states[0].standing, Standing::Pending);
    assert_eq!(world.disk[&key].states[0].attempts, 1);
}

#[test]
fn with_an_address_for_each_recipient_each_has_its_job_and_its_report() {
    let mut world = World::new(policy());
    let key = world.write(
        "list-owner-@me.example",
        &["x@far.example", "y@far.example", "demo@me.example"],
    );
    world.disk.get_mut(&key).unwrap().envelope.sender.verp = true;
    world.scheduler.arrived(key);
    world.settle();
    let mut from: Vec<&str> = world
        .jobs
        .iter()
        .map(|(_, job)| job.from.as_str())
        .collect();
    from.sort_unstable();
    assert_eq!(
        from,
        [
            "list-owner-demo=me.example@me.example",
            "list-owner-x=far.example@me.example",
            "list-owner-y=far.example@me.example"
        ]
    );
    world.end_all(Fate::Failed, Host::Alive);
    let mut told = Vec::new();
    while let Some(report) = world.reports.first() {
        assert_eq!(report.to.len(), 1);
        told.push(report.to[0]);
        world.queue_report();
    }
    assert_eq!(told, [0, 1, 2]);
    assert!(!world.disk.contains_key(&key));
}

#[test]
fn a_report_to_the_postmaster_that_is_passed_on_is_still_the_last_one() {
    let mut world = World::new(policy());
    let to = [("x@far.example", Expanded::Mailbox)];
    world.alias("postmaster@me.example", &to, None);
    world.arrive("", &["y@far.example"]);
    world.end_all(Fate::Failed, Host::Alive);
    world.queue_report();
    let children = world.queue_forward();
    world.end_all(Fate::Failed, Host::Alive);
    assert!(world.reports.is_empty() && world.forwards.is_empty());
    assert_eq!(world.place[&children[0]], Place::Hold);
}
