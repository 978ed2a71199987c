//! Signals: as a descriptor for programs that poll, as a flag for programs that loop.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, sigaction, signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// The signals that our programs know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Stop (SIGTERM).
    Term,
    /// Stop, from a terminal (SIGINT).
    Int,
    /// Read the settings again (SIGHUP).
    Hup,
    /// A child ended (SIGCHLD).
    Child,
    /// Time is over (SIGALRM).
    Alarm,
    /// Die now (SIGKILL); cannot be caught.
    Kill,
    /// Whatever the program's manual page says (SIGUSR1).
    User,
    /// Whatever the program's manual page says (SIGUSR2).
    OtherUser,
}

impl Signal {
    const ALL: [Self; 8] = [
        Self::Term,
        Self::Int,
        Self::Hup,
        Self::Child,
        Self::Alarm,
        Self::Kill,
        Self::User,
        Self::OtherUser,
    ];

    pub(crate) fn raw(self) -> nix::sys::signal::Signal {
        use nix::sys::signal::Signal as Raw;
        match self {
            Self::Term => Raw::SIGTERM,
            Self::Int => Raw::SIGINT,
            Self::Hup => Raw::SIGHUP,
            Self::Child => Raw::SIGCHLD,
            Self::Alarm => Raw::SIGALRM,
            Self::Kill => Raw::SIGKILL,
            Self::User => Raw::SIGUSR1,
            Self::OtherUser => Raw::SIGUSR2,
        }
    }
}

/// Blocked signals, read from a descriptor.
#[derive(Debug)]
pub struct Signals(SignalFd);

impl Signals {
    /// Blocks `signals` in this thread and opens a non-blocking descriptor that is readable when one of them came.
    /// Call it before threads are started, so that they inherit the block. [`crate::fork::fork_child`] lifts it in the child.
    pub fn block(signals: &[Signal]) -> io::Result<Self> {
        let mut set = SigSet::empty();
        for signal in signals {
            set.add(signal.raw());
        }
        set.thread_block()?;
        Ok(Self(SignalFd::with_flags(
            &set,
            SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK,
        )?))
    }

    /// The next signal that came, or none. Several of one kind may be told as one: after `Child`, reap until nothing is left.
    pub fn next(&self) -> io::Result<Option<Signal>> {
        while let Some(info) = self.0.read_signal()? {
            let number = i32::try_from(info.ssi_signo).unwrap_or(0);
            if let Some(signal) = Signal::ALL
                .into_iter()
                .find(|signal| signal.raw() as i32 == number)
            {
                return Ok(Some(signal));
            }
        }
        Ok(None)
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

static TERMINATED: AtomicBool = AtomicBool::new(false);

extern "C" fn note_termination(_: i32) {
    TERMINATED.store(true, Ordering::Relaxed);
}

/// From now on SIGTERM and SIGINT only set a flag, see [`terminated`]. They interrupt sleeping; reads and writes go on.
#[expect(
    unsafe_code,
    reason = "sigaction takes a handler that runs at any instant"
)]
pub fn catch_termination() -> io::Result<()> {
    let action = SigAction::new(
        SigHandler::Handler(note_termination),
        SaFlags::SA_RESTART,
        SigSet::empty(),
    );
    for caught in [Signal::Term, Signal::Int] {
        // SAFETY: the handler does nothing but one store to a lock-free atomic, which is async-signal-safe.
        unsafe { sigaction(caught.raw(), &action) }?;
    }
    Ok(())
}

/// Whether SIGTERM or SIGINT came since [`catch_termination`].
#[must_use]
pub fn terminated() -> bool {
    TERMINATED.load(Ordering::Relaxed)
}

/// Writing to a pipe or socket whose reader is gone gives an error (EPIPE), not death.
pub fn ignore_sigpipe() -> io::Result<()> {
    set(nix::sys::signal::Signal::SIGPIPE, SigHandler::SigIgn)
}

/// Unblocks all signals in this thread.
pub fn unblock_all() -> io::Result<()> {
    Ok(SigSet::empty().thread_set_mask()?)
}

/// Gives every signal its default meaning, but for SIGPIPE and SIGXFSZ, which are ignored so that writes fail instead,
/// and unblocks all.
pub fn reset() -> io::Result<()> {
    use nix::sys::signal::Signal as Raw;
    for kind in Raw::iterator() {
        match kind {
            Raw::SIGKILL | Raw::SIGSTOP | Raw::SIGSEGV | Raw::SIGBUS => {} // the first two are fixed; std reports stack overflow by the others
            Raw::SIGPIPE | Raw::SIGXFSZ => set(kind, SigHandler::SigIgn)?,
            _ => set(kind, SigHandler::SigDfl)?,
        }
    }
    unblock_all()
}

/// Gives the signals that [`reset`] leaves ignored their default meaning as well, and unblocks all: for a program
/// that is not ours. Allocates nothing.
pub(crate) fn reset_for_program() -> io::Result<()> {
    use nix::sys::signal::Signal as Raw;
    for kind in [Raw::SIGPIPE, Raw::SIGXFSZ] {
        set(kind, SigHandler::SigDfl)?;
    }
    unblock_all()
}

#[expect(
    unsafe_code,
    reason = "signal can install a handler; here it never does"
)]
fn set(kind: nix::sys::signal::Signal, meaning: SigHandler) -> io::Result<()> {
    // SAFETY: callers in this file pass SIG_DFL or SIG_IGN only, so no code of ours runs in a handler.
    unsafe { signal(kind, meaning) }?;
    Ok(())
}
