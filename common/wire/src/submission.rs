//! What smtpd, inject and send say to queue, and what it answers.
//!
//! `Mail` → `Go` or `Refused`; then `Recipient`* and [`content`]* in any order, `Commit` → `Queued` or `Refused`. `Abort`
//! or a new `Mail` voids what was begun; so does the end of the connection. After `Queued` the message
//! is on the disk with its directory entry. Any number of messages go over one connection, one at a time.

use std::net::IpAddr;

use crate::QueueId;
use crate::envelope::{Recipient, Sender};
pub use crate::field::Bytes;

/// Kind byte of a packet whose rest is content as it is, lines ended by LF.
pub const CONTENT: u8 = b'D';
/// The most content in one packet.
pub const CONTENT_LIMIT: usize = 64 * 1024;

/// The content in a packet, if it is one of content: read without a copy.
#[must_use]
pub fn content(packet: &[u8]) -> Option<&[u8]> {
    packet
        .split_first()
        .filter(|(kind, _)| **kind == CONTENT)
        .map(|(_, rest)| rest)
}

record! {
    /// Where a message came from. queue makes the Received field (RFC 5321 section 4.4) and the journal's first words of it.
    pub struct Origin {
        /// As in `with`: `SMTP`, `ESMTP`, `UTF8SMTP`, `local`, `bounce`.
        pub protocol: String,
        /// What the client said in HELO or EHLO; empty if none.
        pub helo: Bytes,
        /// The client's address, none for local injection.
        pub address: Option<IpAddr>,
        /// The client's name if somebody looked it up (TCPREMOTEHOST); empty if none.
        pub name: Bytes,
    }
}

packets! {
    /// To queue.
    pub enum ToQueue {
        /// Begins a message.
        b'M' Mail {
            /// The sender's side of the envelope.
            sender: Sender,
            /// Octets in CRLF form as declared by SIZE=, 0 if not.
            size: u64,
            /// Where it came from.
            origin: Origin,
            /// The message that this one is a child of: then it is made complete and flushed in tmp/ and left there
            /// until clean publishes it. Only send may say so.
            parent: Option<QueueId>,
        },
        /// One recipient.
        b'R' Recipient { /// It.
            recipient: Recipient },
        /// Replaces the sender's side of the envelope, for a program that learns it after the content, as qmail-queue does.
        b'E' Envelope { /// The sender's side.
            sender: Sender },
        /// The message is complete.
        b'C' Commit { /// Octets of content that were sent, as a check.
            octets: u64,
            /// Octets the content has with CRLF line ends.
            crlf_octets: u64 },
        /// The message is void.
        b'A' Abort {},
        /// From now on tell me of every message that arrives. Only send may say so.
        b'S' Subscribe {},
        /// Are you there?
        b'P' Ping {},
    }
}

choice! {
    /// Why queue did not take a message.
    pub enum Refusal {
        /// The file system is nearly full (`minfree`) or full: 452 4.3.1.
        b'F' NoSpace,
        /// Over `databytes`: 552 5.3.4.
        b'S' TooBig,
        /// Over `maxrecipients`: 452 4.5.3.
        b'R' TooManyRecipients,
        /// Anything that may go better later: 451 4.3.0.
        b'T' Temporary,
        /// What was said made no sense or was not allowed: 554 5.3.0.
        b'N' NotAllowed,
    }
}

packets! {
    /// From queue.
    pub enum FromQueue {
        /// Go on with recipients and content.
        b'G' Go {},
        /// The message is on the disk.
        b'Q' Queued { /// Its name.
            id: QueueId },
        /// The message is void.
        b'N' Refused { /// Why.
            refusal: Refusal,
            /// For the log: what failed on which file.
            reason: String },
        /// To a subscriber: a message came into new/.
        b'A' Arrived { /// Its name.
            id: QueueId },
        /// To a subscriber: some arrivals were not told; scan. It is also the first that a subscriber hears.
        b'O' Overflow {},
        /// I am here.
        b'P' Pong {},
    }
}
