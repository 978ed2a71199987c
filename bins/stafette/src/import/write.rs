//! Writes settings that are not there yet, each complete or not at all, and never over one that is.

use std::fs::{DirBuilder, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

use stafette_sys::fs;

/// What became of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was not there, and is now (or would be).
    Written,
    /// It was there, and says the same.
    Same,
    /// It was there, and stays.
    Kept,
}

/// Says what would become of the setting at `path`.
pub(crate) fn look(path: &Path, lines: &[String]) -> io::Result<Fate> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Fate::Written),
        Err(error) => Err(error),
        Ok(data) if data.len() != text(lines).len() as u64 => Ok(Fate::Kept),
        // Whether it says the same is of interest only where it can be read.
        Ok(_) => match std::fs::read(path) {
            Ok(bytes) if bytes == text(lines).as_bytes() => Ok(Fate::Same),
            _ => Ok(Fate::Kept),
        },
    }
}

/// Writes the setting `name` below `etc`, unless it is there.
pub(crate) fn write(etc: &Path, name: &str, lines: &[String]) -> io::Result<Fate> {
    let path = etc.join(name);
    let found = look(&path, lines)?;
    if found != Fate::Written {
        return Ok(found);
    }
    let directory = path.parent().unwrap_or(etc);
    if directory != etc && !directory.is_dir() {
        DirBuilder::new().mode(0o755).create(directory)?;
        fs::sync_dir(etc)?;
    }
    let (mut file, beside) = create(directory)?;
    let written = put(&mut file, &text(lines)).and_then(|()| fs::rename_noreplace(&beside, &path));
    if let Err(error) = written {
        drop(std::fs::remove_file(&beside));
        // Somebody else wrote it just now: it stays.
        return if error.kind() == io::ErrorKind::AlreadyExists {
            Ok(Fate::Kept)
        } else {
            Err(error)
        };
    }
    fs::sync_dir(directory)?;
    Ok(Fate::Written)
}

/// A file of a name that nothing else has.
fn create(directory: &Path) -> io::Result<(File, std::path::PathBuf)> {
    let number = stafette_sys::random::number()?;
    let beside = directory.join(format!(".import.{number:x}"));
    Ok((fs::create_new(&beside, 0o644)?, beside))
}

fn put(file: &mut File, text: &str) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    // Whatever the mask of whoever runs this is.
    file.set_permissions(Permissions::from_mode(0o644))?;
    file.sync_all()
}

fn text(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}
