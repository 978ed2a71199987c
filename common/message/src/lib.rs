//! What a message is made of: header section, trace fields, dates, address lists, Message-IDs, and the reports we compose.
//!
//! Pure functions over bytes and a few streaming scanners of constant memory. Content has LF line ends throughout. All content is
//! hostile: nothing here panics on any input, and nothing copied from it into a field can end that field.
#![forbid(unsafe_code)]

pub mod addresses;
pub mod date;
pub mod dsn;
pub mod header;
pub mod hops;
pub mod id;
pub mod loops;
pub mod rewrite;
pub mod section;
mod token;
pub mod trace;

pub use hops::HopCounter;
