//! What is tried, where and when: the scheduler without any input or output.
//!
//! The event loop tells it what happened; it answers with [`Effect`]s. It keeps 60 bytes for a message that waits,
//! somewhat more for one whose recipients stand on lines, and the envelope only of those being tried, of which it
//! has [`CAPACITY`] recipients at most.
//!
//! A message is tried in rounds. At the beginning of a round it is read, users are asked about each recipient that is due, and
//! the recipients are put on the lines of their destinations. Whatever an attempt brings is recorded before the parent that made it is
//! told to forget it. When nothing of the round is under way any more, reports are made that are owed, and the message is
//! removed or waits for its next time.

mod conclude;
mod expand;
mod hosts;
mod job;
mod list;
mod load;
mod log;
mod lookup;
mod operate;
mod outcome;
mod pass_on;
mod qmail;
mod record;
mod report;
mod round;
mod route;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use stafette_queue_layout::Place;

use crate::effect::Effect;
use crate::key::Key;
use crate::lines::Lines;
use crate::message::CLOCK_STEP;
use crate::policy::Policy;
use crate::schedule::Channel;
use crate::stage::{Job, Open, Orphan, Stage};
use crate::waiting::Waiting;

pub(crate) use load::Reading;
pub(crate) use report::Reported;

/// Recipients, and messages, that are kept in memory at most, a few that are just being read apart.
pub(crate) const CAPACITY: usize = 20_000;
/// Messages in memory at most.
const OPEN_LIMIT: usize = 2_000;
/// Destinations are tidied so often, in seconds.
const TIDY_PERIOD: i64 = 60;
/// The hint at a due time is believed so far, in seconds: then the journal is looked at.
const HINT_LIMIT: i64 = 86_400;
/// Waiting messages that a flush makes due at a time.
const FLUSH_STEP: usize = 1_000;

/// A channel's parent.
#[derive(Debug, Default)]
struct Parent {
    /// Connected, and all that it had to tell has been told.
    is_ready: bool,
    /// Jobs it takes.
    concurrency: u32,
    /// Jobs that a former life of ours started.
    adopted: u32,
    /// Jobs that it said are running, while it says so.
    told: Vec<u64>,
}

/// The scheduler.
#[derive(Debug)]
pub(crate) struct Scheduler {
    policy: Policy,
    uid: u32,
    now: i64,
    micros: u64,
    waiting: Waiting,
    live: BTreeMap<Key, Stage>,
    held: BTreeSet<Key>,
    bad: BTreeSet<Key>,
    fresh: VecDeque<Key>,
    wanted: VecDeque<Key>,
    /// Fresh messages read since one that was due.
    fresh_turn: u8,
    loading: usize,
    weight: usize,
    open: usize,
    round: u32,
    lines: Lines,
    jobs: HashMap<u64, Job>,
    next_job: u64,
    parents: [Parent; 2],
    /// Jobs of a former life by message.
    adopted: HashMap<Key, Vec<(u64, Vec<u32>)>>,
    orphans: HashMap<Key, Vec<Orphan>>,
    route: lookup::Questions,
    records: BTreeMap<u64, record::Record>,
    next_record: u64,
    next_forward: u64,
    /// When some messages were last flushed: lines that died before are tried for them.
    flushed: i64,
    qmail: qmail::QmailLog,
    stuck: BTreeSet<(i64, Key)>,
    double_bounces: VecDeque<i64>,
    flushing: Option<Option<Key>>,
    tidied: i64,
    /// clean has written what a former life of ours asked for: what is read now is the whole story.
    is_settled: bool,
    is_stopping: bool,
    effects: Vec<Effect>,
}

impl Scheduler {
    /// A scheduler that knows of no message. `first_job` must differ from life to life.
    pub(crate) fn new(policy: Policy, uid: u32, first_job: u64) -> Self {
        Self {
            lines: Lines::new(policy.limits),
            policy,
            uid,
            now: 0,
            micros: 0,
            waiting: Waiting::default(),
            live: BTreeMap::new(),
            held: BTreeSet::new(),
            bad: BTreeSet::new(),
            fresh: VecDeque::new(),
            wanted: VecDeque::new(),
            fresh_turn: 0,
            loading: 0,
            weight: 0,
            open: 0,
            round: 0,
            jobs: HashMap::new(),
            next_job: first_job,
            parents: [Parent::default(), Parent::default()],
            adopted: HashMap::new(),
            orphans: HashMap::new(),
            route: lookup::Questions::default(),
            records: BTreeMap::new(),
            next_record: 0,
            next_forward: 0,
            flushed: i64::MIN,
            qmail: qmail::QmailLog::default(),
            stuck: BTreeSet::new(),
            double_bounces: VecDeque::new(),
            flushing: None,
            tidied: 0,
            is_settled: false,
            is_stopping: false,
            effects: Vec::new(),
        }
    }

    /// The time, to be told before anything else is.
    pub(crate) fn set_time(&mut self, micros: u64) {
        let now = i64::try_from(micros / 1_000_000).unwrap_or(i64::MAX);
        let went_back = now.saturating_add(CLOCK_STEP) < self.now;
        self.micros = micros;
        self.now = now;
        if went_back {
            self.forget_times();
        }
    }

