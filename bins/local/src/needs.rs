//! What local may do: its row in the table of programs, in one place.

use std::io;
use std::path::PathBuf;

use stafette_sys::confine::{Capability, Needs, Network};

pub(crate) const NAME: &str = "stafette-local";

/// To become the recipient, and to end a worker that has become one. Nothing by which root overrides permissions.
const CAPABILITIES: [Capability; 3] = [
    Capability::CAP_SETUID,
    Capability::CAP_SETGID,
    Capability::CAP_KILL,
];

/// Any path, since homes may be anywhere and the workers inherit this; nothing is executed, and there is no network.
fn needs() -> Needs<'static> {
    Needs {
        user: None,
        keep_caps: &CAPABILITIES,
        write: vec![PathBuf::from("/")],
        network: Network::None,
        ..Needs::default()
    }
}

/// Gives up the rest for good, and says so.
pub(crate) fn confine() -> io::Result<()> {
    let report = stafette_sys::confine::confine(&needs())?;
    stafette_log::started(NAME, env!("CARGO_PKG_VERSION"), &report);
    Ok(())
}
