//! The operator's tables: their grammar, their compiled form, look-ups.
//!
//! A table is a text file of the settings as people write it (aliases(5)) and a cdb file that is made from it, which programs map.
//! [`compile`] makes the second from the first, [`Tables`] looks up, and a module for each table says which keys are tried and what
//! a right side means: [`target`] for aliases, `.forward` and `:include:`, [`access`], [`mailer`], [`virtual_user`], [`generic`].
//!
//! # Guarantees
//! Parsers take any bytes, are bounded, and answer with a mistake where they cannot follow. A table whose text has a mistake does not
//! replace the one in force. A text file without a usable compiled table is "not now", never "nothing". A damaged cdb file is an error
//! text, never a crash.
//!
//! # What it trusts
//! The directory of compiled tables, which one program writes, by replacing files as a whole.
#![forbid(unsafe_code)]

pub mod access;
mod check;
mod compile;
mod compiled;
#[cfg(test)]
mod fixture;
pub mod generic;
mod include;
mod key;
mod kind;
mod line;
pub mod mailer;
mod parse;
mod reply;
mod source;
mod tables;
pub mod target;
pub mod virtual_user;

pub use check::{check, entries, entry_key};
pub use compile::{Fate, Report, TableReport, Watch, compile};
pub use include::list_directories;
pub use kind::Table;
pub use reply::Reply;
pub use source::Source;
pub use tables::{Entry, Tables};
