//! Taking in what was left in drop/: files of strangers, copied and never trusted. FORMAT.md, "Drops".
//!
//! Exactly once: the copy `tmp/ID` is complete and flushed; the original is renamed to `tmp/ID.drop`, flushed; the copy is
//! published, flushed; the original is removed. Where a crash comes between, recovery goes on from there.

mod copy;

use std::io;

use stafette_wire::QueueId;

use crate::draft::Sealed;
use crate::place::{TAKEN, id_of, refused_path, taken_path};
use crate::publish::settle;
use crate::{Damage, Disk, Envelope, Head, Place, commit};
use copy::{Copied, copy};

/// How many drops share their flushes.
const BATCH: usize = 64;

/// A drop that is well formed, for the service to judge.
#[derive(Debug)]
pub struct Offer<'a> {
    /// The drop's name; the message will have another.
    pub name: QueueId,
    /// Who owns the file: the sender's identity, whatever the envelope says.
    pub uid: u32,
    /// Octets of the content, and its checksum.
    pub head: Head,
    /// The envelope as the stranger wrote it.
    pub envelope: &'a Envelope,
}

/// What the service says to an offer.
#[must_use]
#[derive(Debug)]
pub enum Admission {
    /// Take it in with this envelope.
    Take(Envelope),
    /// It is against the rules: set aside in bad/, for the reason given.
    Refuse(String),
    /// Not now (no room): it stays where it is.
    Later,
}

/// What became of one drop.
#[derive(Debug)]
pub enum TakeIn {
    /// It is a message now, durably.
    Taken {
        /// The drop's name.
        name: QueueId,
        /// The message's.
        id: QueueId,
    },
    /// It was moved to bad/.
    Refused {
        /// The drop's name.
        name: QueueId,
        /// Why.
        reason: String,
    },
    /// It stays for the next time.
    Failed {
        /// The drop's name.
        name: QueueId,
        /// What failed.
        error: io::Error,
    },
}

/// Takes in everything in drop/, after completing what an earlier call left half done. `new_id` makes names, `admit` judges.
///
/// # Errors
/// The disk's, when a directory cannot be read or a half-done drop cannot be completed.
pub fn take_in<D: Disk>(
    disk: &D,
    new_id: &mut dyn FnMut() -> QueueId,
    admit: &mut dyn FnMut(&Offer<'_>) -> Admission,
) -> io::Result<Vec<TakeIn>> {
    let mut report = Vec::new();
    let left: Vec<QueueId> = ids(disk, Place::Tmp, TAKEN)?;
    settle(disk, &left)?;
    for names in ids(disk, Place::Drop, "")?.chunks(BATCH) {
        let mut batch = Vec::new();
        for name in names {
            match copy(disk, *name, new_id(), admit) {
                Ok(Some(copied)) => batch.push(copied),
                Ok(None) => {}
                Err(copy::Error::Refused(reason)) => report.push(refuse(disk, *name, reason)),
                Err(copy::Error::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
                Err(copy::Error::Io(error)) => report.push(TakeIn::Failed { name: *name, error }),
            }
        }
        take_batch(disk, batch, &mut report);
    }
    Ok(report)
}

fn ids<D: Disk>(disk: &D, place: Place, ending: &str) -> io::Result<Vec<QueueId>> {
    let mut ids = Vec::new();
    for name in disk.list(place.name())? {
        ids.extend(id_of(&name?, ending));
    }
    ids.sort_unstable();
    Ok(ids)
}

fn take_batch<D: Disk>(disk: &D, batch: Vec<Copied<D>>, report: &mut Vec<TakeIn>) {
    let (sources, mut copies): (Vec<_>, Vec<Sealed<D>>) = batch
        .into_iter()
        .map(|copied| ((copied.name, copied.identity), copied.sealed))
        .unzip();
    let results = commit::prepare_children(disk, &mut copies);
    let mut taken = Vec::new();
    for (((name, identity), copy), result) in sources.into_iter().zip(copies).zip(results) {
        match result.and_then(|()| move_original(disk, name, identity, copy.id())) {
            Ok(()) => taken.push((name, copy.id())),
            Err(error) => {
                // The copy is named by nothing: it may go at once.
                drop(disk.remove(&Place::Tmp.path(copy.id())));
                report.push(TakeIn::Failed { name, error });
            }
        }
    }
    let ids: Vec<QueueId> = taken.iter().map(|(_, id)| *id).collect();
    let settled = settle(disk, &ids);
    report.extend(taken.into_iter().map(|(name, id)| match &settled {
        Ok(()) => TakeIn::Taken { name, id },
        // Recovery, or the next call, completes it.
        Err(error) => TakeIn::Failed {
            name,
            error: commit::again(error),
        },
    }));
}

/// Moves the original away, if it is still the file that was copied.
fn move_original<D: Disk>(
    disk: &D,
    name: QueueId,
    identity: (u64, u64),
    copy: QueueId,
) -> io::Result<()> {
    let (from, to) = (Place::Drop.path(name), taken_path(copy));
    disk.rename(&from, &to)?;
    if disk.status(&to)?.identity == identity {
        return Ok(());
    }
    // Its owner put another file in its place meanwhile: that one waits for its own turn.
    disk.rename(&to, &from)?;
    Err(io::Error::other(Damage::NotAFile))
}

fn refuse<D: Disk>(disk: &D, name: QueueId, reason: String) -> TakeIn {
    match disk.rename(&Place::Drop.path(name), &refused_path(name)) {
        Ok(()) => TakeIn::Refused { name, reason },
        Err(error) => TakeIn::Failed { name, error },
    }
}
