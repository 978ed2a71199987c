//! What send may touch: it reads the queue and the settings, and has the sockets it is given or connects to. Nothing else.

use stafette_control::Instance;
use stafette_sys::confine::{Limits, Needs, Network};

/// Descriptors: one for each message in memory, and some.
const FILES: u64 = 4096;

/// The user stafs; the queue and the settings, to read.
pub(crate) fn needs(instance: &Instance) -> Needs<'static> {
    Needs {
        user: Some("stafs"),
        read: vec![instance.queue(), instance.etc.clone()],
        network: Network::None,
        limits: Limits {
            files: Some(FILES),
            ..Limits::default()
        },
        ..Needs::default()
    }
}
