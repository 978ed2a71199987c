//! What users may do: its row in the table of programs, in one place.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use stafette_control::Instance;
use stafette_sys::confine::{ACCOUNT_DATABASE, Needs, Network};

pub(crate) const NAME: &str = "stafette-users";

/// Its settings and the compiled tables, what the C library reads of the account database, and its own secret. Files there are replaced by
/// renaming, so that their directories are named. Sockets of name services (nscd, sssd, nslcd, userdb) are not paths to be read.
fn needs(instance: &Instance) -> Needs<'static> {
    let mut read = vec![
        instance.etc.clone(),
        instance.tables(),
        PathBuf::from("/etc"),
        PathBuf::from("/run/systemd/userdb"),
        PathBuf::from("/run/nscd"),
    ];
    read.extend(ACCOUNT_DATABASE.iter().map(PathBuf::from));
    Needs {
        user: Some("stafu"),
        read,
        write: vec![own_directory(instance)],
        network: Network::None,
        ..Needs::default()
    }
}

/// Where its secret is.
pub(crate) fn own_directory(instance: &Instance) -> PathBuf {
    instance.spool.join("users")
}

/// Makes the directories that are missing. Root leaves that to who lays out the instance, who knows their owners.
pub(crate) fn prepare(instance: &Instance) -> io::Result<()> {
    if stafette_sys::user::is_root() {
        return Ok(());
    }
    let path = own_directory(instance);
    DirBuilder::new()
        .mode(0o700)
        .recursive(true)
        .create(&path)
        .map_err(|error| io::Error::other(format!("unable to make {}: {error}", path.display())))
}

/// Gives up the rest for good, and says so.
pub(crate) fn confine(instance: &Instance) -> io::Result<()> {
    let report = stafette_sys::confine::confine(&needs(instance))?;
    stafette_log::started(NAME, env!("CARGO_PKG_VERSION"), &report);
    Ok(())
}
