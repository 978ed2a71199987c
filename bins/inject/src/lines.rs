//! The lines of standard input: where the message ends, and whether its line ends are CRLF throughout.

/// Finds the end of the message in a stream of pieces: the line that is a lone dot, unless that is content.
#[derive(Debug)]
pub(crate) struct DotEnd {
    /// What was seen of the line under way: nothing, `.`, `.` CR, or something else.
    at: At,
    active: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Start,
    Dot,
    DotCr,
    Line,
}

impl DotEnd {
    /// `active` unless `-i` was given.
    pub(crate) fn new(active: bool) -> Self {
        Self {
            at: At::Start,
            active,
        }
    }

    /// Takes a piece into `out`; true when the message ended in it. A dot that may still prove to be the end is kept back.
    pub(crate) fn feed(&mut self, piece: &[u8], out: &mut Vec<u8>) -> bool {
        if !self.active {
            out.extend_from_slice(piece);
            return false;
        }
        for byte in piece {
            self.at = match (self.at, byte) {
                (At::Start, b'.') => At::Dot,
                (At::Dot, b'\r') => At::DotCr,
                (At::Dot | At::DotCr, b'\n') => return true,
                (at, byte) => {
                    out.extend_from_slice(held(at));
                    out.push(*byte);
                    if *byte == b'\n' { At::Start } else { At::Line }
                }
            };
        }
        false
    }

    /// At the end of input: a dot without a line end is the end of the message as well.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        if self.at == At::DotCr {
            out.extend_from_slice(held(self.at));
        }
        self.at = At::Start;
    }
}

fn held(at: At) -> &'static [u8] {
    match at {
        At::Dot => b".",
        At::DotCr => b".\r",
        At::Start | At::Line => b"",
    }
}

/// Whether every line so far ended in CRLF.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct LineEnds {
    after_cr: bool,
    crlf: u64,
    bare: u64,
}

impl LineEnds {
    /// Looks at a piece.
    pub(crate) fn feed(&mut self, piece: &[u8]) {
        for byte in piece {
            if *byte == b'\n' {
                if self.after_cr {
                    self.crlf += 1;
                } else {
                    self.bare += 1;
                }
            }
            self.after_cr = *byte == b'\r';
        }
    }

    /// No line with a bare LF.
    pub(crate) fn is_no_bare(self) -> bool {
        self.bare == 0
    }

    /// At least one line, and each with CRLF.
    pub(crate) fn all_crlf(self) -> bool {
        self.crlf > 0 && self.bare == 0
    }
}

/// Takes the CR of every CRLF out of a stream.
#[derive(Debug, Default)]
pub(crate) struct CrStripper {
    after_cr: bool,
}

impl CrStripper {
    /// Takes a piece into `out`; a CR at its end is kept back.
    pub(crate) fn feed(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        for byte in piece {
            if self.after_cr && *byte != b'\n' {
                out.push(b'\r');
            }
            self.after_cr = *byte == b'\r';
            if !self.after_cr {
                out.push(*byte);
            }
        }
    }

    /// At the end of the stream.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.after_cr) {
            out.push(b'\r');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dotted(input: &[u8], step: usize, active: bool) -> (Vec<u8>, bool) {
        let (mut end, mut out) = (DotEnd::new(active), Vec::new());
        for piece in input.chunks(step) {
            if end.feed(piece, &mut out) {
                return (out, true);
            }
        }
        end.finish(&mut out);
        (out, false)
    }

    #[test]
    fn a_lone_dot_ends_the_message_wherever_the_stream_is_cut() {
        for (input, content, ended) in [
            (&b"a\n.\nb\n"[..], &b"a\n"[..], true),
            (b".\nb\n", b"", true),
            (b"a\r\n.\r\nb", b"a\r\n", true),
            (b"a\n..\n.b\nc.\n", b"a\n..\n.b\nc.\n", false),
            (b"a\n.", b"a\n", false),
            (b"a\n.\rb\n", b"a\n.\rb\n", false),
            (b"a\n.\r", b"a\n.\r", false),
        ] {
            for step in 1..=input.len() {
                assert_eq!(
                    dotted(input, step, true),
                    (content.to_vec(), ended),
                    "{input:?} by {step}"
                );
            }
        }
    }

    fn without_crlf(bytes: Vec<u8>) -> Vec<u8> {
        let mut ends = LineEnds::default();
        ends.feed(&bytes);
        if !ends.all_crlf() {
            return bytes;
        }
        let (mut stripper, mut out) = (CrStripper::default(), Vec::new());
        stripper.feed(&bytes, &mut out);
        stripper.finish(&mut out);
        out
    }

    #[test]
    fn under_i_a_lone_dot_is_content() {
        assert_eq!(
            dotted(b"a\n.\nb\n", 2, false),
            (b"a\n.\nb\n".to_vec(), false)
        );
    }

    #[test]
    fn crlf_is_taken_as_lf_only_if_all_lines_have_it() {
        assert_eq!(without_crlf(b"a\r\nb\r\n".to_vec()), b"a\nb\n");
        assert_eq!(without_crlf(b"a\r\nb\rc\r\nd".to_vec()), b"a\nb\rc\nd");
        assert_eq!(without_crlf(b"a\r\nb\n".to_vec()), b"a\r\nb\n");
        assert_eq!(without_crlf(b"a\r".to_vec()), b"a\r");
    }

    #[test]
    fn the_stripper_gives_back_a_cr_that_was_none_of_a_line_end() {
        for step in 1..6 {
            let (mut stripper, mut out) = (CrStripper::default(), Vec::new());
            for piece in b"a\r\r\nb\rc\r".chunks(step) {
                stripper.feed(piece, &mut out);
            }
            stripper.finish(&mut out);
            assert_eq!(out, b"a\r\nb\rc\r");
        }
    }
}
