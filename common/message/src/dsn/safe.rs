//! Strangers' words made fit for a field or a line: no control character, no line end, bounded, folded.

/// Of a peer's words at most so many bytes are given back.
pub const WORDS_LIMIT: usize = 2000;

/// The length at which a field is folded if it has a blank before (RFC 5322 section 2.1.1).
const FOLD: usize = 76;

/// A line is cut by force at this length, so that it stays under 998 octets (RFC 5322 section 2.1.1).
const HARD: usize = 900;

/// `bytes` as text without any control character: line ends and blanks become one blank, other bytes `\xHH`.
/// With `utf8`, what is valid UTF-8 stays.
pub(super) fn text(bytes: &[u8], limit: usize, utf8: bool) -> String {
    let mut out = String::with_capacity(bytes.len().min(limit) + 3);
    let mut blank = false;
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                ' ' | '\t' | '\r' | '\n' => blank = true,
                c => {
                    gap(&mut out, &mut blank);
                    if c.is_ascii_graphic() || (utf8 && !c.is_ascii() && !is_odd(c)) {
                        out.push(c);
                    } else {
                        let mut buffer = [0; 4];
                        c.encode_utf8(&mut buffer)
                            .bytes()
                            .for_each(|byte| hex(&mut out, byte));
                    }
                }
            }
            if out.len() >= limit {
                out.push_str("...");
                return out;
            }
        }
        for byte in chunk.invalid() {
            gap(&mut out, &mut blank);
            hex(&mut out, *byte);
        }
    }
    out
}

/// Controls of the upper half, and what turns the direction of a line or separates lines (RFC 6532 section 3.2 leaves them to care).
fn is_odd(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn gap(out: &mut String, blank: &mut bool) {
    if std::mem::take(blank) && !out.is_empty() {
        out.push(' ');
    }
}

fn hex(out: &mut String, byte: u8) {
    out.push_str(&format!("\\x{byte:02x}"));
}

/// Appends `text`, folding at blanks: continuation lines begin with `indent`, which begins with a blank.
pub(super) fn fold(out: &mut String, first: &str, text: &str, indent: &str) {
    let mut length = first.len();
    out.push_str(first);
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 {
            if length + 1 + word.len() > FOLD {
                out.push('\n');
                out.push_str(indent);
                length = indent.len();
            } else {
                out.push(' ');
                length += 1;
            }
        }
        for c in word.chars() {
            if length >= HARD {
                out.push('\n');
                out.push_str(indent);
                length = indent.len();
            }
            out.push(c);
            length += c.len_utf8();
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_and_no_line_end_survives() {
        assert_eq!(
            text(b"a\r\nStatus: 2.0.0\0b", 100, false),
            "a Status: 2.0.0\\x00b"
        );
        assert_eq!(
            text("gr\u{fc}n\u{202e}".as_bytes(), 100, true),
            "gr\u{fc}n\\xe2\\x80\\xae"
        );
        assert_eq!(text("\u{fc}".as_bytes(), 100, false), "\\xc3\\xbc");
        assert_eq!(text(b"\xff", 100, true), "\\xff");
    }

    #[test]
    fn long_text_is_cut_and_long_lines_are_folded() {
        assert!(text(&[b'a'; 5000], 100, false).len() <= 103);
        let mut out = String::new();
        fold(&mut out, "Name: ", &"word ".repeat(50), " ");
        assert!(out.lines().all(|line| line.len() <= FOLD), "{out}");
        assert!(out.lines().skip(1).all(|line| line.starts_with(' ')));
        let mut out = String::new();
        fold(&mut out, "Name: ", &"x".repeat(5000), " ");
        assert!(out.lines().all(|line| line.len() < 998));
    }
}
