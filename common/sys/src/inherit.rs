//! What a process inherits from whoever started it, and how to make it harmless.
//!
//! [`tidy`] is the first call of every program. A set-id program calls [`clean_environment`] as well. Resource limits
//! are left alone here: see [`crate::limits`].

use std::fs::OpenOptions;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{getegid, geteuid, getgid, getuid, setresgid, setresuid};

/// Whether the program file lent this process rights that its caller lacks (set-user-id, set-group-id, capabilities).
/// The answer is that of the start and stays when the rights are given up.
#[must_use]
pub fn is_set_id() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| secure_execution() || getuid() != geteuid() || getgid() != getegid())
}

#[expect(unsafe_code, reason = "nix does not know getauxval")]
fn secure_execution() -> bool {
    // SAFETY: getauxval only reads the vector that the kernel placed at start; an unknown key gives 0.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Gives up what a set-id program file lent: the effective and saved ids become the caller's.
pub fn give_up_set_id() -> io::Result<()> {
    let (uid, gid) = (getuid(), getgid());
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)?;
    Ok(())
}

/// Puts inherited state in order: descriptors 0 to 2 are open, those from 3 on close at exec, signals have their
/// default meaning and are unblocked (SIGPIPE and SIGXFSZ ignored), the file mode mask is `mask`.
/// Call it before anything else is opened.
pub fn tidy(mask: u32) -> io::Result<()> {
    open_standard_descriptors()?;
    close_others_at_exec()?;
    crate::signal::reset()?;
    set_umask(mask);
    Ok(())
}

/// Sets the file mode mask (0o077: nobody else; 0o022: others may read) and gives the old one.
pub fn set_umask(mask: u32) -> u32 {
    umask(Mode::from_bits_truncate(mask)).bits()
}

/// Opens /dev/null on each of descriptors 0, 1 and 2 that is closed, so that no file can take their place.
pub fn open_standard_descriptors() -> io::Result<()> {
    loop {
        let null = OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/null")?;
        if null.as_raw_fd() > 2 {
            return Ok(());
        }
        std::mem::forget(null); // stays open as the standard descriptor that was missing
    }
}

/// Marks every descriptor from 3 on close-on-exec.
pub fn close_others_at_exec() -> io::Result<()> {
    match mark_others() {
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL)) => {
            mark_each()
        }
        result => result,
    }
}

/// The same where the kernel has a call for it; allocates nothing.
pub(crate) fn mark_others() -> io::Result<()> {
    let flags = libc::c_uint::try_from(libc::CLOSE_RANGE_CLOEXEC).unwrap_or(0);
    close_range(3, flags)
}

#[expect(unsafe_code, reason = "nix does not know close_range")]
fn close_range(first: libc::c_uint, flags: libc::c_uint) -> io::Result<()> {
    // SAFETY: with CLOSE_RANGE_CLOEXEC nothing is closed, so no owned descriptor becomes invalid; no pointers are passed.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, flags) };
    Errno::result(result)?;
    Ok(())
}

/// The same for kernels before 5.11, one descriptor after the other.
fn mark_each() -> io::Result<()> {
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.parse::<i32>().ok());
        if let Some(number) = number.filter(|number| *number > 2) {
            mark(number);
        }
    }
    Ok(())
}

#[expect(unsafe_code, reason = "fcntl on a number")]
fn mark(number: i32) {
    // SAFETY: F_SETFD takes no pointer and closes nothing; on a number that is not open it fails, which is as good.
    unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
}

/// Removes every environment variable but those in `keep`. Refused when the process has several threads.
#[expect(
    unsafe_code,
    reason = "the environment is global and not locked against C code"
)]
pub fn clean_environment(keep: &[&str]) -> io::Result<()> {
    crate::fork::require_single_thread()?;
    let names: Vec<_> = std::env::vars_os().map(|(name, _)| name).collect();
    for name in names {
        if !keep.iter().any(|kept| name == *kept) {
            // SAFETY: the check above shows that this is the only thread, so nobody reads the environment meanwhile.
            unsafe { std::env::remove_var(&name) };
        }
    }
    Ok(())
}

/// Sets one environment variable, for a child of ours. Refused when the process has several threads.
#[expect(
    unsafe_code,
    reason = "the environment is global and not locked against C code"
)]
pub fn set_variable(name: &str, value: impl AsRef<std::ffi::OsStr>) -> io::Result<()> {
    crate::fork::require_single_thread()?;
    // SAFETY: the check above shows that this is the only thread, so nobody reads the environment meanwhile.
    unsafe { std::env::set_var(name, value) };
    Ok(())
}
