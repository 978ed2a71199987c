//! Upper bounds of everything that a reader of queue files keeps in memory.

/// Octets of the words of one journal line.
pub const LINE_LIMIT: usize = 8192;
/// Recipients of one message.
pub const MAX_RECIPIENTS: usize = 10_000;
/// Octets of the words of all envelope lines together.
pub const ENVELOPE_LIMIT: usize = 16 << 20;
/// Children of one event `forwarded`.
pub const FORWARDS_LIMIT: usize = 32;
/// Octets of a peer's words that are kept of one attempt.
pub const REPLY_LIMIT: usize = 1000;
/// Octets of any other value of an event.
pub(crate) const VALUE_LIMIT: usize = 300;
/// Children of one message that a reader remembers: the latest.
pub(crate) const CHILDREN_LIMIT: usize = 1000;
/// Octets read from the disk at once.
pub(crate) const CHUNK: usize = 64 * 1024;
