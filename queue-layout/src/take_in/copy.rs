//! The copy of a stranger's file: validated in full, and written anew by our own encoder.

use std::io;

use stafette_wire::QueueId;

use super::{Admission, Offer};
use crate::limit::CHUNK;
use crate::message::read_head;
use crate::{Access, Damage, Disk, DiskFile, Draft, Head, Journal, Place, ReadError, Sealed};

/// A drop and its copy, complete in tmp/ but not flushed.
pub(super) struct Copied<D: Disk> {
    pub(super) name: QueueId,
    /// Of the file that was copied.
    pub(super) identity: (u64, u64),
    pub(super) sealed: Sealed<D>,
}

/// Why there is no copy.
pub(super) enum Error {
    /// The file is at fault.
    Refused(String),
    /// The disk is at fault.
    Io(io::Error),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Damage> for Error {
    fn from(damage: Damage) -> Self {
        Self::Refused(damage.to_string())
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(error) => Self::Io(error),
            ReadError::Damaged(damage) => damage.into(),
        }
    }
}

/// Copies `drop/NAME` to `tmp/ID`; nothing if the service does not want it now.
pub(super) fn copy<D: Disk>(
    disk: &D,
    name: QueueId,
    id: QueueId,
    admit: &mut dyn FnMut(&Offer<'_>) -> Admission,
) -> Result<Option<Copied<D>>, Error> {
    let path = Place::Drop.path(name);
    // A name that leads elsewhere, or nowhere, is refused before it is opened.
    if !disk.status(&path)?.is_file {
        return Err(Damage::NotAFile.into());
    }
    let file = disk.open(&path, Access::Read)?;
    let status = file.status()?;
    if !status.is_file || status.names != 1 {
        return Err(Damage::NotAFile.into());
    }
    let head = read_head(&file)?;
    let envelope = Journal::read_envelope(&file, head.journal())?;
    let offer = Offer {
        name,
        uid: status.owner,
        head,
        envelope: &envelope,
    };
    let envelope = match admit(&offer) {
        Admission::Take(envelope) => envelope,
        Admission::Refuse(reason) => return Err(Error::Refused(reason)),
        Admission::Later => return Ok(None),
    };
    let draft = copy_content(&file, &head, Draft::create(disk, id)?)?;
    let crlf_octets = draft.1;
    let sealed = draft.0.seal(&envelope, crlf_octets)?;
    Ok(Some(Copied {
        name,
        identity: status.identity,
        sealed,
    }))
}

/// Copies the content and checks it on the way; gives its octets with CRLF line ends as counted here.
fn copy_content<D: Disk>(
    file: &D::File,
    head: &Head,
    mut draft: Draft<D>,
) -> Result<(Draft<D>, u64), Error> {
    let mut buffer = vec![0; CHUNK];
    let mut hasher = crc32fast::Hasher::new();
    let mut line_ends = 0u64;
    while draft.octets() < head.octets {
        let left = head.octets - draft.octets();
        let count = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let room = buffer.get_mut(..count).unwrap_or_default();
        let count = DiskFile::read_at(file, room, head.content() + draft.octets())?;
        let content = buffer.get(..count).unwrap_or_default();
        if content.is_empty() {
            return Err(Damage::Offsets.into());
        }
        hasher.update(content);
        let found = content.iter().filter(|byte| **byte == b'\n').count();
        line_ends += u64::try_from(found).unwrap_or(0);
        draft.write(content)?;
    }
    if hasher.finalize() != head.crc32 {
        return Err(Damage::Content.into());
    }
    let crlf_octets = draft.octets().saturating_add(line_ends);
    Ok((draft, crlf_octets))
}
