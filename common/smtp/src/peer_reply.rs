//! What a server said: its replies out of a stream of octets (RFC 5321 section 4.2).
//!
//! A server may be broken or hostile. Lines that end with LF alone, replies without words and odd digits are tolerated; memory is
//! bounded by [`WORDS_MAX`] whatever comes, and a reply that does not end is an error at a bound. The words are kept as they came:
//! whoever prints them must escape them.

use std::fmt;

use crate::status::{Class, Status};

/// How many octets of a reply's words are kept.
pub const WORDS_MAX: usize = 4096;
/// How many lines a reply may have.
pub const LINES_MAX: u32 = 10_000;
/// How many octets a reply may have.
pub const REPLY_MAX: u64 = 4 << 20;

/// A whole reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerReply {
    /// The reply code, 200 to 599.
    pub code: u16,
    /// The enhanced status at the start of the words, if there is one of the same class.
    pub status: Option<Status>,
    /// The words behind the code, the status among them, lines separated by LF; cut after [`WORDS_MAX`] octets.
    pub words: Vec<u8>,
    /// How many octets of words were not kept.
    pub dropped: u64,
    /// How many lines there were.
    pub lines: u32,
}

impl PeerReply {
    /// Success, not now, or never.
    #[must_use]
    pub fn class(&self) -> Class {
        Class::of_code(self.code).unwrap_or(Class::PersistentTransient)
    }

    /// Whether the code is 2xx.
    #[must_use]
    pub fn is_positive(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// The enhanced status; where the server gave none, `class.0.0`.
    #[must_use]
    pub fn status_or_class(&self) -> Status {
        self.status
            .unwrap_or_else(|| Status::new(self.class(), 0, 0))
    }

    /// The code and the words on one line, as a diagnostic code has them (RFC 3464 section 2.3.6).
    #[must_use]
    pub fn one_line(&self) -> Vec<u8> {
        let mut line = self.code.to_string().into_bytes();
        for words in self.words.split(|&b| b == b'\n') {
            line.push(b' ');
            line.extend_from_slice(words);
        }
        if self.dropped > 0 {
            line.extend_from_slice(b" ...");
        }
        line
    }
}

/// Why what a server sends is no reply. The session with it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerMisbehaved {
    /// A line that does not begin with a code from 200 to 599 and a space, a hyphen or the end of the line.
    NotAReply,
    /// Lines of one reply with different codes.
    InconsistentCodes,
    /// More than [`LINES_MAX`] lines or [`REPLY_MAX`] octets.
    TooLong,
}

impl fmt::Display for PeerMisbehaved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAReply => "peer sent something that is no SMTP reply",
            Self::InconsistentCodes => "peer sent different codes in one reply",
            Self::TooLong => "peer sent an endless reply",
        })
    }
}

impl std::error::Error for PeerMisbehaved {}

/// Collects one reply at a time.
#[derive(Debug, Default)]
pub struct ReplyParser {
    /// The code, the mark behind it and the CR at the end of the line may come in any pieces.
    line: LineState,
    code: Option<u16>,
    words: Vec<u8>,
    dropped: u64,
    lines: u32,
    seen: u64,
}

#[derive(Clone, Copy, Debug)]
enum LineState {
    /// So many digits of the code were read; this is their value.
    Code { digits: u8, value: u16 },
    /// Behind the code, in front of the words.
    Mark { last: bool },
    /// In the words; a CR was read that may belong to the end of the line.
    Words { last: bool, cr: bool },
}

impl Default for LineState {
    fn default() -> Self {
        Self::Code {
            digits: 0,
            value: 0,
        }
    }
}

