//! What remote may do: its row in the table of programs, in one place.

use std::path::PathBuf;

use stafette_sys::confine::{Limits, Needs, Network};

/// The user stafr, connecting, and reading the settings and the compiled tables, for what is visible outside (`visible::paths`).
/// No other path: content comes as open descriptors, names from resolve's socket.
pub(crate) fn needs(concurrency: usize, read: Vec<PathBuf>) -> Needs<'static> {
    let concurrency = u64::try_from(concurrency).unwrap_or(u64::MAX);
    Needs {
        user: Some("stafr"),
        read,
        network: Network::Connect,
        limits: Limits {
            // A socket and a descriptor for each worker, as many for the jobs that wait, and some more.
            files: Some(concurrency.saturating_mul(4).saturating_add(256)),
            ..Limits::default()
        },
        ..Needs::default()
    }
}
