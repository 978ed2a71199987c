//! Each program is hit once at a system call that changes something: killed there, or told that the disk is broken or full.
//!
//! A recording under strace tells which such calls each program makes while one message is delivered here, one deferred
//! and then delivered elsewhere, and one bounced. Then the program is started anew for each call and blow (see
//! `stafette_tests::strace`), and the same three messages are handed in. A client may be told to try later, and does; what
//! was accepted arrives, in the Maildir once, and the program goes on without help. CI tries each kind of call with each
//! blow at two places chosen by chance; with `STAFETTE_SOAK` every place is tried.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "faults/bench.rs"]
mod bench;

use std::collections::BTreeSet;

use stafette_tests::chance::{self, Chance};
use stafette_tests::skip;
use stafette_tests::strace::{BLOWS, Blow, Point, Traced, points};

use bench::Bench;

/// Places that are tried in CI for each call and blow.
const PLACES: usize = 2;

/// The points to try with each blow: all of them, or some for each call.
fn plan(all: &BTreeSet<Point>, chance: &mut Chance) -> Vec<(Point, Blow)> {
    let mut plan = Vec::new();
    let calls: BTreeSet<&str> = all.iter().map(|point| point.call.as_str()).collect();
    for blow in BLOWS {
        if chance::soak() > 1 {
            plan.extend(all.iter().map(|point| (point.clone(), blow)));
            continue;
        }
        for call in &calls {
            let mut of_call: Vec<&Point> = all.iter().filter(|point| point.call == *call).collect();
            chance.shuffle(&mut of_call);
            plan.extend(
                of_call
                    .into_iter()
                    .take(PLACES)
                    .map(|point| (point.clone(), blow)),
            );
        }
    }
    chance.shuffle(&mut plan);
    plan
}

/// Hits one program at each point of the plan.
fn sweep(program: &str) {
    if !skip::unless_installed("strace") {
        return;
    }
    let mut chance = Chance::from_env();
    let mut bench = Bench::new();
    let traced = Traced::restart(bench.instance(), program, None);
    bench.round(&format!("{program}-recorded"), 1);
    let all = points(&traced.text());
    drop(traced);
    assert!(!all.is_empty(), "{program} changes nothing at all?");
    // What remote has sent when it is hit, it may have to send again.
    let most = if program == "remote" { 2 } else { 1 };
    let plan = plan(&all, &mut chance);
    let mut missed = Vec::new();
    for (point, blow) in &plan {
        let name = format!("{program}-{}-{}-{blow:?}", point.call, point.nth);
        let name = name.replace(['(', ')', '"'], "");
        let traced = Traced::restart(bench.instance(), program, Some((point, *blow)));
        bench.round(&name, most);
        if !traced.was_hit() {
            missed.push(name);
        }
    }
    eprintln!(
        "{program}: {} points, {} tried, not reached: {missed:?}",
        all.len(),
        plan.len()
    );
    assert!(
        missed.len() * 2 <= plan.len(),
        "most calls were not reached again"
    );
    bench.end();
}

#[test]
fn smtpd_hit_at_any_call_loses_nothing() {
    sweep("smtpd");
}

#[test]
fn queue_hit_at_any_call_loses_nothing() {
    sweep("queue");
}

#[test]
fn send_hit_at_any_call_loses_nothing() {
    sweep("send");
}

#[test]
fn users_hit_at_any_call_loses_nothing() {
    sweep("users");
}

#[test]
fn local_hit_at_any_call_loses_nothing_and_delivers_nothing_twice() {
    sweep("local");
}

#[test]
fn remote_hit_at_any_call_loses_nothing() {
    sweep("remote");
}

#[test]
fn clean_hit_at_any_call_loses_nothing() {
    sweep("clean");
}

#[test]
fn resolve_hit_at_any_call_loses_nothing() {
    sweep("resolve");
}

#[test]
fn sendmail_hit_at_any_call_while_no_daemon_runs_takes_a_message_or_refuses_it_and_says_so() {
    if !skip::unless_installed("strace") {
        return;
    }
    let mut chance = Chance::from_env();
    let mut bench = Bench::new();
    bench.instance_mut().stop();
    let (all, _) = bench.sendmail("recorded", None);
    assert!(!all.is_empty(), "sendmail changes nothing at all?");
    for (point, blow) in plan(&all, &mut chance) {
        let name = format!("sendmail-{}-{}-{blow:?}", point.call, point.nth);
        let name = name.replace(['(', ')', '"'], "");
        let (_, hit) = bench.sendmail(&name, Some((&point, blow)));
        assert!(hit, "{name} was not reached");
    }
    bench.instance_mut().start();
    bench.everything_arrives();
    bench.end();
}
