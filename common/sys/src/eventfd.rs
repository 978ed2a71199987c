//! A descriptor by which one thread wakes another that waits in poll or epoll.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::eventfd::{EfdFlags, EventFd};

/// A wake-up call. It stays readable from the first [`Wake::wake`] until [`Wake::clear`]; share it in an `Arc`.
#[derive(Debug)]
pub struct Wake(EventFd);

impl Wake {
    /// A wake-up call that nobody has made yet.
    pub fn new() -> io::Result<Self> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        Ok(Self(EventFd::from_value_and_flags(0, flags)?))
    }

    /// Makes the descriptor readable. Never blocks; many calls are as one.
    pub fn wake(&self) -> io::Result<()> {
        match self.0.write(1) {
            Ok(_) | Err(Errno::EAGAIN) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes the wake-up call: true if there was one. Clear first, then look for work, or a call may be lost.
    pub fn clear(&self) -> io::Result<bool> {
        match self.0.read() {
            Ok(_) => Ok(true),
            Err(Errno::EAGAIN) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_calls_wake_once() {
        let wake = Wake::new().unwrap();
        assert!(!wake.clear().unwrap());
        wake.wake().unwrap();
        wake.wake().unwrap();
        assert!(wake.clear().unwrap());
        assert!(!wake.clear().unwrap());
    }
}
