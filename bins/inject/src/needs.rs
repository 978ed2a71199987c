//! What this program may touch once it has its connections: nothing but its descriptors, or for reading the queue directory, or the
//! settings and tables.

use std::path::{Path, PathBuf};

use stafette_control::Instance;
use stafette_sys::confine::{ACCOUNT_DATABASE, Capability, Needs, Network, confine};
use stafette_wire::exit::SysExit;

use crate::failure::Failure;

/// For a message on its way or a question to send: standard input and the socket are open.
pub(crate) fn confine_sender() -> Result<(), Failure> {
    apply(&Needs {
        network: Network::None,
        ..Needs::default()
    })
}

/// For a listing that is read from the queue directory. Root keeps the right to read what is another user's.
pub(crate) fn confine_reader(queue: PathBuf) -> Result<(), Failure> {
    apply(&Needs {
        read: vec![queue],
        keep_caps: &[Capability::CAP_DAC_READ_SEARCH],
        network: Network::None,
        ..Needs::default()
    })
}

/// For questions where mail goes: settings, tables and accounts are read again and again.
pub(crate) fn confine_asker(instance: &Instance) -> Result<(), Failure> {
    let mut read = vec![
        instance.etc.clone(),
        instance.spool.clone(),
        "/etc/aliases".into(),
        "/proc/self".into(),
    ];
    read.extend(ACCOUNT_DATABASE.map(Into::into));
    apply(&Needs {
        read,
        ..Needs::default()
    })
}

/// In an empty root directory, where callers may be, there is no /proc that confinement needs; this program is no danger there.
fn apply(needs: &Needs<'_>) -> Result<(), Failure> {
    if !Path::new("/proc/self/task").exists() {
        return Ok(());
    }
    confine(needs)
        .map(drop)
        .map_err(|error| Failure::new(SysExit::OsErr, format!("unable to give up rights: {error}")))
}
