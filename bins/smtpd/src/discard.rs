//! What of the message under way is thrown away, and why.

use stafette_addr::Mailbox;

/// Recipients that get nothing. They are logged once the client has heard that the message was accepted.
#[derive(Debug, Default)]
pub(crate) struct Discards {
    /// Why nobody gets it.
    message: Option<String>,
    recipients: Vec<(Mailbox, String)>,
    kept: usize,
}

impl Discards {
    /// Of a message that nobody will get.
    pub(crate) fn everything(reason: String) -> Self {
        Self {
            message: Some(reason),
            ..Self::default()
        }
    }

    /// Why nobody gets it, if nobody does.
    pub(crate) fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// This one gets it.
    pub(crate) fn keep(&mut self) {
        self.kept = self.kept.saturating_add(1);
    }

    /// This one does not.
    pub(crate) fn add(&mut self, mailbox: Mailbox, reason: String) {
        self.recipients.push((mailbox, reason));
    }

    /// Whether there is nobody left to get it.
    pub(crate) fn is_everything(&self) -> bool {
        self.kept == 0
    }

    /// Those who do not get it, and why.
    pub(crate) fn recipients(&self) -> impl Iterator<Item = (&Mailbox, &str)> {
        self.recipients
            .iter()
            .map(|(mailbox, reason)| (mailbox, reason.as_str()))
    }
}
