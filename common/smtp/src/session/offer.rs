//! What our server offers and how much of it.

use std::borrow::Cow;

use stafette_addr::Domain;

/// The limits of a session and the name it goes by.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Our name, in greetings.
    pub host: String,
    /// The largest message, in octets with CRLF; 0 is any.
    pub size: u64,
    /// Recipients a message.
    pub recipients: usize,
    /// Wrong commands a session.
    pub wrong_commands: u32,
    /// Commands a session.
    pub commands: u32,
    /// Whether VRFY says who is known here; if not it says nothing.
    pub vrfy: bool,
    /// Whether EXPN says which names are known here; if not it is no command.
    pub expn: bool,
    /// Whether mail that waits for a domain can be asked for (RFC 1985); if not it is no command.
    pub etrn: bool,
    /// The domain that a trusted local client may leave out.
    pub qualify: Option<Domain>,
}

impl Offer {
    /// The usual limits.
    #[must_use]
    pub fn new(host: &str) -> Self {
        Self {
            host: host.to_owned(),
            size: 50_000_000,
            recipients: 1_000,
            wrong_commands: 20,
            commands: 10_000,
            vrfy: false,
            expn: false,
            etrn: false,
            qualify: None,
        }
    }

    pub(super) fn is_too_large(&self, size: u64) -> bool {
        self.size > 0 && size > self.size
    }

    /// RFC 5321 section 4.1.1.1: our name and a line for each extension.
    pub(super) fn ehlo_lines(&self) -> Vec<Cow<'static, str>> {
        let mut lines: Vec<Cow<'static, str>> = vec![
            self.host.clone().into(),
            "PIPELINING".into(),
            format!("SIZE {}", self.size).into(),
            "8BITMIME".into(),
            "SMTPUTF8".into(),
            "ENHANCEDSTATUSCODES".into(),
            "CHUNKING".into(),
            "DSN".into(),
        ];
        if self.etrn {
            lines.push("ETRN".into());
        }
        lines.push("HELP".into());
        lines
    }
}
