//! What tables may do: its row in the table of programs, in one place.

use std::io;
use std::path::PathBuf;

use stafette_control::Instance;
use stafette_sys::confine::{Needs, Network, Report};

pub(crate) const NAME: &str = "stafette-tables";

/// Where lists that aliases name by `:include:` may be, as far as its user can read them; besides these, the directories of the lists that
/// are named when the program starts. /proc, /sys, /dev, /root, /run and /tmp are no places for lists.
const PLACES_OF_LISTS: [&str; 6] = ["/etc", "/home", "/opt", "/srv", "/usr/local", "/var"];

fn needs(instance: &Instance) -> Needs<'static> {
    let mut read = vec![instance.etc.clone()];
    read.extend(PLACES_OF_LISTS.map(PathBuf::from));
    read.extend(stafette_table::list_directories(instance));
    Needs {
        user: Some("staft"),
        read,
        write: vec![instance.tables()],
        network: Network::None,
        ..Needs::default()
    }
}

/// Makes the directory of compiled tables if it is missing. Root leaves that to who lays out the instance, who knows its owner.
pub(crate) fn prepare(instance: &Instance) -> io::Result<()> {
    if stafette_sys::user::is_root() {
        return Ok(());
    }
    let path = instance.tables();
    std::fs::create_dir_all(&path)
        .map_err(|error| io::Error::other(format!("unable to make {}: {error}", path.display())))
}

/// Gives up the rest for good.
pub(crate) fn confine(instance: &Instance) -> io::Result<Report> {
    stafette_sys::confine::confine(&needs(instance))
}
