//! The parent: takes jobs from send, finds their accounts, keeps workers, and keeps outcomes until they are acknowledged.
//!
//! One loop that never waits for anything but events. It parses the packets of send, and it touches nothing of a
//! recipient. What it holds is bounded: jobs by [`Limits`], outcomes by what send leaves unacknowledged, connections
//! by number. When it dies its workers die, and send learns from the next Hello that nothing runs any more.

mod account;
mod connection;
mod ending;
mod intake;
mod limits;
mod pool;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::time::{Duration, Instant};

use stafette_control::{Instance, Settings};
use stafette_log::{Event, event};
use stafette_sys::clock;
use stafette_sys::fork::{self, Pid, fork_child};
use stafette_sys::packet::{Callers, Listener, Socket};
use stafette_sys::poll::{Interest, Poller};
use stafette_sys::signal::{Signal, Signals};
use stafette_wire::delivery::Outcome;

use crate::accounts::Found;
use crate::tried::{Now, Tried};
use crate::worker::Setting;
use account::{Helper, Question};
use connection::Connection;
pub use limits::Limits;
use pool::{Held, Worker};

const LISTENER: u64 = 0;
const SIGNALS: u64 = 1;
/// Between looks at time limits, while there is anything that could exceed one.
const TICK: Duration = Duration::from_millis(250);
/// For what is under way when the program is told to stop.
const FAREWELL: Duration = Duration::from_secs(2);

/// What the parent is told at its start.
#[derive(Debug)]
pub struct Start {
    /// Where send connects.
    pub listener: Listener,
    /// Termination and the ends of children.
    pub signals: Signals,
    /// Who may connect.
    pub callers: Callers,
    /// For the processes that find accounts.
    pub instance: Instance,
    /// Its settings.
    pub settings: Settings,
    /// For the workers.
    pub setting: Setting,
    /// How much of everything.
    pub limits: Limits,
    /// The group of mailboxes in the system's spool.
    pub mail_group: Option<u32>,
    /// The user of programs and files of aliases, where workers become somebody.
    pub alias_uid: Option<u32>,
}

/// Descriptors that a child must not keep.
struct Core {
    poller: Poller,
    listener: Listener,
    signals: Signals,
}

/// The parent and all it holds.
pub struct Parent {
    core: Option<Core>,
    callers: Callers,
    instance: Instance,
    settings: Settings,
    setting: Setting,
    limits: Limits,
    mail_group: Option<u32>,
    alias_uid: Option<u32>,
    own_uid: u32,
    started: Instant,
    tried: Tried,
    last_token: u64,
    connections: BTreeMap<u64, Connection>,
    helpers: BTreeMap<u64, Helper>,
    questions: BTreeMap<Vec<u8>, Question>,
    unasked: VecDeque<Vec<u8>>,
    cache: HashMap<Vec<u8>, (Instant, Found)>,
    workers: BTreeMap<u64, Worker>,
    jobs: BTreeMap<u64, Held>,
    waiting: VecDeque<u64>,
    outcomes: BTreeMap<u64, Outcome>,
    stopping: Option<Instant>,
    /// Room for one packet.
    buffer: Vec<u8>,
}

impl Parent {
    /// Takes over what was opened.
    ///
    /// # Errors
    /// The kernel gave no descriptor.
    pub fn new(start: Start) -> io::Result<Self> {
        let poller = Poller::new()?;
        poller.add(&start.listener, LISTENER, Interest::Read)?;
        poller.add(&start.signals, SIGNALS, Interest::Read)?;
        let started = Instant::now();
        Ok(Self {
            core: Some(Core {
                poller,
                listener: start.listener,
                signals: start.signals,
            }),
            callers: start.callers,
            instance: start.instance,
            settings: start.settings,
            setting: start.setting,
            limits: start.limits,
            mail_group: start.mail_group,
            alias_uid: start.alias_uid,
            own_uid: stafette_sys::user::effective_uid(),
            started,
            tried: Tried::new(now(started)),
            last_token: SIGNALS,
            connections: BTreeMap::new(),
            helpers: BTreeMap::new(),
            questions: BTreeMap::new(),
            unasked: VecDeque::new(),
            cache: HashMap::new(),
            workers: BTreeMap::new(),
            jobs: BTreeMap::new(),
            waiting: VecDeque::new(),
            outcomes: BTreeMap::new(),
            stopping: None,
            buffer: Vec::new(),
        })
    }

