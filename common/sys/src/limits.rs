//! Resource limits of this process and of what it starts.

use std::io;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Upper bounds; `None` leaves a limit as it is. The default bounds nothing but core files, of which there are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open descriptors.
    pub files: Option<u64>,
    /// Processes and threads of this user.
    pub processes: Option<u64>,
    /// Bytes of a core file.
    pub core: Option<u64>,
    /// Bytes of address space.
    pub address_space: Option<u64>,
    /// Bytes of a file that is written. Beyond it write fails if SIGXFSZ is ignored, as [`crate::inherit`] sees to.
    pub file_size: Option<u64>,
    /// Seconds of processor time.
    pub processor_time: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            files: None,
            processes: None,
            core: Some(0),
            address_space: None,
            file_size: None,
            processor_time: None,
        }
    }
}

impl Limits {
    /// Sets the limits, soft and hard, for good. A bound above what is allowed is cut to what is allowed.
    pub fn apply(&self) -> io::Result<()> {
        let wanted = [
            (Resource::RLIMIT_NOFILE, self.files),
            (Resource::RLIMIT_NPROC, self.processes),
            (Resource::RLIMIT_CORE, self.core),
            (Resource::RLIMIT_AS, self.address_space),
            (Resource::RLIMIT_FSIZE, self.file_size),
            (Resource::RLIMIT_CPU, self.processor_time),
        ];
        for (resource, bound) in wanted {
            if let Some(bound) = bound {
                let (_, hard) = getrlimit(resource)?;
                let bound = bound.min(hard);
                setrlimit(resource, bound, bound)?;
            }
        }
        Ok(())
    }
}

/// Raises the number of descriptors to `wanted` or as near to it as is allowed; gives what is in force now.
pub fn raise_files(wanted: u64) -> io::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft >= wanted {
        return Ok(soft);
    }
    if hard < wanted && setrlimit(Resource::RLIMIT_NOFILE, wanted, wanted).is_ok() {
        return Ok(wanted);
    }
    let bound = wanted.min(hard);
    setrlimit(Resource::RLIMIT_NOFILE, bound, hard)?;
    Ok(bound)
}

/// The limit of open descriptors, as it was at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileLimit {
    soft: u64,
    hard: u64,
}

impl FileLimit {
    /// What is in force now: to be taken before [`raise_files`], and given back to programs of users.
    ///
    /// # Errors
    /// As the kernel gives them.
    pub fn now() -> io::Result<Self> {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
        Ok(Self { soft, hard })
    }

    /// Puts it in force again, or as much of it as is allowed.
    ///
    /// # Errors
    /// As the kernel gives them.
    pub fn set(self) -> io::Result<()> {
        let (_, allowed) = getrlimit(Resource::RLIMIT_NOFILE)?;
        let hard = self.hard.min(allowed);
        Ok(setrlimit(
            Resource::RLIMIT_NOFILE,
            self.soft.min(hard),
            hard,
        )?)
    }
}
