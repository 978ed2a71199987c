//! The text of a table as logical lines: comments left out, continued lines joined, each with the number of its first line.

use stafette_control::Mistake;

use crate::target::text_of;

/// A line that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// From 1.
    pub(crate) number: usize,
    /// Without line end, continued lines joined by one blank.
    pub(crate) text: Result<String, Mistake>,
}

/// Whether a line that begins with a blank goes on with the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blank {
    /// As in aliases.
    Continues,
    /// As makemap reads all other tables.
    IsNothing,
}

/// Reads the lines of a table. Empty lines and comments between continued ones do not count.
pub(crate) fn lines(bytes: &[u8], blank: Blank) -> impl Iterator<Item = Line> {
    let mut lines: Vec<(usize, Vec<u8>)> = Vec::new();
    for (raw, number) in bytes.split(|byte| *byte == b'\n').zip(1..) {
        let is_continued =
            blank == Blank::Continues && (raw.starts_with(b" ") || raw.starts_with(b"\t"));
        let text = raw.trim_ascii();
        if text.is_empty() || text.starts_with(b"#") {
            continue;
        }
        match lines.last_mut() {
            Some((_, before)) if is_continued => {
                before.push(b' ');
                before.extend_from_slice(text);
            }
            _ => lines.push((number, text.to_vec())),
        }
    }
    lines.into_iter().map(|(number, text)| Line {
        number,
        text: text_of(&text).map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, blank: Blank) -> Vec<(usize, String)> {
        lines(text.as_bytes(), blank)
            .map(|line| (line.number, line.text.unwrap_or_default()))
            .collect()
    }

    #[test]
    fn a_line_that_begins_with_a_blank_goes_on() {
        let text = "# x\nlist: a,\n\tb,\n# between\n\n  c\nroot: joe \r\n";
        let expected = [(2, "list: a, b, c"), (7, "root: joe")];
        assert_eq!(
            read(text, Blank::Continues),
            expected.map(|(n, t)| (n, t.to_owned()))
        );
    }

    #[test]
    fn elsewhere_a_blank_in_front_is_nothing() {
        let text = "a b\n  c d\n";
        assert_eq!(read(text, Blank::IsNothing).len(), 2);
    }
}
