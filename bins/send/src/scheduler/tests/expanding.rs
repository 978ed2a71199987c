//! Who gets how many copies when an alias is expanded, and how much of that is in memory.

use stafette_wire::envelope::Expanded;

use super::forwarding::team;
use super::*;
use crate::forward::Forwarded;

#[test]
fn who_got_the_message_itself_in_an_earlier_try_or_life_gets_no_second_copy_by_an_alias() {
    for is_restarted in [false, true] {
        let mut world = World::new(policy());
        team(&mut world, None);
        let key = world.arrive("a@b.example", &["team@me.example", "demo@me.example"]);
        world.end_all(Fate::Delivered, Host::Unknown);
        let order = world.forwards.remove(0);
        if is_restarted {
            world.restart();
            world.scheduler.seen(key, Place::Cur, 0);
            for channel in Channel::BOTH {
                world.up(channel);
            }
            world.settle();
        } else {
            let later = Forwarded::Later("no space".into());
            world.scheduler.forwarded(key, order.number, later);
            world.settle();
            world.pass_to_wake();
        }
        let recipients: Vec<&str> = world.forwards[0]
            .parts
            .iter()
            .flat_map(|part| &part.recipients)
            .map(|recipient| recipient.mailbox.as_str())
            .collect();
        assert_eq!(recipients, ["team@me.example", "x@far.example"]);
    }
}

#[test]
fn who_waits_for_a_later_try_of_the_message_itself_gets_no_second_copy_by_an_alias() {
    let mut world = World::new(Policy {
        deferred: crate::policy::Deferral::Remote,
        ..policy()
    });
    team(&mut world, None);
    world.arrive("a@b.example", &["team@me.example", "x@far.example"]);
    let recipients = world.forwards[0].parts.iter().flat_map(|it| &it.recipients);
    assert!(
        recipients
            .into_iter()
            .all(|recipient| recipient.mailbox != mailbox("x@far.example"))
    );
}

#[test]
fn who_is_refused_as_a_recipient_is_no_reason_to_leave_others_out() {
    let mut world = World::new(policy());
    team(&mut world, None);
    world.unknown = vec!["demo@me.example".to_owned()];
    world.arrive("a@b.example", &["team@me.example", "demo@me.example"]);
    let count: usize = world.forwards[0]
        .parts
        .iter()
        .map(|it| it.recipients.len())
        .sum();
    assert_eq!(count, 3);
}

#[test]
fn what_many_recipients_stand_for_is_not_held_in_memory_all_at_once() {
    let mut world = World::new(policy());
    let to: Vec<String> = (0..90_000)
        .map(|number| format!("u{number}@far.example"))
        .collect();
    let to: Vec<(&str, Expanded)> = to
        .iter()
        .map(|to| (to.as_str(), Expanded::Mailbox))
        .collect();
    let names: Vec<String> = (0..12)
        .map(|list| format!("list{list}@me.example"))
        .collect();
    for name in &names {
        world.alias(name, &to, None);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let key = world.arrive("a@b.example", &names);
    let ordered: usize = world.forwards.iter().map(|order| order.to.len()).sum();
    assert_eq!(ordered, 5, "what there is room for");
    let mut rounds = 0;
    while world.disk.contains_key(&key) {
        let order = world.forwards.remove(0);
        let child = world.write("", &["nobody@me.example"]);
        let made = Forwarded::Queued(vec![child; order.parts.len()]);
        world.scheduler.forwarded(key, order.number, made);
        world.settle();
        if world.forwards.is_empty() && world.disk.contains_key(&key) {
            world.pass_to_wake();
            rounds += 1;
        }
    }
    assert_eq!(rounds, 2);
}

#[test]
fn large_lists_together_are_as_many_orders_as_their_children_need() {
    let mut world = World::new(policy());
    let names: Vec<String> = (0..4)
        .map(|list| format!("list{list}@me.example"))
        .collect();
    for (list, name) in names.iter().enumerate() {
        let to: Vec<String> = (0..90_000)
            .map(|number| format!("u{number}@far{list}.example"))
            .collect();
        let to: Vec<(&str, Expanded)> = to
            .iter()
            .map(|to| (to.as_str(), Expanded::Mailbox))
            .collect();
        world.alias(name, &to, None);
    }
    let to: Vec<&str> = names.iter().map(String::as_str).collect();
    world.arrive("a@b.example", &to);
    assert_eq!(world.logged(LogEvent::AttemptDeferred), 0);
    let orders: Vec<(usize, usize)> = world
        .forwards
        .iter()
        .map(|order| (order.to.len(), order.parts.len()))
        .collect();
    assert_eq!(orders, [(3, 27), (1, 9)]);
}
