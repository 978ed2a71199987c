//! The few threads that ask the account database of the system and the DNS, and follow long aliases, so that nobody else waits for it.
//!
//! A question that nobody has answered in time is answered "later" by [`crate::serve`]; a thread that then still waits
//! goes on alone, and its answer is dropped. While all threads wait, questions grow old in the line.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use stafette_sys::eventfd::Wake;
use stafette_wire::users::FromUsers;

use crate::answer::{Asked, Knowledge};

/// How long an answer may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// Threads; so many look-ups may hang before others do.
const THREADS: usize = 8;
/// Questions in the line.
const LINE: usize = 4096;
/// Bytes of stack of a thread, for what the C library loads there and for aliases in aliases.
const STACK: usize = 2 * 1024 * 1024;

/// A question for a thread.
#[derive(Debug)]
pub(crate) struct Question {
    /// Given back with the answer.
    pub(crate) number: u64,
    /// By which rules.
    pub(crate) knowledge: Arc<Knowledge>,
    /// What.
    pub(crate) asked: Asked,
}

#[derive(Debug, Default)]
struct Lines {
    questions: VecDeque<(Instant, Question)>,
    answers: Vec<(u64, Vec<FromUsers>)>,
}

#[derive(Debug)]
struct Shared {
    lines: Mutex<Lines>,
    more: Condvar,
    wake: Wake,
}

impl Shared {
    /// A thread that panicked has left the lines whole: both are changed by single calls.
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The threads.
#[derive(Debug, Clone)]
pub(crate) struct LookUp(Arc<Shared>);

impl LookUp {
    /// Starts them.
    pub(crate) fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared {
            lines: Mutex::default(),
            more: Condvar::new(),
            wake: Wake::new()?,
        });
        for _ in 0..THREADS {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name("look-up".to_owned())
                .stack_size(STACK)
                .spawn(move || work(&shared))?;
        }
        Ok(Self(shared))
    }

    /// Readable when there are answers.
    pub(crate) fn wake(&self) -> &Wake {
        &self.0.wake
    }

    /// Puts a question into the line; false if that is full.
    #[must_use]
    pub(crate) fn ask(&self, question: Question) -> bool {
        let mut lines = self.0.lines();
        if lines.questions.len() >= LINE {
            return false;
        }
        lines.questions.push_back((Instant::now(), question));
        drop(lines);
        self.0.more.notify_one();
        true
    }

    /// The answers that have come.
    pub(crate) fn answers(&self) -> io::Result<Vec<(u64, Vec<FromUsers>)>> {
        self.0.wake.clear()?;
        Ok(std::mem::take(&mut self.0.lines().answers))
    }
}

/// For ever: the threads end with the process.
fn work(shared: &Shared) {
    loop {
        let question = next(shared);
        // Whatever a name does to the look-up, the thread goes on.
        let answer = catch_unwind(AssertUnwindSafe(|| {
            question.knowledge.answer(&question.asked)
        }))
        .unwrap_or_else(|_| {
            vec![FromUsers::Later {
                seq: question.asked.seq,
                reason: "the look-up failed".to_owned(),
            }]
        });
        shared.lines().answers.push((question.number, answer));
        // If this fails the answer is late, and the question is then answered "later".
        shared.wake.wake().unwrap_or(());
    }
}

fn next(shared: &Shared) -> Question {
    let mut lines = shared.lines();
    loop {
        match lines.questions.pop_front() {
            Some((since, question)) if since.elapsed() < PATIENCE => return question,
            Some(_) => {}
            None => {
                lines = shared
                    .more
                    .wait(lines)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}
