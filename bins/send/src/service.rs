//! The event loop: sockets, threads and signals on one side, the scheduler on the other.
//!
//! It never waits but in one place, for events. Nothing that it is connected to has to be there, and whatever goes away
//! is looked for again. Answers of threads come by the inbox.

mod effect;
mod operator;
mod program;
mod scan;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use stafette_control::{Instance, Settings};
use stafette_log::Severity;
use stafette_queue_layout::RealDisk;
use stafette_sys::clock;
use stafette_sys::packet::{Listener, MAX_PACKET};
use stafette_sys::poll::{Interest, Poller};
use stafette_sys::signal::{Signal, Signals};
use stafette_wire::operator::ToSend;

use crate::client::{Authority, Client};
use crate::inbox::{Inbox, News};
use crate::key::Key;
use crate::link::Link;
use crate::lister::Step;
use crate::members::Members;
use crate::pile::Pile;
use crate::policy::Policy;
use crate::privacy::Privacy;
use crate::reader;
use crate::report::Identity;
use crate::reporter::{self, Task};
use crate::scanner::Scanner;
use crate::scheduler::Scheduler;
use program::Program;
use scan::Scans;

const WAKE: u64 = 0;
const SIGNALS: u64 = 1;
const LISTENER: u64 = 2;
/// The first token of programs.
const PROGRAMS: u64 = 3;
/// The first token of operators.
const CLIENTS: u64 = 100;

/// What is under way gets so much time when the program is told to stop.
const FAREWELL: Duration = Duration::from_secs(2);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(60);

/// What was opened before confinement.
#[derive(Debug)]
pub(crate) struct Start {
    /// Where everything is.
    pub(crate) instance: Instance,
    /// The settings.
    pub(crate) policy: Policy,
    /// Where operators connect.
    pub(crate) listener: Listener,
    /// Termination, and what operators of qmail send.
    pub(crate) signals: Signals,
    /// Who may change something.
    pub(crate) authority: Authority,
}

/// The program at work.
pub(crate) struct Service {
    scheduler: Scheduler,
    settings: Settings,
    identity: Identity,
    privacy: Privacy,
    members: Members,
    /// Questions that wait for an answer of the account database.
    doubtful: Vec<(u64, u32, ToSend)>,
    authority: Authority,
    poller: Poller,
    listener: Listener,
    signals: Signals,
    inbox: Inbox,
    disk: RealDisk,
    readers: Pile<Key>,
    reporters: Pile<Task>,
    scanner: Scanner,
    scans: Scans,
    links: [Link; 5],
    parents: [program::Parent; 2],
    clients: BTreeMap<u64, Client>,
    next_client: u64,
    listings: HashMap<u64, Option<Sender<Step>>>,
    next_listing: u64,
    /// Operators who want a listing before the first scan is over.
    early: VecDeque<u64>,
    stopping: Option<Instant>,
    /// Room for one packet.
    buffer: Vec<u8>,
}

impl Service {
    /// Starts the threads.
    ///
    /// # Errors
    /// The kernel gave no descriptor or thread, or the queue cannot be entered.
    pub(crate) fn new(start: Start) -> io::Result<Self> {
        let disk = RealDisk::open(&start.instance.queue())?;
        let poller = Poller::new()?;
        let inbox = Inbox::new()?;
        poller.add(inbox.wake(), WAKE, Interest::Read)?;
        poller.add(&start.signals, SIGNALS, Interest::Read)?;
        poller.add(&start.listener, LISTENER, Interest::Read)?;
        let post = inbox.post();
        let first_job = stafette_sys::random::number()? >> 1;
        let identity = Identity::of(&start.policy);
        let socket = |name: &str| start.instance.socket(name);
        let links = Program::ALL
            .map(|program| Link::new(program.name(), socket(program.name()), program.token()));
        Ok(Self {
            scheduler: Scheduler::new(start.policy, start.authority.own, first_job),
            settings: start.instance.settings(),
            identity,
            privacy: Privacy::read(&start.instance.settings()),
            members: Members::start(&post)?,
            doubtful: Vec::new(),
            authority: start.authority,
            readers: reader::start(&disk, &post)?,
            reporters: reporter::start(socket("queue"), &post)?,
            scanner: Scanner::start(&disk, &post)?,
            scans: Scans::default(),
            disk,
            poller,
            listener: start.listener,
            signals: start.signals,
            inbox,
            links,
            parents: [program::Parent::default(), program::Parent::default()],
            clients: BTreeMap::new(),
            next_client: CLIENTS,
            listings: HashMap::new(),
            next_listing: 0,
            early: VecDeque::new(),
            stopping: None,
            buffer: vec![0; MAX_PACKET],
        })
    }

