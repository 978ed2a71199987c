//! The parent: takes jobs from send, gives them to workers, keeps outcomes until they are acknowledged.
//!
//! One loop that waits for nothing but events. It parses packets of send and of its own workers, and believes a worker only about
//! the job that it was given, since workers listen to strangers. What it holds is bounded: jobs by the number of workers, outcomes by
//! what send leaves unacknowledged. When it dies its workers die, and send learns from the next `Hello` that nothing runs.

mod connection;
mod pool;
mod worker_report;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use stafette_log::{Event, event};
use stafette_sys::fork;
use stafette_sys::packet::{Callers, Listener, MAX_PACKET};
use stafette_sys::poll::{Interest, Poller};
use stafette_sys::signal::{Signal, Signals};
use stafette_wire::QueueId;

use crate::ledger::Ledger;
use connection::Connection;
pub(crate) use pool::Recipe;
use pool::Worker;

const LISTENER: u64 = 0;
const SIGNALS: u64 = 1;
/// Between looks at time limits, while there is a worker.
const TICK: Duration = Duration::from_millis(500);
/// What is under way gets so much time when the program is told to stop.
const FAREWELL: Duration = Duration::from_secs(2);
/// Connections at most.
const MOST_CONNECTIONS: usize = 64;

/// Descriptors that a worker must not keep.
struct Core {
    poller: Poller,
    listener: Listener,
    signals: Signals,
}

/// A job that waits for a worker.
struct Waiting {
    job: u64,
    packet: Vec<u8>,
    file: File,
}

/// The parent and all it holds.
pub(crate) struct Parent {
    core: Option<Core>,
    callers: Callers,
    recipe: Recipe,
    concurrency: usize,
    ledger: Ledger,
    waiting: VecDeque<Waiting>,
    connections: BTreeMap<u64, Connection>,
    workers: BTreeMap<u64, Worker>,
    last_token: u64,
    /// No worker is started before: the last one died.
    fork_after: Option<Instant>,
    /// How many workers died over a message.
    deaths: HashMap<QueueId, u8>,
    stopping: Option<Instant>,
    /// Room for one packet.
    buffer: Vec<u8>,
}

impl Parent {
    /// Takes over what was opened before confinement.
    pub(crate) fn new(
        listener: Listener,
        signals: Signals,
        callers: Callers,
        recipe: Recipe,
        concurrency: usize,
    ) -> io::Result<Self> {
        let poller = Poller::new()?;
        poller.add(&listener, LISTENER, Interest::Read)?;
        poller.add(&signals, SIGNALS, Interest::Read)?;
        Ok(Self {
            core: Some(Core {
                poller,
                listener,
                signals,
            }),
            callers,
            recipe,
            concurrency,
            ledger: Ledger::default(),
            waiting: VecDeque::new(),
            connections: BTreeMap::new(),
            workers: BTreeMap::new(),
            last_token: SIGNALS,
            fork_after: None,
            deaths: HashMap::new(),
            stopping: None,
            buffer: vec![0; MAX_PACKET],
        })
    }

    /// Serves until it is told to stop.
    pub(crate) fn run(&mut self) -> io::Result<()> {
        while !self.may_stop() {
            let events = self.core()?.poller.wait(self.timeout())?;
            for happened in &events {
                match happened.token {
                    LISTENER => self.accept()?,
                    SIGNALS => self.take_signals()?,
                    token if self.workers.contains_key(&token) => self.hear_worker(token),
                    token => self.hear_connection(token, happened.readable),
                }
            }
            self.look_at_time();
            self.dispatch();
            self.flush()?;
        }
        Ok(())
    }

    fn core(&self) -> io::Result<&Core> {
        self.core.as_ref().ok_or_else(|| io::Error::other("closed"))
    }

    fn timeout(&self) -> Option<Duration> {
        let is_idle = self.workers.is_empty() && self.waiting.is_empty() && self.stopping.is_none();
        (!is_idle).then_some(TICK)
    }

    fn may_stop(&self) -> bool {
        self.stopping
            .is_some_and(|since| self.ledger.is_idle() || since.elapsed() > FAREWELL)
    }

    fn take_signals(&mut self) -> io::Result<()> {
        while let Some(signal) = self.core()?.signals.next()? {
            if matches!(signal, Signal::Term | Signal::Int) {
                self.stopping.get_or_insert_with(Instant::now);
                // Nobody has begun these: send gives them again.
                self.waiting.clear();
            }
        }
        while let Some((pid, ended)) = fork::reap()? {
            self.note_end(pid, ended);
        }
        Ok(())
    }

    fn next_token(&mut self) -> u64 {
        self.last_token = self.last_token.saturating_add(1);
        self.last_token
    }

    /// In a worker: drops everything that is the parent's.
    fn let_go(&mut self) {
        self.core = None;
        self.connections.clear();
        self.workers.clear();
        self.waiting.clear();
        self.ledger = Ledger::default();
        self.buffer = Vec::new();
    }
}

/// Says what one of our programs did wrong on a socket of ours.
fn complain(reason: &str, problem: &str) {
    event(
        Event::PeerMisbehaved,
        None,
        &[
            ("program", b"stafette-remote"),
            ("reason", reason.as_bytes()),
            ("problem", problem.as_bytes()),
        ],
    );
}
