//! The folder of one instance, locked so that it is run only once.

use std::fs::File;
use std::path::{Path, PathBuf};

use stafette_sys::fs;

/// The folder. Its lock lasts as long as the value, and does not pass to the programs.
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Opens and locks it.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let lock_file = path.join("run/supervise.lock");
        let lock = fs::append_nofollow(&lock_file, Some(0o600))
            .map_err(|error| format!("unable to open {}: {error}", lock_file.display()))?;
        match fs::try_lock(&lock) {
            Ok(true) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Ok(false) => Err(format!(
                "{} is already running: stop that first, or choose another --dir",
                path.display()
            )),
            Err(error) => Err(format!("unable to lock {}: {error}", lock_file.display())),
        }
    }

    /// Its path, absolute.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The executable of a program.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.path.join("libexec").join(format!("stafette-{name}"))
    }

    /// The log of a program, opened for appending.
    pub(crate) fn log(&self, name: &str) -> std::io::Result<File> {
        fs::append_nofollow(&self.path.join("log").join(name), Some(0o644))
    }

    /// A directory of the instance: `etc`, `spool` or `run`.
    pub(crate) fn directory(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}
