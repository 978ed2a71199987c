//! The content of a message: read from the queue file's descriptor, checked on its way, made ready for DATA.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

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

/// One message on its way out, piece by piece. The end-of-message dot is given out only after all was read and found right.
#[derive(Debug)]
pub(crate) struct Outgoing<'a> {
    file: &'a File,
    content: &'a Content,
    add: &'a [Bytes],
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
            add,
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

    fn is_small(&self) -> bool {
        self.content.octets <= SMALL
    }

    /// The message's size as SIZE= has it (RFC 1870 section 6): with CRLF, before dots are doubled, with the added fields.
    pub(crate) fn size(&self) -> u64 {
        let added = self.add.iter().map(|field| {
            let ends = field.0.iter().filter(|byte| **byte == b'\n').count();
            field.0.len().saturating_add(ends).saturating_add(2)
        });
        let added = u64::try_from(added.sum::<usize>()).unwrap_or(u64::MAX);
        self.content.crlf_octets.saturating_add(added)
    }

    /// Whether a header field holds octets over 127, as far as its first piece tells; an endless header section counts as such.
    pub(crate) fn has_utf8_header(&self) -> bool {
        let raw = &self.buffers.raw;
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
            for field in self.add {
                self.encoder.feed(&field.0, wire);
                self.encoder.feed(b"\n", wire);
            }
            self.begun = true;
        }
        self.encoder.feed(&self.buffers.raw, wire);
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
        self.buffers.raw.resize(length, 0);
        let offset = self.content.offset.saturating_add(self.read);
        match self.file.read_exact_at(&mut self.buffers.raw, offset) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(Damage::Checksum);
            }
            Err(error) => return Err(Damage::Unreadable(error)),
        }
        self.crc.update(&self.buffers.raw);
        self.read = self
            .read
            .saturating_add(u64::try_from(length).unwrap_or(left));
        Ok(())
    }

    fn check(&self) -> Result<(), Damage> {
        if self.crc.clone().finalize() == self.content.crc32 {
            Ok(())
        } else {
            Err(Damage::Checksum)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn stored(text: &[u8]) -> (File, Content) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"head\n").unwrap();
        file.write_all(text).unwrap();
        file.write_all(b"journal\n").unwrap();
        let octets = text.len() as u64;
        let lines = text.iter().filter(|byte| **byte == b'\n').count() as u64;
        let content = Content {
            offset: 5,
            octets,
            crc32: crc32fast::hash(text),
            crlf_octets: octets + lines,
        };
        (file, content)
    }

    fn all(outgoing: &mut Outgoing<'_>) -> Result<Vec<u8>, Damage> {
        let mut wire = Vec::new();
        while let Some(piece) = outgoing.next()? {
            wire.extend_from_slice(piece);
        }
        Ok(wire)
    }

    #[test]
    fn a_small_message_is_one_piece_with_added_fields_and_dots_doubled() {
        let (file, content) = stored(b"Subject: x\n\n.dot\n");
        let add = [Bytes::from("Received: a\n\tb")];
        let mut buffers = Buffers::default();
        let mut outgoing = Outgoing::new(&file, &content, &add, &mut buffers).unwrap();
        let wire = b"Received: a\r\n\tb\r\nSubject: x\r\n\r\n..dot\r\n.\r\n";
        assert_eq!(outgoing.size(), wire.len() as u64 - 4);
        assert_eq!(outgoing.next().unwrap().unwrap(), wire);
        assert!(outgoing.next().unwrap().is_none());
        outgoing.rewind().unwrap();
        assert_eq!(all(&mut outgoing).unwrap(), wire);
    }

    #[test]
    fn an_empty_message_is_a_dot() {
        let (file, content) = stored(b"");
        let mut buffers = Buffers::default();
        let mut outgoing = Outgoing::new(&file, &content, &[], &mut buffers).unwrap();
        assert_eq!(all(&mut outgoing).unwrap(), b".\r\n");
    }

    #[test]
    fn a_large_message_comes_out_as_it_went_in_also_the_second_time() {
        let text = b"0123456789abcdef\n".repeat(50_000);
        let (file, content) = stored(&text);
        let mut buffers = Buffers::default();
        let mut outgoing = Outgoing::new(&file, &content, &[], &mut buffers).unwrap();
        let mut wanted = b"0123456789abcdef\r\n".repeat(50_000);
        wanted.extend_from_slice(b".\r\n");
        for _ in 0..2 {
            assert_eq!(all(&mut outgoing).unwrap(), wanted);
            outgoing.rewind().unwrap();
        }
    }

    #[test]
    fn the_final_dot_of_damaged_content_is_never_given_out() {
        for text in [b"small\n".to_vec(), b"large\n".repeat(100_000)] {
            let (file, mut content) = stored(&text);
            content.crc32 ^= 1;
            let mut buffers = Buffers::default();
            let outcome = Outgoing::new(&file, &content, &[], &mut buffers)
                .and_then(|mut outgoing| all(&mut outgoing));
            assert!(matches!(outcome, Err(Damage::Checksum)));
        }
    }

    #[test]
    fn content_that_is_cut_off_is_damaged() {
        let (file, mut content) = stored(b"text\n");
        content.octets = 1_000;
        let mut buffers = Buffers::default();
        let outcome = Outgoing::new(&file, &content, &[], &mut buffers);
        assert!(matches!(outcome, Err(Damage::Checksum)));
    }

    #[test]
    fn only_the_header_section_needs_smtputf8() {
        for (text, wanted) in [
            ("Subject: x\n\nä\n", false),
            ("Subject: ä\n\nx\n", true),
            ("\nä", false),
        ] {
            let (file, content) = stored(text.as_bytes());
            let mut buffers = Buffers::default();
            let outgoing = Outgoing::new(&file, &content, &[], &mut buffers).unwrap();
            assert_eq!(outgoing.has_utf8_header(), wanted, "{text}");
        }
    }
}
