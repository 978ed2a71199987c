//! A word: any bytes, written as printable ASCII that no reader of lines can misread.
//!
//! ```text
//! word    = bare / DQUOTE *( plain / "\\" / "\" DQUOTE / "\x" 2lowhex ) DQUOTE
//! bare    = 1*( 0x21-0x7e except DQUOTE "\" "=" )
//! plain   = 0x20-0x7e except DQUOTE "\"
//! ```
//! A value is written bare when it can be, and `\x` stands only for bytes outside of 0x20-0x7e.

/// What ends a value that was cut.
const CUT: &str = "...";

/// Whether `byte` may stand in a word without quotes.
fn is_bare(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'=')
}

/// Writes `bytes` as one word. Of more than `limit` bytes the first `limit` are written, followed by `...`.
///
/// `usize::MAX` as the limit writes everything, and then [`unquote`] gives the same bytes back.
#[must_use]
pub fn quote(bytes: &[u8], limit: usize) -> String {
    let mut word = String::new();
    push_quoted(&mut word, bytes, limit);
    word
}

/// Appends what [`quote`] returns to `out`.
pub(crate) fn push_quoted(out: &mut String, bytes: &[u8], limit: usize) {
    let kept = bytes.get(..limit).unwrap_or(bytes);
    let end = if kept.len() < bytes.len() { CUT } else { "" };
    if !(kept.is_empty() && end.is_empty()) && kept.iter().all(|&byte| is_bare(byte)) {
        out.reserve(kept.len() + end.len());
        out.extend(kept.iter().map(|&byte| char::from(byte)));
        out.push_str(end);
        return;
    }
    out.reserve(kept.len() + end.len() + 2);
    out.push('"');
    for &byte in kept {
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            0x20..=0x7e => out.push(char::from(byte)),
            _ => {
                out.push_str("\\x");
                out.push(hex_digit(byte >> 4));
                out.push(hex_digit(byte & 0x0f));
            }
        }
    }
    out.push_str(end);
    out.push('"');
}

/// The lower-case hexadecimal digit of a number below 16.
fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0')
}

/// The bytes that [`quote`] wrote as `word`; `None` for anything that `quote` would not have written.
#[must_use]
pub fn unquote(word: &str) -> Option<Vec<u8>> {
    let (bytes, rest) = split_word(word.as_bytes())?;
    rest.is_empty().then(|| bytes.into_owned())
}

/// Takes one word from the front of `line`: its value, and what follows it (nothing, a blank, or `=`).
pub(crate) fn split_word(line: &[u8]) -> Option<(std::borrow::Cow<'_, [u8]>, &[u8])> {
    if let Some(quoted) = line.strip_prefix(b"\"") {
        let (bytes, rest) = split_quoted(quoted)?;
        return Some((bytes.into(), rest));
    }
    let end = line
        .iter()
        .position(|&byte| !is_bare(byte))
        .unwrap_or(line.len());
    let (bare, rest) = line.split_at_checked(end)?;
    (!bare.is_empty()).then_some((bare.into(), rest))
}

/// Reads a quoted word behind its opening quote.
fn split_quoted(quoted: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut bytes = Vec::new();
    let mut rest = quoted;
    loop {
        let (&first, after) = rest.split_first()?;
        rest = after;
        match first {
            b'"' => break,
            b'\\' => {
                let (&escaped, after) = rest.split_first()?;
                rest = after;
                match escaped {
                    b'"' | b'\\' => bytes.push(escaped),
                    b'x' => {
                        let (high, after) = rest.split_first()?;
                        let (low, after) = after.split_first()?;
                        let byte = (hex_value(*high)? << 4) | hex_value(*low)?;
                        if (0x20..=0x7e).contains(&byte) {
                            return None;
                        }
                        bytes.push(byte);
                        rest = after;
                    }
                    _ => return None,
                }
            }
            0x20..=0x7e => bytes.push(first),
            _ => return None,
        }
    }
    // One value, one spelling: what could be written bare is not written in quotes.
    let needs_quotes = bytes.is_empty() || !bytes.iter().all(|&byte| is_bare(byte));
    needs_quotes.then_some((bytes, rest))
}

/// The value of a lower-case hexadecimal digit.
fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_plain_word_stays_as_it_is() {
        assert_eq!(quote(b"user@example.org", 100), "user@example.org");
    }

    #[test]
    fn nothing_and_blanks_and_equals_signs_are_quoted() {
        assert_eq!(quote(b"", 100), "\"\"");
        assert_eq!(quote(b"two words", 100), "\"two words\"");
        assert_eq!(quote(b"a=b", 100), "\"a=b\"");
    }

    #[test]
    fn control_characters_and_eight_bit_bytes_become_hexadecimal() {
        assert_eq!(
            quote(b"a\r\nb\0\xff\"\\", 100),
            "\"a\\x0d\\x0ab\\x00\\xff\\\"\\\\\""
        );
    }

    #[test]
    fn a_long_value_is_cut_and_says_so() {
        assert_eq!(quote(b"abcdef", 3), "abc...");
        assert_eq!(quote(b"a cdef", 3), "\"a c...\"");
        assert_eq!(quote(b"abc", 3), "abc");
        assert_eq!(quote(b"abc", 0), "...");
    }

    #[test]
    fn a_second_spelling_of_a_value_is_refused() {
        for word in [
            "",
            "\"abc\"",
            "\"\\x41 \"",
            "\"\\x0A\"",
            "a=b",
            "a b",
            "\"a",
            "\"a \"b",
            "\"\\n\"",
            "a\n",
            "\u{e4}",
        ] {
            assert_eq!(unquote(word), None, "{word:?}");
        }
    }

    proptest! {
        #[test]
        fn unquoting_gives_the_same_bytes_back(bytes: Vec<u8>) {
            prop_assert_eq!(unquote(&quote(&bytes, usize::MAX)), Some(bytes));
        }

        #[test]
        fn a_word_is_one_printable_line_and_bounded(bytes: Vec<u8>, limit in 0usize..80) {
            let word = quote(&bytes, limit);
            prop_assert!(!word.is_empty());
            prop_assert!(word.bytes().all(|byte| (0x20..=0x7e).contains(&byte)));
            prop_assert!(word.len() <= 4 * limit.min(bytes.len()) + 5);
            prop_assert!(word.starts_with('"') || !word.contains(['"', ' ', '=']));
        }

        #[test]
        fn what_is_read_is_what_would_be_written(word in "[ -~]{0,24}|\"([a-f0-9 \"=\\\\]|\\\\x[0-9a-f]{2}){0,9}\"") {
            if let Some(bytes) = unquote(&word) {
                prop_assert_eq!(quote(&bytes, usize::MAX), word);
            }
        }
    }
}
