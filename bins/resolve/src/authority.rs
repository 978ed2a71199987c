//! What resolve may do: its row in the table of programs, in one place.

use std::path::{Path, PathBuf};

use stafette_control::Instance;
use stafette_sys::confine::{Limits, Needs, Network};

use crate::name_servers::RESOLV_CONF;

/// Descriptors: connections, and a socket for each question under way.
const FILES: u64 = 4_096;

/// The user stafn; the name servers' names, read again when they change; the network to reach them. Nothing is written.
pub(crate) fn needs(instance: &Instance) -> Needs<'static> {
    // resolv.conf is replaced by renaming, and may be a link to a place below /run, so its directories are named.
    let mut read = vec![instance.etc.clone(), PathBuf::from("/etc")];
    if let Ok(real) = std::fs::canonicalize(RESOLV_CONF) {
        read.extend(real.parent().map(Path::to_path_buf));
    }
    Needs {
        user: Some("stafn"),
        read,
        network: Network::Connect,
        limits: Limits {
            files: Some(FILES),
            ..Limits::default()
        },
        ..Needs::default()
    }
}
