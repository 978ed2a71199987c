//! The header section of content whose lines end in LF (RFC 5322 section 2.2).
//!
//! The section ends at the first empty line, or before the first line that is neither a field nor the continuation of one. Names are
//! compared without regard to case. Nothing here copies, and nothing grows with the content but what the caller keeps.

pub use crate::hops::HopCounter;

/// One header field of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// What stands before the colon.
    pub name: &'a [u8],
    /// The whole field with its continuation lines, without the last line end.
    pub raw: &'a [u8],
}

impl<'a> Field<'a> {
    /// What stands behind the colon, still folded.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        match self.raw.iter().position(|byte| *byte == b':') {
            Some(colon) => self.raw.get(colon + 1..).unwrap_or_default(),
            None => b"",
        }
    }

    /// Whether the field has this name.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// The fields of a header section, in their order; ends where the section ends.
#[derive(Debug, Clone)]
pub struct Fields<'a>(&'a [u8]);

/// The fields at the start of `content`.
#[must_use]
pub fn fields(content: &[u8]) -> Fields<'_> {
    Fields(content)
}

impl<'a> Fields<'a> {
    /// What was not read yet.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let (first, mut rest) = next_line(self.0);
        let name = field_name(first)?;
        let mut end = self.0.len() - rest.len();
        while matches!(rest.first(), Some(b' ' | b'\t')) {
            let (_, behind) = next_line(rest);
            end += rest.len() - behind.len();
            rest = behind;
        }
        let (whole, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        let raw = whole.strip_suffix(b"\n").unwrap_or(whole);
        Some(Field { name, raw })
    }
}

/// The header section with its last line end, and the body behind the empty line.
#[must_use]
pub fn split(content: &[u8]) -> (&[u8], &[u8]) {
    let mut fields = fields(content);
    fields.by_ref().for_each(drop);
    let rest = fields.rest();
    let header = content
        .get(..content.len() - rest.len())
        .unwrap_or_default();
    (header, rest.strip_prefix(b"\n").unwrap_or(rest))
}

/// The name of the field that a line begins, without the blanks that old mail has before the colon (RFC 5322 section 4.5).
#[must_use]
pub fn field_name(line: &[u8]) -> Option<&[u8]> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = line.get(..colon)?.trim_ascii_end();
    let good = !name.is_empty() && name.iter().all(|byte| matches!(byte, 33..=57 | 59..=126));
    good.then_some(name)
}

/// A field's body on one line: line ends and the blanks around them become one blank, and both ends are trimmed.
#[must_use]
pub fn unfold(body: &[u8]) -> Vec<u8> {
    let mut line = Vec::with_capacity(body.len());
    for part in body.split(|byte| matches!(byte, b'\n' | b'\r')) {
        let part = part.trim_ascii();
        if !part.is_empty() {
            if !line.is_empty() {
                line.push(b' ');
            }
            line.extend_from_slice(part);
        }
    }
    line
}

fn next_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (
            bytes.get(..end).unwrap_or_default(),
            bytes.get(end + 1..).unwrap_or_default(),
        ),
        None => (bytes, b""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_fields_are_whole_and_the_empty_line_ends_the_section() {
        let content = b"Subject: a\n b\nTo: c\n\nFrom: body\n";
        let names: Vec<_> = fields(content).map(|f| (f.name, f.raw)).collect();
        assert_eq!(
            names,
            [(&b"Subject"[..], &b"Subject: a\n b"[..]), (b"To", b"To: c")]
        );
        assert_eq!(
            split(content),
            (&b"Subject: a\n b\nTo: c\n"[..], &b"From: body\n"[..])
        );
    }

    #[test]
    fn a_line_that_is_no_field_begins_the_body() {
        assert_eq!(
            split(b"To: c\nhello you\n"),
            (&b"To: c\n"[..], &b"hello you\n"[..])
        );
        assert_eq!(split(b"\nhello\n"), (&b""[..], &b"hello\n"[..]));
        assert_eq!(split(b" x\n"), (&b""[..], &b" x\n"[..]));
        assert_eq!(split(b""), (&b""[..], &b""[..]));
    }

    #[test]
    fn content_without_a_last_line_end_or_body_is_read_whole() {
        assert_eq!(split(b"To: c"), (&b"To: c"[..], &b""[..]));
        assert_eq!(split(b"To: c\n d"), (&b"To: c\n d"[..], &b""[..]));
    }

    #[test]
    fn a_body_is_what_stands_behind_the_colon() {
        let field = fields(b"Subject : a: b\n c \n").next().unwrap();
        assert!(field.is("SUBJECT"));
        assert_eq!(field.body(), b" a: b\n c ");
        assert_eq!(unfold(field.body()), b"a: b c");
    }

    #[test]
    fn names_hold_no_blanks_controls_or_octets_above_ascii() {
        for bad in [
            &b": x"[..],
            b"a b: x",
            b"\xc3\xbc: x",
            b"a\x01: x",
            b"no colon",
        ] {
            assert_eq!(field_name(bad), None, "{bad:?}");
        }
        assert_eq!(field_name(b"X-1_2: x"), Some(&b"X-1_2"[..]));
    }
}
