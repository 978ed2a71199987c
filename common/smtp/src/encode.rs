//! The content of a message on its way out: from lines with LF to the octets of DATA or BDAT.
//!
//! Every line goes out with CRLF. A CR is never sent on its own (RFC 5321 section 2.3.8): with an LF behind it, the two are one line
//! end, and alone it becomes one. It does not matter how the content is cut; memory is constant.

/// Encodes for DATA: line ends and transparency (RFC 5321 section 4.5.2).
#[derive(Debug)]
pub struct DataEncoder(Encoder);

impl Default for DataEncoder {
    fn default() -> Self {
        Self::new()
    }
}

impl DataEncoder {
    /// An encoder at the start of a content.
    #[must_use]
    pub fn new() -> Self {
        Self(Encoder::new(true))
    }

    /// Appends a piece of the content to `wire`.
    pub fn feed(&mut self, content: &[u8], wire: &mut Vec<u8>) {
        self.0.feed(content, wire);
    }

    /// Ends the content: the last line gets its end, then comes the final dot.
    pub fn finish(&mut self, wire: &mut Vec<u8>) {
        self.0.end_line_if_open(wire);
        wire.extend_from_slice(b".\r\n");
        self.0 = Encoder::new(true);
    }
}

/// Encodes for BDAT: line ends alone. The size of a chunk is the length of what was appended.
#[derive(Debug)]
pub struct ChunkEncoder(Encoder);

impl Default for ChunkEncoder {
    fn default() -> Self {
        Self::new()
    }
}

impl ChunkEncoder {
    /// An encoder at the start of a content.
    #[must_use]
    pub fn new() -> Self {
        Self(Encoder::new(false))
    }

    /// Appends a piece of the content to `wire`.
    pub fn feed(&mut self, content: &[u8], wire: &mut Vec<u8>) {
        self.0.feed(content, wire);
    }

    /// Ends the content; a last line without its end stays so (RFC 3030 section 2 asks for none).
    pub fn finish(&mut self, wire: &mut Vec<u8>) {
        if self.0.cr {
            wire.extend_from_slice(b"\r\n");
        }
        self.0 = Encoder::new(false);
    }
}

#[derive(Debug)]
struct Encoder {
    dots: bool,
    /// At the start of a line.
    start: bool,
    /// A CR was read whose line end was not written yet, since an LF may follow.
    cr: bool,
}

impl Encoder {
    fn new(dots: bool) -> Self {
        Self {
            dots,
            start: true,
            cr: false,
        }
    }

    fn feed(&mut self, content: &[u8], wire: &mut Vec<u8>) {
        wire.reserve(content.len());
        let mut rest = content;
        while let Some((&byte, after)) = rest.split_first() {
            if self.cr {
                self.end_line(wire);
                if byte == b'\n' {
                    rest = after;
                }
                continue;
            }
            if self.start && self.dots && byte == b'.' {
                wire.push(b'.');
            }
            let end = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
            let (text, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            wire.extend_from_slice(text);
            self.start = self.start && text.is_empty();
            rest = match after.split_first() {
                Some((b'\r', after)) => {
                    self.cr = true;
                    after
                }
                Some((_, after)) => {
                    self.end_line(wire);
                    after
                }
                None => after,
            };
        }
    }

    fn end_line(&mut self, wire: &mut Vec<u8>) {
        wire.extend_from_slice(b"\r\n");
        self.cr = false;
        self.start = true;
    }

    fn end_line_if_open(&mut self, wire: &mut Vec<u8>) {
        if self.cr || !self.start {
            self.end_line(wire);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::data::{ChunkDecoder, DataDecoder};

    fn data(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut encoder, mut wire) = (DataEncoder::new(), Vec::new());
        for piece in pieces {
            encoder.feed(piece, &mut wire);
        }
        encoder.finish(&mut wire);
        wire
    }

    fn chunk(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut encoder, mut wire) = (ChunkEncoder::new(), Vec::new());
        for piece in pieces {
            encoder.feed(piece, &mut wire);
        }
        encoder.finish(&mut wire);
        wire
    }

    #[test]
    fn lines_get_crlf_and_dots_at_their_start_are_doubled() {
        assert_eq!(
            data(&[b"a\n.\n..b\nc.\n"]),
            b"a\r\n..\r\n...b\r\nc.\r\n.\r\n"
        );
        assert_eq!(chunk(&[b"a\n.\n..b\n"]), b"a\r\n.\r\n..b\r\n");
    }

    #[test]
    fn a_last_line_without_end_gets_one_where_the_dot_needs_it() {
        assert_eq!(data(&[b"a"]), b"a\r\n.\r\n");
        assert_eq!(data(&[b""]), b".\r\n");
        assert_eq!(data(&[b"."]), b"..\r\n.\r\n");
        assert_eq!(chunk(&[b"a"]), b"a");
    }

    #[test]
    fn a_cr_is_never_sent_alone() {
        assert_eq!(
            data(&[b"a\r\nb\rc\r\r\n.\r.d\r"]),
            b"a\r\nb\r\nc\r\n\r\n..\r\n..d\r\n.\r\n"
        );
        assert_eq!(chunk(&[b"a\r", b"\nb\r", b"c\r"]), b"a\r\nb\r\nc\r\n");
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_the_content_is_cut(content in "[\\r\\n.a]{0,24}") {
            let content = content.as_bytes();
            let singly: Vec<&[u8]> = content.chunks(1).collect();
            prop_assert_eq!(data(&[content]), data(&singly));
            prop_assert_eq!(chunk(&[content]), chunk(&singly));
        }

        #[test]
        fn what_is_sent_is_received(content in proptest::collection::vec(any::<u8>(), 0..200)) {
            let content: Vec<u8> = content.into_iter().filter(|&b| b != b'\r').collect();
            let mut received = Vec::new();
            let mut decoder = ChunkDecoder::new();
            decoder.feed(&chunk(&[&content]), &mut received);
            prop_assert_eq!((decoder.finish(), &received), (None, &content));

            received.clear();
            let mut decoder = DataDecoder::new();
            let wire = data(&[&content]);
            let fed = decoder.feed(&wire, &mut received);
            prop_assert_eq!((fed.used, fed.ended, decoder.fault()), (wire.len(), true, None));
            if content.last().is_some_and(|&b| b != b'\n') {
                prop_assert_eq!(received.pop(), Some(b'\n'));
            }
            prop_assert_eq!(received, content);
        }

        #[test]
        fn whatever_the_content_the_wire_holds_one_end_and_no_bare_line_end(content in "[\\r\\n.a\\x00]{0,24}") {
            let wire = data(&[content.as_bytes()]);
            let mut decoder = DataDecoder::new();
            let fed = decoder.feed(&wire, &mut Vec::new());
            prop_assert_eq!((fed.used, fed.ended, decoder.fault()), (wire.len(), true, None));
        }
    }
}