    /// The clock was set back: no time that was fixed before says when anything is due. Messages are read again, and their
    /// journals say whether they wait.
    fn forget_times(&mut self) {
        self.lines.forget_deaths(None);
        self.waiting.hurry(self.now);
        for (_, key) in std::mem::take(&mut self.stuck) {
            if let Some(Stage::Open(open)) = self.live.get_mut(&key) {
                open.stuck = Some(self.now);
                self.stuck.insert((self.now, key));
            }
        }
    }

    /// clean has done everything that it was asked for before we came: from now on messages are read.
    pub(crate) fn settled(&mut self) {
        self.is_settled = true;
    }

    /// New settings.
    pub(crate) fn set_policy(&mut self, policy: Policy) {
        self.lines.set_limits(policy.limits);
        self.policy = policy;
    }

    /// Begins what can begin now, and gives everything that is to be done.
    pub(crate) fn run(&mut self) -> Vec<Effect> {
        while let Some((time, key)) = self.stuck.first().copied() {
            if time > self.now {
                break;
            }
            self.stuck.remove(&(time, key));
            self.advance(key);
        }
        if let Some(after) = self.flushing {
            let last = self.waiting.force_some(after, FLUSH_STEP);
            self.flushing = last.map(Some);
        }
        if self.now.saturating_sub(self.tidied).abs() >= TIDY_PERIOD {
            self.tidied = self.now;
            self.lines.tidy(self.now);
        }
        self.pump_loads();
        self.pump_lookups();
        self.start_jobs();
        std::mem::take(&mut self.effects)
    }

    /// When [`Scheduler::run`] is to be called at the latest, in Unix seconds, if nothing happens before.
    pub(crate) fn next_wake(&self) -> Option<i64> {
        if self.flushing.is_some() {
            return Some(self.now);
        }
        let stuck = self.stuck.first().map(|(time, _)| *time);
        // What is due and still waits has no room; it is looked at when something else ends.
        let due = self.waiting.next_due().filter(|due| *due > self.now);
        let next = stuck.into_iter().chain(due).min();
        next.filter(|_| !self.is_stopping)
    }

    /// Starts nothing any more.
    pub(crate) fn stop(&mut self) {
        self.is_stopping = true;
        for channel in Channel::BOTH {
            self.lines.set_total(channel, 0);
        }
    }

    /// Whether nothing is under way that somebody is to be told of.
    pub(crate) fn is_quiet(&self) -> bool {
        self.jobs.is_empty() && self.records.is_empty()
    }

    /// How many messages are known.
    #[cfg(test)]
    pub(crate) fn known(&self) -> usize {
        self.waiting.len() + self.live.len() + self.held.len() + self.bad.len()
    }

    fn knows(&self, key: Key) -> bool {
        self.waiting.contains(key)
            || self.live.contains_key(&key)
            || self.held.contains(&key)
            || self.bad.contains(&key)
    }

    /// A message arrived.
    pub(crate) fn arrived(&mut self, key: Key) {
        if !self.knows(key) {
            self.live.insert(key, Stage::Queued { forced: false });
            self.fresh.push_back(key);
        }
    }

    /// A scan found a message; `due` is the hint at its next time.
    pub(crate) fn seen(&mut self, key: Key, place: Place, due: i64) {
        match place {
            Place::New | Place::Cur => {
                self.held.remove(&key);
                // An operator may have put it back.
                self.bad.remove(&key);
                if !self.knows(key) {
                    let due = match place {
                        Place::New => self.now,
                        _ => due.min(self.now.saturating_add(HINT_LIMIT)),
                    };
                    self.waiting.insert(key, due);
                }
            }
            Place::Hold if !self.knows(key) => {
                self.held.insert(key);
            }
            Place::Bad if !self.knows(key) => {
                self.bad.insert(key);
            }
            _ => {}
        }
    }

    fn parent(&mut self, channel: Channel) -> &mut Parent {
        let [local, remote] = &mut self.parents;
        match channel {
            Channel::Local => local,
            Channel::Remote => remote,
        }
    }

    /// Takes an open message into the hands of the caller, who gives it back with [`Scheduler::give_back`] or drops it.
    fn take(&mut self, key: Key) -> Option<Box<Open>> {
        let stage = self.live.get_mut(&key)?;
        if !matches!(stage, Stage::Open(_)) {
            return None;
        }
        match std::mem::replace(stage, Stage::Away) {
            Stage::Open(open) => Some(open),
            _ => None,
        }
    }

    fn give_back(&mut self, key: Key, open: Box<Open>) {
        self.live.insert(key, Stage::Open(open));
    }

    /// Forgets an open message that was taken.
    fn close(&mut self, key: Key, open: &Open) {
        self.route.forget(&open.routed);
        self.weight = self.weight.saturating_sub(open.message.weight());
        self.open = self.open.saturating_sub(1);
        if let Some(time) = open.stuck {
            self.stuck.remove(&(time, key));
        }
        self.live.remove(&key);
    }

    fn next_round(&mut self) -> u32 {
        self.round = self.round.wrapping_add(1);
        self.round
    }
}

#[cfg(test)]
mod tests;
