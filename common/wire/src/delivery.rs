//! What send says to local and remote, and what they report.
//!
//! A `Job` carries one descriptor: the queue file, open for reading only. The parent answers it with
//! one `Outcome` and keeps that until `Acknowledge`. The first packet on each connection is `Hello`
//! with the jobs still running, followed by every `Outcome` not acknowledged, so that a restarted send
//! starts nothing twice. `send` never names a user id, a path or a command.

use stafette_addr::{Mailbox, ReversePath};

use crate::QueueId;
use crate::envelope::{Body, Recipient, Ret};
pub use crate::field::Bytes;

record! {
    /// Where in the queue file the content is, and what it must be.
    pub struct Content {
        /// First octet in the file.
        pub offset: u64,
        /// Octets, lines ended by LF.
        pub octets: u64,
        /// CRC-32 (ISO-HDLC) of those octets.
        pub crc32: u32,
        /// Octets with CRLF line ends, for SIZE=.
        pub crlf_octets: u64,
    }
}

record! {
    /// One recipient of a job.
    pub struct JobRecipient {
        /// Its number in the message's envelope.
        pub index: u32,
        /// The recipient.
        pub recipient: Recipient,
    }
}

choice! {
    /// How remote speaks to the next hop.
    pub enum Protocol {
        /// SMTP (RFC 5321).
        b'S' Smtp,
        /// LMTP over TCP (RFC 2033).
        b'L' Lmtp,
        /// LMTP over a Unix socket: `host` is its path.
        b'U' LmtpUnix,
    }
}

record! {
    /// Where remote is to go.
    pub struct NextHop {
        /// The destination's line in send: jobs with equal names may share a connection.
        pub line: String,
        /// A domain (with `mx`), a host name or an address literal in brackets.
        pub host: String,
        /// TCP port.
        pub port: u16,
        /// Ask for mail exchangers of `host`; otherwise it is the host itself.
        pub mx: bool,
        /// What is spoken there.
        pub protocol: Protocol,
    }
}

record! {
    /// One delivery: one local recipient, or recipients of one transaction.
    pub struct Job {
        /// Number of the job, unique as long as it or its outcome lives, also across restarts of send.
        pub job: u64,
        /// The message.
        pub id: QueueId,
        /// The reverse-path.
        pub from: ReversePath,
        /// Whom to deliver to: exactly one for local.
        pub recipients: Vec<JobRecipient>,
        /// Where to; none for local.
        pub next_hop: Option<NextHop>,
        /// BODY=.
        pub body: Body,
        /// SMTPUTF8 was asked for.
        pub smtputf8: bool,
        /// RET=.
        pub ret: Option<Ret>,
        /// ENVID=.
        pub envid: Option<Bytes>,
        /// The content in the descriptor.
        pub content: Content,
        /// Header fields to put before the content, each whole, folded, without its last line end.
        pub add: Vec<Bytes>,
    }
}

packets! {
    /// To local or remote.
    pub enum ToDelivery {
        /// Deliver this. One descriptor rides along.
        b'J' Job { /// It.
            job: Job },
        /// The outcome is recorded: forget it.
        b'A' Acknowledge { /// Its job.
            job: u64 },
        /// Are you there?
        b'P' Ping {},
    }
}

choice! {
    /// What became of one recipient.
    pub enum Fate {
        /// It is where it should be: in the mailbox, or another host took responsibility (RFC 5321 section 6.1).
        b'K' Delivered,
        /// Not now (class 4).
        b'Z' Deferred,
        /// Never (class 5).
        b'D' Failed,
        /// One of our own programs died over it: no attempt at all, tried again at once.
        b'C' Cut,
    }
}

record! {
    /// The result for one recipient.
    pub struct RecipientOutcome {
        /// Its number in the message's envelope.
        pub index: u32,
        /// What became of it.
        pub fate: Fate,
        /// Enhanced status code such as `2.0.0` (RFC 3463).
        pub status: String,
        /// The peer's own words, or ours if no peer spoke; bounded, any bytes.
        pub reply: Bytes,
        /// The words are an SMTP reply of the peer (RFC 3464 section 2.3.6: `smtp;`).
        pub from_peer: bool,
    }
}

choice! {
    /// What an attempt showed about the destination as a whole.
    pub enum Host {
        /// It answered as a mail server does.
        b'A' Alive,
        /// No connection, or lost before it could judge a message: leave it alone for a while.
        b'D' Dead,
        /// Nothing was learned (local deliveries, no attempt).
        b'U' Unknown,
    }
}

record! {
    /// Milliseconds of each stage of an attempt, for the log.
    pub struct Delays {
        /// Look-ups and connecting; for local: waiting for the worker.
        pub connect: u32,
        /// Transaction.
        pub transfer: u32,
    }
}

record! {
    /// A message that goes on to others: a forward of .forward or .qmail. send makes it a child of the message.
    pub struct Forward {
        /// Its reverse-path.
        pub from: ReversePath,
        /// Its reverse-path is one for each recipient (see `envelope::Sender`).
        pub verp: bool,
        /// To whom; at least one, and so many that the outcome fits a packet.
        pub to: Vec<Mailbox>,
    }
}

record! {
    /// How a job ended.
    pub struct Outcome {
        /// The job.
        pub job: u64,
        /// The message.
        pub id: QueueId,
        /// For each recipient of the job.
        pub results: Vec<RecipientOutcome>,
        /// `host[address]:port`, `local`, or empty if no host was reached.
        pub relay: String,
        /// What was learned about the destination.
        pub host: Host,
        /// Where the message goes on to, as the recipient wishes; only from local, and only if the recipient was delivered.
        pub forward: Option<Forward>,
        /// Whether the peer offered DSN, so that it reports success itself (RFC 3461 section 6.2.1).
        pub peer_reports: bool,
        /// Stages.
        pub delays: Delays,
        /// The content did not have its checksum: nothing was delivered, and the file belongs into bad/.
        pub damaged: bool,
    }
}

record! {
    /// A job that still runs.
    pub struct Running {
        /// The job.
        pub job: u64,
        /// The message.
        pub id: QueueId,
        /// The recipients' numbers.
        pub recipients: Vec<u32>,
    }
}

packets! {
    /// From local or remote.
    pub enum FromDelivery {
        /// First on each connection, in as many packets as it takes.
        b'H' Hello { /// What still runs.
            running: Vec<Running>,
            /// No further Hello follows.
            last: bool,
            /// So many outcomes that were not acknowledged follow the last Hello. A send that has them knows all
            /// that happened before it came, and only then gives jobs.
            ended: u32,
            /// Jobs taken at once at most.
            concurrency: u32 },
        /// A job ended.
        b'O' Outcome { /// How.
            outcome: Outcome },
        /// I am here.
        b'P' Pong {},
    }
}
