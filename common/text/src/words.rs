//! The words of a line, read back: what [`crate::Line`] wrote and nothing else.

use crate::line::is_key;
use crate::word::split_word;
use std::borrow::Cow;

/// One word of a line: its key, empty for a word without one, and its value.
pub type Word<'a> = (&'a str, Cow<'a, [u8]>);

/// The words of a line in order, each as its key (empty for a word without one) and its value.
///
/// Stops at the first thing that [`crate::Line`] would not have written; [`Words::is_sound`] then says no.
#[derive(Debug, Clone)]
pub struct Words<'a> {
    rest: &'a str,
    is_first: bool,
    is_sound: bool,
}

impl<'a> Words<'a> {
    /// The words of `line`, which has no line end.
    #[must_use]
    pub fn new(line: &'a str) -> Self {
        Self {
            rest: line,
            is_first: true,
            is_sound: true,
        }
    }

    /// Whether everything read so far was well formed.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.is_sound
    }

    /// What was not read yet.
    #[must_use]
    pub fn rest(&self) -> &'a str {
        self.rest
    }

    fn split_next(&self) -> Option<(&'a str, Cow<'a, [u8]>, &'a str)> {
        let text = if self.is_first {
            self.rest
        } else {
            self.rest.strip_prefix(' ')?
        };
        let (key, value) = match text.split_once('=') {
            Some((key, value)) if !key.is_empty() && key.bytes().all(is_key) => (key, value),
            _ => ("", text),
        };
        let (bytes, rest) = split_word(value.as_bytes())?;
        let rest = value.get(value.len() - rest.len()..)?;
        (rest.is_empty() || rest.starts_with(' ')).then_some((key, bytes, rest))
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() || !self.is_sound {
            return None;
        }
        let Some((key, value, rest)) = self.split_next() else {
            self.is_sound = false;
            return None;
        };
        self.rest = rest;
        self.is_first = false;
        Some((key, value))
    }
}

/// All words of `line`, or `None` if any part of it is malformed.
#[must_use]
pub fn parse_words(line: &str) -> Option<Vec<Word<'_>>> {
    let mut words = Words::new(line);
    let all = words.by_ref().collect();
    words.is_sound().then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Line;
    use proptest::prelude::*;

    #[test]
    fn words_and_fields_come_back_in_order() {
        let words = parse_words("done to=a@b reply=\"250 ok = yes\" \"=\"").expect("sound");
        let expected: [(&str, &[u8]); 4] = [
            ("", b"done"),
            ("to", b"a@b"),
            ("reply", b"250 ok = yes"),
            ("", b"="),
        ];
        assert!(
            words
                .iter()
                .map(|(key, value)| (*key, value.as_ref()))
                .eq(expected)
        );
    }

    #[test]
    fn a_malformed_line_is_refused_where_it_breaks() {
        for line in [
            " a", "a ", "a  b", "a=", "=a", "a=b=c", "a=\"b\"c", "a b\n", "a=\"b", "\u{e4}=x",
            "a \u{e4}",
        ] {
            assert_eq!(parse_words(line), None, "{line:?}");
        }
        let mut words = Words::new("good x=\"");
        assert_eq!(words.next(), Some(("", Cow::Borrowed(b"good".as_slice()))));
        assert_eq!(words.next(), None);
        assert!(!words.is_sound());
        assert_eq!(words.rest(), " x=\"");
    }

    proptest! {
        #[test]
        fn what_a_line_holds_is_what_it_gives_back(fields: Vec<(bool, Vec<u8>)>) {
            let mut line = Line::new("first");
            for (has_key, value) in &fields {
                if *has_key { line.field("key", value) } else { line.word(value) };
            }
            let words = parse_words(line.as_str()).expect("sound");
            let read: Vec<_> = words.iter().skip(1).map(|(key, value)| (*key == "key", value.to_vec())).collect();
            prop_assert_eq!(read, fields);
        }

        #[test]
        fn reading_any_text_ends_without_harm(line: String) {
            if let Some(words) = parse_words(&line) {
                prop_assert!(words.len() <= line.len());
            }
        }
    }
}
