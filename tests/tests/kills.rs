//! Programs killed at random moments under load: what was accepted arrives, and in a Maildir never twice.
//!
//! Each program is killed some thirty times, its parent process and, where it has them, its children, in an order and at
//! moments chosen by a generator whose seed a failing test prints; `STAFETTE_SOAK=N` makes it N times as many. Now and
//! then everything is killed at once. A second copy at another host is in order only where somebody killed `remote` or
//! one of its workers between the two: after the host's yes, before our record of it.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use stafette_tests::chance::{self, Chance};
use stafette_tests::dns::Dns;
use stafette_tests::instance::{Instance, signal};
use stafette_tests::load::{Ledger, Load};
use stafette_tests::peer::Peer;
use stafette_tests::settle::{self, Clock};
use stafette_tests::{address, load, maildir, process, skip, wait};

const PROGRAMS: [&str; 9] = [
    "tables", "resolve", "users", "clean", "queue", "local", "remote", "send", "smtpd",
];
/// Those that work in children.
const PARENTS: [&str; 3] = ["smtpd", "local", "remote"];
/// How often each is killed in CI.
const TIMES: usize = 30;
/// The most attempts that `remote` has under way at once for one destination (control file `destinationconcurrency`).
const UNDER_WAY: usize = 20;

/// How late a peer may notice what came to it.
const LATE: Duration = Duration::from_millis(200);

/// Whom to kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Program(&'static str),
    ChildOf(&'static str),
    Everything,
}

/// A kill that happened.
#[derive(Debug)]
struct Kill {
    victim: Victim,
    before: Instant,
    after: Instant,
}

