//! What mailq and stafette ask send.

use stafette_addr::{Mailbox, ReversePath};

use crate::QueueId;
pub use crate::field::Bytes;

packets! {
    /// To send, from an operator. What changes something is for root and the owner of the instance.
    pub enum ToSend {
        /// All messages, oldest first: `Entry`*, then `End`.
        b'L' List {},
        /// Try everything now, or what waits for one domain; dead hosts are forgotten.
        b'F' Flush { /// Only this domain.
            domain: Option<String> },
        /// Keep a message back.
        b'H' Hold { /// It.
            id: QueueId },
        /// Let it go again.
        b'E' Release { /// It.
            id: QueueId },
        /// Remove it without a report.
        b'R' Remove { /// It.
            id: QueueId },
        /// Settings that send reads at run time (`paused`) changed.
        b'U' Reload {},
        /// Are you there?
        b'P' Ping {},
    }
}

choice! {
    /// Where a message stands.
    pub enum Standing {
        /// Being tried now.
        b'A' Active,
        /// Waiting for its time.
        b'W' Waiting,
        /// Held by the operator.
        b'H' Held,
        /// Unreadable, put aside.
        b'B' Bad,
    }
}

record! {
    /// One recipient that is not finished.
    pub struct EntryRecipient {
        /// The recipient.
        pub mailbox: Mailbox,
        /// Why it waits: words of the last attempt, empty before the first.
        pub reason: Bytes,
    }
}

record! {
    /// One message of a listing.
    pub struct Entry {
        /// Its name.
        pub id: QueueId,
        /// Where it stands.
        pub standing: Standing,
        /// Octets of content.
        pub octets: u64,
        /// Unix time of its arrival.
        pub arrived: i64,
        /// Unix time of the next attempt, 0 if now or never.
        pub next_attempt: i64,
        /// The reverse-path.
        pub from: ReversePath,
        /// Recipients not finished. When they are too many for one packet, further entries with the same ID follow.
        pub recipients: Vec<EntryRecipient>,
    }
}

packets! {
    /// From send, to an operator.
    pub enum FromSend {
        /// One message.
        b'E' Entry { /// It.
            entry: Entry },
        /// The listing is complete.
        b'Z' End {},
        /// Done.
        b'K' Done { /// In words.
            text: String },
        /// Not done.
        b'N' Refused { /// Why, and what to do.
            text: String },
        /// I am here.
        b'P' Pong {},
    }
}
