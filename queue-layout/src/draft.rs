//! A message that is being written into tmp/ (or drop/), from its first byte to the moment before it is flushed.
//!
//! Until [`crate::commit`] said so, nothing here is accepted: a draft that is let go removes its file. A small message is one write.

use std::io;

use stafette_wire::QueueId;

use crate::place::part_path;
use crate::{Disk, DiskFile, Envelope, Head, Place};

/// Content that is gathered before it is written.
const BUFFER: usize = 128 * 1024;
/// After so many octets the kernel is asked to begin writing.
const STRETCH: u64 = 1 << 20;
/// Octets kept free behind the journal so that outcomes can be recorded on a full disk: for the message …
const ROOM: u64 = 4096;
/// … and for each recipient …
const ROOM_EACH: u64 = 256;
/// … and altogether.
const ROOM_MAX: u64 = 256 * 1024;

/// The file of a message that nobody has accepted yet: removed when let go.
#[derive(Debug)]
pub(crate) struct Unaccepted<D: Disk> {
    pub(crate) disk: D,
    pub(crate) path: String,
    pub(crate) file: D::File,
    /// The file has its place now and stays.
    pub(crate) is_kept: bool,
}

impl<D: Disk> Drop for Unaccepted<D> {
    fn drop(&mut self) {
        if !self.is_kept {
            // What cannot be removed now is removed by recovery.
            drop(self.disk.remove(&self.path));
        }
    }
}

/// A message whose content is coming in.
#[derive(Debug)]
pub struct Draft<D: Disk> {
    id: QueueId,
    file: Unaccepted<D>,
    octets: u64,
    hasher: crc32fast::Hasher,
    /// What comes next in the file: the first line if nothing was written, then content.
    buffer: Vec<u8>,
    written: u64,
    requested: u64,
}

impl<D: Disk> Draft<D> {
    /// Begins a message in tmp/.
    ///
    /// # Errors
    /// The system's; `AlreadyExists` if the ID is taken.
    pub fn create(disk: &D, id: QueueId) -> io::Result<Self> {
        Self::create_at(disk, id, Place::Tmp.path(id))
    }

    /// Begins a message in drop/, for [`crate::drop_in`].
    ///
    /// # Errors
    /// The system's; `AlreadyExists` if the ID is taken.
    pub fn create_in_drop(disk: &D, id: QueueId) -> io::Result<Self> {
        Self::create_at(disk, id, part_path(id))
    }

    fn create_at(disk: &D, id: QueueId, path: String) -> io::Result<Self> {
        let file = disk.create(&path)?;
        let file = Unaccepted {
            disk: disk.clone(),
            path,
            file,
            is_kept: false,
        };
        // The lock tells recovery that somebody still writes; it ends with the file's descriptor.
        file.file.try_lock()?;
        Ok(Self {
            id,
            file,
            octets: 0,
            hasher: crc32fast::Hasher::new(),
            buffer: Head::encode_incomplete(),
            written: 0,
            requested: 0,
        })
    }

    /// The message's name.
    #[must_use]
    pub fn id(&self) -> QueueId {
        self.id
    }

    /// Octets of content so far.
    #[must_use]
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// Adds content.
    ///
    /// # Errors
    /// The system's: the draft is void.
    pub fn write(&mut self, content: &[u8]) -> io::Result<()> {
        self.hasher.update(content);
        self.octets += u64::try_from(content.len()).unwrap_or(u64::MAX);
        if self.buffer.len() + content.len() > BUFFER {
            self.spill()?;
        }
        if content.len() > BUFFER {
            self.file.file.write_at(content, self.written)?;
            self.written += u64::try_from(content.len()).unwrap_or(u64::MAX);
        } else {
            self.buffer.extend_from_slice(content);
        }
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        self.file.file.write_at(&self.buffer, self.written)?;
        self.written += u64::try_from(self.buffer.len()).unwrap_or(u64::MAX);
        self.buffer.clear();
        if self.written - self.requested >= STRETCH {
            self.file.file.start_writeback();
            self.requested = self.written;
        }
        Ok(())
    }

    /// Ends the content: writes the journal with the envelope, then the first line, reserves room, and starts the writing to disk.
    /// `crlf_octets` is the content's length with CRLF line ends.
    ///
    /// # Errors
    /// The system's; `InvalidInput` if a part of the envelope is over a limit. The draft is void.
    pub fn seal(mut self, envelope: &Envelope, crlf_octets: u64) -> io::Result<Sealed<D>> {
        let journal = envelope.encode().ok_or(io::ErrorKind::InvalidInput)?;
        let head = Head {
            octets: self.octets,
            crc32: self.hasher.clone().finalize(),
            crlf_octets,
        };
        let first = head.encode();
        if self.written == 0 {
            self.buffer.splice(..first.len(), first);
            self.buffer.extend_from_slice(&journal);
            self.spill()?;
        } else {
            self.buffer.extend_from_slice(&journal);
            self.spill()?;
            self.file.file.write_at(&first, 0)?;
        }
        let recipients = u64::try_from(envelope.recipients.len()).unwrap_or(0);
        let room = (ROOM + ROOM_EACH * recipients).min(ROOM_MAX);
        self.file.file.preallocate(self.written, room)?;
        self.file.file.start_writeback();
        Ok(Sealed {
            id: self.id,
            octets: self.octets,
            file: self.file,
        })
    }
}

/// A message that is complete but not flushed: nobody may be told that it is accepted.
#[derive(Debug)]
pub struct Sealed<D: Disk> {
    id: QueueId,
    octets: u64,
    pub(crate) file: Unaccepted<D>,
}

impl<D: Disk> Sealed<D> {
    /// The message's name.
    #[must_use]
    pub fn id(&self) -> QueueId {
        self.id
    }

    /// Octets of content.
    #[must_use]
    pub fn octets(&self) -> u64 {
        self.octets
    }
}
