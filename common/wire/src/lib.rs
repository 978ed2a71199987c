//! What Stafette's programs say to one another.
//!
//! One packet of a `SOCK_SEQPACKET` Unix socket is one message: a kind byte, then the fields of that
//! kind, all lengths bounded by [`MAX_PACKET`]. Encoding and decoding are pure; descriptors ride beside
//! the packet (`stafette_sys::packet`). A decoder takes any bytes and either gives a value whose
//! addresses were parsed anew, or a [`WireError`]; it never panics, and never reserves more than the
//! packet holds. Bytes left over are an error: a packet has exactly one reading.

#[macro_use]
mod packet;
pub mod clean;
pub mod delivery;
pub mod envelope;
pub mod exit;
mod field;
pub mod operator;
mod queue_id;
pub mod resolve;
pub mod submission;
pub mod tables;
pub mod users;

pub use field::{MAX_PACKET, Reader, Wire, WireError};
pub use packet::Packet;
pub use queue_id::QueueId;
