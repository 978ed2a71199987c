//! What mailq and stafette ask send.

use stafette_addr::{Mailbox, ReversePath};

use crate::QueueId;
pub use crate::field::Bytes;

choice! {
    /// What of a message a flush looks at.
    pub enum By {
        /// The domain of a recipient, as a whole.
        b'D' Domain,
        /// A recipient, any part of it (`sendmail -qR`).
        b'R' Recipient,
        /// The reverse-path, any part of it (`sendmail -qS`).
        b'S' Sender,
        /// The queue ID, any part of it (`sendmail -qI`).
        b'I' Id,
    }
}

record! {
    /// Some messages of the queue; letters are compared without case.
    pub struct Selection {
        /// What is looked at.
        pub by: By,
        /// What stands there.
        pub text: String,
    }
}

record! {
    /// What is known of a destination.
    pub struct HostEntry {
        /// The destination's line.
        pub destination: String,
        /// The host that was spoken to last, or empty.
        pub relay: String,
        /// Unix time of the last attempt.
        pub tried: i64,
        /// Dead until then (Unix time), 0 if it is not dead.
        pub dead_until: i64,
        /// Recipients waiting for it now.
        pub waiting: u64,
        /// Words of the last outcome.
        pub reply: Bytes,
    }
}

packets! {
    /// To send, from an operator. What changes something is for root and the owner of the instance.
    pub enum ToSend {
        /// All messages, oldest first: `Entry`*, then `End`.
        b'L' List {},
        /// Try everything now, or these messages; dead hosts are forgotten. smtpd may ask for domains (ETRN).
        b'F' Flush { /// Only these.
            selection: Option<Selection> },
        /// What is known of destinations: `Host`*, then `End` (hoststat).
        b'T' Hosts {},
        /// Forget it (purgestat).
        b'O' ForgetHosts {},
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
        /// One destination.
        b'H' Host { /// It.
            host: HostEntry },
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
