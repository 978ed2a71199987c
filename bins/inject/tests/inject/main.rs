//! The real program, with a queue service that is played by the test.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod asking;
mod instance;
mod listing;
mod refusal;
mod submission;
