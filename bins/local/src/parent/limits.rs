//! How much of everything the parent takes, and the decision which worker gets a job.

use std::time::Duration;

use crate::worker::BATCH;

/// Jobs that one worker has at most: the batch it is at and the next one.
const OUTSTANDING: usize = 2 * BATCH;
/// Jobs taken at once at most, however many workers there may be; each holds a descriptor until it is handed on.
const MOST_JOBS: usize = 1024;
/// A worker that has been at one batch for longer gets a second one beside it.
const SLOW: Duration = Duration::from_secs(2);

/// How much of everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Workers at once.
    pub workers: usize,
    /// Of those, for one user id: the others stay free for others when one home hangs.
    pub workers_of_one: usize,
    /// Jobs that a worker has in one batch.
    pub batch: usize,
    /// Jobs that it has at most.
    pub outstanding: usize,
    /// For one batch; then the worker is killed.
    pub batch_time: Duration,
    /// For the programs of one delivery, on top of that.
    pub program_time: Duration,
    /// For an account to be found.
    pub account_time: Duration,
    /// An idle worker stays for so long.
    pub idle_time: Duration,
}

impl Limits {
    /// With so many workers in all.
    #[must_use]
    pub fn new(workers: u64) -> Self {
        let workers = usize::try_from(workers)
            .unwrap_or(usize::MAX)
            .clamp(1, 10_000);
        Self {
            workers,
            workers_of_one: workers.div_ceil(8),
            batch: BATCH,
            outstanding: OUTSTANDING,
            batch_time: Duration::from_secs(300),
            program_time: Duration::ZERO,
            account_time: Duration::from_secs(5),
            idle_time: Duration::from_secs(5),
        }
    }

    /// The same for workers that run programs: as many again, a job at a time.
    #[must_use]
    pub fn for_programs(&self) -> Self {
        Self {
            batch: 1,
            outstanding: 1,
            batch_time: self.batch_time + self.program_time,
            ..self.clone()
        }
    }

    /// Jobs that are taken at once; send is told.
    #[must_use]
    pub fn jobs(&self) -> usize {
        self.workers.saturating_mul(BATCH).min(MOST_JOBS)
    }
}

/// A worker, as far as it matters to a job.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) token: u64,
    /// It is what the job needs.
    pub(super) fits: bool,
    /// It has the job's user id.
    pub(super) same_uid: bool,
    /// Jobs it has.
    pub(super) jobs: usize,
    /// How long it has been at its batch.
    pub(super) busy: Duration,
    /// How long it has had nothing to do.
    pub(super) idle: Duration,
    /// It was told to go, or killed, and is not gone yet.
    pub(super) leaving: bool,
}

/// What to do with a job.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// To this worker.
    Give(u64),
    /// Start one; if a worker must leave for that, this one.
    Start(Option<u64>),
    /// None is free.
    Wait,
}

