//! What users may do: its row in the table of programs, in one place.

use std::io;
use std::path::PathBuf;

use stafette_control::Instance;
use stafette_sys::confine::{ACCOUNT_DATABASE, Needs, Network};

pub(crate) const NAME: &str = "stafette-users";

/// Its settings, and what the C library reads of the account database. Files there are replaced by renaming, so that
/// their directories are named. Sockets of name services (nscd, sssd, nslcd, userdb) are not paths to be read.
fn needs(instance: &Instance) -> Needs<'static> {
    let mut read = vec![
        instance.etc.clone(),
        PathBuf::from("/etc"),
        PathBuf::from("/run/systemd/userdb"),
        PathBuf::from("/run/nscd"),
    ];
    read.extend(ACCOUNT_DATABASE.iter().map(PathBuf::from));
    Needs {
        user: Some("stafu"),
        read,
        network: Network::None,
        ..Needs::default()
    }
}

/// Gives up the rest for good, and says so.
pub(crate) fn confine(instance: &Instance) -> io::Result<()> {
    let report = stafette_sys::confine::confine(&needs(instance))?;
    stafette_log::started(NAME, env!("CARGO_PKG_VERSION"), &report);
    Ok(())
}
