//! Workers: choosing, starting, giving work, letting go.

use std::io;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use stafette_dns::{Client, Own};
use stafette_log::{Event, event};
use stafette_sys::fork::{self, Ended, Pid, fork_child};
use stafette_sys::packet::Socket;
use stafette_sys::poll::Interest;
use stafette_sys::signal::Signal;
use stafette_wire::delivery::Fate;

use super::{Parent, Waiting};
use crate::attempt::Traveller;
use crate::content::Buffers;
use crate::deadline::Deadline;
use crate::session::Manners;
use crate::visible::Visible;
use crate::worker::work;

/// Jobs after which a worker makes room for a fresh one.
const MOST_JOBS: u32 = 2_000;
/// A worker without work is let go after this time.
const IDLE: Duration = Duration::from_secs(60);
/// The longest a job may take, content aside.
const JOB: Duration = Duration::from_secs(3_600);
/// Octets of content that buy a second more.
const SLOWEST: u64 = 4_096;
/// The pause after the death of a worker.
const MOURNING: Duration = Duration::from_millis(200);
/// Deaths over one message from which on they count as attempts.
const DEATHS: u8 = 3;
/// Messages whose deaths are remembered.
const MOST_REMEMBERED: usize = 1_000;

/// What a worker is made from.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    /// The socket of resolve.
    pub(crate) resolve: PathBuf,
    /// Who we are.
    pub(crate) own: Own,
    /// How we behave towards peers.
    pub(crate) manners: Manners,
    /// What other hosts see.
    pub(crate) visible: Visible,
}

impl Recipe {
    fn traveller(&self) -> Traveller {
        Traveller {
            dns: Client::new(self.resolve.clone()),
            own: self.own.clone(),
            manners: self.manners.clone(),
            visible: self.visible.clone(),
            session: None,
            buffers: Buffers::default(),
        }
    }
}

/// A worker process.
pub(super) struct Worker {
    pub(super) pid: Pid,
    pub(super) socket: Socket,
    /// The job it does, and when that must be done.
    pub(super) job: Option<(u64, Deadline)>,
    /// The destination's line for which it has a session open.
    pub(super) line: Option<String>,
    pub(super) jobs: u32,
    pub(super) since: Instant,
}

impl Parent {
    /// Gives waiting jobs to workers, in their order; one that finds a session open for its destination may overtake.
    pub(super) fn dispatch(&mut self) {
        let mut position = 0;
        while self.has_room()
            && let Some(line) = self.line_of(position)
        {
            match self.choose(&line) {
                Some(token) => {
                    if let Some(waiting) = self.waiting.remove(position) {
                        self.give(token, waiting);
                    }
                }
                None => position = position.saturating_add(1),
            }
        }
    }

    /// Whether a worker is idle, or one more may be started.
    fn has_room(&self) -> bool {
        let may_start = self.workers.len() < self.concurrency
            && self.fork_after.is_none_or(|after| Instant::now() >= after);
        may_start || self.workers.values().any(|worker| worker.job.is_none())
    }

    fn line_of(&self, position: usize) -> Option<String> {
        let waiting = self.waiting.get(position)?;
        let brief = self.ledger.brief(waiting.job)?;
        Some(brief.line.clone())
    }

    /// The best worker for a destination: one with an open session for it, one without any, a new one, the one that has been idle
    /// longest with a session for somebody else. None if all are busy.
    fn choose(&mut self, line: &str) -> Option<u64> {
        let idle = || {
            self.workers
                .iter()
                .filter(|(_, worker)| worker.job.is_none())
        };
        let kept = idle().find(|(_, worker)| worker.line.as_deref() == Some(line));
        let free = || idle().find(|(_, worker)| worker.line.is_none());
        if let Some((token, _)) = kept.or_else(free) {
            return Some(*token);
        }
        let oldest = idle()
            .min_by_key(|(_, worker)| worker.since)
            .map(|(token, _)| *token);
        if self.workers.len() < self.concurrency {
            return self.start().or(oldest);
        }
        oldest
    }

    fn start(&mut self) -> Option<u64> {
        if self.fork_after.is_some_and(|after| Instant::now() < after) {
            return None;
        }
        match self.try_start() {
            Ok(token) => Some(token),
            Err(error) => {
                self.fork_after = Instant::now().checked_add(MOURNING);
                event(
                    Event::Warning,
                    None,
                    &[
                        ("program", b"stafette-remote"),
                        ("reason", b"unable to start a worker"),
                        ("problem", error.to_string().as_bytes()),
                    ],
                );
                None
            }
        }
    }

