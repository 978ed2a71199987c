//! Writing a compiled table: beside the old one, flushed, renamed over it.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use cdb2::CDBMake;
use stafette_control::Instance;
use stafette_sys::fs::{self, sync_dir};

use crate::compiled::{Compiled, Stamp};
use crate::include::Seen;
use crate::key::{self, CONNECT_NAMES, MADE_FROM};
use crate::parse::Parsed;

/// One compiler at a time; it waits for another.
pub(super) fn lock(instance: &Instance) -> io::Result<File> {
    let directory = instance.tables();
    if !directory.is_dir() {
        std::fs::create_dir_all(&directory)?;
        std::fs::set_permissions(&directory, Permissions::from_mode(0o755))?;
    }
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(directory.join(".lock"))?;
    fs::lock(&file)?;
    Ok(file)
}

/// Removes a compiled table; tells whether there was one.
pub(super) fn remove(target: &Path) -> io::Result<bool> {
    match std::fs::remove_file(target) {
        Ok(()) => sync_parent(target).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes the records of `parsed`, and what they were made from.
pub(super) fn write(target: &Path, parsed: &Parsed, seen: &[Seen]) -> io::Result<()> {
    let beside = target.with_extension("new");
    let written = write_beside(&beside, parsed, seen).and_then(|()| fs::rename(&beside, target));
    if written.is_err() {
        // It is of no use; that it may stay is not worse than what is reported.
        drop(std::fs::remove_file(&beside));
    }
    written?;
    sync_parent(target)
}

fn write_beside(path: &Path, parsed: &Parsed, seen: &[Seen]) -> io::Result<()> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o644)
        .open(path)?;
    file.set_permissions(Permissions::from_mode(0o644))?;
    let flushed = file.try_clone()?;
    let mut cdb = CDBMake::new(file)?;
    for record in &parsed.records {
        cdb.add(record.key.as_bytes(), record.value.as_bytes())?;
        let line = record.line.to_string();
        cdb.add(key::line_key(&record.key).as_bytes(), line.as_bytes())?;
    }
    if parsed.has_connect_names {
        cdb.add(CONNECT_NAMES.as_bytes(), b"1")?;
    }
    let seen: Vec<String> = seen.iter().map(line_of).collect();
    cdb.add(MADE_FROM.as_bytes(), seen.join("\n").as_bytes())?;
    cdb.finish()?;
    flushed.sync_all()
}

fn sync_parent(target: &Path) -> io::Result<()> {
    target.parent().map_or(Ok(()), sync_dir)
}

fn line_of((path, stamp): &Seen) -> String {
    let stamp = stamp.map_or_else(|| "-".to_owned(), |stamp| stamp.to_string());
    format!("{stamp} {}", path.display())
}

/// What a compiled table was made from; none if it is not there, or does not say.
pub(super) fn made_from(target: &Path) -> Option<Vec<Seen>> {
    let (compiled, _) = Compiled::open(target).ok()?;
    let text = compiled.text(MADE_FROM).ok().flatten()?;
    text.lines()
        .map(|line| {
            let (stamp, path) = line.split_once(' ')?;
            let stamp = match stamp {
                "-" => None,
                stamp => Some(Stamp::parse(stamp)?),
            };
            Some((PathBuf::from(path), stamp))
        })
        .collect()
}
