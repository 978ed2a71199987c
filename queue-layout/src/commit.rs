//! The commit point: after these functions said yes, a message may be called accepted.
//!
//! Order, argued in FORMAT.md, "Accepting": all files flushed; all renamed; the directory flushed; only then yes.

use std::io;

use stafette_wire::QueueId;

use crate::draft::Sealed;
use crate::{Disk, DiskFile, Place};

/// Accepts a batch of sealed messages with shared flushes: each that got `Ok` is in new/, durably, with its directory entry.
/// The others are void; their files go when the `Sealed` is dropped.
pub fn commit<D: Disk>(disk: &D, batch: &mut [Sealed<D>]) -> Vec<io::Result<()>> {
    let mut results = flush(disk, batch);
    for (sealed, result) in batch.iter_mut().zip(&mut results) {
        if result.is_ok() {
            let path = Place::New.path(sealed.id());
            *result = disk.rename(&sealed.file.path, &path);
        }
    }
    if results.iter().any(Result::is_ok) {
        match disk.sync_dir(Place::New.name()) {
            Ok(()) => batch
                .iter_mut()
                .zip(&results)
                .for_each(|(sealed, result)| sealed.file.is_kept = result.is_ok()),
            Err(error) => take_back(disk, batch, &mut results, &error),
        }
    }
    results
}

fn flush<D: Disk>(disk: &D, batch: &[Sealed<D>]) -> Vec<io::Result<()>> {
    let files: Vec<&D::File> = batch.iter().map(|sealed| &sealed.file.file).collect();
    disk.flush_all(&files)
}

/// The last flush failed: everything goes back to tmp/, as well as it can, before anyone hears of the failure.
fn take_back<D: Disk>(
    disk: &D,
    batch: &[Sealed<D>],
    results: &mut [io::Result<()>],
    error: &io::Error,
) {
    for (sealed, result) in batch.iter().zip(results) {
        if result.is_ok() {
            // If this fails too, the message stays in new/ although its sender keeps it: twice is better than never.
            drop(disk.rename(&Place::New.path(sealed.id()), &sealed.file.path));
            *result = Err(again(error));
        }
    }
}

/// Makes children durable in tmp/, where they wait for their parents' journals to name them.
/// Those that got `Ok` are for clean to publish; the others are void.
pub fn prepare_children<D: Disk>(disk: &D, batch: &mut [Sealed<D>]) -> Vec<io::Result<()>> {
    let mut results = flush(disk, batch);
    if results.iter().any(Result::is_ok)
        && let Err(error) = disk.sync_dir(Place::Tmp.name())
    {
        for result in results.iter_mut().filter(|result| result.is_ok()) {
            *result = Err(again(&error));
        }
    }
    for (sealed, result) in batch.iter_mut().zip(&results) {
        sealed.file.is_kept = result.is_ok();
    }
    results
}

/// Leaves one message in drop/, durably, for the service to take in: what the one-shot program does while no service runs.
///
/// # Errors
/// The system's: the message is void.
pub fn drop_in<D: Disk>(disk: &D, mut sealed: Sealed<D>) -> io::Result<QueueId> {
    sealed.file.file.flush()?;
    let path = Place::Drop.path(sealed.id());
    disk.rename(&sealed.file.path, &path)?;
    sealed.file.path = path;
    disk.sync_dir(Place::Drop.name())?;
    sealed.file.is_kept = true;
    Ok(sealed.id())
}

/// The same error once more, for another message that it hit.
pub(crate) fn again(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}
