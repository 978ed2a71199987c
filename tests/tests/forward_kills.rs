//! Programs killed at random moments while mail goes on to others by an alias and by a `.forward`: nothing is lost, and in a
//! Maildir nothing is there twice.
//!
//! What an alias and a `.forward` lead to are children of the message: made, named in its journal, published. A death between any two
//! of these steps must leave exactly one of each. A failing test prints its seed; `STAFETTE_SOAK=N` makes it N times as long.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, Instant};

use stafette_tests::chance::{self, Chance};
use stafette_tests::instance::{Instance, signal};
use stafette_tests::load::{Ledger, Load};
use stafette_tests::settle::{self, Clock};
use stafette_tests::{file, process, wait};

const PROGRAMS: [&str; 9] = [
    "tables", "resolve", "users", "clean", "queue", "local", "remote", "send", "smtpd",
];
/// Those that take part in what is tried here, so often each in CI.
const VICTIMS: [(&str, usize); 6] = [
    ("send", 20),
    ("queue", 15),
    ("clean", 15),
    ("local", 15),
    ("users", 10),
    ("tables", 3),
];
/// Children of local that are killed, and times that everything is.
const WORKERS: usize = 15;
const EVERYTHING: usize = 3;

const MAILBOXES: [&str; 4] = ["demo", "ann", "bob", "kim"];

/// Who gets a message to one of the load's addresses.
fn targets(address: &str) -> &'static [&'static str] {
    match address {
        "both@stafette.test" => &["bob@stafette.test", "kim@stafette.test"],
        // Her file keeps a copy.
        "ann@stafette.test" => &["ann@stafette.test", "bob@stafette.test"],
        "kim@stafette.test" => &["kim@stafette.test"],
        other => unreachable!("{other}"),
    }
}

/// The ledger with those who must have the messages in the end.
fn with_targets(ledger: &Ledger) -> Ledger {
    let mut ledger = ledger.clone();
    for accepted in &mut ledger.accepted {
        let named = accepted.to.iter().flat_map(|to| targets(to));
        accepted.to = named.map(|&to| to.to_owned()).collect();
    }
    ledger
}

/// Writes a file into a mailbox's home that belongs to its owner.
fn put(instance: &Instance, mailbox: &str, name: &str, text: &str) {
    let home = instance.path().join("mail").join(mailbox);
    let owner = std::fs::metadata(&home).expect("a home").uid();
    let path = home.join(name);
    file::put(&path, text);
    file::mode(&path, 0o600);
    file::give(&path, owner);
}

/// Who dies next: a program, a worker of local (`None` in the list of programs), or all.
#[derive(Debug, Clone, Copy)]
enum Victim {
    Program(&'static str),
    Worker,
    Everything,
}

fn deck(chance: &mut Chance) -> Vec<Victim> {
    let times = chance::soak();
    let mut deck = Vec::new();
    for (program, count) in VICTIMS {
        deck.extend(std::iter::repeat_n(Victim::Program(program), count * times));
    }
    deck.extend(std::iter::repeat_n(Victim::Worker, WORKERS * times));
    deck.extend(std::iter::repeat_n(Victim::Everything, EVERYTHING * times));
    chance.shuffle(&mut deck);
    deck
}

fn kill(instance: &Instance, chance: &mut Chance, victim: Victim) {
    let pids = wait::within(Duration::from_millis(600), || {
        let running = process::running(instance);
        let pids: Vec<u32> = match victim {
            Victim::Program(program) => running.get(program).copied().into_iter().collect(),
            Victim::Worker => {
                let local = running.get("local").copied();
                let workers: Vec<u32> = local.into_iter().flat_map(process::children).collect();
                if workers.is_empty() {
                    return None;
                }
                vec![*chance.pick(&workers)]
            }
            Victim::Everything => running.into_values().collect(),
        };
        Some(pids).filter(|pids| !pids.is_empty())
    });
    for pid in pids.into_iter().flatten() {
        signal(pid, "KILL");
    }
}

#[test]
fn whatever_is_killed_what_goes_on_to_others_arrives_once_in_each_maildir() {
    let mut chance = Chance::from_env();
    let arguments = MAILBOXES.map(|name| ["--mailbox", name]).concat();
    let mut instance = Instance::new(&arguments);
    instance.set("aliases", "both: bob, kim");
    instance.start();
    put(&instance, "ann", ".forward", "\\ann, bob\n");
    let to: [&[&str]; 4] = [
        &["both@stafette.test"],
        &["ann@stafette.test"],
        // kim is named herself, too, and bob comes by the alias.
        &["both@stafette.test", "kim@stafette.test"],
        &["kim@stafette.test", "ann@stafette.test"],
    ];
    let load = Load::start(&instance, &mut chance, 2, 1, &to);
    for victim in deck(&mut chance) {
        let enough = load.accepted() + 1 + chance.below(4);
        wait::within(Duration::from_millis(150), || {
            (load.accepted() >= enough).then_some(())
        });
        let instant = Instant::now() + Duration::from_micros(chance.number() % 8000);
        while Instant::now() < instant {
            std::thread::yield_now();
        }
        kill(&instance, &mut chance, victim);
    }
    let ledger = load.end();
    wait::until_true("all programs to be back", || {
        process::running(&instance).len() == PROGRAMS.len()
    });
    assert!(ledger.wrong.is_empty(), "{:?}", ledger.wrong);
    assert!(!ledger.accepted.is_empty(), "nothing was accepted at all");
    let mut clock = Clock::default();
    settle::drain(&instance, &mut clock);
    let ledger = with_targets(&ledger);
    for mailbox in MAILBOXES {
        settle::each_arrived_once(&instance, &ledger, mailbox);
    }
    settle::leaves_nothing(&mut instance);
    for mailbox in MAILBOXES {
        settle::each_arrived_once(&instance, &ledger, mailbox);
    }
    eprintln!("{} messages", ledger.accepted.len());
}
