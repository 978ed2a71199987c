//! Where the text of a table is.

use std::path::PathBuf;

use stafette_control::Instance;

use crate::Table;

/// The aliases of the whole machine, which an installed instance reads if it has none of its own.
const SYSTEM_ALIASES: &str = "/etc/aliases";

/// The text file of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Where it is, or would be.
    pub path: PathBuf,
    /// As an operator writes it: relative to the settings, or /etc/aliases.
    pub name: String,
}

impl Source {
    /// The text file of `table` as things are now.
    #[must_use]
    pub fn find(instance: &Instance, table: Table) -> Self {
        let own = Self {
            path: instance.etc.join(table.name()),
            name: table.name().to_owned(),
        };
        let is_missing = || {
            std::fs::symlink_metadata(&own.path)
                .is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
        };
        if table == Table::Aliases && instance.is_installed() && is_missing() {
            return Self {
                path: PathBuf::from(SYSTEM_ALIASES),
                name: SYSTEM_ALIASES.to_owned(),
            };
        }
        own
    }
}