    /// Serves until it is told to stop.
    ///
    /// # Errors
    /// The kernel failed at something without which nothing goes on.
    pub fn run(&mut self) -> io::Result<()> {
        while !self.may_stop() {
            let events = self.core()?.poller.wait(self.timeout())?;
            for happened in &events {
                match happened.token {
                    LISTENER => self.accept(),
                    SIGNALS => self.take_signals()?,
                    token if self.workers.contains_key(&token) => self.hear_worker(token),
                    token if self.helpers.contains_key(&token) => self.hear_helper(token),
                    token => self.hear_connection(token, happened.readable),
                }
            }
            self.look_at_time();
            self.ask_helpers();
            self.dispatch();
            self.flush_connections();
        }
        Ok(())
    }

    fn core(&self) -> io::Result<&Core> {
        self.core.as_ref().ok_or_else(|| io::Error::other("closed"))
    }

    fn timeout(&self) -> Option<Duration> {
        if self.connections.values().any(Connection::is_postponed) {
            return Some(connection::SILENT);
        }
        let is_idle = self.workers.is_empty()
            && self.jobs.is_empty()
            && self.stopping.is_none()
            && self.connections.values().all(Connection::is_at_rest);
        (!is_idle).then_some(TICK)
    }

    fn may_stop(&self) -> bool {
        let is_busy = self.jobs.values().any(Held::is_given)
            || !self.connections.values().all(Connection::is_at_rest);
        self.stopping
            .is_some_and(|since| !is_busy || since.elapsed() > FAREWELL)
    }

    fn take_signals(&mut self) -> io::Result<()> {
        while let Some(signal) = self.core()?.signals.next()? {
            match signal {
                Signal::Term | Signal::Int => {
                    self.stopping.get_or_insert_with(Instant::now);
                }
                _ => {}
            }
        }
        while let Some((pid, ended)) = fork::reap()? {
            self.note_end(pid, ended);
        }
        Ok(())
    }

    fn next_token(&mut self) -> u64 {
        self.last_token += 1;
        self.last_token
    }

    fn now(&self) -> Now {
        now(self.started)
    }

    /// Starts a child that runs `work` with its end of a pair of sockets and with no other descriptor of ours.
    fn start_child(
        &mut self,
        work: impl FnOnce(&Self, &Socket) -> i32,
    ) -> io::Result<(u64, Pid, Socket)> {
        let (ours, theirs) = Socket::pair()?;
        let mut ours = Some(ours);
        let pid = fork_child(|| {
            ours = None;
            self.close_all();
            work(self, &theirs)
        })?;
        let ours = ours.ok_or_else(|| io::Error::other("no socket"))?;
        let token = self.next_token();
        self.core()?
            .poller
            .add(ours_fd(&ours), token, Interest::Read)?;
        Ok((token, pid, ours))
    }

    /// In a child: everything that is the parent's.
    fn close_all(&mut self) {
        self.core = None;
        self.connections.clear();
        self.helpers.clear();
        self.workers.clear();
        self.jobs.clear();
        self.outcomes.clear();
        self.cache.clear();
    }
}

fn ours_fd(socket: &Socket) -> std::os::fd::BorrowedFd<'_> {
    std::os::fd::AsFd::as_fd(socket)
}

fn now(started: Instant) -> Now {
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    Now {
        wall: clock::now_micros() / 1000,
        steady: millis(started.elapsed()),
    }
}

/// Says what failed and is done again later.
fn complain(what: &str, error: &io::Error) {
    let problem = format!("{what}: {error}");
    let fields: [(&str, &[u8]); 2] = [
        ("program", b"stafette-local"),
        ("problem", problem.as_bytes()),
    ];
    event(Event::Warning, None, &fields);
}

/// Says what happened to a child that should live on.
fn log_death(pid: Pid, uid: Option<u32>, ended: fork::Ended, reason: &str) {
    let (key, number) = match ended {
        fork::Ended::Exited(code) => ("status", code),
        fork::Ended::Killed(signal) => ("signal", signal),
    };
    let (pid, number) = (pid.to_string(), number.to_string());
    let uid = uid.map(|uid| uid.to_string()).unwrap_or_default();
    event(
        Event::WorkerDied,
        None,
        &[
            ("program", b"stafette-local"),
            ("pid", pid.as_bytes()),
            ("uid", uid.as_bytes()),
            (key, number.as_bytes()),
            ("reason", reason.as_bytes()),
        ],
    );
}
