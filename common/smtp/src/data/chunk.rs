//! The chunks of BDAT (RFC 3030 section 2): the same line ends as in DATA, no dots, the end told by the command.

use super::ContentFault;

/// Decodes the octets of all chunks of one message. The CR of a line end may be in one chunk and its LF in the next.
#[derive(Debug, Default)]
pub struct ChunkDecoder {
    cr: bool,
    fault: Option<ContentFault>,
    size: u64,
}

impl ChunkDecoder {
    /// A decoder that waits for the first octet of the first chunk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a piece of a chunk and appends what it means to `output`.
    pub fn feed(&mut self, input: &[u8], output: &mut Vec<u8>) {
        self.size = self.size.saturating_add(input.len() as u64);
        let mut rest = input;
        while self.fault.is_none() {
            if self.cr {
                let Some((&byte, after)) = rest.split_first() else {
                    break;
                };
                self.cr = false;
                if byte == b'\n' {
                    output.push(b'\n');
                    rest = after;
                } else {
                    self.fault = Some(ContentFault::BareCr);
                }
                continue;
            }
            let Some(end) = memchr::memchr2(b'\r', b'\n', rest) else {
                output.extend_from_slice(rest);
                break;
            };
            let (text, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            output.extend_from_slice(text);
            match after.split_first() {
                Some((b'\r', after)) => {
                    self.cr = true;
                    rest = after;
                }
                _ => self.fault = Some(ContentFault::BareLf),
            }
        }
    }

    /// Says that the last chunk was read; gives why the content must be refused, if it must. The last line may lack its end.
    pub fn finish(&mut self) -> Option<ContentFault> {
        if self.cr {
            self.fault.get_or_insert(ContentFault::BareCr);
        }
        self.fault
    }

    /// Why the content must be refused, as far as it was read.
    #[must_use]
    pub fn fault(&self) -> Option<ContentFault> {
        self.fault
    }

    /// The size of the content so far, line ends as CRLF.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(pieces: &[&[u8]]) -> (Vec<u8>, Option<ContentFault>, u64) {
        let mut decoder = ChunkDecoder::new();
        let mut output = Vec::new();
        for piece in pieces {
            decoder.feed(piece, &mut output);
        }
        let fault = decoder.finish();
        (output, fault, decoder.size())
    }

    #[test]
    fn dots_mean_nothing_and_the_last_line_needs_no_end() {
        assert_eq!(
            decode(&[b"a\r\n.\r\n..b\r\nlast"]),
            (b"a\n.\n..b\nlast".to_vec(), None, 15)
        );
        assert_eq!(decode(&[]), (Vec::new(), None, 0));
    }

    #[test]
    fn a_line_end_may_lie_across_two_chunks() {
        assert_eq!(
            decode(&[b"a\r", b"", b"\nb\r\n"]),
            (b"a\nb\n".to_vec(), None, 6)
        );
    }

    #[test]
    fn bare_line_ends_are_faults_wherever_the_chunks_are_cut() {
        for (content, fault) in [
            (&b"a\nb\r\n"[..], ContentFault::BareLf),
            (b"a\rb\r\n", ContentFault::BareCr),
            (b"a\r\r\n", ContentFault::BareCr),
            (b"\n", ContentFault::BareLf),
            (b"a\r\n\r", ContentFault::BareCr),
            (b"a\r\n\n", ContentFault::BareLf),
        ] {
            for cut in 0..=content.len() {
                let (a, b) = content.split_at(cut);
                let (_, seen, size) = decode(&[a, b]);
                assert_eq!(
                    (seen, size),
                    (Some(fault), content.len() as u64),
                    "{content:?} cut at {cut}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_the_chunks_are_cut(
            content in proptest::collection::vec(prop_oneof![Just(b"\r\n".to_vec()), any::<u8>().prop_map(|b| vec![b])], 0..40),
        ) {
            let content = content.concat();
            let singly: Vec<&[u8]> = content.chunks(1).collect();
            prop_assert_eq!(decode(&[&content]), decode(&singly));
        }
    }
}
