//! Questions to resolve, and the order of mail exchangers.
//!
//! [`Route`] is a pure decision list: fed with answers (any [`Ask`]), it names the hosts to try in the order of
//! RFC 5321 section 5.1, or says why there is none. [`Client`] is the [`Ask`] that asks the `resolve` program.
//! Answers are hostile: names from the DNS are compared and handed on, never trusted to be short of tricks.
#![forbid(unsafe_code)]

mod answer;
mod ascii;
mod client;
mod own;
mod route;
mod tier;

pub use answer::{Answer, Ask};
pub use ascii::to_ascii;
pub use client::Client;
pub use own::{Own, is_local_address};
pub use route::{Route, Target, Trouble};