/// Every victim so many times, shuffled.
fn deck(chance: &mut Chance, programs: &[&'static str], times: usize) -> Vec<Victim> {
    let mut deck = Vec::new();
    for program in programs {
        deck.extend(std::iter::repeat_n(Victim::Program(program), times));
        if PARENTS.contains(program) {
            deck.extend(std::iter::repeat_n(Victim::ChildOf(program), times));
        }
    }
    deck.extend(std::iter::repeat_n(Victim::Everything, times / 5));
    chance.shuffle(&mut deck);
    deck
}

/// Kills all of the deck under a running load, each after some more messages.
fn kill(instance: &Instance, chance: &mut Chance, deck: &[Victim], load: &Load) -> Vec<Kill> {
    let mut kills = Vec::new();
    for &victim in deck {
        let enough = load.accepted() + 1 + chance.below(6);
        // While something vital is away nothing comes in; then the next blow falls all the same.
        wait::within(Duration::from_millis(150), || {
            (load.accepted() >= enough).then_some(())
        });
        let instant = Instant::now() + Duration::from_micros(chance.number() % 5000);
        while Instant::now() < instant {
            std::thread::yield_now();
        }
        let pids = wait::within(Duration::from_millis(600), || {
            Some(pids(instance, chance, victim)).filter(|pids| !pids.is_empty())
        });
        let before = Instant::now();
        for pid in pids.into_iter().flatten() {
            signal(pid, "KILL");
        }
        kills.push(Kill {
            victim,
            before,
            after: Instant::now(),
        });
    }
    kills
}

fn pids(instance: &Instance, chance: &mut Chance, victim: Victim) -> Vec<u32> {
    let running = process::running(instance);
    let parent = |program: &str| running.get(program).copied();
    match victim {
        Victim::Program(program) => parent(program).into_iter().collect(),
        Victim::ChildOf(program) => {
            let children: Vec<u32> = parent(program)
                .into_iter()
                .flat_map(process::children)
                .collect();
            if children.is_empty() {
                return children;
            }
            vec![*chance.pick(&children)]
        }
        Victim::Everything => running.into_values().collect(),
    }
}

/// All programs run again, and the instance answers.
fn wait_for_all(instance: &Instance) {
    wait::until_true("all programs to be back", || {
        process::running(instance).len() == PROGRAMS.len()
    });
    wait::until_true("smtpd to answer", || {
        std::net::TcpStream::connect(instance.smtp()).is_ok()
    });
}

/// At the other hosts: every message at least once, and again only if its attempt can have been cut off.
fn each_arrived_abroad(peers: &[&Peer], ledger: &Ledger, kills: &[Kill]) {
    let mut copies: BTreeMap<(String, String), Vec<Instant>> = BTreeMap::new();
    for taken in peers.iter().flat_map(|peer| peer.seen().taken) {
        let token = load::token(&taken.content).expect("a message of the load");
        for to in taken.recipients {
            let to = to
                .split_once('>')
                .map_or("", |(path, _)| path)
                .replace('<', "");
            copies
                .entry((token.clone(), to))
                .or_default()
                .push(taken.at.expect("a time"));
        }
    }
    let cuts = |kill: &&Kill| {
        matches!(
            kill.victim,
            Victim::Everything | Victim::Program("remote") | Victim::ChildOf("remote")
        )
    };
    let mut bound = 0;
    for kill in kills.iter().filter(cuts) {
        bound += if kill.victim == Victim::ChildOf("remote") {
            1
        } else {
            UNDER_WAY * peers.len()
        };
    }
    let mut lost = Vec::new();
    let abroad = |to: &&String| !to.ends_with("@stafette.test");
    for accepted in &ledger.accepted {
        for to in accepted.to.iter().filter(abroad) {
            if !copies.contains_key(&(accepted.token.clone(), to.clone())) {
                lost.push((&accepted.token, to));
            }
        }
    }
    assert!(lost.is_empty(), "lost on the way to another host: {lost:?}");
    let mut second = 0;
    for (message, times) in &mut copies {
        times.sort();
        for pair in times.windows(2) {
            second += 1;
            let [first, next] = pair else { continue };
            // What a worker wrote before it died, the peer may read a moment later.
            let from = *first - LATE;
            let between: Vec<&Kill> = kills
                .iter()
                .filter(|kill| kill.before <= *next && kill.after >= from)
                .collect();
            assert!(
                between.iter().any(cuts),
                "{message:?} went out twice, {:?} later, though nobody killed remote between: {between:?}",
                *next - *first
            );
        }
    }
    assert!(
        second <= bound,
        "{second} second copies, at most {bound} attempts were cut off"
    );
    eprintln!(
        "{} kills, {} accepted, {second} second copies abroad",
        kills.len(),
        ledger.accepted.len()
    );
}

fn nothing_was_answered_wrongly(ledger: &Ledger) {
    assert!(ledger.wrong.is_empty(), "{:?}", ledger.wrong);
    assert!(!ledger.accepted.is_empty(), "nothing was accepted at all");
}

#[test]
fn whatever_is_killed_under_load_each_accepted_message_arrives_and_none_twice_in_a_maildir() {
    let mut chance = Chance::from_env();
    let peer = Peer::friendly();
    let mut instance = Instance::new(&[
        "--mailbox",
        "demo",
        "--mailbox",
        "kim",
        "--route",
        &peer.route("far.test"),
    ]);
    let mut to: Vec<&[&str]> = vec![
        &["demo@stafette.test"],
        &["kim@stafette.test", "demo@stafette.test"],
        &["a@far.test"],
        &["a@far.test", "b@far.test", "kim@stafette.test"],
    ];
    // With a name server of our own, some mail takes the way through resolve as well.
    let exchanger = address::fresh();
    let mut peers = vec![&peer];
    let (by_mx, dns);
    if skip::unless_root() && skip::unless_installed("nsd") {
        by_mx = Peer::on(exchanger, 25, |_, _| None);
        dns = Dns::serving("mx.test", &format!("@ MX 10 mail\nmail A {exchanger}"));
        instance.set("nameservers", &dns.nameserver());
        peers.push(&by_mx);
        to.push(&["c@mx.test"]);
    }
    instance.start();
    let load = Load::start(&instance, &mut chance, 3, 1, &to);
    let deck = deck(&mut chance, &PROGRAMS, TIMES * chance::soak());
    let kills = kill(&instance, &mut chance, &deck, &load);
    let ledger = load.end();
    wait_for_all(&instance);
    nothing_was_answered_wrongly(&ledger);
    let mut clock = Clock::default();
    settle::drain(&instance, &mut clock);
    settle::nothing_was_deferred(&instance);
    settle::each_arrived_once(&instance, &ledger, "demo");
    settle::each_arrived_once(&instance, &ledger, "kim");
    each_arrived_abroad(&peers, &ledger, &kills);
    settle::leaves_nothing(&mut instance);
    settle::each_arrived_once(&instance, &ledger, "demo");
}

/// Moves every new message to cur/ with a flag, as a mail reader does, until told to stop.
fn read_mail(maildir: &Path, stop: &AtomicBool) -> usize {
    let mut read = 0;
    while !stop.load(Ordering::Relaxed) {
        for entry in std::fs::read_dir(maildir.join("new"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let seen = format!("{}:2,S", entry.file_name().to_string_lossy());
            if std::fs::rename(entry.path(), maildir.join("cur").join(seen)).is_ok() {
                read += 1;
            }
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    read
}

#[test]
fn a_reader_who_moves_mail_away_while_programs_die_never_sees_a_message_twice() {
    let mut chance = Chance::from_env();
    let mut instance = Instance::started(&[]);
    let stop = Arc::new(AtomicBool::new(false));
    let reader = {
        let (maildir, stop) = (instance.maildir("demo"), Arc::clone(&stop));
        std::thread::spawn(move || read_mail(&maildir, &stop))
    };
    let load = Load::start(&instance, &mut chance, 2, 1, &[&["demo@stafette.test"]]);
    let deck = deck(
        &mut chance,
        &["local", "send", "clean", "queue"],
        TIMES * chance::soak(),
    );
    kill(&instance, &mut chance, &deck, &load);
    let ledger = load.end();
    wait_for_all(&instance);
    nothing_was_answered_wrongly(&ledger);
    let mut clock = Clock::default();
    settle::drain(&instance, &mut clock);
    stop.store(true, Ordering::Relaxed);
    let read = reader.join().expect("the reader");
    assert!(read > 0, "the reader moved nothing");
    settle::each_arrived_once(&instance, &ledger, "demo");
    assert!(
        maildir::files(&instance.maildir("demo")).len() >= ledger.accepted.len(),
        "fewer files than messages"
    );
    settle::leaves_nothing(&mut instance);
}
