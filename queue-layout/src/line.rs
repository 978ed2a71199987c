//! Lines of the journal: length, checksum, words. FORMAT.md, "The journal".

use std::io;

use crate::DiskFile;
use crate::limit::{CHUNK, LINE_LIMIT};
use crate::number::hexadecimal;

/// Octets in front of the words: four digits, a blank, eight digits, a blank.
const PREFIX: usize = 14;

/// Appends the line of `words` to `out`. Words over the limit, or that are not one line, make none: `None`.
pub(crate) fn push(out: &mut Vec<u8>, words: &[u8]) -> Option<()> {
    let is_plain = words.iter().all(|byte| matches!(byte, 0x20..=0x7e));
    if words.is_empty() || words.len() > LINE_LIMIT || !is_plain {
        return None;
    }
    let crc = crc32fast::hash(words);
    out.extend_from_slice(format!("{:04} {crc:08x} ", words.len()).as_bytes());
    out.extend_from_slice(words);
    out.push(b'\n');
    Some(())
}

/// The words of `line` (without its end) if length and checksum fit.
pub(crate) fn check(line: &[u8]) -> Option<&str> {
    let (prefix, words) = line.split_at_checked(PREFIX)?;
    let (length, crc) = prefix
        .split_at_checked(4)
        .and_then(|(length, rest)| Some((length, rest.strip_prefix(b" ")?.strip_suffix(b" ")?)))?;
    let length = length.iter().try_fold(0usize, |sum, digit| {
        let digit = digit.is_ascii_digit().then(|| usize::from(digit - b'0'))?;
        Some(sum * 10 + digit)
    })?;
    let is_sound = length == words.len()
        && length > 0
        && length <= LINE_LIMIT
        && hexadecimal(crc)? == crc32fast::hash(words);
    is_sound.then(|| str::from_utf8(words).ok()).flatten()
}

/// What lines are read from.
pub(crate) trait Source {
    /// Reads at most `buffer.len()` bytes from `offset` on; 0 at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl<F: DiskFile> Source for F {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        DiskFile::read_at(self, buffer, offset)
    }
}

/// Bytes in memory as a source.
pub(crate) struct Memory<'a>(pub(crate) &'a [u8]);

impl Source for Memory<'_> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|offset| self.0.get(offset..))
            .unwrap_or_default();
        let count = rest.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(rest) {
            *to = *from;
        }
        Ok(count)
    }
}

/// The sound lines of a source from an offset on, in bounded memory. What is no sound line is skipped and counted.
pub(crate) struct Lines<'a, S> {
    source: &'a S,
    offset: u64,
    buffer: Vec<u8>,
    /// Where the next line begins in `buffer`.
    start: usize,
    is_end: bool,
    /// Inside a line that is too long to be one.
    is_overlong: bool,
    /// Lines that were no sound ones, empty ones not counted.
    pub(crate) skipped: u64,
}

impl<'a, S: Source> Lines<'a, S> {
    pub(crate) fn new(source: &'a S, offset: u64) -> Self {
        Self {
            source,
            offset,
            buffer: Vec::new(),
            start: 0,
            is_end: false,
            is_overlong: false,
            skipped: 0,
        }
    }

    /// The words of the next sound line.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<&str>> {
        loop {
            let rest = self.buffer.get(self.start..).unwrap_or_default();
            let end = match rest.iter().position(|byte| *byte == b'\n') {
                Some(end) => end,
                None if !self.is_end => {
                    self.refill()?;
                    continue;
                }
                None if rest.is_empty() => return Ok(None),
                None => rest.len(),
            };
            let (from, to) = (self.start, self.start + end);
            self.start = (to + 1).min(self.buffer.len());
            let was_overlong = std::mem::take(&mut self.is_overlong);
            let line = self.buffer.get(from..to).unwrap_or_default();
            if !was_overlong && check(line).is_some() {
                return Ok(self.buffer.get(from..to).and_then(check));
            }
            if was_overlong || !line.is_empty() {
                self.skipped += 1;
            }
        }
    }

    /// Reads the next chunk behind what is left of the last one; what is too long to be a line is forgotten.
    fn refill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        if self.buffer.len() > PREFIX + LINE_LIMIT {
            self.is_overlong = true;
            self.buffer.clear();
        }
        let kept = self.buffer.len();
        self.buffer.resize(kept + CHUNK, 0);
        let room = self.buffer.get_mut(kept..).unwrap_or_default();
        let count = self.source.read_at(room, self.offset);
        self.buffer.truncate(kept + *count.as_ref().unwrap_or(&0));
        let count = count?;
        self.is_end = count == 0;
        self.offset = self
            .offset
            .saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
