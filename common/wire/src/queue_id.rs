//! The name of a queued message: when it came, and enough chance that no other ever has it.

use std::fmt;

use crate::{Reader, Wire, WireError};

/// Digits of a queue ID in their order: no `i`, `l`, `o` or `u`, so that it can be read aloud.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A queue ID: 10 digits of milliseconds since 1970 (50 bits), then 13 digits of chance (65 bits).
///
/// Sorts by time as text and as a value. It is never reused: chance alone keeps IDs apart across clock
/// steps, restarts and restored snapshots.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueueId([u8; Self::LENGTH]);

impl QueueId {
    /// Characters of an ID.
    pub const LENGTH: usize = 23;
    /// Bytes of chance that [`QueueId::new`] wants.
    pub const CHANCE: usize = 9;

    /// Makes an ID from the time in milliseconds since 1970 and 72 random bits, of which 65 are used.
    #[must_use]
    pub fn new(milliseconds: u64, chance: [u8; Self::CHANCE]) -> Self {
        let mut wide = [0u8; 16];
        for (to, from) in wide.iter_mut().zip(chance) {
            *to = from;
        }
        let number = (u128::from(milliseconds & ((1 << 50) - 1)) << 65)
            | (u128::from_le_bytes(wide) & ((1 << 65) - 1));
        Self::from_number(number)
    }

    /// The ID as a number that sorts as the ID does: for programs that keep a great many of them.
    #[must_use]
    pub fn number(&self) -> u128 {
        self.0.iter().fold(0, |sum, byte| {
            sum << 5
                | DIGITS
                    .iter()
                    .position(|digit| digit == byte)
                    .and_then(|place| u128::try_from(place).ok())
                    .unwrap_or(0)
        })
    }

    /// The ID of a [`QueueId::number`]; bits above the 115 of an ID are ignored.
    #[must_use]
    pub fn from_number(mut number: u128) -> Self {
        let mut text = [b'0'; Self::LENGTH];
        for digit in text.iter_mut().rev() {
            *digit = DIGITS
                .get(usize::try_from(number & 31).unwrap_or(0))
                .copied()
                .unwrap_or(b'0');
            number >>= 5;
        }
        Self(text)
    }

    /// Reads an ID; anything but 23 of the digits is none, so that an ID is always a harmless file name.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text: [u8; Self::LENGTH] = text.try_into().ok()?;
        text.iter()
            .all(|byte| DIGITS.contains(byte))
            .then_some(Self(text))
    }

    /// The ID as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only digits of the table above are ever stored.
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The two last characters: a random and therefore even spread over 1,024 directories.
    #[must_use]
    pub fn bucket(&self) -> &str {
        self.as_str().get(Self::LENGTH - 2..).unwrap_or_default()
    }

    /// When the ID was made, in milliseconds since 1970, by the clock of that moment.
    #[must_use]
    pub fn milliseconds(&self) -> u64 {
        self.0.iter().take(10).fold(0, |sum, byte| {
            sum * 32
                + DIGITS
                    .iter()
                    .position(|digit| digit == byte)
                    .and_then(|p| u64::try_from(p).ok())
                    .unwrap_or(0)
        })
    }
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Wire for QueueId {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
    fn take(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let mut text = Vec::with_capacity(Self::LENGTH);
        for _ in 0..Self::LENGTH {
            text.push(u8::take(reader)?);
        }
        Self::parse(&text).ok_or(WireError::BadValue("queue ID"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_whatever_chance_gives() {
        let early = QueueId::new(1_700_000_000_000, [0xff; 9]);
        let late = QueueId::new(1_700_000_000_001, [0; 9]);
        assert!(early < late && early.as_str() < late.as_str());
        assert_eq!(early.milliseconds(), 1_700_000_000_000);
        assert!(early.number() < late.number());
        assert_eq!(QueueId::from_number(late.number()), late);
    }

    #[test]
    fn a_path_or_a_long_name_is_no_id() {
        let id = QueueId::new(1, [7; 9]);
        assert_eq!(QueueId::parse(id.as_str().as_bytes()), Some(id));
        for bad in [
            "",
            "../../../../etc/passwd",
            "0123456789abcdefghjkmn/",
            "0123456789abcdefghjkmnpq",
            "0123456789ABCDEFGHJKMNP",
        ] {
            assert_eq!(QueueId::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