/// The least loaded worker that fits, unless it is slow or full and another may be started.
///
/// A worker that was killed and does not die (its home hangs) counts until it is gone, so that a dead home cannot fill
/// the machine with such processes.
pub(super) fn choose(workers: &[Candidate], limits: &Limits) -> Choice {
    let fits = |each: &&Candidate| each.fits && !each.leaving;
    let best = workers
        .iter()
        .filter(fits)
        .min_by_key(|each| (each.busy > SLOW, each.jobs));
    if let Some(best) = best
        && best.jobs < limits.batch
        && best.busy <= SLOW
    {
        return Choice::Give(best.token);
    }
    let is_share_full =
        workers.iter().filter(|each| each.same_uid).count() >= limits.workers_of_one;
    if !is_share_full && workers.len() < limits.workers {
        return Choice::Start(None);
    }
    let idle = workers
        .iter()
        .filter(|each| each.jobs == 0 && !each.leaving && (each.same_uid || !is_share_full));
    if let Some(idle) = idle.max_by_key(|each| each.idle) {
        return Choice::Start(Some(idle.token));
    }
    match best {
        Some(best) if best.jobs < limits.outstanding && best.busy <= SLOW => {
            Choice::Give(best.token)
        }
        _ => Choice::Wait,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(token: u64, jobs: usize) -> Candidate {
        Candidate {
            token,
            fits: true,
            same_uid: true,
            jobs,
            busy: Duration::ZERO,
            idle: Duration::ZERO,
            leaving: false,
        }
    }

    fn other(token: u64, jobs: usize) -> Candidate {
        Candidate {
            fits: false,
            same_uid: false,
            ..worker(token, jobs)
        }
    }

    fn limits() -> Limits {
        Limits {
            workers: 4,
            workers_of_one: 2,
            ..Limits::new(4)
        }
    }

    #[test]
    fn a_batch_is_filled_before_a_second_worker_is_started() {
        assert_eq!(choose(&[], &limits()), Choice::Start(None));
        assert_eq!(choose(&[worker(5, BATCH - 1)], &limits()), Choice::Give(5));
        assert_eq!(choose(&[worker(5, BATCH)], &limits()), Choice::Start(None));
        assert_eq!(
            choose(&[worker(5, 9), worker(6, 3)], &limits()),
            Choice::Give(6)
        );
        assert_eq!(
            choose(&[worker(5, BATCH), worker(6, BATCH)], &limits()),
            Choice::Give(5)
        );
        let full = [worker(5, OUTSTANDING), worker(6, OUTSTANDING)];
        assert_eq!(choose(&full, &limits()), Choice::Wait);
    }

    #[test]
    fn a_worker_that_hangs_gets_nothing_more_and_its_user_no_more_than_a_share() {
        let hung = |token| Candidate {
            busy: Duration::from_secs(10),
            ..worker(token, 1)
        };
        assert_eq!(choose(&[hung(5)], &limits()), Choice::Start(None));
        assert_eq!(choose(&[hung(5), hung(6)], &limits()), Choice::Wait);
        let killed = Candidate {
            leaving: true,
            ..hung(5)
        };
        assert_eq!(choose(&[killed, hung(6)], &limits()), Choice::Wait);
        assert_eq!(choose(&[hung(5), worker(6, 0)], &limits()), Choice::Give(6));
    }

    #[test]
    fn an_idle_worker_of_another_leaves_for_a_job() {
        let idle = Candidate {
            idle: Duration::from_secs(1),
            ..other(7, 0)
        };
        let busy = [other(5, 1), other(6, 1), idle, other(8, 0)];
        assert_eq!(choose(&busy, &limits()), Choice::Start(Some(7)));
        let share = [
            Candidate {
                fits: false,
                ..worker(5, 0)
            },
            worker(6, BATCH),
            other(7, 0),
        ];
        assert_eq!(choose(&share, &limits()), Choice::Start(Some(5)));
        let all = [other(5, 1), other(6, 1), other(7, 1), other(8, 1)];
        assert_eq!(choose(&all, &limits()), Choice::Wait);
    }

    #[test]
    fn a_worker_for_programs_has_one_job_at_a_time() {
        let limits = limits().for_programs();
        assert_eq!(choose(&[worker(5, 0)], &limits), Choice::Give(5));
        assert_eq!(choose(&[worker(5, 1)], &limits), Choice::Start(None));
        let full = [worker(5, 1), worker(6, 1)];
        assert_eq!(choose(&full, &limits), Choice::Wait);
    }

    #[test]
    fn some_workers_always_stay_free_for_other_users() {
        for workers in [2, 3, 8, 20, 100] {
            let limits = Limits::new(workers);
            assert!(limits.workers_of_one < limits.workers, "{workers}");
        }
        assert_eq!(Limits::new(0).workers, 1);
        assert_eq!(Limits::new(20).jobs(), 1024);
    }
}
