//! The first line: fixed length, format version first, where the parts are. FORMAT.md, "The first line".

use stafette_text::Line;

use crate::Damage;
use crate::number::{decimal, hexadecimal};

/// Octets of the first line with its end.
pub const HEAD_OCTETS: u64 = 128;
/// Octets of its words and the blanks that fill it.
const FIELD: usize = 118;
/// The first words of every version 1 file.
const BEGIN: &str = "1 stafette";

/// What the first line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Octets of the content, which follows the first line.
    pub octets: u64,
    /// CRC-32 of the content.
    pub crc32: u32,
    /// Octets of the content with CRLF line ends.
    pub crlf_octets: u64,
}

impl Head {
    /// Where the content begins.
    #[must_use]
    pub const fn content(&self) -> u64 {
        HEAD_OCTETS
    }

    /// Where the journal begins: right behind the content.
    #[must_use]
    pub const fn journal(&self) -> u64 {
        HEAD_OCTETS.saturating_add(self.octets)
    }

    /// The first line of a complete file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut line = Line::new("1");
        line.word("stafette")
            .field("content", HEAD_OCTETS.to_string())
            .field("octets", self.octets.to_string())
            .field("crc", format!("{:08x}", self.crc32))
            .field("crlf", self.crlf_octets.to_string())
            .field("journal", self.journal().to_string());
        filled(line.as_str())
    }

    /// The first line of a file that is being written.
    #[must_use]
    pub fn encode_incomplete() -> Vec<u8> {
        filled("1 stafette incomplete")
    }

    /// Reads a first line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let line: &[u8; 128] = bytes.first_chunk().ok_or(Damage::FirstLine)?;
        let (words, rest) = line.split_at(FIELD);
        let crc = rest
            .strip_prefix(b" ")
            .and_then(|rest| rest.strip_suffix(b"\n"))
            .and_then(hexadecimal)
            .ok_or(Damage::FirstLine)?;
        let text = str::from_utf8(words).map_err(|_| Damage::FirstLine)?;
        if crc32fast::hash(words) != crc {
            return Err(Damage::FirstLine);
        }
        let text = text.trim_end_matches(' ');
        if !text.starts_with(BEGIN) {
            return Err(Damage::Version);
        }
        if text == "1 stafette incomplete" {
            return Err(Damage::Incomplete);
        }
        let head = Self::parse(text).ok_or(Damage::FirstLine)?;
        // One head, one spelling.
        (head.encode() == line)
            .then_some(head)
            .ok_or(Damage::FirstLine)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ').skip(3);
        let mut next = |key: &str| words.next()?.strip_prefix(key)?.strip_prefix('=');
        let octets = decimal(next("octets")?.as_bytes())?;
        let crc32 = hexadecimal(next("crc")?.as_bytes())?;
        let crlf_octets = decimal(next("crlf")?.as_bytes())?;
        HEAD_OCTETS.checked_add(octets)?;
        Some(Self {
            octets,
            crc32,
            crlf_octets,
        })
    }
}

/// `words`, blanks up to the fixed length, the checksum of both, and the line end.
fn filled(words: &str) -> Vec<u8> {
    let mut line = format!("{words:FIELD$}");
    let crc = crc32fast::hash(line.as_bytes());
    line.push_str(&format!(" {crc:08x}\n"));
    line.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGEST: Head = Head {
        octets: u64::MAX - 128,
        crc32: u32::MAX,
        crlf_octets: u64::MAX,
    };

    #[test]
    fn the_largest_numbers_fit_the_line() {
        let line = LARGEST.encode();
        assert_eq!(line.len(), 128);
        assert_eq!(Head::decode(&line), Ok(LARGEST));
    }

    #[test]
    fn a_file_being_written_is_incomplete_and_not_damaged() {
        assert_eq!(
            Head::decode(&Head::encode_incomplete()),
            Err(Damage::Incomplete)
        );
    }

    #[test]
    fn any_changed_bit_is_noticed() {
        let line = LARGEST.encode();
        for bit in 0..line.len() * 8 {
            let mut changed = line.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(Head::decode(&changed).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_later_version_is_told_from_damage() {
        assert_eq!(
            Head::decode(&filled("2 stafette octets=1")),
            Err(Damage::Version)
        );
        assert_eq!(
            Head::decode(&filled("1 stafette octets=1")),
            Err(Damage::FirstLine)
        );
        assert_eq!(Head::decode(b""), Err(Damage::FirstLine));
    }
}