    /// Works until it is told to stop.
    ///
    /// # Errors
    /// The kernel failed at something without which nothing goes on.
    pub(crate) fn run(&mut self) -> io::Result<()> {
        loop {
            self.tell_time();
            self.connect();
            self.look_at_scans();
            self.look_at_parents();
            for effect in self.scheduler.run() {
                self.act(effect);
            }
            self.flush_links();
            if self.may_stop() {
                self.say_goodbye();
                return Ok(());
            }
            let events = self.poller.wait(Some(self.timeout()))?;
            self.tell_time();
            for happened in events {
                match happened.token {
                    WAKE => {}
                    SIGNALS => self.take_signals()?,
                    LISTENER => self.accept(),
                    token => match Program::of(token) {
                        Some(program) => self.hear(program),
                        None => self.hear_client(token),
                    },
                }
            }
            for news in self.inbox.take() {
                self.take_news(news);
            }
        }
    }

    fn tell_time(&mut self) {
        self.scheduler.set_time(clock::now_micros());
    }

    fn take_news(&mut self, news: News) {
        match news {
            News::Loaded(key, reading) => self.scheduler.loaded(key, reading),
            News::Reported(key, reported) => self.scheduler.reported(key, reported),
            News::Forwarded(key, number, forwarded) => {
                self.scheduler.forwarded(key, number, forwarded);
            }
            News::Member(uid, is_member) => self.member(uid, is_member),
            News::Scanned(found) => {
                for found in found {
                    self.scheduler.seen(found.id.into(), found.place, found.due);
                }
                self.scanner.took_batch();
            }
            News::ScanEnded {
                is_complete,
                count,
                seconds,
                problem,
            } => self.scan_ended(is_complete, count, seconds, &problem),
            News::Matched(keys) => {
                for key in keys {
                    self.scheduler.force(key);
                }
                self.scanner.took_batch();
            }
            News::More(number, after) => self.list_more(number, after),
            News::Listed(listed) => self.listed(listed),
        }
    }

    fn take_signals(&mut self) -> io::Result<()> {
        while let Some(signal) = self.signals.next()? {
            match signal {
                Signal::Term | Signal::Int => {
                    self.stopping.get_or_insert_with(Instant::now);
                    self.scheduler.stop();
                }
                Signal::Hup => self.read_settings(),
                Signal::Alarm => self.scheduler.flush_all(self.authority.own),
                _ => {}
            }
        }
        Ok(())
    }

    fn read_settings(&mut self) {
        let policy = Policy::read(&self.settings);
        self.settings.log_problems();
        self.identity = Identity::of(&policy);
        self.privacy = Privacy::read(&self.settings);
        self.members.forget();
        self.scheduler.set_settings(policy);
    }

    /// The last line of qmail's log.
    fn say_goodbye(&self) {
        if self.settings.logs_as_qmail() {
            stafette_log::raw(Severity::Info, "status: exiting");
        }
    }

    fn may_stop(&self) -> bool {
        self.stopping.is_some_and(|since| {
            let is_done = self.scheduler.is_quiet() && self.links.iter().all(Link::is_at_rest);
            is_done || since.elapsed() >= FAREWELL
        })
    }

    /// How long nothing has to be done unless something happens.
    fn timeout(&self) -> Duration {
        let now = Instant::now();
        let wake = self.scheduler.next_wake().map(|time| {
            let micros = u64::try_from(time).unwrap_or(0).saturating_mul(1_000_000);
            Duration::from_micros(micros.saturating_sub(clock::now_micros()))
        });
        let links = self
            .links
            .iter()
            .filter_map(Link::again)
            .map(|again| again.saturating_duration_since(now));
        let parents = self.parents.iter().filter_map(|parent| parent.wait(now));
        let stopping = self
            .stopping
            .map(|since| FAREWELL.saturating_sub(since.elapsed()));
        let wanted = links
            .chain(wake)
            .chain(parents)
            .chain(stopping)
            .fold(LONGEST, Duration::min);
        clock::nap(wanted)
    }
}
