//! What send asks clean to write.

use crate::QueueId;
pub use crate::field::Bytes;

choice! {
    /// What happens to the file once its events are flushed.
    pub enum Then {
        /// It stays in the queue, in cur/.
        b'C' Keep,
        /// It is finished: removed, flushed.
        b'R' Remove,
        /// Into hold/.
        b'H' Hold,
        /// Out of hold/ into cur/.
        b'L' Release,
        /// Into bad/.
        b'B' Bad,
    }
}

packets! {
    /// To clean.
    pub enum ToClean {
        /// Append events, flush, publish the children they name, then do `then`.
        b'R' Record {
            /// Given back with the answer.
            seq: u64,
            /// The message.
            id: QueueId,
            /// Events in the journal's own grammar (FORMAT.md), each without length, checksum and line end. Checked before they are written.
            events: Vec<Bytes>,
            /// What then.
            then: Then,
        },
        /// Are you there?
        b'P' Ping {},
    }
}

packets! {
    /// From clean.
    pub enum FromClean {
        /// It is on the disk.
        b'K' Recorded { /// As asked.
            seq: u64 },
        /// It could not be written; what was written is void or will be skipped by readers.
        b'N' Refused { /// As asked.
            seq: u64,
            /// The file is not there (any more).
            missing: bool,
            /// What failed, on which file.
            reason: String },
        /// I am here.
        b'P' Pong {},
    }
}
