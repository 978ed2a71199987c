//! The dot-lock of a mailbox: a file beside it, named as it is with `.lock` behind.
//!
//! One that is older than five minutes belongs to a program that died, as everybody who uses such locks agrees.

use std::ffi::OsString;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use stafette_sys::fs;

/// Age of a lock that nobody holds any more.
const STALE: Duration = Duration::from_secs(300);

/// A lock that is held; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct DotLock(PathBuf);

/// Whose the lock is.
pub(super) enum Taken {
    /// Ours, from now on.
    Ours(DotLock),
    /// Somebody else's.
    Theirs,
}

impl DotLock {
    /// Takes the lock of `mailbox` if it is free, without waiting.
    pub(super) fn try_take(mailbox: &Path) -> io::Result<Taken> {
        let mut name = OsString::from(mailbox);
        name.push(".lock");
        let path = PathBuf::from(name);
        match fs::create_new(&path, 0o644) {
            Ok(mut file) => {
                let lock = Self(path);
                // Readers show who holds it; the lock is the name alone.
                writeln!(file, "{}", std::process::id()).unwrap_or(());
                Ok(Taken::Ours(lock))
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if is_stale(&path) {
                    // The next try takes it, or finds that somebody else was faster.
                    std::fs::remove_file(&path).or_else(ignore_missing)?;
                }
                Ok(Taken::Theirs)
            }
            Err(error) => Err(error),
        }
    }
}

impl Drop for DotLock {
    fn drop(&mut self) {
        // If it cannot be removed it is stale in five minutes.
        std::fs::remove_file(&self.0).unwrap_or(());
    }
}

fn is_stale(path: &Path) -> bool {
    let made = std::fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
    made.is_ok_and(|made| {
        SystemTime::now()
            .duration_since(made)
            .is_ok_and(|age| age > STALE)
    })
}

fn ignore_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == ErrorKind::NotFound {
        Ok(())
    } else {
        Err(error)
    }
}
