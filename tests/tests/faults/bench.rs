//! An instance with a peer that defers or refuses, and rounds of three messages whose fate is checked to the end.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Duration;

use stafette_tests::instance::{Instance, feed};
use stafette_tests::load::{self, Answer, by_sendmail, by_smtp};
use stafette_tests::peer::{Act, Peer};
use stafette_tests::settle::{self, Clock};
use stafette_tests::strace::{self, Blow, Point};
use stafette_tests::{maildir, wait};

pub(crate) struct Bench {
    instance: Instance,
    peer: Peer,
    clock: Clock,
    /// What was found in the mailbox so far: messages and reports, by token.
    letters: BTreeMap<String, usize>,
    reports: BTreeMap<String, usize>,
    /// Tokens that must arrive, if [`Bench::sendmail`] handed them in.
    due: Vec<String>,
}

/// Defers each recipient `grey` of a token once and refuses each `no`.
fn rule(command: &str, seen: &stafette_tests::peer::Seen) -> Option<Act> {
    if command.starts_with("RCPT TO:<no") {
        return Some(Act::Say("550 5.1.1 nobody here".to_owned()));
    }
    let is_first = || seen.commands.iter().filter(|one| *one == command).count() < 2;
    if command.starts_with("RCPT TO:<grey") && is_first() {
        return Some(Act::Say("451 4.7.1 come back later".to_owned()));
    }
    None
}

impl Bench {
    pub(crate) fn new() -> Self {
        let peer = Peer::with(rule);
        let instance = Instance::started(&["--route", &peer.route("far.test")]);
        Self {
            instance,
            peer,
            clock: Clock::default(),
            letters: BTreeMap::new(),
            reports: BTreeMap::new(),
            due: Vec::new(),
        }
    }

    pub(crate) fn instance(&self) -> &Instance {
        &self.instance
    }

    pub(crate) fn instance_mut(&mut self) -> &mut Instance {
        &mut self.instance
    }

    /// Hands the three messages in, each as often as it takes until it is accepted, and sees all of them to their end.
    /// At the peer there may be `most` copies of one message.
    pub(crate) fn round(&mut self, name: &str, most: usize) {
        let program = self.instance.path().join("bin/sendmail");
        let smtp = self.instance.smtp();
        let here = offer(&format!("here-{name}"), |content, _| {
            by_smtp(smtp, &mut None, &["demo@stafette.test".to_owned()], content)
        });
        let grey = offer(&format!("grey-{name}"), |content, token| {
            by_sendmail(&program, &[format!("{token}@far.test")], content)
        });
        let none = offer(&format!("no-{name}"), |content, token| {
            by_smtp(smtp, &mut None, &[format!("{token}@far.test")], content)
        });
        settle::drain(&self.instance, &mut self.clock);
        self.collect();
        assert_eq!(
            self.letters.get(&here),
            Some(&1),
            "{here} in the mailbox; logs:\n{}",
            self.instance.logs()
        );
        assert_eq!(
            self.reports.get(&none),
            Some(&1),
            "a report about {none}; logs:\n{}",
            self.instance.logs()
        );
        let copies = self.copies_abroad(&grey);
        assert!(
            (1..=most).contains(&copies),
            "{copies} copies of {grey} at the peer; logs:\n{}",
            self.instance.logs()
        );
    }

    fn copies_abroad(&self, token: &str) -> usize {
        let taken = self.peer.seen().taken;
        let of_token = |one: &&stafette_tests::peer::Taken| {
            load::token(&one.content).as_deref() == Some(token)
        };
        taken.iter().filter(of_token).count()
    }

    /// Takes everything out of the mailbox, as a reader does, and counts it.
    fn collect(&mut self) {
        for (token, count) in settle::held(&self.instance, "demo").copies {
            *self.letters.entry(token).or_default() += count;
        }
        for ((token, action), count) in settle::held(&self.instance, "demo").reports {
            if action == "failed" {
                *self.reports.entry(token).or_default() += count;
            }
        }
        for file in maildir::files(&self.instance.maildir("demo")) {
            std::fs::remove_file(file).expect("a message to remove");
        }
    }

    /// Runs `sendmail` under strace for one message to demo. Gives the points that it passed, and whether the fault was made.
    pub(crate) fn sendmail(
        &mut self,
        name: &str,
        fault: Option<(&Point, Blow)>,
    ) -> (BTreeSet<Point>, bool) {
        let log = self.instance.path().join("log/strace-sendmail");
        drop(std::fs::remove_file(&log));
        let content = load::content(name, 5);
        let mut command = Command::new("strace");
        command
            .args(strace::arguments(&log, fault))
            .arg(self.instance.path().join("bin/sendmail"))
            .args(["-i", "-f", "demo@stafette.test", "demo@stafette.test"]);
        let output = feed(&mut command, &content);
        let text = String::from_utf8_lossy(&std::fs::read(&log).unwrap_or_default()).into_owned();
        match output.status.code() {
            Some(0) => self.due.push(name.to_owned()),
            Some(75) => assert!(!output.stderr.is_empty(), "{name}: exit 75 without a word"),
            // Killed: strace ends as its program did.
            None => assert!(matches!(fault, Some((_, Blow::Kill))), "{name}: {output:?}"),
            Some(_) => panic!("{name}: {output:?}"),
        }
        let hit = fault.is_some_and(|(_, blow)| strace::shows_hit(&text, blow));
        (strace::points(&text), hit)
    }

    /// What [`Bench::sendmail`] handed in arrives, and nothing twice.
    pub(crate) fn everything_arrives(&mut self) {
        assert!(!self.due.is_empty(), "nothing was accepted");
        settle::drain(&self.instance, &mut self.clock);
        self.collect();
        let lost: Vec<_> = self
            .due
            .iter()
            .filter(|token| !self.letters.contains_key(*token))
            .collect();
        assert!(lost.is_empty(), "accepted and lost: {lost:?}");
    }

    /// In the end nothing is left, and no message was ever in the mailbox twice, not even one that was not accepted.
    pub(crate) fn end(mut self) {
        settle::leaves_nothing(&mut self.instance);
        self.collect();
        let twice: Vec<_> = self
            .letters
            .iter()
            .chain(&self.reports)
            .filter(|(_, count)| **count > 1)
            .collect();
        assert!(twice.is_empty(), "more than once in the mailbox: {twice:?}");
    }
}

/// Offers messages with tokens of their own until one is accepted, and gives its token.
fn offer(name: &str, mut hand_in: impl FnMut(&[u8], &str) -> Answer) -> String {
    let mut tries = 0;
    let accepted = wait::within(Duration::from_secs(15), || {
        tries += 1;
        let token = format!("{}-{tries}", name.to_lowercase());
        match hand_in(&load::content(&token, 3), &token) {
            Answer::Accepted => Some(token),
            Answer::PutOff => None,
            Answer::Wrong(text) => panic!("{token}: {text}"),
        }
    });
    assert!(accepted.is_some(), "{name} was put off for 15 s");
    accepted.expect("a token")
}
