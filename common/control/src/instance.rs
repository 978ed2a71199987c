//! Where an instance of Stafette lives: its settings, its queue, its sockets.

use crate::{Control, Settings};
use std::path::PathBuf;

/// The three directories of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Control files; `STAFETTE_ETC`, else /etc/stafette.
    pub etc: PathBuf,
    /// The queue is in `queue` below; `STAFETTE_SPOOL`, else /var/spool/stafette.
    pub spool: PathBuf,
    /// One directory a socket; `STAFETTE_RUN`, else /run/stafette.
    pub run: PathBuf,
}

impl Instance {
    /// The instance that the environment names. A set-id program does not look at the environment.
    #[must_use]
    pub fn from_env() -> Self {
        if stafette_sys::inherit::is_set_id() {
            return Self::from_words(|_| None);
        }
        Self::from_words(|name| std::env::var_os(name).map(PathBuf::from))
    }

    /// The instance that is installed for the whole machine, whatever the environment says.
    #[must_use]
    pub fn installed() -> Self {
        Self::from_words(|_| None)
    }

    fn from_words(word: impl Fn(&str) -> Option<PathBuf>) -> Self {
        let directory = |name: &str, installed: &str| match word(name) {
            Some(path) if !path.as_os_str().is_empty() => {
                std::path::absolute(&path).unwrap_or(path)
            }
            _ => PathBuf::from(installed),
        };
        Self {
            etc: directory("STAFETTE_ETC", "/etc/stafette"),
            spool: directory("STAFETTE_SPOOL", "/var/spool/stafette"),
            run: directory("STAFETTE_RUN", "/run/stafette"),
        }
    }

    /// The reader of its control files.
    #[must_use]
    pub fn control(&self) -> Control {
        Control::new(&self.etc)
    }

    /// Its settings.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings::new(self.control())
    }

    /// The queue's directory.
    #[must_use]
    pub fn queue(&self) -> PathBuf {
        self.spool.join("queue")
    }

    /// The directory of compiled tables, which everybody may read and only the program `tables` writes.
    #[must_use]
    pub fn tables(&self) -> PathBuf {
        self.spool.join("tables")
    }

    /// The home of the user as whom programs and files of aliases run.
    #[must_use]
    pub fn alias_home(&self) -> PathBuf {
        self.spool.join("alias")
    }

    /// The directory of the socket `name`, which only those may enter who may talk to it.
    #[must_use]
    pub fn socket_directory(&self, name: &str) -> PathBuf {
        self.run.join(name)
    }

    /// The socket `name`.
    #[must_use]
    pub fn socket(&self, name: &str) -> PathBuf {
        self.socket_directory(name).join("socket")
    }

    /// Whether this is the instance that is installed for the whole machine.
    #[must_use]
    pub fn is_installed(&self) -> bool {
        *self == Self::installed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_environment_moves_each_directory_alone() {
        let instance =
            Instance::from_words(|name| (name == "STAFETTE_RUN").then(|| "/srv/x/run".into()));
        assert_eq!(instance.etc, Path::new("/etc/stafette"));
        assert_eq!(
            instance.socket("queue"),
            Path::new("/srv/x/run/queue/socket")
        );
        assert!(!instance.is_installed());
    }

    #[test]
    fn an_empty_word_is_none_and_a_relative_one_counts_from_here() {
        let instance = Instance::from_words(|name| {
            Some(if name == "STAFETTE_ETC" {
                "".into()
            } else {
                "var/x".into()
            })
        });
        assert_eq!(instance.etc, Path::new("/etc/stafette"));
        assert!(instance.spool.is_absolute() && instance.spool.ends_with("var/x"));
    }
}
