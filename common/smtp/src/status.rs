//! Enhanced status codes: class.subject.detail (RFC 3463 section 2).

use std::fmt;

/// The first part of a status: how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// 2: done.
    Success,
    /// 4: not now.
    PersistentTransient,
    /// 5: never.
    Permanent,
}

impl Class {
    /// The digit that stands for it.
    #[must_use]
    pub const fn digit(self) -> u16 {
        match self {
            Self::Success => 2,
            Self::PersistentTransient => 4,
            Self::Permanent => 5,
        }
    }

    /// The class of a reply code; a 3xx counts as success so far. None if it is no reply code.
    #[must_use]
    pub const fn of_code(code: u16) -> Option<Self> {
        match code {
            200..=399 => Some(Self::Success),
            400..=499 => Some(Self::PersistentTransient),
            500..=599 => Some(Self::Permanent),
            _ => None,
        }
    }
}

/// An enhanced status code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Status {
    class: Class,
    subject: u16,
    detail: u16,
}

impl Status {
    /// Puts the three parts together; subject and detail are at most 999.
    #[must_use]
    pub const fn new(class: Class, subject: u16, detail: u16) -> Self {
        Self {
            class,
            subject: if subject > 999 { 0 } else { subject },
            detail: if detail > 999 { 0 } else { detail },
        }
    }

    /// 2.subject.detail
    #[must_use]
    pub const fn success(subject: u16, detail: u16) -> Self {
        Self::new(Class::Success, subject, detail)
    }

    /// 4.subject.detail
    #[must_use]
    pub const fn transient(subject: u16, detail: u16) -> Self {
        Self::new(Class::PersistentTransient, subject, detail)
    }

    /// 5.subject.detail
    #[must_use]
    pub const fn permanent(subject: u16, detail: u16) -> Self {
        Self::new(Class::Permanent, subject, detail)
    }

    /// Parses one word that is a status and nothing else.
    #[must_use]
    pub fn parse(word: &[u8]) -> Option<Self> {
        let mut parts = word.split(|&b| b == b'.');
        let class = match parts.next()? {
            b"2" => Class::Success,
            b"4" => Class::PersistentTransient,
            b"5" => Class::Permanent,
            _ => return None,
        };
        let subject = parse_part(parts.next()?)?;
        let detail = parse_part(parts.next()?)?;
        parts.next().is_none().then_some(Self {
            class,
            subject,
            detail,
        })
    }

    /// How it ended.
    #[must_use]
    pub const fn class(self) -> Class {
        self.class
    }

    /// What it is about.
    #[must_use]
    pub const fn subject(self) -> u16 {
        self.subject
    }

    /// What it was exactly.
    #[must_use]
    pub const fn detail(self) -> u16 {
        self.detail
    }
}

/// One to three digits; leading zeros are not allowed, and tolerated.
fn parse_part(digits: &[u8]) -> Option<u16> {
    if !(1..=3).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class.digit(), self.subject, self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_printed_as_it_was_read() {
        for text in ["2.0.0", "4.7.25", "5.1.1", "5.999.999"] {
            assert_eq!(Status::parse(text.as_bytes()).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_status_is_refused() {
        for text in [
            "", "5", "5.1", "5.1.", "3.1.1", "5.1.1.1", "5.1000.1", "5.1.a", "5.1.1 ", "+5.1.1",
            "5..1",
        ] {
            assert_eq!(Status::parse(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn the_class_of_a_reply_is_its_first_digit() {
        assert_eq!(Class::of_code(250), Some(Class::Success));
        assert_eq!(Class::of_code(451), Some(Class::PersistentTransient));
        assert_eq!(Class::of_code(554), Some(Class::Permanent));
        assert_eq!(Class::of_code(150), None);
        assert_eq!(Class::of_code(600), None);
    }
}
