//! Deferred mode, flushes of some messages, what is known of hosts, and the log of qmail-send.

use super::*;
use crate::policy::Deferral;
use crate::search::Search;
use stafette_wire::envelope::Expanded;
use stafette_wire::operator::{By, Selection};

fn deferring(deferred: Deferral) -> World {
    World::new(Policy {
        deferred,
        ..policy()
    })
}

#[test]
fn mail_for_other_hosts_waits_for_a_flush_if_the_operator_wants_that() {
    let mut world = deferring(Deferral::Remote);
    world.arrive("a@b.example", &["x@far.example", "demo@me.example"]);
    assert_eq!(world.jobs.len(), 1);
    world.end_all(Fate::Delivered, Host::Unknown);
    world.pass(10_000);
    assert!(world.jobs.is_empty());
    world.scheduler.flush_all(0);
    world.settle();
    assert_eq!(world.jobs.len(), 1);
    world.arrive("a@b.example", &["y@far.example"]);
    assert_eq!(world.jobs.len(), 1, "a flush is for what is there");
    world.end_all(Fate::Delivered, Host::Alive);
    assert_eq!(world.scheduler.known(), 1);
}

#[test]
fn nothing_at_all_is_tried_if_the_operator_wants_that_until_he_does_not() {
    let mut world = deferring(Deferral::All);
    let to = [("x@far.example", Expanded::Mailbox)];
    world.alias("team@me.example", &to, None);
    world.arrive("a@b.example", &["demo@me.example", "team@me.example"]);
    assert!(world.jobs.is_empty() && world.forwards.is_empty());
    world.scheduler.set_settings(policy());
    world.settle();
    assert_eq!((world.jobs.len(), world.forwards.len()), (1, 1));
}

#[test]
fn what_waits_for_a_flush_has_an_end_of_its_life_as_all_mail() {
    let mut world = deferring(Deferral::All);
    let key = world.arrive("a@b.example", &["demo@me.example"]);
    world.pass(432_000);
    while world.reports.is_empty() {
        world.pass(3600);
    }
    assert_eq!(world.disk[&key].states[0].standing, Standing::Failed);
}

#[test]
fn a_flush_of_some_messages_tries_a_host_that_was_dead_before_it() {
    let mut world = World::new(policy());
    let key = world.arrive("a@b.example", &["x@far.example"]);
    world.end_all(Fate::Deferred, Host::Dead);
    world.pass(10);
    world.scheduler.force(key);
    world.settle();
    assert!(world.jobs.is_empty());
    let selection = Selection {
        by: By::Domain,
        text: "far.example".into(),
    };
    let search = Search::of(&selection).unwrap();
    world.scheduler.flush_some(0, search.clone(), "far.example");
    world.settle();
    assert_eq!(world.searches, [search]);
    world.scheduler.force(key);
    world.settle();
    assert_eq!(world.jobs.len(), 1);
    world.pass(5);
    world.end_all(Fate::Deferred, Host::Dead);
    world.scheduler.force(key);
    world.settle();
    assert!(world.jobs.is_empty(), "it died after the flush");
}

#[test]
fn a_selection_is_found_by_any_part_of_it_and_a_domain_as_a_whole() {
    let mut world = World::new(policy());
    let key = world.write("Joe@b.example", &["X@far.example", "y@near.example"]);
    let journal = &world.disk[&key];
    let finds = |by, text: &str| {
        let text = text.to_owned();
        Search::of(&Selection { by, text })
            .is_some_and(|search| !search.excludes(key.id()) && search.matches(journal))
    };
    assert!(finds(By::Domain, "FAR.example"));
    assert!(!finds(By::Domain, "example") && !finds(By::Domain, "not a domain"));
    assert!(finds(By::Recipient, "x@FAR") && !finds(By::Recipient, "joe@"));
    assert!(finds(By::Sender, "joe@") && !finds(By::Sender, "x@far"));
    let id = key.id().as_str().to_owned();
    assert!(finds(By::Id, &id[3..9]) && !finds(By::Id, "zzzz"));
}

#[test]
fn what_a_host_said_last_is_remembered_for_a_day() {
    let mut world = World::new(policy());
    world.arrive("a@b.example", &["x@far.example"]);
    world.end_all(Fate::Deferred, Host::Dead);
    let hosts = world.scheduler.hosts();
    assert_eq!(hosts.len(), 1);
    let host = &hosts[0];
    assert_eq!(host.destination, "far.example");
    assert_eq!(host.relay, "mx.example[192.0.2.1]:25");
    assert_eq!(host.reply.0, b"451 later");
    assert_eq!((host.tried, host.dead_until), (START, START + 60));
    world.scheduler.forget_hosts();
    assert!(world.scheduler.hosts().is_empty());
    world.pass(3600);
    world.end_all(Fate::Delivered, Host::Alive);
    world.pass(80_000);
    assert_eq!(world.scheduler.hosts().len(), 1);
    world.pass(10_000);
    assert!(world.scheduler.hosts().is_empty());
}

#[test]
fn the_log_of_qmail_send_has_its_lines() {
    let mut world = World::new(Policy {
        logs_as_qmail: true,
        ..policy()
    });
    let key = world.arrive("a@b.example", &["x@far.example", "demo@me.example"]);
    world.end(1, Fate::Failed, Host::Alive);
    world.end(0, Fate::Delivered, Host::Unknown);
    let (child, _) = world.queue_report();
    let number = |key: Key| qmail::number(key.id()).to_string();
    let (m, c) = (number(key), number(child));
    let lines: Vec<String> = world
        .raw
        .iter()
        .map(|line| line.replace(&m, "M").replace(&c, "C"))
        .collect();
    assert_eq!(
        lines[..12],
        [
            "new msg M",
            "info msg M: bytes 10 from <a@b.example> qp 0 uid 7",
            "starting delivery 1: msg M to local demo@me.example",
            "status: local 1/40 remote 0/40",
            "starting delivery 2: msg M to remote x@far.example",
            "status: local 1/40 remote 1/40",
            "delivery 2: failure: 550_no_such_user/",
            "status: local 1/40 remote 0/40",
            "delivery 1: success: 250_ok/",
            "status: local 0/40 remote 0/40",
            "bounce msg M qp C",
            "end msg M",
        ]
    );
    assert_eq!(world.logged(LogEvent::AttemptFailed), 0);
}
