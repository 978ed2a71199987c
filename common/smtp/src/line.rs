//! Command lines out of a stream of octets.
//!
//! A line ends with CRLF and with nothing else. A line with a CR or LF of its own, or one that is too long, is read to its real end
//! and then reported as a fault, so that what is inside it can never be taken for a command. Memory is bounded by the limit.

/// The most octets of a command line, CRLF included. RFC 5321 section 4.5.3.1.4 asks for 512 and more for each extension.
pub const COMMAND_LINE_MAX: usize = 2048;

/// Why a line is no command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineFault {
    /// Longer than the limit.
    TooLong,
    /// A CR that no LF follows.
    BareCr,
    /// An LF that no CR precedes.
    BareLf,
}

/// What was found at the end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineRead<'a> {
    /// A line, without its CRLF.
    Line(&'a [u8]),
    /// Not a line that may be obeyed.
    Fault(LineFault),
}

/// Collects one line at a time.
#[derive(Debug)]
pub struct LineReader {
    line: Vec<u8>,
    limit: usize,
    fault: Option<LineFault>,
    ends: bool,
    seen: u64,
}

impl Default for LineReader {
    fn default() -> Self {
        Self::new(COMMAND_LINE_MAX)
    }
}

impl LineReader {
    /// A reader for lines of at most `limit` octets, CRLF included.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            line: Vec::new(),
            limit,
            fault: None,
            ends: true,
            seen: 0,
        }
    }

    /// Takes octets up to the end of the line. Gives the number taken, and what was read once the line has ended; what follows
    /// is left in `input` for whoever is to read it.
    pub fn feed<'a>(&'a mut self, input: &[u8]) -> (usize, Option<LineRead<'a>>) {
        if self.ends {
            self.line.clear();
            self.fault = None;
            self.ends = false;
            self.seen = 0;
        }
        let mut rest = input;
        while let Some(at) = memchr::memchr(b'\n', rest) {
            let (upto, after) = rest.split_at_checked(at + 1).unwrap_or((rest, &[]));
            self.keep(upto);
            rest = after;
            if self.ends_with_crlf(upto) {
                self.ends = true;
                return (input.len() - rest.len(), Some(self.finished()));
            }
            self.fault.get_or_insert(LineFault::BareLf);
        }
        self.keep(rest);
        (input.len(), None)
    }

    /// How many octets of a line that has not ended yet were read.
    #[must_use]
    pub fn pending(&self) -> u64 {
        if self.ends { 0 } else { self.seen }
    }

    /// Keeps what fits; of a line that is too long only the last octet matters.
    fn keep(&mut self, octets: &[u8]) {
        let Some(&last) = octets.last() else { return };
        self.seen = self.seen.saturating_add(octets.len() as u64);
        if self.line.len().saturating_add(octets.len()) <= self.limit {
            self.line.extend_from_slice(octets);
        } else {
            self.fault.get_or_insert(LineFault::TooLong);
            let before_last = octets
                .iter()
                .rev()
                .nth(1)
                .or_else(|| self.line.last())
                .copied();
            self.line.truncate(self.limit.saturating_sub(2));
            self.line.extend(before_last);
            self.line.push(last);
        }
    }

    /// Whether the LF that ends `upto` has a CR before it, in `upto` or in what came earlier.
    fn ends_with_crlf(&self, upto: &[u8]) -> bool {
        if upto.len() >= 2 {
            upto.ends_with(b"\r\n")
        } else {
            self.line.ends_with(b"\r\n")
        }
    }

    fn finished(&self) -> LineRead<'_> {
        if let Some(fault) = self.fault {
            return LineRead::Fault(fault);
        }
        let line = self.line.strip_suffix(b"\r\n").unwrap_or(&self.line);
        if memchr::memchr(b'\r', line).is_some() {
            return LineRead::Fault(LineFault::BareCr);
        }
        LineRead::Line(line)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, PartialEq)]
    enum Seen {
        Line(Vec<u8>),
        Fault(LineFault),
    }

    fn read(pieces: &[&[u8]], limit: usize) -> Vec<Seen> {
        let mut reader = LineReader::new(limit);
        let mut seen = Vec::new();
        for piece in pieces {
            let mut rest = *piece;
            while !rest.is_empty() {
                let (used, line) = reader.feed(rest);
                seen.extend(line.map(|l| match l {
                    LineRead::Line(line) => Seen::Line(line.to_vec()),
                    LineRead::Fault(fault) => Seen::Fault(fault),
                }));
                assert!(reader.line.len() <= limit);
                rest = &rest[used..];
            }
        }
        seen
    }

    fn line(text: &str) -> Seen {
        Seen::Line(text.as_bytes().to_vec())
    }

    #[test]
    fn pipelined_lines_come_one_by_one() {
        assert_eq!(
            read(&[b"NOOP\r\n\r\nQUIT\r\nres"], 100),
            [line("NOOP"), line(""), line("QUIT")]
        );
    }

    #[test]
    fn a_line_with_a_bare_lf_is_one_bad_line_to_its_real_end() {
        assert_eq!(
            read(&[b"NOOP\nMAIL FROM:<a@b>\r\nQUIT\r\n"], 100),
            [Seen::Fault(LineFault::BareLf), line("QUIT")]
        );
        assert_eq!(
            read(&[b"\nQUIT\r\n"], 100),
            [Seen::Fault(LineFault::BareLf)]
        );
    }

    #[test]
    fn a_line_with_a_bare_cr_is_one_bad_line() {
        for bad in [&b"NOOP\rRSET\r\n"[..], b"NOOP\r\r\n", b"\r\r\n"] {
            assert_eq!(read(&[bad], 100), [Seen::Fault(LineFault::BareCr)]);
        }
    }

    #[test]
    fn the_longest_line_is_taken_and_one_octet_more_is_not() {
        assert_eq!(read(&[b"12345678\r\n"], 10), [line("12345678")]);
        assert_eq!(
            read(&[b"123456789\r\nNOOP\r\n"], 10),
            [Seen::Fault(LineFault::TooLong), line("NOOP")]
        );
    }

    #[test]
    fn the_end_of_a_long_line_is_found_wherever_the_stream_is_cut() {
        let stream = b"12345678901234567890\r1\n\r\nNOOP\r\n";
        for cut in 0..stream.len() {
            let (a, b) = stream.split_at(cut);
            assert_eq!(
                read(&[a, b], 10),
                [Seen::Fault(LineFault::TooLong), line("NOOP")],
                "cut at {cut}"
            );
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_the_stream_is_cut(
            stream in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'a')], 0..60),
        ) {
            let singly: Vec<&[u8]> = stream.chunks(1).collect();
            let (whole, cut) = (read(&[&stream], 8), read(&singly, 8));
            // Which of two faults of one line is named may depend on the cut; that there is one may not.
            prop_assert_eq!(whole.len(), cut.len());
            for (a, b) in whole.iter().zip(&cut) {
                match (a, b) {
                    (Seen::Fault(_), Seen::Fault(_)) => {}
                    _ => prop_assert_eq!(a, b),
                }
            }
        }
    }
}
