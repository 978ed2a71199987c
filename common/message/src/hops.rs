//! Counts the trace fields of content while it streams by: the hop count (RFC 5321 section 6.3).

/// Field names that a loop adds to on each turn.
const TRACE: [&[u8]; 2] = [b"received", b"delivered-to"];
/// Octets of a line's start that are kept to recognise a name; longer names are none of these.
const KEPT: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// In the name of a field, this many octets of it read.
    Name(usize),
    /// In the rest of a line of the section.
    Line,
    /// Behind the section.
    Body,
}

/// Counts `Received` and `Delivered-To` in the header section. A few octets of memory, whatever is fed.
#[derive(Debug, Clone)]
pub struct HopCounter {
    at: At,
    start: [u8; KEPT],
    hops: u32,
}

impl Default for HopCounter {
    fn default() -> Self {
        Self {
            at: At::Name(0),
            start: [0; KEPT],
            hops: 0,
        }
    }
}

impl HopCounter {
    /// At the start of content.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece of the content; lines end in LF.
    pub fn feed(&mut self, mut piece: &[u8]) {
        while let Some((first, rest)) = piece.split_first() {
            match self.at {
                At::Body => return,
                At::Line => match piece.iter().position(|byte| *byte == b'\n') {
                    Some(end) => {
                        self.at = At::Name(0);
                        piece = piece.get(end + 1..).unwrap_or_default();
                    }
                    None => return,
                },
                At::Name(length) => {
                    self.at = self.name(length, *first);
                    piece = rest;
                }
            }
        }
    }

    /// Trace fields so far.
    #[must_use]
    pub fn hops(&self) -> u32 {
        self.hops
    }

    /// Whether the header section is over, so that feeding on is of no use.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.at == At::Body
    }

    fn name(&mut self, length: usize, byte: u8) -> At {
        match byte {
            b':' => {
                let name = self
                    .start
                    .get(..length)
                    .unwrap_or_default()
                    .trim_ascii_end();
                if TRACE.iter().any(|trace| trace.eq_ignore_ascii_case(name)) {
                    self.hops = self.hops.saturating_add(1);
                }
                At::Line
            }
            b'\n' => At::Body,
            b' ' | b'\t' if length == 0 => At::Line,
            _ => match self.start.get_mut(length) {
                Some(place) => {
                    *place = byte;
                    At::Name(length + 1)
                }
                // Too long for a trace field: its end does not matter, nor whether it is a field at all.
                None => At::Line,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTENT: &[u8] = b"Received: a\n\tby b\nSubject: Received: x\nDELIVERED-TO : c\nReceived-SPF: d\nX-A-Very-Long-Name-Indeed: e\nReceived:f\n\nReceived: body\n";

    #[test]
    fn only_trace_fields_of_the_header_section_count() {
        let mut counter = HopCounter::new();
        counter.feed(CONTENT);
        assert_eq!(counter.hops(), 3);
        assert!(counter.is_done());
    }

    #[test]
    fn the_count_does_not_depend_on_where_content_is_cut() {
        for cut in 0..CONTENT.len() {
            let mut counter = HopCounter::new();
            let (head, tail) = CONTENT.split_at(cut);
            counter.feed(head);
            counter.feed(tail);
            assert_eq!(counter.hops(), 3, "cut at {cut}");
        }
    }

    #[test]
    fn a_line_without_a_colon_ends_the_section() {
        let mut counter = HopCounter::new();
        counter.feed(b"hello\nReceived: x\n");
        assert_eq!(counter.hops(), 0);
    }
}
