//! Sockets that systemd opened for us: `LISTEN_PID`, `LISTEN_FDS`, `LISTEN_FDNAMES` of sd_listen_fds(3).

use std::io;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

const FIRST: RawFd = 3;
const MOST: RawFd = 256;

static TAKEN: AtomicBool = AtomicBool::new(false);

/// A descriptor that the service manager handed over.
#[derive(Debug)]
pub struct Inherited {
    /// Its name from `LISTEN_FDNAMES`, or empty.
    pub name: String,
    /// The descriptor, now close-on-exec.
    pub descriptor: OwnedFd,
}

/// Takes the descriptors that were handed to this very process; none if there are none or they were taken before.
/// Call it at start, before this process opens anything; [`crate::tcp::adopt`] and [`crate::packet::Listener::adopt`] make listeners of them.
pub fn take() -> io::Result<Vec<Inherited>> {
    let count = announced(
        std::env::var("LISTEN_PID").ok(),
        std::env::var("LISTEN_FDS").ok(),
        std::process::id(),
    );
    if count == 0 || crate::inherit::is_set_id() || TAKEN.swap(true, Ordering::SeqCst) {
        return Ok(Vec::new());
    }
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    (FIRST..FIRST + count)
        .map(|number| {
            let name = names.next().unwrap_or_default().to_owned();
            adopt(number).map(|descriptor| Inherited { name, descriptor })
        })
        .collect()
}

/// How many descriptors the variables announce for process `own`.
fn announced(pid: Option<String>, count: Option<String>, own: u32) -> RawFd {
    let ours = pid.and_then(|pid| pid.parse::<u32>().ok()) == Some(own);
    let count = count
        .and_then(|count| count.parse::<RawFd>().ok())
        .unwrap_or(0);
    if ours { count.clamp(0, MOST) } else { 0 }
}

#[expect(
    unsafe_code,
    reason = "turns a number that the service manager announced into an owned descriptor"
)]
fn adopt(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: the borrow is used for one fcntl only; on a closed number that call fails with EBADF and changes nothing.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    fcntl(borrowed, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    // SAFETY: the fcntl above proved the number open; the service manager made it for this process alone and TAKEN lets
    // each number through here once, so nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_for_another_process_are_not_ours() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(announced(some("7"), some("2"), 7), 2);
        assert_eq!(announced(some("8"), some("2"), 7), 0);
        assert_eq!(announced(None, some("2"), 7), 0);
        assert_eq!(announced(some("7"), some("-2"), 7), 0);
        assert_eq!(announced(some("7"), some("x"), 7), 0);
    }
}
