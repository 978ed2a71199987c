//! Standard input, piece by piece: the header section within a bound, then the body.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::time::Duration;

use stafette_message::section::{Section, Taken};
use stafette_sys::poll;
use stafette_wire::exit::SysExit;

use crate::failure::Failure;
use crate::lines::{DotEnd, LineEnds};
use crate::transcript::{Transcript, Way};

/// Octets of a header section at most.
const SECTION_LIMIT: usize = 1 << 20;
/// Octets of lines `From ` that are kept; all hosts of a way by UUCP fit.
const FROM_LIMIT: usize = 64 * 1024;
/// Octets read at once.
const PIECE: usize = 64 * 1024;

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Got {
    /// Content.
    Piece,
    /// Nothing yet.
    Idle,
    /// The end of the message.
    End,
}

/// The input and where the message ends in it.
#[derive(Debug)]
pub(crate) struct Source<R> {
    input: R,
    end: DotEnd,
    is_over: bool,
    buffer: Vec<u8>,
    /// What came is written there.
    pub(crate) transcript: Transcript,
}

/// A header section that was read, and what was read of the body with it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Header {
    /// The fields, with LF line ends.
    pub(crate) section: Vec<u8>,
    /// The body's first octets, as they came.
    pub(crate) body: Vec<u8>,
    /// No line of the section ended otherwise than in CRLF.
    pub(crate) is_crlf: bool,
    /// The lines `From ` in front, which are no part of the message.
    pub(crate) from_lines: Vec<Vec<u8>>,
}

impl Source<File> {
    /// Standard input, without a buffer of its own.
    pub(crate) fn standard_input(dot_is_content: bool) -> Result<Self, Failure> {
        match std::io::stdin().as_fd().try_clone_to_owned() {
            Ok(descriptor) => Ok(Self::new(File::from(descriptor), dot_is_content)),
            Err(error) => Err(unreadable(&error)),
        }
    }

    /// The next piece, or `Idle` after `patience`.
    pub(crate) fn next_within(
        &mut self,
        patience: Duration,
        out: &mut Vec<u8>,
    ) -> Result<Got, Failure> {
        out.clear();
        if !self.is_over && matches!(poll::readable(&self.input, Some(patience)), Ok(false)) {
            return Ok(Got::Idle);
        }
        self.next(out)
    }
}

impl<R: Read> Source<R> {
    pub(crate) fn new(input: R, dot_is_content: bool) -> Self {
        Self {
            input,
            end: DotEnd::new(!dot_is_content),
            is_over: false,
            buffer: vec![0; PIECE],
            transcript: Transcript::default(),
        }
    }

    /// The next piece into `out`, waiting for it.
    pub(crate) fn next(&mut self, out: &mut Vec<u8>) -> Result<Got, Failure> {
        out.clear();
        while out.is_empty() {
            if self.is_over {
                return Ok(Got::End);
            }
            match self.input.read(&mut self.buffer) {
                Ok(0) => {
                    self.is_over = true;
                    self.end.finish(out);
                    self.transcript.finish(Way::In);
                }
                Ok(length) => {
                    let piece = self.buffer.get(..length).unwrap_or_default();
                    self.transcript.feed(Way::In, piece);
                    self.is_over = self.end.feed(piece, out);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(&error)),
            }
        }
        Ok(Got::Piece)
    }

    /// Reads the header section. An mbox's `From ` line in front is no part of the message.
    pub(crate) fn header(&mut self) -> Result<Header, Failure> {
        let mut reader = HeaderReader::new();
        let mut piece = Vec::new();
        loop {
            match self.next(&mut piece)? {
                Got::Piece => {
                    if reader.feed(&piece)? {
                        return Ok(reader.finish());
                    }
                }
                Got::Idle => {}
                Got::End => {
                    reader.line_end()?;
                    return Ok(reader.finish());
                }
            }
        }
    }
}

fn unreadable(error: &std::io::Error) -> Failure {
    Failure::new(
        SysExit::IoErr,
        format!("unable to read the message from standard input: {error}"),
    )
}

/// A section under collection, line by line.
struct HeaderReader {
    section: Section,
    line: Vec<u8>,
    ends: LineEnds,
    body: Vec<u8>,
    from_lines: Vec<Vec<u8>>,
    from_octets: usize,
    is_first: bool,
}

impl HeaderReader {
    fn new() -> Self {
        Self {
            section: Section::new(SECTION_LIMIT),
            line: Vec::new(),
            ends: LineEnds::default(),
            body: Vec::new(),
            from_lines: Vec::new(),
            from_octets: 0,
            is_first: true,
        }
    }

