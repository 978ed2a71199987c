//! The harness: whole instances in folders, scripted peers, a real DNS server, and a clock that tests move.
//!
//! Every instance listens on a loopback address of its own, so tests run side by side on one port. Nothing
//! here sleeps for a fixed time: [`wait::until`] waits for a condition, within a generous bound. Everything
//! that was started is ended by its id when the value that stands for it is dropped.

#![expect(clippy::expect_used, reason = "the harness fails a test by panicking")]

pub mod address;
pub mod chance;
pub mod client;
pub mod dns;
pub mod dovecot;
pub mod file;
pub mod instance;
pub mod letter;
pub mod load;
pub mod machine;
pub mod maildir;
pub mod namespace;
pub mod peer;
pub mod people;
pub mod process;
pub mod route;
pub mod settle;
pub mod skip;
pub mod strace;
pub mod tree;
pub mod wait;
