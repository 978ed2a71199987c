//! Processes: a child from a closure, its end, and its parent's end.
//!
//! A fork of a process with threads may leave locks held for ever in the child, so it is refused here.

use std::fmt;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::atomic::{AtomicI32, Ordering};

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork, getpid, getppid};

use crate::signal::Signal;

/// The exit code of a child whose closure panicked.
pub const PANICKED: i32 = 101;

static PARENT: AtomicI32 = AtomicI32::new(0);

/// The number of a process, always positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pid(i32);

impl Pid {
    /// A process number that came from elsewhere, such as `std::process::Child::id`.
    #[must_use]
    pub fn new(number: i32) -> Option<Self> {
        (number > 0).then_some(Self(number))
    }

    /// This process.
    #[must_use]
    pub fn own() -> Self {
        Self(getpid().as_raw())
    }

    /// The plain number.
    #[must_use]
    pub fn number(self) -> i32 {
        self.0
    }

    fn raw(self) -> nix::unistd::Pid {
        nix::unistd::Pid::from_raw(self.0)
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this exit code.
    Exited(i32),
    /// By the signal with this number.
    Killed(i32),
}

/// Starts a child that runs `work` and exits with the code it returns; [`PANICKED`] if it panics. Nothing of the
/// caller's stack is unwound in the child and no exit handler runs; what is buffered is lost, so flush. The child's
/// signals have their default meaning (SIGPIPE stays ignored) and are unblocked. Refused in a process with several threads.
#[expect(unsafe_code, reason = "fork")]
pub fn fork_child(work: impl FnOnce() -> i32) -> io::Result<Pid> {
    require_single_thread()?;
    let parent = Pid::own();
    // SAFETY: the check above shows that this is the only thread, so the child starts with no lock held by another one.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => Ok(Pid(child.as_raw())),
        ForkResult::Child => {
            PARENT.store(parent.0, Ordering::Relaxed);
            let code = catch_unwind(AssertUnwindSafe(|| match crate::signal::reset() {
                Ok(()) => work(),
                Err(_) => PANICKED,
            }));
            exit_now(code.unwrap_or(PANICKED))
        }
    }
}

/// Ends this process at once: no destructor and no exit handler runs, nothing is flushed.
#[expect(unsafe_code, reason = "_exit")]
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit takes a number, touches no memory of ours and does not return.
    unsafe { libc::_exit(code) }
}

/// How many threads this process has; fails where there is no /proc (in an empty root directory).
pub fn threads() -> io::Result<u64> {
    // Each thread is one more link of this directory; a stat is allowed under Landlock, reading would not be.
    Ok(std::fs::metadata("/proc/self/task")?
        .nlink()
        .saturating_sub(2))
}

pub(crate) fn require_single_thread() -> io::Result<()> {
    match threads()? {
        0 | 1 => Ok(()),
        count => Err(io::Error::other(format!(
            "this process has {count} threads where only one is allowed"
        ))),
    }
}

/// From now on this process is killed when its parent (the thread that started it) ends; an error if it ended already.
/// Becoming another user keeps this when done by [`crate::user::become_user`] or [`crate::confine::confine`].
pub fn die_with_parent() -> io::Result<()> {
    let known = PARENT.load(Ordering::Relaxed);
    let expected = if known > 0 { known } else { getppid().as_raw() };
    prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
    require_parent(expected)
}

/// Makes what `command` starts die with the thread that starts it.
#[expect(unsafe_code, reason = "the closure runs between fork and exec")]
pub fn command_dies_with_parent(command: &mut Command) -> &mut Command {
    let parent = getpid().as_raw();
    // SAFETY: the closure makes two system calls and allocates nothing, which is allowed between fork and exec.
    unsafe {
        command.pre_exec(move || {
            prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
            if getppid().as_raw() == parent {
                Ok(())
            } else {
                Err(Errno::ESRCH.into())
            }
        })
    }
}

fn require_parent(expected: i32) -> io::Result<()> {
    if getppid().as_raw() == expected {
        Ok(())
    } else {
        Err(io::Error::other("the parent has ended"))
    }
}

/// Runs `change`, which may make the kernel forget [`die_with_parent`], and restores that.
pub(crate) fn keeping_death_signal<T>(change: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let parent = getppid().as_raw();
    let wanted = prctl::get_pdeathsig()?;
    let result = change()?;
    if wanted.is_some() {
        prctl::set_pdeathsig(wanted)?;
        require_parent(parent)?;
    }
    Ok(result)
}

/// Orphans below this process become its children, so that none is left behind.
pub fn adopt_orphans() -> io::Result<()> {
    Ok(prctl::set_child_subreaper(true)?)
}

/// A child that ended and was not waited for yet, or none. Never blocks; call it until it gives none.
pub fn reap() -> io::Result<Option<(Pid, Ended)>> {
    wait(None, Some(WaitPidFlag::WNOHANG))
}

/// How child `pid` ended, or none if it still runs. Never blocks.
pub fn try_wait(pid: Pid) -> io::Result<Option<Ended>> {
    Ok(wait(Some(pid.raw()), Some(WaitPidFlag::WNOHANG))?.map(|(_, ended)| ended))
}

/// Waits for the end of child `pid`.
pub fn wait_for(pid: Pid) -> io::Result<Ended> {
    match wait(Some(pid.raw()), None)? {
        Some((_, ended)) => Ok(ended),
        None => Err(Errno::ECHILD.into()),
    }
}

fn wait(
    pid: Option<nix::unistd::Pid>,
    flags: Option<WaitPidFlag>,
) -> io::Result<Option<(Pid, Ended)>> {
    loop {
        match waitpid(pid, flags) {
            Ok(WaitStatus::Exited(pid, code)) => {
                return Ok(Some((Pid(pid.as_raw()), Ended::Exited(code))));
            }
            Ok(WaitStatus::Signaled(pid, signal, _)) => {
                return Ok(Some((Pid(pid.as_raw()), Ended::Killed(signal as i32))));
            }
            Ok(WaitStatus::StillAlive) => return Ok(None),
            Err(Errno::ECHILD) if pid.is_none() => return Ok(None),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Sends a signal to one process. A process that is gone is an error (ESRCH).
pub fn kill(pid: Pid, signal: Signal) -> io::Result<()> {
    Ok(nix::sys::signal::kill(pid.raw(), signal.raw())?)
}

/// Sends a signal to all processes of the group that `leader` leads.
pub fn kill_group(leader: Pid, signal: Signal) -> io::Result<()> {
    Ok(nix::sys::signal::killpg(leader.raw(), signal.raw())?)
}

/// Makes this process the leader of a new session, without a terminal.
pub fn new_session() -> io::Result<()> {
    nix::unistd::setsid()?;
    Ok(())
}

/// A descriptor that becomes readable when process `pid` ends. Needs Linux 5.3.
#[expect(unsafe_code, reason = "nix does not know pidfd_open")]
pub fn watch(pid: Pid) -> io::Result<OwnedFd> {
    // SAFETY: pidfd_open takes two numbers and no pointer.
    let number = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid.0, 0) })?;
    let number = i32::try_from(number).map_err(|_| Errno::EBADF)?;
    // SAFETY: the call succeeded, so this is a new descriptor (close-on-exec by definition) that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}
