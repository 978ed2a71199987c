//! How jobs end: reports of workers, deaths of workers, time limits; and outcomes until they are acknowledged.

use std::io;
use std::time::{Duration, Instant};

use stafette_sys::fork::{self, Ended, Pid};
use stafette_sys::signal::Signal;
use stafette_wire::MAX_PACKET;
use stafette_wire::delivery::{Bytes, Delays, Fate, Host, Outcome, RecipientOutcome};

use super::pool::{Stage, Worker};
use super::{Parent, log_death};
use crate::task::{Done, Report, Work};
use crate::verdict::Verdict;
use crate::worker::Role;

/// Packets taken from one worker before others have their turn; more than its socket can hold when it is dead.
const TURN: usize = 2_000;
/// Deaths of workers over one recipient of a message, from which on they count as attempts.
const DEATHS: u8 = 3;

impl Parent {
    /// Takes what a worker reports.
    pub(super) fn hear_worker(&mut self, token: u64) {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(MAX_PACKET, 0);
        for _ in 0..TURN {
            let socket = self
                .workers
                .get(&token)
                .and_then(|worker| worker.socket.as_ref());
            let Some(socket) = socket else { break };
            match socket.try_recv(&mut buffer) {
                Ok((0, _)) => self.let_go(token),
                Ok((length, _)) => match Report::decode(buffer.get(..length).unwrap_or_default()) {
                    Ok(report) => self.take_report(token, report),
                    Err(error) => self.kill(
                        token,
                        Verdict::cut(format!("a worker made no sense: {error}")),
                    ),
                },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => self.let_go(token),
            }
        }
        self.buffer = buffer;
    }

    fn take_report(&mut self, token: u64, report: Report) {
        let Some(worker) = self.workers.get_mut(&token) else {
            return;
        };
        match report {
            Report::Begun(jobs) => {
                worker.since = Instant::now();
                worker
                    .begun
                    .extend(jobs.into_iter().filter(|job| worker.jobs.contains(job)));
            }
            Report::Done(done) => {
                worker.since = Instant::now();
                let mut ended = Vec::new();
                for (job, done) in done {
                    // Nobody ends a job of another worker, nor one that was not begun.
                    if worker.begun.remove(&job) && worker.jobs.remove(&job) {
                        ended.push((job, done));
                    }
                }
                for (job, done) in ended {
                    self.take_end(job, done);
                }
            }
            Report::Programs(jobs) => self.take_back(token, jobs),
            Report::Unable(reason) => {
                worker.killed = Some(Verdict::deferred("4.3.0", reason));
                worker.begun.clone_from(&worker.jobs);
            }
        }
    }

    /// A plain worker has found that programs are wanted.
    fn take_back(&mut self, token: u64, jobs: Vec<u64>) {
        let Some(worker) = self.workers.get_mut(&token) else {
            return;
        };
        if worker.identity.role != Role::Plain {
            return self.kill(token, Verdict::cut("a worker made no sense"));
        }
        let is_its = |job: &u64| worker.begun.remove(job) && worker.jobs.remove(job);
        let jobs: Vec<u64> = jobs.into_iter().filter(is_its).collect();
        for job in jobs {
            self.pass_on(job, |ready| ready.identity.role = Role::Programs);
        }
    }

