//! A compiled table: a cdb file, as tinycdb reads it too.
//!
//! `KEY` → the right side on one line; `KEY\0` → its line number, decimal. `:include:/FILE` → the targets of that file, one a line, or
//! [`UNREADABLE`] and why. Keys that begin with NUL are notes of the compiler.
//!
//! The reader counts on files being replaced, never changed. One that is damaged all the same is found out when it is opened: all that a
//! look-up could follow is followed once.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use cdb2::CDB;

/// In front of the path of a list.
pub(crate) const INCLUDE: &str = ":include:";
/// In front of the reason why a list has no targets.
pub(crate) const UNREADABLE: &str = ":unreadable:";
/// The header: 256 tables, each a position and a number of slots.
const HEADER: usize = 2048;

pub(crate) fn include_key(path: &Path) -> String {
    format!("{INCLUDE}{}", path.display())
}

/// Changes when a file is changed or replaced: device, inode, size, time of change of content and of inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp(u64, u64, u64, (i64, i64), (i64, i64));

/// Numbers with colons between.
impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(dev, ino, size, (m, mn), (c, cn)) = self;
        write!(f, "{dev}:{ino}:{size}:{m}:{mn}:{c}:{cn}")
    }
}

impl Stamp {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(':');
        let mut natural = || words.next()?.parse::<u64>().ok();
        let (dev, ino, size) = (natural()?, natural()?, natural()?);
        let mut number = || words.next()?.parse::<i64>().ok();
        let (changed, touched) = ((number()?, number()?), (number()?, number()?));
        Some(Self(dev, ino, size, changed, touched))
    }
}

pub(crate) fn stamp(path: &Path) -> io::Result<Stamp> {
    std::fs::metadata(path).map(|data| of(&data))
}

pub(crate) fn of(data: &std::fs::Metadata) -> Stamp {
    Stamp(
        data.dev(),
        data.ino(),
        data.size(),
        (data.mtime(), data.mtime_nsec()),
        (data.ctime(), data.ctime_nsec()),
    )
}

/// A mapped file.
pub(crate) struct Compiled(CDB);

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Compiled")
    }
}

impl Compiled {
    /// Checks and maps a file.
    pub(crate) fn open(path: &Path) -> io::Result<(Self, Stamp)> {
        // It may be replaced between the check and the mapping; then it is done again.
        for _ in 0..5 {
            let file = File::open(path)?;
            let before = of(&file.metadata()?);
            if before.2 > u64::from(u32::MAX) {
                return Err(damaged());
            }
            let bytes = std::fs::read(path)?;
            check(&bytes).ok_or_else(damaged)?;
            let cdb = CDB::open(path)?;
            if stamp(path)? == before {
                return Ok((Self(cdb), before));
            }
        }
        Err(io::Error::other("it is replaced all the time"))
    }

    /// The first record of a key.
    pub(crate) fn text(&self, key: &str) -> Result<Option<String>, String> {
        let Some(value) = self.0.get(key.as_bytes()) else {
            return Ok(None);
        };
        let value = value.map_err(|error| format!("unable to read the compiled table: {error}"))?;
        String::from_utf8(value)
            .map(Some)
            .map_err(|_| "the compiled table is damaged".to_owned())
    }
}

fn damaged() -> io::Error {
    io::Error::other("the compiled table is damaged")
}

/// Whether every position in the file leads to something in the file: the tables of the header, and the record of each slot.
fn check(bytes: &[u8]) -> Option<()> {
    let header = bytes.get(..HEADER)?;
    for table in header.as_chunks::<8>().0 {
        let (at, slots) = pair(table)?;
        let end = at.checked_add(slots.checked_mul(8)?)?;
        let slots = bytes.get(at..end)?;
        for slot in slots.as_chunks::<8>().0 {
            let (_, record) = pair(slot)?;
            if record == 0 {
                continue;
            }
            let lengths = bytes.get(record..record.checked_add(8)?)?;
            let (key, value) = pair(lengths.first_chunk::<8>()?)?;
            let end = record
                .checked_add(8)?
                .checked_add(key)?
                .checked_add(value)?;
            if record < HEADER || end > bytes.len() {
                return None;
            }
        }
    }
    Some(())
}

/// Two numbers of 32 bits.
fn pair(bytes: &[u8; 8]) -> Option<(usize, usize)> {
    let (first, second) = bytes.split_first_chunk::<4>()?;
    let second = second.first_chunk::<4>()?;
    let number = |bytes: &[u8; 4]| usize::try_from(u32::from_le_bytes(*bytes)).ok();
    Some((number(first)?, number(second)?))
}
