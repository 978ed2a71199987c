//! The content of a message: read from the queue file's descriptor, checked on its way, made ready for DATA.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use stafette_message::header::fields;
use stafette_message::rewrite::HEADER_MAX;
use stafette_smtp::encode::DataEncoder;
use stafette_wire::delivery::{Bytes, Content};

/// Content up to this size is read and checked before the peer hears of the message, and sent in one piece.
const SMALL: u64 = 128 * 1024;
/// Larger content goes in pieces of this size.
const PIECE: usize = 128 * 1024;

/// What may be wrong with the content.
#[derive(Debug)]
pub(crate) enum Damage {
    /// It is not what was accepted: the queue file is damaged, or the octets in it are not there.
    Checksum,
    /// It could not be read now.
    Unreadable(io::Error),
}

/// Buffers that outlive a message.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    raw: Vec<u8>,
    wire: Vec<u8>,
}

/// A header section that goes out in place of the one in the queue.
#[derive(Debug)]
struct Head {
    text: Vec<u8>,
    /// Octets of the one in the queue.
    length: u64,
    /// The same with CRLF.
    crlf_length: u64,
}

/// One message on its way out, piece by piece. The end-of-message dot is given out only after all was read and found right.
#[derive(Debug)]
pub(crate) struct Outgoing<'a> {
    file: &'a File,
    content: &'a Content,
    add: Cow<'a, [Bytes]>,
    head: Option<Head>,
    /// Octets of the old header section that are still to be left out.
    skip: u64,
    buffers: &'a mut Buffers,
    encoder: DataEncoder,
    crc: crc32fast::Hasher,
    read: u64,
    begun: bool,
    ended: bool,
}

impl<'a> Outgoing<'a> {
    /// Prepares a message; small content is read and checked here.
    pub(crate) fn new(
        file: &'a File,
        content: &'a Content,
        add: &'a [Bytes],
        buffers: &'a mut Buffers,
    ) -> Result<Self, Damage> {
        buffers.raw.clear();
        let mut outgoing = Self {
            file,
            content,
            add: Cow::Borrowed(add),
            head: None,
            skip: 0,
            buffers,
            encoder: DataEncoder::new(),
            crc: crc32fast::Hasher::new(),
            read: 0,
            begun: false,
            ended: false,
        };
        outgoing.fill()?;
        if outgoing.is_small() {
            outgoing.check()?;
        }
        Ok(outgoing)
    }

    /// Lets `change` give another header section, and other added fields. One that is longer than [`HEADER_MAX`] stays as it is.
    pub(crate) fn edit(
        &mut self,
        mut change: impl FnMut(&[u8]) -> Option<Vec<u8>>,
    ) -> Result<(), Damage> {
        for position in 0..self.add.len() {
            let new = self.add.get(position).and_then(|field| change(&field.0));
            if let Some((new, field)) = new.zip(self.add.to_mut().get_mut(position)) {
                field.0 = new;
            }
        }
        let octets = usize::try_from(self.content.octets).unwrap_or(usize::MAX);
        let longer;
        let mut header = header_of(&self.buffers.raw, octets);
        if header.is_none() && octets > self.buffers.raw.len() {
            let mut stretch = vec![0; octets.min(HEADER_MAX)];
            self.read_at(&mut stretch, 0)?;
            longer = stretch;
            header = header_of(&longer, octets);
        }
        let Some(header) = header else {
            return Ok(());
        };
        self.head = change(header).map(|text| Head {
            text,
            length: u64::try_from(header.len()).unwrap_or(0),
            crlf_length: crlf_length(header),
        });
        Ok(())
    }

    fn is_small(&self) -> bool {
        self.content.octets <= SMALL
    }

    /// The message's size as SIZE= has it (RFC 1870 section 6): with CRLF, before dots are doubled, with the added fields.
    pub(crate) fn size(&self) -> u64 {
        let added = self.add.iter();
        let added = added.map(|field| crlf_length(&field.0).saturating_add(2));
        let stored = self.content.crlf_octets.saturating_add(added.sum());
        match &self.head {
            None => stored,
            Some(head) => stored
                .saturating_add(crlf_length(&head.text))
                .saturating_sub(head.crlf_length),
        }
    }

