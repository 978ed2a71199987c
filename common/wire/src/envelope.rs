//! The parts of an envelope (RFC 5321 section 2.3.1) and of its delivery options (RFC 3461).

use stafette_addr::{Mailbox, ReversePath};

pub use crate::field::Bytes;
use crate::{Reader, Wire, WireError};

choice! {
    /// What BODY= said (RFC 6152), or what the content turned out to be.
    pub enum Body { /// Only 7-bit octets.
        b'7' SevenBit, /// Octets over 127 occur or may occur.
        b'8' EightBit }
}

choice! {
    /// RET= (RFC 3461 section 4.3): what a failure report gives back.
    pub enum Ret { /// The whole message.
        b'F' Full, /// The header section only.
        b'H' Headers }
}

/// NOTIFY= (RFC 3461 section 4.1); the default is failure and delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Notify {
    /// A report when it was delivered (or relayed to where reports are unknown).
    pub success: bool,
    /// A report when it failed.
    pub failure: bool,
    /// A warning when it is late.
    pub delay: bool,
}

impl Notify {
    /// NOTIFY=NEVER.
    pub const NEVER: Self = Self {
        success: false,
        failure: false,
        delay: false,
    };

    /// As the parameter's value.
    #[must_use]
    pub fn to_text(self) -> String {
        let words: Vec<&str> = [
            (self.success, "SUCCESS"),
            (self.failure, "FAILURE"),
            (self.delay, "DELAY"),
        ]
        .iter()
        .filter(|(on, _)| *on)
        .map(|(_, word)| *word)
        .collect();
        if words.is_empty() {
            "NEVER".to_owned()
        } else {
            words.join(",")
        }
    }

    /// Reads the parameter's value, case folded; NEVER stands alone.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut notify = Self::NEVER;
        if text.eq_ignore_ascii_case(b"never") {
            return Some(notify);
        }
        for word in text.split(|byte| *byte == b',') {
            match word.to_ascii_lowercase().as_slice() {
                b"success" => notify.success = true,
                b"failure" => notify.failure = true,
                b"delay" => notify.delay = true,
                _ => return None,
            }
        }
        Some(notify)
    }
}

impl Wire for Notify {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.success) | u8::from(self.failure) << 1 | u8::from(self.delay) << 2);
    }
    fn take(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        match u8::take(reader)? {
            bits @ 0..=7 => Ok(Self {
                success: bits & 1 != 0,
                failure: bits & 2 != 0,
                delay: bits & 4 != 0,
            }),
            _ => Err(WireError::BadValue("NOTIFY")),
        }
    }
}

choice! {
    /// Whether a recipient came out of an alias or another table, and so is not expanded again: an expansion happens once.
    pub enum Expanded {
        /// It is an address as somebody wrote it.
        b'N' No,
        /// It means the mailbox of that account, or another host, whatever the tables say.
        b'M' Mailbox,
        /// It means the programs and files of the alias of that name, and nothing else of it.
        b'L' Lines,
    }
}

record! {
    /// One recipient, from RCPT.
    pub struct Recipient {
        /// The forward-path.
        pub mailbox: Mailbox,
        /// NOTIFY=, if it was given.
        pub notify: Option<Notify>,
        /// ORCPT= decoded from xtext, such as `rfc822;user@example.org`, if it was given; at most 500 octets.
        pub orcpt: Option<Bytes>,
        /// What is left to be decided about it. Only send may say anything but `No`.
        pub expanded: Expanded,
    }
}

record! {
    /// The sender's side of the envelope, from MAIL.
    pub struct Sender {
        /// The reverse-path.
        pub from: ReversePath,
        /// BODY=.
        pub body: Body,
        /// SMTPUTF8 (RFC 6531).
        pub smtputf8: bool,
        /// RET=, if it was given.
        pub ret: Option<Ret>,
        /// ENVID= decoded from xtext, if it was given; at most 100 octets.
        pub envid: Option<Bytes>,
        /// Variable envelope return paths: each recipient `user@host` gets the message from `LOCALuser=host@DOMAIN`, where
        /// `LOCAL@DOMAIN` is the reverse-path (qmail writes `LOCAL@DOMAIN-@[]`).
        pub verp: bool,
    }
}
