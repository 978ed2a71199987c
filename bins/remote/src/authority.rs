//! What remote may do: its row in the table of programs, in one place.

use stafette_sys::confine::{Limits, Needs, Network};

/// The user stafr, and connecting. No path at all: content comes as open descriptors, names from resolve's socket.
pub(crate) fn needs(concurrency: usize) -> Needs<'static> {
    let concurrency = u64::try_from(concurrency).unwrap_or(u64::MAX);
    Needs {
        user: Some("stafr"),
        network: Network::Connect,
        limits: Limits {
            // A socket and a descriptor for each worker, as many for the jobs that wait, and some more.
            files: Some(concurrency.saturating_mul(4).saturating_add(256)),
            ..Limits::default()
        },
        ..Needs::default()
    }
}
