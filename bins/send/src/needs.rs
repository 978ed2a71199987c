//! What send may touch: it reads the queue, the settings and the account database (for the group of operators), and has the
//! sockets it is given or connects to. Nothing else.

use std::path::PathBuf;

use stafette_control::Instance;
use stafette_sys::confine::{ACCOUNT_DATABASE, Limits, Needs, Network};

/// Descriptors: one for each message in memory, and some.
const FILES: u64 = 4096;

/// The user stafs; the queue, the settings and the account database, to read.
pub(crate) fn needs(instance: &Instance) -> Needs<'static> {
    let mut read = vec![
        instance.queue(),
        instance.etc.clone(),
        PathBuf::from("/etc"),
    ];
    read.extend(ACCOUNT_DATABASE.iter().map(PathBuf::from));
    Needs {
        user: Some("stafs"),
        read,
        network: Network::None,
        limits: Limits {
            files: Some(FILES),
            ..Limits::default()
        },
        ..Needs::default()
    }
}
