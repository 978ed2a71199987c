//! A line under construction: words and `key=value` fields, separated by single blanks.
//!
//! Whatever goes in, the line holds printable ASCII only and no line end; [`crate::parse_words`] reads it back.

use crate::word::push_quoted;
use std::fmt;

/// One line, without its end. Starts with a word and grows by words and fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line(String);

impl Line {
    /// A line that begins with `first_word` as it is in [`crate::quote`]; an empty `first_word` begins an empty line.
    #[must_use]
    pub fn new(first_word: &str) -> Self {
        let mut line = Self(String::with_capacity(160));
        if !first_word.is_empty() {
            line.word(first_word);
        }
        line
    }

    /// Adds ` key=value`. A key is letters, digits, `-`, `_` and `.`; any other byte of it becomes `_`.
    pub fn field(&mut self, key: &str, value: impl AsRef<[u8]>) -> &mut Self {
        self.field_within(key, value, usize::MAX)
    }

    /// Adds ` key=value`, of whose value at most `limit` bytes are written.
    pub fn field_within(&mut self, key: &str, value: impl AsRef<[u8]>, limit: usize) -> &mut Self {
        self.separate();
        if key.is_empty() {
            self.0.push('_');
        }
        self.0.extend(
            key.bytes()
                .map(|byte| if is_key(byte) { char::from(byte) } else { '_' }),
        );
        self.0.push('=');
        push_quoted(&mut self.0, value.as_ref(), limit);
        self
    }

    /// Adds a word without a key.
    pub fn word(&mut self, value: impl AsRef<[u8]>) -> &mut Self {
        self.separate();
        push_quoted(&mut self.0, value.as_ref(), usize::MAX);
        self
    }

    fn separate(&mut self) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
    }

    /// The line so far.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The finished line.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `byte` may stand in a key.
pub(crate) fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_behind_the_first_word_with_one_blank_each() {
        let mut line = Line::new("message-queued");
        line.field("from", b"a@example.org")
            .field("helo", "a b")
            .word("x");
        assert_eq!(
            line.as_str(),
            "message-queued from=a@example.org helo=\"a b\" x"
        );
    }

    #[test]
    fn a_value_cannot_pass_for_another_field() {
        let mut line = Line::new("");
        line.field("from", "x to=y\nid=z");
        assert_eq!(line.as_str(), "from=\"x to=y\\x0aid=z\"");
    }

    #[test]
    fn a_key_cannot_end_the_line_either() {
        let mut line = Line::default();
        line.field("a\nb c=", "1").field("", "2");
        assert_eq!(line.as_str(), "a_b_c_=1 _=2");
    }
}
