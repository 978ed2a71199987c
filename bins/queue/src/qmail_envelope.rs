//! The envelope that qmail-queue reads on descriptor 1: `F` sender NUL, `T` recipient NUL for each recipient, NUL.

use stafette_addr::{AddrError, Mailbox, ReversePath};
use stafette_wire::exit::QueueExit;

/// Octets of an address at most, as in qmail-queue.
const ADDRESS_LIMIT: usize = 1003;

/// Why an envelope is none: the exit code and words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadEnvelope {
    pub(crate) code: QueueExit,
    pub(crate) text: String,
}

impl BadEnvelope {
    fn new(code: QueueExit, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }
}

/// A part of an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// The sender, and whether its address is one for each recipient (`-@[]` behind it).
    Sender(ReversePath, bool),
    /// One recipient.
    Recipient(Mailbox),
    /// The end.
    End,
}

/// Reads an envelope byte by byte, in the memory of one address.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    kind: Option<u8>,
    address: Vec<u8>,
    has_sender: bool,
}

impl Parser {
    /// Takes one byte; gives a part when it is complete.
    pub(crate) fn take(&mut self, byte: u8) -> Result<Option<Part>, BadEnvelope> {
        match (self.kind, byte) {
            (None, b'F') if !self.has_sender => self.kind = Some(byte),
            (None, b'T') if self.has_sender => self.kind = Some(byte),
            (None, 0) if self.has_sender => return Ok(Some(Part::End)),
            (None, _) => {
                return Err(BadEnvelope::new(
                    QueueExit::Envelope,
                    "the envelope has not the form F…\\0 T…\\0 \\0",
                ));
            }
            (Some(kind), 0) => {
                self.kind = None;
                let address = std::mem::take(&mut self.address);
                return self.part(kind, &address).map(Some);
            }
            (Some(_), _) if self.address.len() >= ADDRESS_LIMIT => {
                return Err(BadEnvelope::new(
                    QueueExit::AddressTooLong,
                    "an address is too long",
                ));
            }
            (Some(_), byte) => self.address.push(byte),
        }
        Ok(None)
    }

    fn part(&mut self, kind: u8, address: &[u8]) -> Result<Part, BadEnvelope> {
        let bad = |error: AddrError| {
            let code = match error {
                AddrError::LocalPartTooLong | AddrError::DomainTooLong => QueueExit::AddressTooLong,
                _ => QueueExit::Refused,
            };
            BadEnvelope::new(
                code,
                format!("{}: {error}", stafette_text::quote(address, 100)),
            )
        };
        if kind == b'T' {
            return Mailbox::parse(address).map(Part::Recipient).map_err(bad);
        }
        self.has_sender = true;
        // qmail's sender of double bounces: nobody is told of them either.
        if matches!(address, b"" | b"#@[]") {
            return Ok(Part::Sender(ReversePath::Null, false));
        }
        let (address, verp) = match address.strip_suffix(b"-@[]") {
            Some(address) => (address, true),
            None => (address, false),
        };
        Mailbox::parse(address)
            .map(|mailbox| Part::Sender(mailbox.into(), verp))
            .map_err(bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<String>, QueueExit> {
        let mut parser = Parser::default();
        let mut parts = Vec::new();
        for byte in bytes {
            match parser.take(*byte).map_err(|bad| bad.code)? {
                None => {}
                Some(Part::Sender(path, false)) => parts.push(format!("F{path}")),
                Some(Part::Sender(path, true)) => parts.push(format!("V{path}")),
                Some(Part::Recipient(mailbox)) => parts.push(format!("T{mailbox}")),
                Some(Part::End) => parts.push("end".into()),
            }
        }
        Ok(parts)
    }

    #[test]
    fn sender_and_recipients_are_read() {
        assert_eq!(
            read(b"Fa@x.test\0Tb@x.test\0Tc@y.test\0\0"),
            Ok(vec![
                "Fa@x.test".into(),
                "Tb@x.test".into(),
                "Tc@y.test".into(),
                "end".into()
            ])
        );
        assert_eq!(read(b"F\0Tb@x.test\0\0").unwrap()[0], "F");
        assert_eq!(read(b"F#@[]\0Tb@x.test\0\0").unwrap()[0], "F");
    }

    #[test]
    fn a_sender_with_qmails_mark_has_an_address_for_each_recipient() {
        assert_eq!(
            read(b"Flist-owner-@x.test-@[]\0Tb@x.test\0\0").unwrap()[0],
            "Vlist-owner-@x.test"
        );
        assert_eq!(
            read(b"F-@[]\0Tb@x.test\0\0").unwrap_err(),
            QueueExit::Refused
        );
    }

    #[test]
    fn each_mistake_has_its_exit_code() {
        let long = [b"F".to_vec(), vec![b'a'; 1100], b"@x.test\0".to_vec()].concat();
        for (envelope, code) in [
            (&b"X"[..], QueueExit::Envelope),
            (b"Tb@x.test\0", QueueExit::Envelope),
            (b"Fa@x.test\0Fb@x.test\0", QueueExit::Envelope),
            (b"\0", QueueExit::Envelope),
            (&long, QueueExit::AddressTooLong),
            (b"F\0Tb\0", QueueExit::Refused),
            (b"F\0Ta\nb@x.test\0", QueueExit::Refused),
        ] {
            assert_eq!(read(envelope), Err(code), "{envelope:?}");
        }
    }
}
