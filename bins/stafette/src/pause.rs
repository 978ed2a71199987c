//! `stafette pause` and `resume`: edit the control file `paused`, then tell send, which also reads it when it starts.
//!
//! The file is replaced by a rename, flushed, so that nobody ever reads half of it; comments and what others wrote stay.
//! Editors of this kind take turns by a lock on the directory.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
use std::path::Path;

use stafette_control::{Instance, Pattern, parse_pattern};
use stafette_sys::fs;
use stafette_wire::operator::ToSend;

use crate::ask::Send;
use crate::failure::Failure;

/// The control file.
const NAME: &str = "paused";

/// Lets the mail for a domain wait.
pub(crate) fn pause(
    instance: &Instance,
    domain: &Pattern,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let was_there = edit(&instance.etc, |lines| {
        if lines.iter().any(|line| names(line, domain)) {
            return false;
        }
        lines.push(word(domain).as_bytes().to_vec());
        true
    })?;
    if !was_there {
        writeln!(out, "{} is paused already", word(domain))?;
    }
    tell(instance, &format!("mail for {} waits", word(domain)), out)
}

/// Lets the mail for a domain go on.
pub(crate) fn resume(
    instance: &Instance,
    domain: &Pattern,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let was_there = edit(&instance.etc, |lines| {
        let before = lines.len();
        lines.retain(|line| !names(line, domain));
        lines.len() < before
    })?;
    if !was_there {
        let path = instance.etc.join(NAME);
        return Err(Failure::Never(format!(
            "{} is not paused: it does not stand in {}",
            word(domain),
            path.display()
        )));
    }
    tell(instance, &format!("mail for {} goes on", word(domain)), out)
}

/// The domain as a line of the file.
fn word(domain: &Pattern) -> &str {
    match domain {
        Pattern::Exact(name) | Pattern::Suffix(name) => name,
    }
}

fn names(line: &[u8], domain: &Pattern) -> bool {
    let text = str::from_utf8(line.trim_ascii()).unwrap_or_default();
    parse_pattern(text).is_ok_and(|pattern| pattern == *domain)
}

/// Changes the lines of the file by `change`; if that says that it changed nothing, the file stays untouched. Gives what it said.
fn edit(etc: &Path, change: impl FnOnce(&mut Vec<Vec<u8>>) -> bool) -> Result<bool, Failure> {
    let path = etc.join(NAME);
    let unable = |error: io::Error| Failure::system(&format!("change {}", path.display()), &error);
    let directory = fs::open_directory(etc).map_err(unable)?;
    fs::lock(&directory).map_err(unable)?;
    let old = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(unable(error)),
    };
    let mut lines: Vec<Vec<u8>> = old
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\n").unwrap_or(line).to_vec())
        .collect();
    if !change(&mut lines) {
        return Ok(false);
    }
    let new = lines
        .iter()
        .flat_map(|line| line.iter().copied().chain([b'\n']))
        .collect::<Vec<_>>();
    replace(etc, &path, &new)
        .and_then(|()| directory.sync_all())
        .map_err(unable)?;
    Ok(true)
}

/// Replaces a file by one with these bytes and the old one's owner and mode.
fn replace(etc: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = etc.join(format!(".{NAME}.new"));
    // What an editor left that was killed. The lock is ours, so nobody writes to it.
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::create_new(&beside, 0o644)?;
    let written = like(&file, path)
        .and_then(|()| file.write_all(bytes))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        drop(std::fs::remove_file(&beside));
    }
    written
}

/// Gives `file` the owner, group and mode of what is at `path`, as far as this process may.
fn like(file: &File, path: &Path) -> io::Result<()> {
    let old = match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        result => result?,
    };
    let new = file.metadata()?;
    if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
        fchown(file, Some(old.uid()), Some(old.gid()))?;
    }
    file.set_permissions(std::fs::Permissions::from_mode(old.mode() & 0o777))
}

fn tell(instance: &Instance, done: &str, out: &mut impl Write) -> Result<(), Failure> {
    match Send::connect(instance)? {
        Some(mut send) => {
            send.order(&ToSend::Reload {})?;
            writeln!(out, "{done}")?;
        }
        None => writeln!(
            out,
            "{done}: send does not run, and reads it when it starts"
        )?,
    }
    Ok(())
}
