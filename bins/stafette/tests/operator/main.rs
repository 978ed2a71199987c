//! The operator's command on instances in folders, whose programs are down or played by a test.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod importing;
mod instance;
mod looking;
mod server;
mod steering;