    /// Whether a header field holds octets over 127, as far as its first piece tells; an endless header section counts as such.
    pub(crate) fn has_utf8_header(&self) -> bool {
        let raw = match &self.head {
            Some(head) => &head.text,
            None => &self.buffers.raw,
        };
        let end = raw
            .windows(2)
            .position(|pair| pair == b"\n\n")
            .or_else(|| raw.starts_with(b"\n").then_some(0));
        let header = raw.get(..end.unwrap_or(raw.len())).unwrap_or_default();
        !header.is_ascii() || self.add.iter().any(|field| !field.0.is_ascii())
    }

    /// Begins again from the start, for another host.
    pub(crate) fn rewind(&mut self) -> Result<(), Damage> {
        if !self.begun {
            return Ok(());
        }
        self.encoder = DataEncoder::new();
        (self.begun, self.ended) = (false, false);
        if !self.is_small() {
            self.crc = crc32fast::Hasher::new();
            self.read = 0;
            self.fill()?;
        }
        Ok(())
    }

    /// The next piece for the wire; none after the one with the final dot.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, Damage> {
        if self.ended {
            return Ok(None);
        }
        let wire = &mut self.buffers.wire;
        wire.clear();
        if self.begun {
            self.fill()?;
        }
        let wire = &mut self.buffers.wire;
        if !self.begun {
            for field in self.add.iter() {
                self.encoder.feed(&field.0, wire);
                self.encoder.feed(b"\n", wire);
            }
            if let Some(head) = &self.head {
                self.encoder.feed(&head.text, wire);
                self.skip = head.length;
            }
            self.begun = true;
        }
        let raw = &self.buffers.raw;
        let skip = usize::try_from(self.skip)
            .unwrap_or(usize::MAX)
            .min(raw.len());
        self.encoder.feed(raw.get(skip..).unwrap_or_default(), wire);
        self.skip = self.skip.saturating_sub(u64::try_from(skip).unwrap_or(0));
        if self.read == self.content.octets {
            if !self.is_small() {
                self.check()?;
            }
            self.encoder.finish(&mut self.buffers.wire);
            self.ended = true;
        }
        Ok(Some(&self.buffers.wire))
    }

    /// Reads the next piece of the file.
    fn fill(&mut self) -> Result<(), Damage> {
        let left = self.content.octets.saturating_sub(self.read);
        let length = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let mut raw = std::mem::take(&mut self.buffers.raw);
        raw.resize(length, 0);
        let outcome = self.read_at(&mut raw, self.read);
        self.buffers.raw = raw;
        outcome?;
        self.crc.update(&self.buffers.raw);
        self.read = self
            .read
            .saturating_add(u64::try_from(length).unwrap_or(left));
        Ok(())
    }

    /// Reads a stretch of the content.
    fn read_at(&self, stretch: &mut [u8], at: u64) -> Result<(), Damage> {
        let offset = self.content.offset.saturating_add(at);
        self.file
            .read_exact_at(stretch, offset)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => Damage::Checksum,
                _ => Damage::Unreadable(error),
            })
    }

    fn check(&self) -> Result<(), Damage> {
        if self.crc.clone().finalize() == self.content.crc32 {
            Ok(())
        } else {
            Err(Damage::Checksum)
        }
    }
}

/// The header section at the start of content of which `raw` is the beginning; none if it may go on behind that.
fn header_of(raw: &[u8], octets: usize) -> Option<&[u8]> {
    let mut fields = fields(raw);
    fields.by_ref().for_each(drop);
    let rest = fields.rest();
    let is_ended = raw.len() >= octets || rest.contains(&b'\n');
    is_ended.then(|| raw.get(..raw.len().saturating_sub(rest.len())))?
}

/// The length with CRLF.
fn crlf_length(text: &[u8]) -> u64 {
    let ends = text.iter().filter(|byte| **byte == b'\n').count();
    u64::try_from(text.len().saturating_add(ends)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
