//! A message of the queue, open for reading: what send, the operator's command and the one-shot programs see.

use std::io;

use stafette_wire::QueueId;
use stafette_wire::delivery::Content;

use crate::limit::CHUNK;
use crate::line::{Memory, Source};
use crate::{Access, Damage, Disk, DiskFile, Head, Journal, Place, ReadError};

/// How often a name is looked for in all places: it may be moving from one to another.
const ROUNDS: usize = 3;

/// A message and its file. Memory is bounded whatever the file holds.
#[derive(Debug)]
pub struct Message<D: Disk> {
    /// Its name.
    pub id: QueueId,
    /// Where it was found. A message in hold/ is held.
    pub place: Place,
    /// Where its parts are.
    pub head: Head,
    /// Envelope and story.
    pub journal: Journal,
    file: D::File,
}

/// Why a message could not be opened.
#[derive(Debug)]
pub enum OpenError {
    /// It is in none of new/, cur/, hold/ (any more).
    Missing,
    /// The file cannot be read as a message: it belongs into bad/.
    Damaged(Damage),
    /// The disk failed: it may go better later.
    Io(io::Error),
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing => f.write_str("no such message"),
            Self::Damaged(damage) => damage.fmt(f),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for OpenError {}

impl From<ReadError> for OpenError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(error) => Self::Io(error),
            ReadError::Damaged(damage) => Self::Damaged(damage),
        }
    }
}

impl<D: Disk> Message<D> {
    /// Opens a living message, wherever it stands. The content is not read: see [`Message::check_content`].
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(disk: &D, id: QueueId) -> Result<Self, OpenError> {
        let (place, file) = find(disk, id, Access::Read)
            .map_err(OpenError::Io)?
            .ok_or(OpenError::Missing)?;
        Self::read(id, place, file)
    }

    /// Opens a message in one place, such as one that waits in drop/.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_in(disk: &D, id: QueueId, place: Place) -> Result<Self, OpenError> {
        match disk.open(&place.path(id), Access::Read) {
            Ok(file) => Self::read(id, place, file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(OpenError::Missing),
            Err(error) => Err(OpenError::Io(error)),
        }
    }

    fn read(id: QueueId, place: Place, file: D::File) -> Result<Self, OpenError> {
        let head = read_head(&file)?;
        let journal = Journal::read(&file, head.journal())?;
        Ok(Self {
            id,
            place,
            head,
            journal,
            file,
        })
    }

    /// Where in the file the content is, and what it must be.
    #[must_use]
    pub fn content(&self) -> Content {
        Content {
            offset: self.head.content(),
            octets: self.head.octets,
            crc32: self.head.crc32,
            crlf_octets: self.head.crlf_octets,
        }
    }

    /// Reads content from `offset` of it on; 0 at its end.
    ///
    /// # Errors
    /// The system's.
    pub fn read_content(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        read_part(&self.file, &self.head, buffer, offset)
    }

    /// Whether the content is the one that was accepted.
    ///
    /// # Errors
    /// The system's.
    pub fn check_content(&self) -> io::Result<bool> {
        content_is_sound(&self.file, &self.head)
    }

    /// The file, open for reading.
    pub fn file(&self) -> &D::File {
        &self.file
    }

    /// Envelope and story, and the file.
    pub fn into_parts(self) -> (Journal, D::File) {
        (self.journal, self.file)
    }

    /// The file alone.
    pub fn into_file(self) -> D::File {
        self.file
    }
}

/// Finds a living message. A rename by clean may be passing us: the places are looked through again.
pub(crate) fn find<D: Disk>(
    disk: &D,
    id: QueueId,
    access: Access,
) -> io::Result<Option<(Place, D::File)>> {
    for _ in 0..ROUNDS {
        for place in Place::LIVING {
            match disk.open(&place.path(id), access) {
                Ok(file) => return Ok(Some((place, file))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(None)
}

/// Reads and checks the first line of a file.
pub(crate) fn read_head(file: &impl DiskFile) -> Result<Head, ReadError> {
    let status = file.status()?;
    if !status.is_file {
        return Err(Damage::NotAFile.into());
    }
    let mut line = [0u8; 128];
    let mut have = 0;
    while let Some(room) = line.get_mut(have..).filter(|room| !room.is_empty()) {
        let count = DiskFile::read_at(file, room, u64::try_from(have).unwrap_or(0))?;
        if count == 0 {
            break;
        }
        have += count;
    }
    let head = Head::decode(line.get(..have).unwrap_or_default())?;
    if head.journal() > status.octets {
        return Err(Damage::Offsets.into());
    }
    Ok(head)
}

fn read_part(
    source: &impl Source,
    head: &Head,
    buffer: &mut [u8],
    offset: u64,
) -> io::Result<usize> {
    let left = head.octets.saturating_sub(offset);
    let count = usize::try_from(left)
        .unwrap_or(usize::MAX)
        .min(buffer.len());
    let room = buffer.get_mut(..count).unwrap_or_default();
    source.read_at(room, head.content().saturating_add(offset))
}

/// Compares the content with its checksum.
pub(crate) fn content_is_sound(source: &impl Source, head: &Head) -> io::Result<bool> {
    let mut buffer = vec![0; CHUNK.min(usize::try_from(head.octets).unwrap_or(CHUNK))];
    let mut hasher = crc32fast::Hasher::new();
    let mut offset = 0;
    while offset < head.octets {
        let count = read_part(source, head, &mut buffer, offset)?;
        if count == 0 {
            return Ok(false);
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
        offset = offset.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
    }
    Ok(hasher.finalize() == head.crc32)
}

/// Decodes a whole queue file in memory: pure, total, for tests and fuzzing.
///
/// # Errors
/// What is wrong with it.
pub fn decode(bytes: &[u8]) -> Result<(Head, Journal), Damage> {
    let head = Head::decode(bytes)?;
    if head.journal() > u64::try_from(bytes.len()).unwrap_or(u64::MAX) {
        return Err(Damage::Offsets);
    }
    let source = Memory(bytes);
    if !content_is_sound(&source, &head).unwrap_or(false) {
        return Err(Damage::Content);
    }
    match Journal::read(&source, head.journal()) {
        Ok(journal) => Ok((head, journal)),
        Err(ReadError::Damaged(damage)) => Err(damage),
        // Memory cannot fail.
        Err(ReadError::Io(_)) => Err(Damage::Offsets),
    }
}
