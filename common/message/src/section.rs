//! Takes the header section off the front of streamed content, within a bound.

use crate::header::field_name;

/// What [`Section::feed`] did with a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// All of it belongs to the section so far.
    All,
    /// The section is complete; the rest of the piece, from this octet on, is body. The empty line is in neither.
    Ended(usize),
    /// The section would be over the bound.
    TooLong,
}

/// A header section under collection. Memory: the section itself, never over the bound.
#[derive(Debug)]
pub struct Section {
    kept: Vec<u8>,
    line_start: usize,
    limit: usize,
}

impl Section {
    /// Starts; at most `limit` octets are kept.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            kept: Vec::new(),
            line_start: 0,
            limit,
        }
    }

    /// Takes the next piece of content, lines ended by LF.
    ///
    /// After [`Taken::Ended`], octets that were kept but turned out to be body are given by [`Section::finish`].
    pub fn feed(&mut self, piece: &[u8]) -> Taken {
        let mut used = 0;
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            if part == b"\n" && self.line_start == self.kept.len() {
                return Taken::Ended(used + 1);
            }
            if self.kept.len() + part.len() > self.limit {
                return Taken::TooLong;
            }
            self.kept.extend_from_slice(part);
            used += part.len();
            if part.ends_with(b"\n") {
                let line = self.kept.get(self.line_start..).unwrap_or_default();
                if !self.belongs(line) {
                    return Taken::Ended(used);
                }
                self.line_start = self.kept.len();
            }
        }
        Taken::All
    }

    /// The section, each line with its end, and what was read of the body with it: a first line that is no field.
    #[must_use]
    pub fn finish(mut self) -> (Vec<u8>, Vec<u8>) {
        let last = self.kept.get(self.line_start..).unwrap_or_default();
        if last.is_empty() || self.belongs(last) {
            return (self.kept, Vec::new());
        }
        let body = self.kept.split_off(self.line_start);
        (self.kept, body)
    }

    fn belongs(&self, line: &[u8]) -> bool {
        let continues = self.line_start > 0 && matches!(line.first(), Some(b' ' | b'\t'));
        continues || field_name(line).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &[u8], step: usize) -> (Vec<u8>, Vec<u8>) {
        let mut section = Section::new(1000);
        let mut at = 0;
        while at < content.len() {
            let piece = &content[at..(at + step).min(content.len())];
            match section.feed(piece) {
                Taken::All => at += piece.len(),
                Taken::Ended(used) => {
                    at += used;
                    break;
                }
                Taken::TooLong => panic!("too long"),
            }
        }
        let (header, mut body) = section.finish();
        body.extend_from_slice(&content[at..]);
        (header, body)
    }

    #[test]
    fn section_and_body_are_the_same_wherever_the_stream_is_cut() {
        for content in [
            &b"To: a\n b\nCc: c\n\nbody\n\nmore"[..],
            b"To: a\nno field\n\nx",
            b"no field at all\nTo: a\n",
            b"\n\nx",
            b"",
            b"To: a",
            b"To: a\nx",
            b" lead\n",
        ] {
            let (header, body) = crate::header::split(content);
            for step in 1..content.len().max(2) {
                assert_eq!(
                    read(content, step),
                    (header.to_vec(), body.to_vec()),
                    "{content:?} by {step}"
                );
            }
        }
    }

    #[test]
    fn a_section_over_the_bound_is_not_kept() {
        let mut section = Section::new(8);
        assert_eq!(section.feed(b"To: "), Taken::All);
        assert_eq!(section.feed(b"abcdefgh"), Taken::TooLong);
    }
}
