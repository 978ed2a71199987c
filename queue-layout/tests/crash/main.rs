//! The queue on a disk that loses power, or fails, at every operation of every transition.
//!
//! A script does what queue, send and clean do, and notes in a [`world::World`] what was promised to whom. For each operation power is
//! lost before it; for each disk that could then be found, recovery runs (and is itself interrupted), everything is sent to the end, and
//! what arrived is compared with what was promised. `mutants` makes sure that these tests would notice.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on ends by panicking"
)]
#![expect(clippy::panic, reason = "a test fails by panicking")]

mod accept;
mod drops;
mod explore;
mod failures;
mod lives;
mod mutants;
mod post;
mod recovery;
mod world;
