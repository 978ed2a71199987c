//! Threads for connections, a few of which are kept for the next one: starting a thread costs more than a short message.

use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use crate::connection::BUFFER;

/// Stack of a thread: what it uses does not depend on what a client says.
const STACK: usize = 256 * 1024;
/// Threads that wait for a connection.
const KEPT: usize = 32;

/// Serves one connection with a buffer for its packets.
pub(crate) type Job = Box<dyn FnOnce(&mut [u8]) + Send>;

/// The threads.
#[derive(Default)]
pub(crate) struct Pool {
    waiting: Mutex<Vec<SyncSender<Job>>>,
}

impl Pool {
    /// Runs the job on a waiting thread or a new one.
    pub(crate) fn run(self: &Arc<Self>, mut job: Job) -> io::Result<()> {
        let waiting = self
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        if let Some(thread) = waiting {
            match thread.send(job) {
                Ok(()) => return Ok(()),
                Err(returned) => job = returned.0,
            }
        }
        let pool = Arc::clone(self);
        std::thread::Builder::new()
            .stack_size(STACK)
            .spawn(move || pool.work(job))
            .map(drop)
    }

    fn work(&self, mut job: Job) {
        let mut buffer = vec![0; BUFFER];
        loop {
            job(&mut buffer);
            let (send, receive) = sync_channel(1);
            {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                if waiting.len() >= KEPT {
                    return;
                }
                waiting.push(send);
            }
            job = match receive.recv() {
                Ok(job) => job,
                Err(_) => return,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_is_done_takes_the_next_job() {
        let pool = Arc::new(Pool::default());
        let (send, receive) = sync_channel(10);
        for number in 0..100 {
            let send = send.clone();
            pool.run(Box::new(move |buffer| {
                assert_eq!(buffer.len(), BUFFER);
                send.send(number).unwrap();
            }))
            .unwrap();
            assert_eq!(receive.recv().unwrap(), number);
        }
        assert!(pool.waiting.lock().unwrap().len() <= KEPT);
    }
}
