//! Work for threads: put on by one, taken off by many. How much lies there is bounded by whoever puts it on.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

/// Octets of a thread's stack. None of ours goes deep.
const STACK: usize = 512 * 1024;

/// A pile of work.
#[derive(Debug)]
pub(crate) struct Pile<T> {
    inner: Arc<Inner<T>>,
}

#[derive(Debug)]
struct Inner<T> {
    work: Mutex<VecDeque<T>>,
    more: Condvar,
}

impl<T> Clone for Pile<T> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<T: Send + 'static> Pile<T> {
    /// An empty pile.
    pub(crate) fn new() -> Self {
        Self {
            inner: Arc::new(Inner {
                work: Mutex::new(VecDeque::new()),
                more: Condvar::new(),
            }),
        }
    }

    /// Puts work on.
    pub(crate) fn put(&self, work: T) {
        self.inner
            .work
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(work);
        self.inner.more.notify_one();
    }

    /// Puts work on, unless the same lies there already.
    pub(crate) fn put_once(&self, work: T)
    where
        T: PartialEq,
    {
        let mut pile = self
            .inner
            .work
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !pile.contains(&work) {
            pile.push_back(work);
            self.inner.more.notify_one();
        }
    }

    /// How much lies there.
    pub(crate) fn len(&self) -> usize {
        self.inner
            .work
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// Takes work off, waiting for some.
    pub(crate) fn take(&self) -> T {
        let mut work = self
            .inner
            .work
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(first) = work.pop_front() {
                return first;
            }
            work = self
                .inner
                .more
                .wait(work)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Starts `count` threads that do what is put on, for ever.
    ///
    /// # Errors
    /// The kernel gave no thread.
    pub(crate) fn serve(
        &self,
        count: usize,
        name: &str,
        work: impl FnMut(T) + Clone + Send + 'static,
    ) -> io::Result<()> {
        for _ in 0..count {
            let pile = self.clone();
            let mut work = work.clone();
            thread::Builder::new()
                .name(name.to_owned())
                .stack_size(STACK)
                .spawn(move || {
                    loop {
                        work(pile.take());
                    }
                })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_there_is_not_put_on_again() {
        let pile = Pile::new();
        for work in [1, 2, 1, 2, 3] {
            pile.put_once(work);
        }
        assert_eq!(pile.len(), 3);
        assert_eq!([pile.take(), pile.take(), pile.take()], [1, 2, 3]);
    }
}
