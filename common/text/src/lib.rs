//! One way to write any bytes as one harmless word of a line.
//!
//! Everything that a peer or a user said goes through here before it stands in a log line, a queue file or a report:
//! a word is printable ASCII without blanks outside of its quotes, so nothing that goes in can end a line, begin one, or pass
//! for another field. [`quote`] and [`unquote`] are exact inverses: each value has one spelling, and any other spelling is refused.
//!
//! Nothing here can fail, panic or do I/O, and no result is longer than four times its input and five bytes.
#![forbid(unsafe_code)]

mod line;
mod word;
mod words;

pub use line::Line;
pub use word::{quote, unquote};
pub use words::{Word, Words, parse_words};
