//! What our server says: a code, an enhanced status and words.

use std::borrow::Cow;

use crate::status::{Class, Status};

/// The most octets of a reply line, CRLF included (RFC 5321 section 4.5.3.1.5).
pub const REPLY_LINE_MAX: usize = 512;

/// A reply of one or more lines (RFC 5321 section 4.2), each with the enhanced status, if any (RFC 2034 section 4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The reply code.
    pub code: u16,
    /// The enhanced status; greetings and the replies to HELO and EHLO have none.
    pub status: Option<Status>,
    /// The words, line by line.
    pub lines: Vec<Cow<'static, str>>,
}

impl Reply {
    /// A reply of one line.
    #[must_use]
    pub fn new(code: u16, status: Status, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            status: Some(status),
            lines: vec![text.into()],
        }
    }

    /// A reply without an enhanced status.
    #[must_use]
    pub fn plain(code: u16, lines: Vec<Cow<'static, str>>) -> Self {
        Self {
            code,
            status: None,
            lines,
        }
    }

    /// A reply that says "not now" about the whole session, which then ends; `host` is our name (RFC 5321 section 3.8).
    #[must_use]
    pub fn closing(host: &str, status: Status, text: &str) -> Self {
        Self::new(421, status, format!("{host} {text}"))
    }

    /// Whether it is success, "not now" or "never".
    #[must_use]
    pub fn class(&self) -> Class {
        Class::of_code(self.code).unwrap_or(Class::Permanent)
    }

    /// Writes the reply for the wire. Whatever is not printable ASCII becomes `?`, and long lines are cut: nothing that
    /// is put into a reply can end a line of it or begin one.
    pub fn encode(&self, wire: &mut Vec<u8>) {
        let empty = [Cow::Borrowed("")];
        let lines = if self.lines.is_empty() {
            &empty[..]
        } else {
            &self.lines
        };
        for (index, text) in lines.iter().enumerate() {
            let mark = if index + 1 == lines.len() { ' ' } else { '-' };
            let mut line = format!("{:03}{mark}", self.code);
            if let Some(status) = self.status {
                line.push_str(&status.to_string());
                line.push(' ');
            }
            line.extend(text.chars().map(|c| match c {
                ' '..='~' => c,
                _ => '?',
            }));
            line.truncate(REPLY_LINE_MAX - 2); // all ASCII by now
            wire.extend_from_slice(line.as_bytes());
            wire.extend_from_slice(b"\r\n");
        }
    }

    /// The reply as one vector for the wire.
    #[must_use]
    pub fn to_wire(&self) -> Vec<u8> {
        let mut wire = Vec::new();
        self.encode(&mut wire);
        wire
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_but_the_last_has_a_hyphen() {
        let reply = Reply::plain(250, vec!["host".into(), "SIZE 5".into(), "DSN".into()]);
        assert_eq!(reply.to_wire(), b"250-host\r\n250-SIZE 5\r\n250 DSN\r\n");
    }

    #[test]
    fn each_line_has_the_status() {
        let mut reply = Reply::new(550, Status::permanent(1, 1), "no such user");
        reply.lines.push("ask the postmaster".into());
        assert_eq!(
            reply.to_wire(),
            b"550-5.1.1 no such user\r\n550 5.1.1 ask the postmaster\r\n"
        );
    }

    #[test]
    fn no_words_can_end_a_line() {
        let reply = Reply::new(550, Status::permanent(0, 0), "a\r\n250 b\0\u{fc}");
        assert_eq!(reply.to_wire(), b"550 5.0.0 a??250 b??\r\n");
    }

    #[test]
    fn long_words_are_cut() {
        let wire = Reply::new(250, Status::success(0, 0), "x".repeat(1000)).to_wire();
        assert_eq!(wire.len(), REPLY_LINE_MAX);
        assert!(wire.ends_with(b"x\r\n"));
    }

    #[test]
    fn a_reply_without_words_is_still_a_line() {
        assert_eq!(Reply::plain(250, Vec::new()).to_wire(), b"250 \r\n");
    }
}
