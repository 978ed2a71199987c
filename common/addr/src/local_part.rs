//! The part of a mailbox before the `@`.
//!
//! Kept without its quotes, so that `"joe"` and `joe` are one; printed with quotes where RFC 5321 section 4.1.2 asks for them.

use std::fmt;

use crate::error::{AddrError, check_text};

/// The most octets that a local-part may have, without quotes. RFC 5321 section 4.5.3.1.1 asks for at least 64; longer ones exist.
pub const LOCAL_PART_MAX: usize = 256;

/// A local-part, never empty. Compared octet by octet (RFC 5321 section 2.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalPart(Box<str>);

impl LocalPart {
    /// The local-part that every domain has (RFC 5321 section 4.5.1).
    #[must_use]
    pub fn postmaster() -> Self {
        Self("postmaster".into())
    }

    /// Parses the wire form: a dot-string or a quoted string.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(wire: &[u8]) -> Result<Self, AddrError> {
        let (part, rest) = Self::parse_prefix(check_text(wire)?)?;
        if rest.is_empty() {
            Ok(part)
        } else {
            Err(AddrError::BadLocalPart)
        }
    }

    /// Takes a local-part as it is meant, without quotes: a user's name, for example.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_unquoted(bytes: &[u8]) -> Result<Self, AddrError> {
        Self::checked(check_text(bytes)?)
    }

    /// The local-part as it is meant, without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is `postmaster`, in any case (RFC 5321 section 4.5.1).
    #[must_use]
    pub fn is_postmaster(&self) -> bool {
        self.0.eq_ignore_ascii_case("postmaster")
    }

    /// Parses a local-part at the start of checked text; the rest begins with whatever ended it.
    pub(crate) fn parse_prefix(text: &str) -> Result<(Self, &str), AddrError> {
        if let Some(quoted) = text.strip_prefix('"') {
            return Self::parse_quoted(quoted);
        }
        let end = text.find('@').unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        if word.is_empty() {
            return Err(AddrError::NoLocalPart);
        }
        if !is_dot_string(word) {
            return Err(AddrError::BadLocalPart);
        }
        Ok((Self::checked(word)?, rest))
    }

    fn parse_quoted(text: &str) -> Result<(Self, &str), AddrError> {
        let mut meant = String::new();
        let mut chars = text.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    let rest = text
                        .get(at..)
                        .and_then(|t| t.strip_prefix('"'))
                        .unwrap_or("");
                    return Ok((Self::checked(&meant)?, rest));
                }
                '\\' => match chars.next() {
                    Some((_, escaped)) => meant.push(escaped),
                    None => return Err(AddrError::BadLocalPart),
                },
                other => meant.push(other),
            }
        }
        Err(AddrError::BadLocalPart)
    }

    fn checked(meant: &str) -> Result<Self, AddrError> {
        match meant.len() {
            0 => Err(AddrError::NoLocalPart),
            n if n > LOCAL_PART_MAX => Err(AddrError::LocalPartTooLong),
            _ => Ok(Self(meant.into())),
        }
    }
}

/// The wire form, quoted if needed.
impl fmt::Display for LocalPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        if is_dot_string(&self.0) {
            return f.write_str(&self.0);
        }
        f.write_char('"')?;
        for c in self.0.chars() {
            if matches!(c, '"' | '\\') {
                f.write_char('\\')?;
            }
            f.write_char(c)?;
        }
        f.write_char('"')
    }
}

/// Atoms separated by single dots (RFC 5321 section 4.1.2, RFC 6531 section 3.3).
fn is_dot_string(text: &str) -> bool {
    text.split('.')
        .all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || !c.is_ascii() || "!#$%&'*+-/=?^_`{|}~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(wire: &str) -> Result<String, AddrError> {
        LocalPart::parse(wire.as_bytes()).map(|p| p.to_string())
    }

    #[test]
    fn quotes_are_dropped_where_they_say_nothing_and_kept_where_they_do() {
        assert_eq!(printed("\"joe\""), Ok("joe".into()));
        assert_eq!(printed("\"j\\oe\""), Ok("joe".into()));
        assert_eq!(printed("\"joe doe\""), Ok("\"joe doe\"".into()));
        assert_eq!(printed("\"a\\\"b\\\\c@d\""), Ok("\"a\\\"b\\\\c@d\"".into()));
        assert_eq!(printed("\"a..b\""), Ok("\"a..b\"".into()));
    }

    #[test]
    fn all_signs_of_an_atom_are_taken() {
        let all = "!#$%&'*+-/=?^_`{|}~09azAZ";
        assert_eq!(printed(all), Ok(all.into()));
        assert_eq!(printed("jürgen"), Ok("jürgen".into()));
    }

    #[test]
    fn what_is_no_local_part_is_refused() {
        for (wire, why) in [
            ("", AddrError::NoLocalPart),
            ("\"\"", AddrError::NoLocalPart),
            ("a b", AddrError::BadLocalPart),
            (".a", AddrError::BadLocalPart),
            ("a.", AddrError::BadLocalPart),
            ("a..b", AddrError::BadLocalPart),
            ("a(b)", AddrError::BadLocalPart),
            ("\"a", AddrError::BadLocalPart),
            ("\"a\\", AddrError::BadLocalPart),
            ("\"a\"b", AddrError::BadLocalPart),
            ("\"a\0\"", AddrError::ControlCharacter),
            ("\"a\\\r\"", AddrError::ControlCharacter),
            ("\"a\n\"", AddrError::ControlCharacter),
            ("a\u{85}b", AddrError::ControlCharacter),
        ] {
            assert_eq!(printed(wire), Err(why), "{wire:?}");
        }
        assert_eq!(LocalPart::parse(b"j\xfcrgen"), Err(AddrError::NotUtf8));
    }

    #[test]
    fn the_longest_local_part_is_taken_and_one_octet_more_is_not() {
        assert!(printed(&"x".repeat(LOCAL_PART_MAX)).is_ok());
        let long = "x".repeat(LOCAL_PART_MAX + 1);
        assert_eq!(printed(&long), Err(AddrError::LocalPartTooLong));
    }
}