    /// A worker has done its part. What is in the system's spool is left for another, and where that is was said by us.
    fn take_end(&mut self, job: u64, done: Done) {
        let Some(group) = self.spool_group().filter(|_| done.wants_spool) else {
            return self.end_job_with(job, done);
        };
        let Some(held) = self.jobs.get_mut(&job) else {
            return;
        };
        let spool = match &held.stage {
            Stage::Given(ready) => match &ready.task.work {
                Work::Account(own) if done.verdict.is_delivered() => own
                    .default
                    .iter()
                    .filter(|place| place.needs_group_mail())
                    .cloned()
                    .collect(),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        if spool.is_empty() {
            return self.end_job_with(job, done);
        }
        held.before = Some(done);
        self.pass_on(job, |ready| {
            ready.identity.role = Role::Spool(group);
            ready.task.work = Work::Mailboxes(spool);
        });
    }

    /// The worker's end of the socket is closed, or ours is to be: it goes, and its end is told by a signal.
    pub(super) fn let_go(&mut self, token: u64) {
        if let Some(worker) = self.workers.get_mut(&token) {
            if let (Some(socket), Some(core)) = (worker.socket.take(), &self.core) {
                core.poller.remove(super::ours_fd(&socket)).unwrap_or(());
            }
            if !worker.jobs.is_empty() {
                // Without its socket it can be of no more use; usually it is dead already.
                fork::kill(worker.pid, Signal::Kill).unwrap_or(());
            }
        }
    }

    /// Ends a worker; the jobs it has begun end with `verdict`.
    fn kill(&mut self, token: u64, verdict: Verdict) {
        if let Some(worker) = self.workers.get_mut(&token) {
            worker.killed = Some(verdict);
            fork::kill(worker.pid, Signal::Kill).unwrap_or(());
        }
        self.let_go(token);
        // Its jobs do not wait for its death, which a hanging disk can delay for ever.
        self.end_jobs_of(token, "its worker was killed");
    }

    /// A child is gone.
    pub(super) fn note_end(&mut self, pid: Pid, ended: Ended) {
        if let Some((token, _)) = self.helpers.iter().find(|(_, helper)| helper.is(pid)) {
            let token = *token;
            log_death(pid, None, ended, "a process that looks up accounts");
            return self.lose_helper(token);
        }
        let found = self.workers.iter().find(|(_, worker)| worker.pid == pid);
        let Some(token) = found.map(|(token, _)| *token) else {
            return;
        };
        // What it reported before it died still counts.
        self.hear_worker(token);
        self.let_go(token);
        if let Some(worker) = self.workers.get(&token)
            && (!worker.jobs.is_empty() || worker.killed.is_some() || ended != Ended::Exited(0))
        {
            let why = worker
                .killed
                .as_ref()
                .map_or("it had jobs", |verdict| verdict.words.as_str());
            log_death(pid, Some(worker.identity.uid), ended, why);
        }
        self.end_jobs_of(token, "its worker died");
        self.workers.remove(&token);
    }

    /// The jobs of a worker that is lost: those begun end as it was killed for, the others were no attempts.
    fn end_jobs_of(&mut self, token: u64, how: &str) {
        let Some(worker) = self.workers.get_mut(&token) else {
            return;
        };
        let jobs = std::mem::take(&mut worker.jobs);
        let begun = std::mem::take(&mut worker.begun);
        let killed = worker.killed.clone();
        for job in jobs {
            let verdict = match &killed {
                Some(verdict) if begun.contains(&job) => verdict.clone(),
                Some(_) => Verdict::cut(how),
                None => self.mourn(job, how),
            };
            self.end_job(job, verdict);
        }
    }

    /// A death is no attempt, unless there are more and more of them over the same message.
    fn mourn(&mut self, job: u64, how: &str) -> Verdict {
        match self.jobs.get(&job).map(|held| (held.id, held.index)) {
            Some((id, index)) if self.tried.note_death(id, index) >= DEATHS => {
                Verdict::deferred("4.3.0", "workers die over this message")
            }
            _ => Verdict::cut(how),
        }
    }

    /// Looks for whatever takes too long.
    pub(super) fn look_at_time(&mut self) {
        self.look_at_accounts();
        let limit = self.limits.batch_time;
        let program_time = self.limits.program_time;
        let extra = |worker: &Worker| {
            if worker.identity.runs_programs() {
                program_time
            } else {
                Duration::ZERO
            }
        };
        let mut late = Vec::new();
        let mut idle = Vec::new();
        for (token, worker) in &self.workers {
            let since = worker.since.elapsed();
            if worker.jobs.is_empty() {
                if worker.socket.is_some() && since > self.limits.idle_time {
                    idle.push(*token);
                }
            } else if since > limit + extra(worker) {
                late.push(*token);
            }
        }
        for token in idle {
            self.let_go(token);
        }
        for token in late {
            let words = format!("the delivery took longer than {} s", limit.as_secs());
            // A worker that has not even begun hangs in becoming the user.
            if let Some(worker) = self
                .workers
                .get_mut(&token)
                .filter(|worker| worker.begun.is_empty())
            {
                worker.begun.clone_from(&worker.jobs);
            }
            self.kill(token, Verdict::deferred("4.3.0", words));
        }
        let waited = |job: &&u64| {
            self.jobs
                .get(job)
                .is_some_and(|held| held.came.elapsed() > limit)
        };
        let starved: Vec<u64> = self.waiting.iter().filter(waited).copied().collect();
        for job in starved {
            self.end_job(
                job,
                Verdict::deferred("4.3.0", "all workers for this account hang"),
            );
        }
    }

    /// The job has its verdict: it becomes an outcome.
    pub(super) fn end_job(&mut self, job: u64, verdict: Verdict) {
        self.end_job_with(job, verdict.into());
    }

    fn end_job_with(&mut self, job: u64, done: Done) {
        let Some(mut held) = self.jobs.remove(&job) else {
            return;
        };
        let done = match held.before.take() {
            Some(before) => before.and(done),
            None => done,
        };
        let verdict = done.verdict;
        let given = held.given.unwrap_or_else(Instant::now);
        let outcome = Outcome {
            job,
            id: held.id,
            results: vec![RecipientOutcome {
                index: held.index,
                fate: verdict.fate,
                status: verdict.status,
                reply: Bytes(verdict.words.into_bytes()),
                from_peer: false,
            }],
            relay: "local".to_owned(),
            host: Host::Unknown,
            forward: done.forward,
            peer_reports: false,
            delays: Delays {
                connect: millis(given.saturating_duration_since(held.came)),
                transfer: millis(held.given.map_or(Duration::ZERO, |given| given.elapsed())),
            },
            damaged: verdict.damaged,
        };
        self.outcomes.insert(job, outcome);
        for connection in self.connections.values_mut() {
            connection.add_outcome(job);
        }
    }

    /// The outcome is recorded.
    pub(super) fn acknowledge(&mut self, job: u64) {
        let Some(outcome) = self.outcomes.remove(&job) else {
            return;
        };
        for result in &outcome.results {
            // What was delivered or failed for good does not come again.
            if matches!(result.fate, Fate::Delivered | Fate::Failed) {
                self.tried.forget(outcome.id, result.index);
            }
        }
    }
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
