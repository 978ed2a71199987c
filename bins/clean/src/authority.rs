//! What clean may do, its row in the table of programs.

use std::path::Path;

use stafette_sys::confine::{Limits, Needs, Network};

/// Descriptors: one for each file of a batch, and some.
const FILES: u64 = 1024;

/// The user stafq, and the queue.
pub(crate) fn needs(queue: &Path) -> Needs<'static> {
    Needs {
        user: Some("stafq"),
        write: vec![queue.to_owned()],
        network: Network::None,
        limits: Limits {
            files: Some(FILES),
            ..Limits::default()
        },
        ..Needs::default()
    }
}
