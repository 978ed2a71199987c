//! Maps that are text files, and what cannot be read of the others.

use crate::import::Imported;
use crate::import::files::{Files, named, word};

/// An entry of a map.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) place: String,
    pub(super) key: String,
    pub(super) value: String,
}

/// Types that are made from a text file of the same name, or are one. A cidr table is one of networks.
const TEXTS: [&str; 8] = [
    "hash", "lmdb", "texthash", "cdb", "btree", "dbm", "sdbm", "cidr",
];
/// Types that ask something else.
const OTHERS: [&str; 18] = [
    "regexp",
    "pcre",
    "mysql",
    "pgsql",
    "sqlite",
    "ldap",
    "memcache",
    "mongodb",
    "nis",
    "nisplus",
    "netinfo",
    "tcp",
    "socketmap",
    "unix",
    "inline",
    "static",
    "unionmap",
    "pipemap",
];

/// Whether a word names a map.
pub(super) fn is_typed(text: &str) -> bool {
    let text = text.strip_prefix("proxy:").unwrap_or(text);
    text.split_once(':')
        .is_some_and(|(kind, _)| TEXTS.contains(&kind) || OTHERS.contains(&kind) || kind == "fail")
}

/// The text file behind a map, if there is one.
pub(super) fn path(out: &mut Imported, place: &str, spec: &str) -> Option<String> {
    let bare = spec.strip_prefix("proxy:").unwrap_or(spec);
    match bare.split_once(':') {
        Some((kind, path)) if TEXTS.contains(&kind) => Some(path.to_owned()),
        None if bare.starts_with('/') => Some(bare.to_owned()),
        _ => {
            out.note(
                place,
                format!("the map {spec}"),
                "Stafette's tables are text files: write what it says into the table of ours, or have it written out regularly and run stafette maps",
            );
            None
        }
    }
}

/// The entries of the maps that a value names.
pub(super) fn entries(
    files: &dyn Files,
    out: &mut Imported,
    place: &str,
    value: &str,
) -> Vec<Entry> {
    let mut found = Vec::new();
    for spec in super::conf::words(value) {
        let Some(path) = path(out, place, &spec) else {
            continue;
        };
        for line in named(files, out, place, &path, true) {
            let (key, value) = word(&line.text);
            found.push(Entry {
                key: key.to_owned(),
                value: value.to_owned(),
                place: line.place,
            });
        }
    }
    found
}
