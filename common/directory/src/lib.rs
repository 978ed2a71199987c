//! Whose an address is and where its mail goes: one answer for all programs.
//!
//! [`Directory::resolve`] goes through the operator's tables in one order and says, as a [`Resolution`], what becomes of mail for an
//! address and which lines of which files said so:
//!
//! 1. virtusertable: of all lines that fit, the first; a domain with a line `@DOMAIN` is ours;
//! 2. locals: aliases (`joe+ext`, `joe+*`, `joe`), then accounts (users/assign, the system);
//! 3. virtualdomains, for domains that are not in locals: an account, without aliases;
//! 4. mailertable, `.uucp`, smtproutes, the exchangers of the DNS.
//!
//! What came out of an expansion (`Expanded::Mailbox`, `Expanded::Lines`) is not looked up in virtusertable and aliases again:
//! expansions go to their fixed point at once. Mail for postmaster, mailer-daemon and root always has a place: without alias and account
//! each stands for the next, and at last it is the Maildir in the home of the alias user.
//!
//! # Guarantees
//! "Nobody has that name" is said only when everything that could know was asked and answered; whatever cannot be read or asked now
//! means [`What::Later`]. An expansion gives each address once, has at most [`ADDRESS_LIMIT`] and nests at most [`DEPTH_LIMIT`] deep.
//! Nothing in an address adds a target, names a file or a command.
//!
//! # What it trusts
//! Settings and compiled tables. Two programs that read the same ones get the same answers, so that none need believe another.
#![forbid(unsafe_code)]

mod check;
mod directory;
mod expansion;
mod hop;
mod lists;
mod resolution;
mod settings;
mod walk;

pub use check::check;
pub use directory::Directory;
pub use expansion::{ADDRESS_LIMIT, DEPTH_LIMIT};
pub use resolution::{Decision, Line, MailerProgram, Resolution, Target, What};
