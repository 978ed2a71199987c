//! Which messages of the queue somebody means.

use stafette_control::{DomainSet, parse_pattern};
use stafette_queue_layout::{Journal, Standing};
use stafette_wire::QueueId;
use stafette_wire::operator::{By, Selection};

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Search {
    /// A pending recipient at one of these domains.
    Domains(DomainSet),
    /// This, in lower case, in a pending recipient.
    Recipient(String),
    /// This, in lower case, in the reverse-path.
    Sender(String),
    /// This, in lower case, in the name.
    Id(String),
}

impl Search {
    /// What an operator selects; `None` if it is no domain where one must be.
    pub(crate) fn of(selection: &Selection) -> Option<Self> {
        let text = selection.text.to_lowercase();
        Some(match selection.by {
            By::Domain => Self::Domains(std::iter::once(parse_pattern(&text).ok()?).collect()),
            By::Recipient => Self::Recipient(text),
            By::Sender => Self::Sender(text),
            By::Id => Self::Id(text),
        })
    }

    /// Whether the name alone says that a message is not meant: then it need not be read.
    pub(crate) fn excludes(&self, id: QueueId) -> bool {
        matches!(self, Self::Id(text) if !id.as_str().contains(text.as_str()))
    }

    /// Whether this message, whose name is not excluded, is meant.
    pub(crate) fn matches(&self, journal: &Journal) -> bool {
        let mut pending = journal
            .recipients()
            .filter(|(_, _, state)| state.standing == Standing::Pending)
            .map(|(_, recipient, _)| &recipient.mailbox);
        match self {
            Self::Domains(domains) => pending.any(|mailbox| domains.contains(mailbox.domain())),
            Self::Recipient(text) => {
                pending.any(|mailbox| mailbox.as_str().to_lowercase().contains(text))
            }
            Self::Sender(text) => {
                let from = journal.envelope.sender.from.as_str().to_lowercase();
                from.contains(text.as_str()) && pending.next().is_some()
            }
            Self::Id(_) => pending.next().is_some(),
        }
    }
}
