//! Reading the files in which a user says what becomes of mail: only if nobody else can have arranged them.
//!
//! Such a file is regular, belongs to the user or to root, is writable by nobody else and is not longer than 1 MiB. One
//! that is not there, or is a link to nothing, says nothing. Anything else makes mail wait, with the reason and what to
//! do about it. This runs as the user, so that nothing is read that the user could not read. What was found is
//! remembered for one batch.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use stafette_sys::fs;

use crate::verdict::Verdict;

/// Octets of such a file at most.
pub const SIZE: u64 = 1024 * 1024;
/// By the group or by everybody.
const WRITABLE_BY_OTHERS: u32 = 0o022;
/// By its owner.
const EXECUTABLE: u32 = 0o100;

/// A file that may be trusted as far as its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserFile {
    /// What is in it.
    pub text: Vec<u8>,
    /// Its owner may execute it.
    pub is_executable: bool,
}

/// Where such files are.
pub trait Files {
    /// The file, or none if it is not there. Relative names begin at the home directory.
    ///
    /// # Errors
    /// A deferral that says what is wrong with it.
    fn read(&mut self, name: &Path) -> Result<Option<Rc<UserFile>>, Verdict>;
}

/// Those of one home, which is the working directory, and what was found there.
#[derive(Debug)]
pub struct HomeFiles<'a> {
    home: &'a Path,
    uid: u32,
    known: HashMap<PathBuf, Result<Option<Rc<UserFile>>, Verdict>>,
}

impl<'a> HomeFiles<'a> {
    /// Of the user `uid`.
    #[must_use]
    pub fn new(home: &'a Path, uid: u32) -> Self {
        Self {
            home,
            uid,
            known: HashMap::new(),
        }
    }
}

impl Files for HomeFiles<'_> {
    fn read(&mut self, name: &Path) -> Result<Option<Rc<UserFile>>, Verdict> {
        if let Some(known) = self.known.get(name) {
            return known.clone();
        }
        let shown = self.home.join(name);
        let found = read(name, &shown, self.uid).map(|found| found.map(Rc::new));
        self.known.insert(name.to_owned(), found.clone());
        found
    }
}

fn read(name: &Path, shown: &Path, uid: u32) -> Result<Option<UserFile>, Verdict> {
    let unable = |error: &io::Error| Verdict::unable("read", shown, error);
    // Nothing that is no file is even opened, unless it took the file's place just now.
    let before = match std::fs::metadata(name) {
        Err(error) if is_absence(&error) => return Ok(None),
        before => before.map_err(|error| unable(&error))?,
    };
    judge(&before, shown, uid)?;
    let file = match fs::open_read(name) {
        Err(error) if is_absence(&error) => return Ok(None),
        file => file.map_err(|error| unable(&error))?,
    };
    let metadata = file.metadata().map_err(|error| unable(&error))?;
    judge(&metadata, shown, uid)?;
    let mut text = Vec::new();
    file.take(SIZE + 1)
        .read_to_end(&mut text)
        .map_err(|error| unable(&error))?;
    if text.len() as u64 > SIZE {
        return Err(too_long(shown));
    }
    Ok(Some(UserFile {
        text,
        is_executable: metadata.mode() & EXECUTABLE != 0,
    }))
}

/// It is not there, or no file can have such a name.
fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::InvalidFilename | ErrorKind::NotADirectory
    )
}

fn judge(metadata: &std::fs::Metadata, shown: &Path, uid: u32) -> Result<(), Verdict> {
    let shown_text = shown.display();
    if !metadata.is_file() {
        let words = format!("{shown_text} is not a regular file: remove it");
        return Err(Verdict::deferred("4.3.5", words));
    }
    if metadata.uid() != uid && metadata.uid() != 0 {
        let words = format!(
            "{shown_text} is owned by user {}, not by the recipient: replace it by a file of the recipient's own",
            metadata.uid()
        );
        return Err(Verdict::deferred("4.7.0", words));
    }
    if metadata.mode() & WRITABLE_BY_OTHERS != 0 {
        let words = format!(
            "{shown_text} is writable by others (mode {:04o}): chmod go-w",
            metadata.mode() & 0o7777
        );
        return Err(Verdict::deferred("4.7.0", words));
    }
    if metadata.len() > SIZE {
        return Err(too_long(shown));
    }
    Ok(())
}

fn too_long(shown: &Path) -> Verdict {
    let words = format!("{} is longer than 1 MiB: shorten it", shown.display());
    Verdict::deferred("4.3.5", words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn put(path: &Path, text: &[u8], mode: u32) {
        std::fs::remove_file(path).unwrap_or(());
        let mut file = fs::create_new(path, 0o600).unwrap();
        io::Write::write_all(&mut file, text).unwrap();
        file.set_permissions(PermissionsExt::from_mode(mode))
            .unwrap();
    }

    fn status(path: &Path) -> String {
        let uid = stafette_sys::user::effective_uid();
        let verdict = HomeFiles::new(Path::new("/"), uid).read(path).unwrap_err();
        assert!(
            verdict.words.contains(path.to_str().unwrap()),
            "{verdict:?}"
        );
        verdict.status
    }

    #[test]
    fn a_file_of_ones_own_is_read_and_a_missing_one_says_nothing() {
        let place = tempfile::tempdir().unwrap();
        let uid = stafette_sys::user::effective_uid();
        let path = place.path().join("f");
        let mut files = HomeFiles::new(place.path(), uid);
        assert_eq!(files.read(&place.path().join("missing")), Ok(None));
        assert_eq!(files.read(Path::new(&"x".repeat(300))), Ok(None));
        put(&path, b"joe\n", 0o744);
        let found = files.read(&path).unwrap().unwrap();
        assert_eq!(
            (found.text.as_slice(), found.is_executable),
            (&b"joe\n"[..], true)
        );
        let link = place.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(files.read(&link).unwrap().is_some());
        let dangling = place.path().join("dangling");
        symlink("nowhere", &dangling).unwrap();
        assert_eq!(files.read(&dangling), Ok(None));
    }

    #[test]
    fn what_others_can_arrange_or_no_file_is_makes_mail_wait() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("f");
        for mode in [0o666, 0o620] {
            put(&path, b"joe\n", mode);
            assert_eq!(status(&path), "4.7.0");
        }
        assert_eq!(status(place.path()), "4.3.5");
        let device = place.path().join("device");
        symlink("/dev/zero", &device).unwrap();
        assert_eq!(status(&device), "4.3.5");
        put(&path, &vec![b'#'; 1024 * 1024 + 1], 0o600);
        assert_eq!(status(&path), "4.3.5");
        put(&path, b"joe\n", 0o600);
        let stranger = stafette_sys::user::effective_uid() + 1;
        let found = HomeFiles::new(Path::new("/"), stranger).read(&path);
        if stafette_sys::user::is_root() {
            assert!(found.is_ok(), "root's file is as good");
        } else {
            assert_eq!(found.unwrap_err().status, "4.7.0");
        }
    }
}
