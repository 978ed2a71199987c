//! What smtpd and send ask users.

use stafette_addr::{Mailbox, ReversePath};

use crate::delivery::NextHop;
use crate::envelope::Expanded;

packets! {
    /// To users.
    pub enum ToUsers {
        /// From send: where does mail for this recipient go?
        b'L' Lookup { /// Chosen by the asker, given back with the answer.
            seq: u32,
            /// The recipient.
            mailbox: Mailbox,
            /// What was decided before.
            expanded: Expanded,
            /// The reverse-path, if this message is a forward: where another host would refuse it as a forgery
            /// (SPF), the answer tells what to say instead.
            forwarded: Option<ReversePath> },
        /// From smtpd: is this recipient to be taken from a client?
        b'C' Check { /// Chosen by the asker, given back with the answer.
            seq: u32,
            /// The recipient.
            mailbox: Mailbox },
        /// Are you there?
        b'P' Ping {},
    }
}

record! {
    /// One recipient that an expansion leads to.
    pub struct Target {
        /// The address.
        pub mailbox: Mailbox,
        /// What it means: never `No`.
        pub expanded: Expanded,
    }
}

packets! {
    /// From users.
    pub enum FromUsers {
        /// To a lookup: it is delivered here, by local.
        b'L' Local { /// As asked.
            seq: u32,
            /// Names the account: mail for equal keys is delivered by one worker. The line's user name, or the account's.
            account: String },
        /// To a lookup: it goes to another host, by remote.
        b'R' Remote { /// As asked.
            seq: u32,
            /// Where to.
            next_hop: NextHop,
            /// The reverse-path to use there, if not the message's own.
            sender: Option<ReversePath> },
        /// To a lookup: it stands for others. Further packets of this kind with the same `seq` follow while `more`.
        b'E' Expand { /// As asked.
            seq: u32,
            /// For whom it stands, each once. None at all: it is to be thrown away, as its owner wishes.
            targets: Vec<Target>,
            /// The reverse-path from then on (`owner-NAME`), if not the message's own: it is a mailing list.
            owner: Option<ReversePath>,
            /// More targets follow.
            more: bool },
        /// To a check: take it.
        b'A' Accepted { /// As asked.
            seq: u32 },
        /// To a check: say that it was taken, and throw it away, as the operator wishes (access).
        b'D' Discard { /// As asked.
            seq: u32 },
        /// To a check: it is for another host, and not one that everybody may send to through us.
        b'X' NotOurs { /// As asked.
            seq: u32 },
        /// To either: the domain is ours, and nobody has that name.
        b'N' NoSuchUser { /// As asked.
            seq: u32 },
        /// To either: the operator's tables refuse it.
        b'F' Refused { /// As asked.
            seq: u32,
            /// SMTP reply code, 4xx or 5xx.
            code: u16,
            /// Enhanced status code of the same class (RFC 3463).
            status: String,
            /// In the table's words.
            text: String },
        /// To either: a table or the account database did not answer: ask again later. Never a reason to refuse.
        b'T' Later { /// As asked.
            seq: u32,
            /// For the log.
            reason: String },
        /// I am here.
        b'P' Pong {},
    }
}
