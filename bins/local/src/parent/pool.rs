//! Workers and the jobs that they have: starting, choosing, handing over.

use std::collections::{BTreeSet, VecDeque};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use stafette_sys::fork::Pid;
use stafette_sys::packet::Socket;
use stafette_wire::QueueId;
use stafette_wire::delivery::Job;

use super::Parent;
use super::limits::{Candidate, Choice, choose};
use crate::task::{Done, Task};
use crate::verdict::{Verdict, reason};
use crate::worker::{self, Identity};

/// A worker process.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) pid: Pid,
    /// None as soon as it was told to go, or is gone.
    pub(super) socket: Option<Socket>,
    pub(super) identity: Identity,
    /// Jobs it was given and has not reported.
    pub(super) jobs: BTreeSet<u64>,
    /// Those of them that it has begun.
    pub(super) begun: BTreeSet<u64>,
    /// Since when it is at its batch, or has had nothing to do.
    pub(super) since: Instant,
    /// Why we killed it.
    pub(super) killed: Option<Verdict>,
}

/// A job from its arrival to its outcome.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) id: QueueId,
    pub(super) index: u32,
    /// The question of whose it is.
    pub(super) asked: Vec<u8>,
    pub(super) came: Instant,
    pub(super) given: Option<Instant>,
    pub(super) stage: Stage,
    /// What another worker has done of it already.
    pub(super) before: Option<Done>,
}

/// How far a job is.
#[derive(Debug)]
pub(super) enum Stage {
    /// Its account is being looked up.
    Looking(Box<Job>, File),
    /// It waits for a worker.
    Ready(Box<Ready>),
    /// A worker has it, and may give it back.
    Given(Box<Ready>),
    /// Between two of these.
    Nothing,
}

/// What a worker will be given.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) identity: Identity,
    pub(super) task: Task,
    pub(super) file: File,
}

impl Held {
    pub(super) fn is_given(&self) -> bool {
        matches!(self.stage, Stage::Given(_))
    }
}

impl Worker {
    fn candidate(&self, token: u64, identity: &Identity) -> Candidate {
        let since = self.since.elapsed();
        let (busy, idle) = if self.jobs.is_empty() {
            (Duration::ZERO, since)
        } else {
            (since, Duration::ZERO)
        };
        Candidate {
            token,
            fits: self.identity == *identity,
            same_uid: self.identity.uid == identity.uid,
            jobs: self.jobs.len(),
            busy,
            idle,
            leaving: self.socket.is_none() || self.killed.is_some(),
        }
    }
}

impl Parent {
    /// Hands waiting jobs to workers, in the order in which they came; those of one identity wait behind one another.
    pub(super) fn dispatch(&mut self) {
        if self.stopping.is_some() {
            return;
        }
        let mut stuck: Vec<Identity> = Vec::new();
        let mut still = VecDeque::new();
        while let Some(job) = self.waiting.pop_front() {
            let Some(identity) = self.identity_of(job) else {
                continue;
            };
            if stuck.contains(&identity) || !self.place(job, &identity) {
                still.push_back(job);
                if !stuck.contains(&identity) {
                    stuck.push(identity);
                }
            }
        }
        self.waiting = still;
    }

    fn identity_of(&self, job: u64) -> Option<Identity> {
        match &self.jobs.get(&job)?.stage {
            Stage::Ready(ready) => Some(ready.identity.clone()),
            _ => None,
        }
    }

    /// Gives the job to a worker, or ends it; false if it must wait.
    fn place(&mut self, job: u64, identity: &Identity) -> bool {
        // Programs, which may take long, have workers of their own: they never keep others waiting.
        let runs_programs = identity.runs_programs();
        let candidates: Vec<Candidate> = self
            .workers
            .iter()
            .filter(|(_, worker)| worker.identity.runs_programs() == runs_programs)
            .map(|(token, worker)| worker.candidate(*token, identity))
            .collect();
        let limits = if runs_programs {
            self.limits.for_programs()
        } else {
            self.limits.clone()
        };
        let token = match choose(&candidates, &limits) {
            Choice::Wait => return false,
            Choice::Give(token) => token,
            Choice::Start(leaves) => {
                if let Some(leaves) = leaves {
                    self.let_go(leaves);
                }
                match self.start_worker(identity) {
                    Ok(token) => token,
                    Err(error) => {
                        let words = format!("unable to start a worker: {}", reason(&error));
                        self.end_job(job, Verdict::deferred("4.3.0", words));
                        return true;
                    }
                }
            }
        };
        self.give(job, token)
    }

    fn start_worker(&mut self, identity: &Identity) -> io::Result<u64> {
        let (token, pid, socket) = self.start_child(|parent, socket| {
            let locals = parent.settings.locals();
            worker::work(identity, &parent.setting, &locals, socket)
        })?;
        let worker = Worker {
            pid,
            socket: Some(socket),
            identity: identity.clone(),
            jobs: BTreeSet::new(),
            begun: BTreeSet::new(),
            since: Instant::now(),
            killed: None,
        };
        self.workers.insert(token, worker);
        Ok(token)
    }

    /// Sends the job to the worker; false if it must wait.
    fn give(&mut self, job: u64, token: u64) -> bool {
        let now = self.now();
        let (Some(held), Some(worker)) = (self.jobs.get_mut(&job), self.workers.get_mut(&token))
        else {
            return false;
        };
        let (Stage::Ready(ready), Some(socket)) = (&mut held.stage, &worker.socket) else {
            return false;
        };
        // A job that came back was given in this same attempt, and no Maildir was touched.
        if held.given.is_none() {
            ready.task.may_be_there = self.tried.may_be_there(held.id, held.index, now);
        }
        let Some(packet) = ready.task.encode() else {
            self.end_job(
                job,
                Verdict::deferred("4.3.0", "the job is too long for a packet"),
            );
            return true;
        };
        // No room, or too many descriptors under way: the worker's next report is the next chance.
        if socket.try_send(&packet, &[ready.file.as_fd()]).is_err() {
            return false;
        }
        if worker.jobs.is_empty() {
            worker.since = Instant::now();
        }
        worker.jobs.insert(job);
        held.given.get_or_insert_with(Instant::now);
        held.stage = match std::mem::replace(&mut held.stage, Stage::Nothing) {
            Stage::Ready(ready) => Stage::Given(ready),
            other => other,
        };
        true
    }

    /// A worker has done its part of the job; it waits for one that `change` tells what is left. False if there is no such job.
    pub(super) fn pass_on(&mut self, job: u64, change: impl FnOnce(&mut Ready)) -> bool {
        let Some(held) = self.jobs.get_mut(&job) else {
            return false;
        };
        held.stage = match std::mem::replace(&mut held.stage, Stage::Nothing) {
            Stage::Given(mut ready) => {
                change(&mut ready);
                Stage::Ready(ready)
            }
            other => other,
        };
        self.waiting.push_back(job);
        true
    }
}
