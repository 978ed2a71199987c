//! Recovery: completes what a crash left half done, and tidies away what was never accepted. FORMAT.md, "States".
//!
//! Runs when clean starts and every few hours; may be killed at any moment and run again; removes only what the table of states says.
//! It reads tmp/ and drop/, not the messages that live, so it costs little with any queue.

use std::io;

use stafette_wire::QueueId;

use crate::place::{TAKEN, id_of};
use crate::publish::{publish, settle};
use crate::{Access, Disk, DiskFile, Envelope, Journal, Place, State};

/// A file that was never accepted is removed when nobody has written to it for so many seconds.
const OLD: i64 = 36 * 3600;

/// What recovery did.
#[derive(Debug, Default)]
pub struct Recovery {
    /// Children and copies of drops that went to new/.
    pub published: Vec<QueueId>,
    /// Files removed.
    pub removed: Vec<String>,
    /// Files that do not belong here, left alone.
    pub strays: Vec<String>,
    /// What failed, on which file; the next recovery tries again.
    pub failed: Vec<(String, io::Error)>,
}

/// Recovers the queue. `now` is the Unix time by the clock that files are stamped with. Only the one process that records may call this, and not while it records.
pub fn recover<D: Disk>(disk: &D, now: i64) -> Recovery {
    let mut recovery = Recovery::default();
    let mut taken = Vec::new();
    let mut named = Vec::new();
    for place in [Place::Tmp, Place::Drop] {
        let names = match disk.list(place.name()) {
            Ok(names) => names,
            Err(error) => {
                recovery.failed.push((place.name().to_owned(), error));
                continue;
            }
        };
        for name in names {
            let name = match name {
                Ok(name) => name,
                Err(error) => {
                    recovery.failed.push((place.name().to_owned(), error));
                    break;
                }
            };
            let path = format!("{}/{name}", place.name());
            match State::of(disk, place, &name) {
                Ok(State::Taken) => taken.extend(id_of(&name, TAKEN)),
                Ok(State::Named) => named.extend(id_of(&name, "")),
                Ok(State::Writing | State::Prepared | State::Dropping) => {
                    recovery.remove_if_old(disk, path, now);
                }
                Ok(State::Stray) => recovery.strays.push(path),
                Ok(_) => {}
                // It went while we looked.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => recovery.failed.push((path, error)),
            }
        }
    }
    recovery.settle(disk, &taken);
    recovery.publish(disk, &named);
    recovery
}

impl Recovery {
    /// Whether there is anything to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.published.is_empty()
            && self.removed.is_empty()
            && self.strays.is_empty()
            && self.failed.is_empty()
    }

    fn remove_if_old<D: Disk>(&mut self, disk: &D, path: String, now: i64) {
        let is_due = || -> io::Result<bool> {
            let status = disk.status(&path)?;
            if !status.is_file || now.saturating_sub(status.modified) < OLD {
                return Ok(false);
            }
            disk.open(&path, Access::Read)?.try_lock()
        };
        match is_due().and_then(|due| {
            if due {
                disk.remove(&path).map(|()| true)
            } else {
                Ok(false)
            }
        }) {
            Ok(true) => self.removed.push(path),
            Ok(false) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.failed.push((path, error)),
        }
    }

    fn settle<D: Disk>(&mut self, disk: &D, taken: &[QueueId]) {
        match settle(disk, taken) {
            Ok(()) => self.published.extend(taken),
            Err(error) => self.failed.push((Place::Tmp.name().to_owned(), error)),
        }
    }

    fn publish<D: Disk>(&mut self, disk: &D, named: &[QueueId]) {
        for child in named {
            match publish_named(disk, *child) {
                Ok(()) => self.published.push(*child),
                Err(error) => self.failed.push((Place::Tmp.path(*child), error)),
            }
        }
        if !named.is_empty()
            && let Err(error) = disk.sync_dir(Place::New.name())
        {
            self.failed.push((Place::New.name().to_owned(), error));
        }
    }
}

/// Publishes a child after making sure that the name in the parent's journal, which was read, is also on the disk.
fn publish_named<D: Disk>(disk: &D, child: QueueId) -> io::Result<()> {
    let envelope = read_envelope(disk, child)?;
    let Some(parent) = envelope.and_then(|envelope| envelope.parent) else {
        return Ok(());
    };
    if let Some((_, file)) = crate::message::find(disk, parent, Access::Write)? {
        file.flush()?;
    }
    publish(disk, child)
}

fn read_envelope<D: Disk>(disk: &D, id: QueueId) -> io::Result<Option<Envelope>> {
    let file = disk.open(&Place::Tmp.path(id), Access::Read)?;
    let envelope = crate::message::read_head(&file)
        .and_then(|head| Journal::read_envelope(&file, head.journal()));
    match envelope {
        Ok(envelope) => Ok(Some(envelope)),
        Err(crate::ReadError::Damaged(_)) => Ok(None),
        Err(crate::ReadError::Io(error)) => Err(error),
    }
}