    fn try_start(&mut self) -> io::Result<u64> {
        let (ours, theirs) = Socket::pair()?;
        let mut ours = Some(ours);
        let pid = fork_child(|| {
            ours = None;
            self.let_go();
            work(&theirs, self.recipe.traveller())
        })?;
        let socket = ours.ok_or_else(|| io::Error::other("no socket"))?;
        socket.set_max_fds(0);
        let token = self.next_token();
        self.core()?.poller.add(&socket, token, Interest::Read)?;
        let worker = Worker {
            pid,
            socket,
            job: None,
            line: None,
            jobs: 0,
            since: Instant::now(),
        };
        self.workers.insert(token, worker);
        Ok(token)
    }

    fn give(&mut self, token: u64, waiting: Waiting) {
        let Some(worker) = self.workers.get_mut(&token) else {
            return self.waiting.push_front(waiting);
        };
        let fds = [waiting.file.as_fd()];
        if worker.socket.try_send(&waiting.packet, &fds).is_err() {
            // It is dead or dying; the job was not begun.
            self.waiting.push_front(waiting);
            return self.bury(token);
        }
        let octets = self
            .ledger
            .brief(waiting.job)
            .map_or(0, |brief| brief.octets);
        let more = octets.checked_div(SLOWEST).unwrap_or(0);
        let limit = JOB.saturating_add(Duration::from_secs(more));
        worker.job = Some((waiting.job, Deadline::after(limit)));
        worker.jobs = worker.jobs.saturating_add(1);
    }

    /// Lets idle workers go and ends those that take too long.
    pub(super) fn look_at_time(&mut self) {
        let mut idle = Vec::new();
        let mut late = Vec::new();
        for (token, worker) in &self.workers {
            match worker.job {
                Some((job, deadline)) if deadline.is_over() => late.push((*token, job)),
                None if worker.since.elapsed() > IDLE || worker.jobs >= MOST_JOBS => {
                    idle.push(*token);
                }
                _ => {}
            }
        }
        for token in idle {
            self.remove(token);
        }
        for (token, job) in late {
            if let Some(brief) = self.ledger.brief(job) {
                let words = "the attempt took too long and was cut off";
                let outcome = brief.outcome(Fate::Deferred, "4.4.2", words);
                self.ledger.end(outcome);
            }
            self.bury(token);
        }
    }

    /// Closes the connection to a worker, which then says goodbye to its peer and ends.
    fn remove(&mut self, token: u64) -> Option<Worker> {
        let worker = self.workers.remove(&token)?;
        if let Some(core) = &self.core {
            core.poller.remove(&worker.socket).unwrap_or(());
        }
        Some(worker)
    }

    /// A worker died, or must: the job it had was no attempt, unless one after the other dies over the same message.
    pub(super) fn bury(&mut self, token: u64) {
        let Some(worker) = self.remove(token) else {
            return;
        };
        fork::kill(worker.pid, Signal::Kill).unwrap_or(());
        self.fork_after = Instant::now().checked_add(MOURNING);
        let Some(brief) = worker.job.and_then(|(job, _)| self.ledger.brief(job)) else {
            return;
        };
        if self.deaths.len() >= MOST_REMEMBERED {
            self.deaths.clear();
        }
        let deaths = self.deaths.entry(brief.id).or_insert(0);
        *deaths = deaths.saturating_add(1);
        let outcome = if *deaths < DEATHS {
            brief.outcome(Fate::Cut, "4.3.0", "the worker that had it died")
        } else {
            brief.outcome(Fate::Deferred, "4.3.0", "workers die over this message")
        };
        self.ledger.end(outcome);
    }

    /// A child is gone.
    pub(super) fn note_end(&mut self, pid: Pid, ended: Ended) {
        let found = self.workers.iter().find(|(_, worker)| worker.pid == pid);
        let token = found.map(|(token, _)| *token);
        if ended != Ended::Exited(0) {
            let (key, number) = match ended {
                Ended::Exited(code) => ("status", code),
                Ended::Killed(signal) => ("signal", signal),
            };
            event(
                Event::WorkerDied,
                None,
                &[
                    ("program", b"stafette-remote"),
                    ("pid", pid.to_string().as_bytes()),
                    (key, number.to_string().as_bytes()),
                ],
            );
        }
        if let Some(token) = token {
            // What it reported before it died still counts.
            self.hear_worker(token);
            self.bury(token);
        }
    }
}
