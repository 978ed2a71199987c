//! One message on its way to one recipient: the fields that final delivery adds, then the content as it came.
//!
//! The content is read from a [`Source`], in the programs the queue file's descriptor, and its checksum is followed on
//! the way: whoever takes all pieces of a letter learns before the end whether they were the message that was accepted.
//! Content that fits the first piece is checked when the letter is opened, before anything is written anywhere.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use stafette_addr::Mailbox;
use stafette_wire::delivery::{Content, Job};

use crate::trace;
use crate::verdict::Verdict;

/// Octets of content that a letter holds from the start. The header section of a sane message fits.
const FIRST_PIECE: usize = 64 * 1024;
/// Octets read at once from then on.
const PIECE: usize = 256 * 1024;

/// Where content comes from.
pub trait Source {
    /// Reads at `offset` of the file that holds the content; 0 at its end.
    ///
    /// # Errors
    /// As the system gives them.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl Source for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }
}

/// A letter, opened and found to be no loop.
#[derive(Debug)]
pub struct Letter<S> {
    source: S,
    content: Content,
    /// The recipient's fields, the added ones and the first piece of the content.
    head: Vec<u8>,
    /// Octets of the recipient's fields in `head`.
    own: usize,
    /// Octets of the content in `head`.
    held: u64,
    /// The checksum of those.
    hasher: crc32fast::Hasher,
}

/// Why the pieces of a letter ended early.
#[derive(Debug)]
pub enum Broken {
    /// The content is not what its checksum says.
    Damaged,
    /// The queue file could not be read.
    Read(io::Error),
    /// Whoever took the pieces could take no more.
    Taker(io::Error),
}

impl<S: Source> Letter<S> {
    /// Reads the first piece, looks for a loop and puts the recipient's fields in front.
    ///
    /// # Errors
    /// The verdict, if there is nothing to deliver.
    pub fn open(job: &Job, to: &Mailbox, source: S, hop_limit: u32) -> Result<Self, Verdict> {
        let own = trace::own_fields(&job.from, to);
        let mut head = own.clone().into_bytes();
        head.extend_from_slice(&trace::added_fields(&job.add));
        let fields = head.len();
        let first = job.content.octets.min(FIRST_PIECE as u64);
        let length = usize::try_from(first).unwrap_or(FIRST_PIECE);
        head.resize(fields + length, 0);
        let piece = head.get_mut(fields..).unwrap_or_default();
        read_exactly(&source, piece, job.content.offset).map_err(broken_source)?;
        if let Some(loops) = trace::find_loop(&job.add, piece, to, hop_limit) {
            return Err(loops);
        }
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(piece);
        let letter = Self {
            source,
            content: job.content.clone(),
            head,
            own: own.len(),
            held: first,
            hasher,
        };
        if letter.is_all_held() && letter.hasher.clone().finalize() != letter.content.crc32 {
            return Err(Verdict::damaged());
        }
        Ok(letter)
    }

    fn is_all_held(&self) -> bool {
        self.held == self.content.octets
    }

    /// Gives all pieces in order to `take`. After an error, what was taken is void.
    ///
    /// # Errors
    /// Why not all pieces were given, or that they are not what was accepted.
    pub fn pieces(&self, take: impl FnMut(&[u8]) -> io::Result<()>) -> Result<(), Broken> {
        self.pieces_behind(&self.head, take)
    }

    /// The same without the recipient's fields.
    ///
    /// # Errors
    /// As above.
    pub fn pieces_without_own(
        &self,
        take: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), Broken> {
        self.pieces_behind(self.head.get(self.own..).unwrap_or_default(), take)
    }

    fn pieces_behind(
        &self,
        head: &[u8],
        mut take: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), Broken> {
        take(head).map_err(Broken::Taker)?;
        if self.is_all_held() {
            return Ok(());
        }
        let mut hasher = self.hasher.clone();
        let mut done = self.held;
        let mut buffer = vec![0; PIECE];
        while done < self.content.octets {
            let left = usize::try_from(self.content.octets - done).unwrap_or(PIECE);
            let piece = buffer.get_mut(..left.min(PIECE)).unwrap_or_default();
            read_exactly(&self.source, piece, self.content.offset + done)?;
            hasher.update(piece);
            done += piece.len() as u64;
            take(piece).map_err(Broken::Taker)?;
        }
        if hasher.finalize() == self.content.crc32 {
            Ok(())
        } else {
            Err(Broken::Damaged)
        }
    }
}

impl Broken {
    /// The verdict, when what could not take more is `taker`.
    #[must_use]
    pub fn verdict(self, taker: &Path) -> Verdict {
        match self {
            Self::Taker(error) => Verdict::unable("write", taker, &error),
            other => broken_source(other),
        }
    }
}

fn broken_source(broken: Broken) -> Verdict {
    match broken {
        Broken::Damaged => Verdict::damaged(),
        Broken::Read(error) | Broken::Taker(error) => {
            Verdict::unable("read", Path::new("the message in the queue"), &error)
        }
    }
}

/// Fills `buffer`. A file that is shorter than its first line said is damaged.
fn read_exactly(
    source: &impl Source,
    mut buffer: &mut [u8],
    mut offset: u64,
) -> Result<(), Broken> {
    while !buffer.is_empty() {
        match source.read_at(buffer, offset) {
            Ok(0) => return Err(Broken::Damaged),
            Ok(count) => {
                buffer = buffer.get_mut(count..).unwrap_or_default();
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Broken::Read(error)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
