//! Whether the queue's file system has room, asked at most every tenth of a second.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use stafette_log::{Event, event};
use stafette_sys::fs::{Space, available};

/// How long an answer of the file system counts.
const FRESH: Duration = Duration::from_millis(100);
/// Files that must stay free.
const MIN_INODES: u64 = 200;

/// The room of one file system.
#[derive(Debug)]
pub(crate) struct Room {
    path: PathBuf,
    minfree: u64,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    asked: Option<Instant>,
    space: Option<Space>,
    is_low: bool,
}

impl Room {
    pub(crate) fn new(path: PathBuf, minfree: u64) -> Self {
        Self {
            path,
            minfree,
            known: Mutex::default(),
        }
    }

    /// Why a message of `octets` is not taken; `None` if there is room. A file system that does not tell is taken to have room:
    /// writing will show.
    pub(crate) fn lacks(&self, octets: u64) -> Option<String> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.asked.is_none_or(|asked| asked.elapsed() >= FRESH) {
            known.space = available(&self.path).ok();
            known.asked = Some(Instant::now());
            self.log_change(&mut known);
        }
        let space = known.space?;
        let need = self.minfree.saturating_add(octets);
        if space.bytes < need {
            return Some(format!(
                "{} octets free in {}, {need} needed",
                space.bytes,
                self.path.display()
            ));
        }
        (space.inodes < MIN_INODES).then(|| {
            format!(
                "{} files free in {}, {MIN_INODES} needed",
                space.inodes,
                self.path.display()
            )
        })
    }

    fn log_change(&self, known: &mut Known) {
        let Some(space) = known.space else { return };
        let is_low = space.bytes < self.minfree || space.inodes < MIN_INODES;
        if is_low != std::mem::replace(&mut known.is_low, is_low) {
            let kind = if is_low {
                Event::DiskLow
            } else {
                Event::DiskRecovered
            };
            event(
                kind,
                None,
                &[
                    ("path", self.path.as_os_str().as_encoded_bytes()),
                    ("free", space.bytes.to_string().as_bytes()),
                    ("need", self.minfree.to_string().as_bytes()),
                    ("inodes", space.inodes.to_string().as_bytes()),
                ],
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_free_is_not_given_to_a_message() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Room::new(directory.path().into(), 0).lacks(1), None);
        assert!(
            Room::new(directory.path().into(), u64::MAX)
                .lacks(0)
                .is_some()
        );
        assert!(
            Room::new(directory.path().into(), 0)
                .lacks(u64::MAX)
                .is_some()
        );
    }
}