    /// Takes a piece; true when the section is over.
    fn feed(&mut self, piece: &[u8]) -> Result<bool, Failure> {
        let mut rest = piece;
        while !rest.is_empty() {
            let length = rest
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(rest.len(), |at| at + 1);
            let (part, behind) = rest.split_at(length);
            rest = behind;
            self.line.extend_from_slice(part);
            if self.line.len() > SECTION_LIMIT {
                return self.oversized(behind);
            }
            if part.ends_with(b"\n") && self.line_end()? {
                self.body.extend_from_slice(rest);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A line as long as a whole section is the first of a body, unless it begins as a field does.
    fn oversized(&mut self, behind: &[u8]) -> Result<bool, Failure> {
        if stafette_message::header::field_name(&self.line).is_some()
            || self.line.starts_with(b" ")
            || self.line.starts_with(b"\t")
        {
            return Err(too_long());
        }
        self.body.append(&mut self.line);
        self.body.extend_from_slice(behind);
        Ok(true)
    }

    /// The line under way is complete, or the last; true when the section is over.
    fn line_end(&mut self) -> Result<bool, Failure> {
        let raw = std::mem::take(&mut self.line);
        if raw.is_empty() {
            return Ok(true);
        }
        if self.is_first
            && raw
                .trim_ascii_start()
                .strip_prefix(b">")
                .unwrap_or(&raw)
                .starts_with(b"From ")
        {
            self.from_octets += raw.len();
            if self.from_octets <= FROM_LIMIT {
                self.from_lines.push(raw);
            }
            return Ok(false);
        }
        self.is_first = false;
        let plain = match raw.strip_suffix(b"\r\n") {
            Some(text) => [text, b"\n"].concat(),
            None => raw.clone(),
        };
        match self.section.feed(&plain) {
            Taken::All => {
                self.ends.feed(&raw);
                Ok(false)
            }
            Taken::TooLong => Err(too_long()),
            Taken::Ended(_) => {
                if plain == b"\n" {
                    self.ends.feed(&raw);
                } else {
                    self.body = raw;
                }
                Ok(true)
            }
        }
    }

    fn finish(self) -> Header {
        let (section, last) = self.section.finish();
        // A last line without an end that is no field was kept with the section.
        let body = if self.body.is_empty() {
            last
        } else {
            self.body
        };
        Header {
            section,
            body,
            is_crlf: self.ends.is_no_bare(),
            from_lines: self.from_lines,
        }
    }
}

fn too_long() -> Failure {
    Failure::new(
        SysExit::DataErr,
        format!("the header section is over {SECTION_LIMIT} octets"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few octets at a time.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let length = self.1.min(buffer.len());
            self.0.read(&mut buffer[..length])
        }
    }

    fn read(input: &[u8], step: usize) -> (Vec<u8>, Vec<u8>, bool) {
        let mut source = Source::new(Drip(input, step), false);
        let Header {
            section,
            mut body,
            is_crlf,
            ..
        } = source.header().unwrap();
        let mut piece = Vec::new();
        while source.next(&mut piece).unwrap() == Got::Piece {
            body.extend_from_slice(&piece);
        }
        (section, body, is_crlf)
    }

    #[test]
    fn section_and_body_are_told_apart_however_the_input_comes() {
        for (input, section, body, is_crlf) in [
            (
                &b"To: a\nX: b\n c\n\nbody\n.\nlost"[..],
                &b"To: a\nX: b\n c\n"[..],
                &b"body\n"[..],
                false,
            ),
            (b"To: a\r\n\r\nbody\r\n", b"To: a\n", b"body\r\n", true),
            (
                b"To: a\r\nX: b\n\nbody\r\n",
                b"To: a\nX: b\n",
                b"body\r\n",
                false,
            ),
            (b"hello\r\nTo: a\r\n", b"", b"hello\r\nTo: a\r\n", true),
            (b"To: a\nhello\n", b"To: a\n", b"hello\n", false),
            (b"\n\nhello", b"", b"\nhello", false),
            (b"To: a", b"To: a", b"", true),
            (b"To: a\nhello", b"To: a\n", b"hello", false),
            (
                b"From joe Thu Jan 1\n>From x\nTo: a\n\nb\n",
                b"To: a\n",
                b"b\n",
                false,
            ),
            (b"", b"", b"", true),
            (b".\n", b"", b"", true),
            (b"To: a\n.\nlost\n", b"To: a\n", b"", false),
        ] {
            for step in 1..=input.len().max(1) {
                assert_eq!(
                    read(input, step),
                    (section.to_vec(), body.to_vec(), is_crlf),
                    "{input:?} by {step}"
                );
            }
        }
    }

    #[test]
    fn a_section_without_an_end_is_refused_and_a_body_of_one_line_is_not() {
        let endless = [&b"Subject: "[..], &vec![b'x'; 2 << 20]].concat();
        assert_eq!(
            Source::new(&endless[..], true).header().unwrap_err().code,
            SysExit::DataErr
        );
        let line = vec![b'x'; 2 << 20];
        assert_eq!(read(&line, PIECE).1, line);
    }
}
