//! SMTP without a socket: commands, replies, data.
//!
//! The server's side is [`mod@line`] (octets to command lines), [`command`] (a line to what it asks for), [`session`] (what to do about
//! it and what to say), [`data`] (the content, on its way in). The client's side is [`peer_reply`], [`extension`], [`client`] and
//! [`encode`]. All of them take octets and give values; none does I/O, knows the time or can be made to use memory without bound.
//! Line ends are strict on the way in: CRLF is a line end, and nothing else is (RFC 5321 section 2.3.8).
#![forbid(unsafe_code)]

pub mod client;
pub mod command;
pub mod data;
pub mod encode;
pub mod extension;
pub mod line;
pub mod peer_reply;
pub mod reply;
pub mod session;
pub mod status;

pub use command::{Command, CommandError, parse_command};
pub use data::{ChunkDecoder, DataDecoder};
pub use extension::Extensions;
pub use peer_reply::{PeerMisbehaved, PeerReply, ReplyParser};
pub use reply::Reply;
pub use session::{Session, Step};
pub use status::{Class, Status};
