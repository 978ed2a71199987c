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
use crate::task::Task;
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
    pub(super) local: String,
    pub(super) came: Instant,
    pub(super) given: Option<Instant>,
    pub(super) stage: Stage,
}

/// How far a job is.
#[derive(Debug)]
pub(super) enum Stage {
    /// Its account is being looked up.
    Looking(Box<Job>, File),
    /// It waits for a worker.
    Ready(Box<Ready>),
    /// A worker has it.
    Given,
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
        matches!(self.stage, Stage::Given)
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
        let candidates: Vec<Candidate> = self
            .workers
            .iter()
            .map(|(token, worker)| worker.candidate(*token, identity))
            .collect();
        let token = match choose(&candidates, &self.limits) {
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
        let (token, pid, socket) =
            self.start_child(|parent, socket| worker::work(identity, &parent.setting, socket))?;
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
        ready.task.may_be_there = self.tried.may_be_there(held.id, held.index, now);
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
        held.given = Some(Instant::now());
        held.stage = Stage::Given;
        true
    }
}
