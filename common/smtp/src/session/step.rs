//! What the caller is to do next.

use stafette_addr::{Domain, Mailbox, ReversePath};

use crate::command::{MailParams, RcptParams, RcptPath};
use crate::reply::Reply;

/// What to do about a line.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Say it and read the next line.
    Reply(Reply),
    /// Say it and hang up.
    Close(Reply),
    /// Ask whether a message can be taken; answer by [`super::Session::mail_answered`].
    OpenMail(Mail),
    /// Ask whether the recipient is one for us; answer by [`super::Session::rcpt_answered`].
    CheckRecipient(Recipient),
    /// Say it, read with [`crate::DataDecoder`] to the end; answer by [`super::Session::content_answered`].
    ReadData(Reply),
    /// Read so many octets with the transaction's [`crate::ChunkDecoder`]. Behind the last chunk, or if something went wrong, answer by
    /// [`super::Session::content_answered`], else by [`super::Session::chunk_read`].
    ReadChunk {
        /// How many octets.
        size: u64,
        /// Whether the message ends behind them.
        last: bool,
    },
    /// Ask whether there is such a mailbox; answer by [`super::Session::verified`].
    Verify(Mailbox),
    /// Ask whether there is such a name; answer by [`super::Session::expanded`].
    Expand(Mailbox),
    /// Have what waits for the domain tried now, if it is one that we keep mail for; answer by [`super::Session::flushed`].
    Flush(Domain),
    /// Read so many octets, throw them away, and say it.
    SkipChunk {
        /// How many octets.
        size: u64,
        /// Why.
        reply: Reply,
    },
}

/// The start of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Who is told of failures.
    pub from: ReversePath,
    /// What else was said.
    pub params: MailParams,
}

/// A recipient as the client named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The path.
    pub to: RcptPath,
    /// What else was said.
    pub params: RcptParams,
}

/// What to do after a recipient was checked.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What to say.
    pub reply: Reply,
    /// The recipient to add to the message: none if it was refused or is one already.
    pub add: Option<(Mailbox, RcptParams)>,
}
