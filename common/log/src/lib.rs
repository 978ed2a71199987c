//! The closed list of events and their one writer.
//!
//! A log line is `id=ID event key=value ...`: the queue id first (`-` where no message is concerned), then the name of one
//! [`Event`], then fields. Every value goes through `stafette_text`, is at most [`VALUE_LIMIT`] bytes of what was said, and a line is at most
//! [`LINE_LIMIT`] bytes, so that one `write` of a line is never mixed with another. Names and keys are an interface: they are documented in
//! log.5, which is made from the list here, and are never renamed.
//!
//! # What it does not do
//! Logging never panics, returns no errors and does not stop mail: where a line cannot be written, it is lost on purpose, and the next
//! line that can be written is preceded by a `log-lost` with the number. A reader that has stopped reading costs a program one second, once.
//! Lines that are lost are logs; mail and its outcomes have their own durable record in the queue.
#![forbid(unsafe_code)]

mod entry;
mod event;
mod key;
mod manual;
mod peer;
mod stamp;
mod start;
mod stderr_sink;
mod syslog_sink;
mod writer;

pub use entry::{LINE_LIMIT, VALUE_LIMIT};
pub use event::{EVENTS, Event, Severity};
pub use key::{KEYS, Key};
pub use manual::manual;
pub use peer::peer_misbehaved;
pub use stamp::rfc3339;
pub use start::{ended, started};
pub use writer::{Sink, event, open, open_syslog_at, raw};
