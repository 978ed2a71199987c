//! After the trouble: the instance is left to itself until its queue is empty, and then everything is counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use crate::instance::Instance;
use crate::load::{self, Ledger};
use crate::{maildir, wait};

/// How far the instance's clock was moved ahead so far.
#[derive(Debug, Default)]
pub struct Clock {
    seconds: i64,
}

impl Clock {
    /// Moves it further.
    pub fn advance(&mut self, instance: &Instance, seconds: i64) {
        self.seconds += seconds;
        instance.move_clock(self.seconds);
    }
}

/// Files that stand for a message: all but those in tmp/ and those that are only being left in drop/. What the service has
/// just taken out of drop/ is in tmp/ and counts, so the places are read in the order in which a message goes through them.
#[must_use]
pub fn waiting(instance: &Instance) -> Vec<PathBuf> {
    let queue = instance.path().join("spool/queue");
    let ends_in = |file: &PathBuf, ending: &str| file.extension().is_some_and(|it| it == ending);
    let mut files = list(&queue.join("drop"));
    files.retain(|file| !ends_in(file, "part"));
    files.extend(instance.queued());
    files.retain(|file| !file.starts_with(queue.join("tmp")) || ends_in(file, "drop"));
    files
}

fn list(directory: &std::path::Path) -> Vec<PathBuf> {
    std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect()
}

/// Waits until no message waits; whenever nothing goes on for half a second, the clock moves by a retry's time.
pub fn drain(instance: &Instance, clock: &mut Clock) {
    let end = Instant::now() + Duration::from_secs(120);
    let (mut before, mut since) = (waiting(instance), Instant::now());
    while !before.is_empty() {
        std::thread::sleep(Duration::from_millis(20));
        let now = waiting(instance);
        if now.len() != before.len() {
            since = Instant::now();
        } else if since.elapsed() > Duration::from_millis(500) {
            clock.advance(instance, 1000);
            since = Instant::now();
        }
        before = now;
        assert!(
            Instant::now() < end,
            "still in the queue after 120 s: {before:?}; the first:\n{}\n{}",
            before.first().map(|file| story(file)).unwrap_or_default(),
            instance.logs()
        );
    }
}

/// The last lines of a queue file.
fn story(file: &std::path::Path) -> String {
    let text = std::fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().rev().take(12).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

/// Stops the instance, lets what is in tmp/ and drop/ grow old, starts it again, and then nothing at all is left in the queue:
/// what a crash left there was unnamed, and recovery has removed it.
pub fn leaves_nothing(instance: &mut Instance) {
    instance.stop();
    let queue = instance.path().join("spool/queue");
    let unaccepted = || [list(&queue.join("tmp")), list(&queue.join("drop"))].concat();
    let long_ago = SystemTime::now() - Duration::from_secs(2 * 86_400);
    for path in unaccepted() {
        let file = File::options().write(true).open(path).expect("a file");
        file.set_modified(long_ago).expect("another time");
    }
    instance.start();
    wait::until_true("recovery to tidy tmp/ and drop/", || {
        unaccepted().is_empty()
    });
    assert!(instance.queued().is_empty(), "{:?}", instance.queued());
}

/// Fails the test if anything was put off that only our own programs' deaths can have put off: such a try is no attempt.
pub fn nothing_was_deferred(instance: &Instance) {
    let log = instance.log("send");
    let deferred: Vec<&str> = log
        .lines()
        .filter(|line| line.contains(" attempt-deferred "))
        .collect();
    assert!(
        deferred.is_empty(),
        "{} attempts deferred, such as:\n{}",
        deferred.len(),
        deferred
            .iter()
            .take(5)
            .copied()
            .collect::<Vec<_>>()
            .join("\n")
    );
}

/// What the mailboxes hold.
#[derive(Debug, Default)]
pub struct Held {
    /// How many copies of each token's message.
    pub copies: BTreeMap<String, usize>,
    /// How many reports about each token's message, by the action that they report.
    pub reports: BTreeMap<(String, String), usize>,
}

/// Reads a mailbox. Every message of a load in it is whole.
#[must_use]
pub fn held(instance: &Instance, mailbox: &str) -> Held {
    let mut held = Held::default();
    for message in maildir::messages(&instance.maildir(mailbox)) {
        let text = String::from_utf8_lossy(&message);
        if text.starts_with("Return-Path: <>") {
            let line = |start: &str| text.lines().find_map(|line| line.strip_prefix(start));
            let key = (
                line("X-Token: ").unwrap_or_default().to_owned(),
                line("Action: ").unwrap_or_default().to_owned(),
            );
            *held.reports.entry(key).or_default() += 1;
        } else if let Some(token) = load::token(&message) {
            *held.copies.entry(token).or_default() += 1;
        }
    }
    held
}

/// Every message of the ledger for `mailbox` is in it once, no message is in it twice, and nobody was told of a failure.
pub fn each_arrived_once(instance: &Instance, ledger: &Ledger, mailbox: &str) {
    let address = format!("{mailbox}@stafette.test");
    let held = held(instance, mailbox);
    let due: BTreeSet<&str> = ledger
        .accepted
        .iter()
        .filter(|accepted| accepted.to.contains(&address))
        .map(|accepted| accepted.token.as_str())
        .collect();
    let lost: Vec<_> = due
        .iter()
        .filter(|token| !held.copies.contains_key(**token))
        .collect();
    let twice: Vec<_> = held
        .copies
        .iter()
        .filter(|(_, count)| **count > 1)
        .collect();
    let failed: Vec<_> = held
        .reports
        .keys()
        .filter(|(_, action)| action == "failed")
        .collect();
    assert!(
        lost.is_empty() && twice.is_empty() && failed.is_empty(),
        "of {} accepted for {mailbox}: lost {lost:?}; more than once {twice:?}; failed {failed:?}",
        due.len()
    );
}
