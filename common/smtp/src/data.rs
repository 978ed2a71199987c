//! The content of a message on its way in: from the octets of DATA or BDAT to lines with LF.
//!
//! Only CRLF ends a line and only CRLF.CRLF ends DATA (RFC 5321 sections 2.3.8 and 4.1.1.4), so that no server in front of us or
//! behind us can see another end than we do. A CR or LF of its own is remembered as a [`ContentFault`], reading goes on to the real
//! end, and nothing more is given out: such a message must be refused. Nothing else is changed; octets of any value and lines of any
//! length pass. A decoder's memory is constant, and it does not matter how the stream is cut.

mod chunk;

pub use chunk::ChunkDecoder;

/// Why a content must be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentFault {
    /// A CR that no LF follows.
    BareCr,
    /// An LF that no CR precedes.
    BareLf,
}

/// How far a piece of DATA was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fed {
    /// So many octets were taken; those behind them belong to the next command.
    pub used: usize,
    /// Whether the content has ended.
    pub ended: bool,
}

/// Decodes the octets after DATA: transparency (RFC 5321 section 4.5.2) and line ends.
#[derive(Debug)]
pub struct DataDecoder {
    place: Place,
    fault: Option<ContentFault>,
    size: u64,
    /// The last line end had another CR before it.
    doubled: bool,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    /// Behind a CRLF.
    LineStart,
    /// Behind CRLF and a dot that was held back.
    Dot,
    /// Behind CRLF, dot and CR.
    DotCr,
    /// Inside a line.
    Inside,
    /// Behind a CR inside a line.
    Cr,
    /// Behind the final CRLF.
    End,
}

impl Default for DataDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl DataDecoder {
    /// A decoder that waits for the first octet behind the CRLF of the command.
    #[must_use]
    pub fn new() -> Self {
        Self {
            place: Place::LineStart,
            fault: None,
            size: 0,
            doubled: false,
        }
    }

    /// Takes octets up to the end of the content and appends what they mean to `output`.
    pub fn feed(&mut self, input: &[u8], output: &mut Vec<u8>) -> Fed {
        let mut rest = input;
        while let Some((&byte, after)) = rest.split_first() {
            match self.place {
                Place::Inside => {
                    rest = self.copy_line(rest, output);
                    continue;
                }
                Place::LineStart => match byte {
                    b'.' => self.place = Place::Dot,
                    _ => {
                        self.place = Place::Inside;
                        continue;
                    }
                },
                Place::Dot => match byte {
                    b'\r' => self.place = Place::DotCr,
                    _ => {
                        // Whatever comes, a second dot too, is what the line begins with.
                        if byte == b'\n' {
                            self.blame(ContentFault::BareLf);
                        } else {
                            self.give(&[byte], output);
                        }
                        self.place = Place::Inside;
                    }
                },
                Place::DotCr => match byte {
                    b'\n' => self.place = Place::End,
                    b'\r' => {
                        self.blame(ContentFault::BareCr);
                        self.place = Place::Cr;
                        self.doubled = true;
                    }
                    _ => {
                        self.blame(ContentFault::BareCr);
                        self.place = Place::Inside;
                    }
                },
                Place::Cr => match byte {
                    b'\n' => {
                        self.give_line_end(output);
                        self.place = Place::LineStart;
                    }
                    b'\r' => {
                        self.blame(ContentFault::BareCr);
                        self.doubled = true;
                    }
                    _ => {
                        self.blame(ContentFault::BareCr);
                        self.place = Place::Inside;
                        continue;
                    }
                },
                Place::End => break,
            }
            rest = after;
        }
        Fed {
            used: input.len() - rest.len(),
            ended: matches!(self.place, Place::End),
        }
    }

    /// Copies up to a CR or LF and steps over it.
    fn copy_line<'a>(&mut self, rest: &'a [u8], output: &mut Vec<u8>) -> &'a [u8] {
        let Some(end) = memchr::memchr2(b'\r', b'\n', rest) else {
            self.give(rest, output);
            return &[];
        };
        let (text, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        self.give(text, output);
        match after.split_first() {
            Some((b'\r', after)) => {
                self.place = Place::Cr;
                self.doubled = false;
                after
            }
            Some((_, after)) => {
                self.blame(ContentFault::BareLf);
                after
            }
            None => after,
        }
    }

    /// Why the content must be refused, as far as it was read.
    #[must_use]
    pub fn fault(&self) -> Option<ContentFault> {
        self.fault
    }

    /// The size of the content so far, line ends as CRLF, without transparency and final dot (RFC 1870 section 5).
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether the content has ended.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        matches!(self.place, Place::End)
    }

    /// Whether the content has ended with `CR CR LF . CR LF`: that is the end, but a server in front of us that sees `CR CR` in
    /// another way has read on, and then what follows is not the client's commands but somebody's content. Whoever knows no better
    /// must obey nothing of it.
    #[must_use]
    pub fn has_doubtful_end(&self) -> bool {
        self.is_ended() && self.doubled
    }

    fn give(&mut self, octets: &[u8], output: &mut Vec<u8>) {
        self.size = self.size.saturating_add(octets.len() as u64);
        if self.fault.is_none() {
            output.extend_from_slice(octets);
        }
    }

    fn give_line_end(&mut self, output: &mut Vec<u8>) {
        self.size = self.size.saturating_add(2);
        if self.fault.is_none() {
            output.push(b'\n');
        }
    }

    fn blame(&mut self, fault: ContentFault) {
        self.size = self.size.saturating_add(1);
        self.fault.get_or_insert(fault);
    }
}

#[cfg(test)]
mod tests;
