//! Making children and taken drops visible: from tmp/ to new/, exactly once.
//!
//! Whoever names a message in tmp/ (a parent's journal, a taken drop) has flushed that name before anything here is called.
//! A named message that is not in tmp/ any more went already, so doing this again changes nothing.

use std::io;

use stafette_wire::QueueId;

use crate::place::taken_path;
use crate::{Disk, Place};

/// Moves `id` from tmp/ to new/. Gone from tmp/ means done; so does being in new/.
pub(crate) fn publish<D: Disk>(disk: &D, id: QueueId) -> io::Result<()> {
    match disk.rename(&Place::Tmp.path(id), &Place::New.path(id)) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists
            ) =>
        {
            Ok(())
        }
        result => result,
    }
}

/// Completes drops that were copied to `tmp/ID` and moved to `tmp/ID.drop`: publishes the copies, then removes the originals.
pub(crate) fn settle<D: Disk>(disk: &D, ids: &[QueueId]) -> io::Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    // The originals must have left drop/ for good before a copy can be seen, or they would be taken again.
    disk.sync_dir(Place::Tmp.name())?;
    disk.sync_dir(Place::Drop.name())?;
    for id in ids {
        publish(disk, *id)?;
    }
    disk.sync_dir(Place::New.name())?;
    for id in ids {
        match disk.remove(&taken_path(*id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
