//! An address as a table writes it: a mailbox, or a name of this host.

use std::fmt;

use stafette_addr::{AddrError, Domain, LocalPart, Mailbox};
use stafette_control::Mistake;

/// A local-part, with a domain or without one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// The local-part, as it is meant.
    pub local: LocalPart,
    /// The domain; none for a name of this host.
    pub domain: Option<Domain>,
}

impl Address {
    /// Reads the wire form: `joe`, `joe@example.org`, `"joe user"@example.org`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        let text = text.trim();
        match Mailbox::parse(text.as_bytes()) {
            Ok(mailbox) => Self::from(&mailbox).checked(text),
            Err(AddrError::NoDomain) => LocalPart::parse(text.as_bytes())
                .map_err(|_| mistake(text))
                .and_then(|local| Self::here(local).checked(text)),
            Err(_) => Err(mistake(text)),
        }
    }

    /// Reads what stood in quotes as a whole: a mailbox if it can be one, else a name.
    pub(super) fn from_unquoted(text: &str) -> Result<Self, Mistake> {
        if let Ok(mailbox) = Mailbox::parse(text.as_bytes()) {
            return Self::from(&mailbox).checked(text);
        }
        LocalPart::from_unquoted(text.as_bytes())
            .map_err(|_| mistake(text))
            .and_then(|local| Self::here(local).checked(text))
    }

    /// A name that begins like a program or a file would be read as one when it is written again.
    fn checked(self, text: &str) -> Result<Self, Mistake> {
        if self.local.as_str().starts_with(['|', '/']) {
            return Err(mistake(text));
        }
        Ok(self)
    }

    /// A name of this host.
    #[must_use]
    pub fn here(local: LocalPart) -> Self {
        let domain = None;
        Self { local, domain }
    }

    /// The mailbox that is meant; a name belongs to `here`.
    #[must_use]
    pub fn mailbox(&self, here: &Domain) -> Mailbox {
        let domain = self.domain.as_ref().unwrap_or(here);
        Mailbox::new(self.local.clone(), domain.clone())
    }
}

impl From<&Mailbox> for Address {
    fn from(mailbox: &Mailbox) -> Self {
        Self {
            local: mailbox.local().clone(),
            domain: Some(mailbox.domain().clone()),
        }
    }
}

/// The wire form.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.domain {
            Some(domain) => write!(f, "{}@{domain}", self.local),
            None => write!(f, "{}", self.local),
        }
    }
}

pub(super) fn mistake(text: &str) -> Mistake {
    let shown: String = text.chars().take(80).collect();
    Mistake::new(
        format!("not an address: {shown}"),
        "write NAME or NAME@DOMAIN, with commas between several; a name with odd signs stands in double quotes",
    )
}