impl ReplyParser {
    /// A parser that waits for the first octet of a reply.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes octets up to the end of the reply. Gives the number taken, and the reply once it has ended.
    ///
    /// # Errors
    /// What the server does is no reply; the parser is of no further use.
    pub fn feed(&mut self, input: &[u8]) -> Result<(usize, Option<PeerReply>), PeerMisbehaved> {
        let mut rest = input;
        while let Some((&byte, after)) = rest.split_first() {
            if let LineState::Words { last, cr } = self.line {
                // Everything up to the end of the line at once.
                let end = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
                if end > 0 {
                    let (words, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
                    if cr {
                        self.keep(b"\r");
                    }
                    self.keep(words);
                    self.line = LineState::Words { last, cr: false };
                    rest = after;
                    self.count(end)?;
                    continue;
                }
            }
            rest = after;
            self.count(1)?;
            if self.step(byte)? {
                return Ok((input.len() - rest.len(), self.finish()));
            }
        }
        Ok((input.len(), None))
    }

    /// Whether a part of a reply was read.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        self.seen > 0
    }

    /// One octet; whether it ended the reply.
    fn step(&mut self, byte: u8) -> Result<bool, PeerMisbehaved> {
        self.line = match self.line {
            LineState::Code { digits: 3, value } => return self.end_code(value, byte),
            LineState::Code { digits, value } if byte.is_ascii_digit() => LineState::Code {
                digits: digits + 1,
                value: value * 10 + u16::from(byte - b'0'),
            },
            LineState::Code { .. } => return Err(PeerMisbehaved::NotAReply),
            LineState::Mark { last } if byte == b'\n' => return self.end_line(last),
            LineState::Mark { .. } => return Err(PeerMisbehaved::NotAReply),
            LineState::Words { last, .. } if byte == b'\n' => return self.end_line(last),
            LineState::Words { last, cr } => {
                // Only a CR comes here; the one before it was not the end of the line.
                if cr {
                    self.keep(b"\r");
                }
                LineState::Words { last, cr: true }
            }
        };
        Ok(false)
    }

    fn end_code(&mut self, value: u16, byte: u8) -> Result<bool, PeerMisbehaved> {
        if Class::of_code(value).is_none() {
            return Err(PeerMisbehaved::NotAReply);
        }
        if *self.code.get_or_insert(value) != value {
            return Err(PeerMisbehaved::InconsistentCodes);
        }
        if self.lines > 0 {
            self.keep(b"\n");
        }
        self.line = match byte {
            b' ' => LineState::Words {
                last: true,
                cr: false,
            },
            b'-' => LineState::Words {
                last: false,
                cr: false,
            },
            b'\r' => LineState::Mark { last: true },
            b'\n' => return self.end_line(true),
            _ => return Err(PeerMisbehaved::NotAReply),
        };
        Ok(false)
    }

    fn end_line(&mut self, last: bool) -> Result<bool, PeerMisbehaved> {
        self.lines += 1;
        self.line = LineState::default();
        if !last && self.lines >= LINES_MAX {
            return Err(PeerMisbehaved::TooLong);
        }
        Ok(last)
    }

    fn count(&mut self, octets: usize) -> Result<(), PeerMisbehaved> {
        self.seen = self.seen.saturating_add(octets as u64);
        if self.seen > REPLY_MAX {
            return Err(PeerMisbehaved::TooLong);
        }
        Ok(())
    }

    fn keep(&mut self, words: &[u8]) {
        let room = WORDS_MAX.saturating_sub(self.words.len());
        let (kept, dropped) = words.split_at_checked(room).unwrap_or((words, &[]));
        // Once something was dropped, nothing behind it is kept: the words are a prefix of what was said.
        if self.dropped == 0 {
            self.words.extend_from_slice(kept);
            self.dropped = dropped.len() as u64;
        } else {
            self.dropped = self.dropped.saturating_add(words.len() as u64);
        }
    }

    fn finish(&mut self) -> Option<PeerReply> {
        let done = std::mem::take(self);
        let code = done.code?;
        let word = done.words.split(u8::is_ascii_whitespace).next()?;
        let status = Status::parse(word).filter(|s| s.class().digit() == code / 100);
        Some(PeerReply {
            code,
            status,
            words: done.words,
            dropped: done.dropped,
            lines: done.lines,
        })
    }
}

#[cfg(test)]
mod tests;
