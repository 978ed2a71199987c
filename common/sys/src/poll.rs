//! Waiting for descriptors: a set that is watched for long (epoll), or one for a moment (poll).

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

/// What a descriptor is watched for. The peer's going away is always reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Nothing but the peer's going away.
    Nothing,
    /// That it can be read.
    Read,
    /// That it can be written.
    Write,
    /// Either.
    Both,
}

impl Interest {
    fn flags(self) -> EpollFlags {
        match self {
            Self::Nothing => EpollFlags::empty(),
            Self::Read => EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP,
            Self::Write => EpollFlags::EPOLLOUT,
            Self::Both => EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLOUT,
        }
    }
}

/// Something happened to the descriptor that was added with `token`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The number given when the descriptor was added.
    pub token: u64,
    /// A read will not block: there is data, the end, or an error.
    pub readable: bool,
    /// A write will not block, or will fail.
    pub writable: bool,
    /// The peer is gone or an error is pending. There may still be data to read.
    pub gone: bool,
}

/// A set of watched descriptors. It is level-triggered: what is not dealt with is reported again.
#[derive(Debug)]
pub struct Poller(Epoll);

impl Poller {
    /// A set that is empty.
    pub fn new() -> io::Result<Self> {
        Ok(Self(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?))
    }

    /// Watches one more descriptor. It leaves the set when it is removed or when its last duplicate is closed.
    pub fn add(&self, descriptor: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        Ok(self
            .0
            .add(descriptor, EpollEvent::new(interest.flags(), token))?)
    }

    /// Changes what a watched descriptor is watched for.
    pub fn modify(&self, descriptor: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        let mut event = EpollEvent::new(interest.flags(), token);
        Ok(self.0.modify(descriptor, &mut event)?)
    }

    /// Watches a descriptor no longer.
    pub fn remove(&self, descriptor: impl AsFd) -> io::Result<()> {
        Ok(self.0.delete(descriptor)?)
    }

    /// Waits until something happens or `timeout` is over (`None`: for ever) and tells at most 256 events.
    /// A signal also ends the wait, with no event.
    pub fn wait(&self, timeout: Option<Duration>) -> io::Result<Vec<Event>> {
        let mut raw = [EpollEvent::empty(); 256];
        let timeout = EpollTimeout::try_from(millis(timeout)).unwrap_or(EpollTimeout::NONE);
        let count = match self.0.wait(&mut raw, timeout) {
            Ok(count) => count,
            Err(Errno::EINTR) => 0,
            Err(error) => return Err(error.into()),
        };
        Ok(raw.iter().take(count).map(event).collect())
    }
}

impl AsFd for Poller {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.0.as_fd()
    }
}

fn event(raw: &EpollEvent) -> Event {
    let flags = raw.events();
    let gone = flags.intersects(EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR);
    Event {
        token: raw.data(),
        readable: gone || flags.intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP),
        writable: gone || flags.contains(EpollFlags::EPOLLOUT),
        gone,
    }
}

/// Milliseconds, rounded up so that a wait is never too short; -1 is for ever.
fn millis(timeout: Option<Duration>) -> i32 {
    timeout.map_or(-1, |timeout| {
        i32::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
    })
}

/// Waits until `descriptor` can be read (data, end or error); false if `timeout` was over first.
pub fn readable(descriptor: impl AsFd, timeout: Option<Duration>) -> io::Result<bool> {
    one(descriptor.as_fd(), PollFlags::POLLIN, timeout)
}

/// Waits until `descriptor` can be written (room or error); false if `timeout` was over first.
pub fn writable(descriptor: impl AsFd, timeout: Option<Duration>) -> io::Result<bool> {
    one(descriptor.as_fd(), PollFlags::POLLOUT, timeout)
}

/// Waits until at least one of `descriptors` can be read; tells for each, in order, whether it can.
/// A signal also ends the wait, with all false.
pub fn any_readable(
    descriptors: &[BorrowedFd<'_>],
    timeout: Option<Duration>,
) -> io::Result<Vec<bool>> {
    let mut set: Vec<_> = descriptors
        .iter()
        .map(|descriptor| PollFd::new(*descriptor, PollFlags::POLLIN))
        .collect();
    match nix::poll::poll(&mut set, poll_timeout(timeout)) {
        Ok(_) => Ok(set
            .iter()
            .map(|entry| entry.any().unwrap_or(true))
            .collect()),
        Err(Errno::EINTR) => Ok(vec![false; descriptors.len()]),
        Err(error) => Err(error.into()),
    }
}

fn one(
    descriptor: BorrowedFd<'_>,
    flags: PollFlags,
    timeout: Option<Duration>,
) -> io::Result<bool> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        match nix::poll::poll(&mut [PollFd::new(descriptor, flags)], poll_timeout(left)) {
            Ok(count) => return Ok(count > 0),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn poll_timeout(timeout: Option<Duration>) -> PollTimeout {
    PollTimeout::try_from(millis(timeout)).unwrap_or(PollTimeout::NONE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eventfd::Wake;

    #[test]
    fn an_event_carries_the_token_of_its_descriptor() {
        let poller = Poller::new().unwrap();
        let (first, second) = (Wake::new().unwrap(), Wake::new().unwrap());
        poller.add(&first, 7, Interest::Read).unwrap();
        poller.add(&second, 8, Interest::Nothing).unwrap();
        assert_eq!(poller.wait(Some(Duration::ZERO)).unwrap(), []);
        first.wake().unwrap();
        second.wake().unwrap();
        let events = poller.wait(None).unwrap();
        assert_eq!(
            events,
            [Event {
                token: 7,
                readable: true,
                writable: false,
                gone: false
            }]
        );
        poller.modify(&second, 9, Interest::Read).unwrap();
        poller.remove(&first).unwrap();
        let tokens: Vec<_> = poller
            .wait(None)
            .unwrap()
            .iter()
            .map(|event| event.token)
            .collect();
        assert_eq!(tokens, [9]);
    }

    #[test]
    fn a_short_wait_is_rounded_up() {
        assert_eq!(millis(Some(Duration::from_micros(1))), 1);
        assert_eq!(millis(Some(Duration::ZERO)), 0);
        assert_eq!(millis(Some(Duration::MAX)), i32::MAX);
        assert_eq!(millis(None), -1);
    }

    #[test]
    fn only_the_descriptor_that_has_something_is_readable() {
        let (quiet, loud) = (Wake::new().unwrap(), Wake::new().unwrap());
        loud.wake().unwrap();
        assert_eq!(
            any_readable(&[quiet.as_fd(), loud.as_fd()], None).unwrap(),
            [false, true]
        );
        assert!(!readable(&quiet, Some(Duration::ZERO)).unwrap());
        assert!(writable(&quiet, None).unwrap());
    }
}
