//! Mailbox, local-part, domain and reverse-path: parse and print.
//!
//! A value of these types was parsed, so it obeys RFC 5321 section 4.1.2 with the extension of RFC 6531 section 3.3, and holds
//! no control character, no NUL and no line end, also not inside a quoted string. What is printed parses again as the same value.
//! All input is hostile; nothing here fails but by [`AddrError`], and nothing does I/O.
//!
//! Departs from RFC 5321 section 4.1.2 on purpose: an empty local-part (`""@example.org`) and general address literals are
//! refused, underscores in a domain are taken (the DNS has them), a domain whose last label is a number is refused.
#![forbid(unsafe_code)]

mod domain;
mod error;
mod local_part;
mod mailbox;
mod punycode;
mod reverse_path;
mod xtext;

pub use domain::{DOMAIN_MAX, Domain};
pub use error::AddrError;
pub use local_part::{LOCAL_PART_MAX, LocalPart};
pub use mailbox::Mailbox;
pub use reverse_path::ReversePath;
pub use xtext::{xtext_decode, xtext_encode};
