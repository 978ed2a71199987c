//! A Maildir on the real disk, made if it is missing.
//!
//! Like maildirmake, a Maildir that is missing is made with its three directories, mode 0700, if the directory above
//! is there. A process flushes each Maildir and the directory above when it first uses it, whoever made it: one that a
//! killed worker or a mail reader has just made could else vanish at a loss of power, with flushed mail in it.

use std::collections::HashMap;
use std::fs::{DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use stafette_sys::fs;

use super::store::{Folder, Store};
use crate::verdict::Verdict;

/// Maildirs that this process knows to be durable: device and inode of each.
#[derive(Debug, Default)]
pub struct Known {
    home: PathBuf,
    durable: HashMap<PathBuf, (u64, u64)>,
}

/// One Maildir, relative to the working directory or absolute.
#[derive(Debug)]
pub struct Maildir(PathBuf);

impl Maildir {
    /// The Maildir at `path`, made if need be and durable.
    ///
    /// # Errors
    /// The verdict for all that was to go there.
    pub fn prepare(path: &Path, known: &mut Known) -> Result<Self, Verdict> {
        if let Ok(metadata) = std::fs::metadata(path)
            && known.durable.get(&known.home.join(path)) == Some(&(metadata.dev(), metadata.ino()))
        {
            return Ok(Self(path.to_owned()));
        }
        make_directory(path)?;
        for folder in ["tmp", "new", "cur"] {
            make_directory(&path.join(folder))?;
        }
        let metadata = make_durable(path)
            .map_err(|error| Verdict::unable("make durable the Maildir", path, &error))?;
        let identity = (metadata.dev(), metadata.ino());
        known.durable.insert(known.home.join(path), identity);
        Ok(Self(path.to_owned()))
    }

    fn at(&self, folder: Folder, name: &[u8]) -> PathBuf {
        let mut path = self.0.join(folder.path(""));
        path.push(std::ffi::OsStr::from_bytes(name));
        path
    }
}

impl Known {
    /// Relative paths begin at `home` from now on.
    pub fn enter(&mut self, home: &Path) {
        home.clone_into(&mut self.home);
    }

    /// A delivery there failed: look at all of it again next time.
    pub fn forget(&mut self, path: &Path) {
        self.durable.remove(&self.home.join(path));
    }
}

fn make_directory(path: &Path) -> Result<(), Verdict> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => Ok(()),
        Err(_) if path.is_dir() => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(Verdict::deferred(
            "4.2.0",
            format!("{} is not a directory", path.display()),
        )),
        Err(error) => Err(Verdict::unable("make the directory", path, &error)),
    }
}

fn make_durable(path: &Path) -> io::Result<std::fs::Metadata> {
    let maildir = fs::open_directory(path)?;
    maildir.sync_all()?;
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match fs::sync_dir(parent) {
        // A directory that we may pass and not read cannot be flushed alone.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            fs::sync_file_system(&maildir)?;
        }
        result => result?,
    }
    maildir.metadata()
}

impl Store for Maildir {
    type Draft = File;

    fn create(&self, name: &str) -> io::Result<File> {
        fs::create_new(&self.at(Folder::Tmp, name.as_bytes()), 0o600)
    }

    fn write(&self, draft: &mut File, bytes: &[u8]) -> io::Result<()> {
        draft.write_all(bytes)
    }

    fn start_writeback(&self, draft: &File) {
        // An error that matters comes back from the flush.
        fs::start_writeback(draft, 0, 0).unwrap_or(());
    }

    fn flush(&self, draft: &File) -> io::Result<()> {
        draft.sync_data()
    }

    fn publish(&self, draft: &str, name: &str) -> io::Result<()> {
        fs::rename_noreplace(
            &self.at(Folder::Tmp, draft.as_bytes()),
            &self.at(Folder::New, name.as_bytes()),
        )
    }

    fn flush_folder(&self, folder: Folder) -> io::Result<()> {
        fs::sync_dir(&self.at(folder, b""))
    }

    fn remove_draft(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.at(Folder::Tmp, name.as_bytes()))
    }

    fn names(&self, folder: Folder, visit: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        for entry in std::fs::read_dir(self.at(folder, b""))? {
            visit(&entry?.file_name().into_vec());
        }
        Ok(())
    }

    fn digest(&self, folder: Folder, name: &[u8], size: u64) -> io::Result<Option<(u64, u32)>> {
        let mut file = match fs::open_nofollow(&self.at(folder, name)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len();
        if length != size {
            return Ok(Some((length, 0)));
        }
        let mut hasher = crc32fast::Hasher::new();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(Some((length, hasher.finalize()))),
                Ok(count) => hasher.update(buffer.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_maildir_that_is_missing_is_made_but_nothing_above_it() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("Maildir");
        let mut known = Known::default();
        Maildir::prepare(&path, &mut known).unwrap();
        for folder in ["tmp", "new", "cur"] {
            let mode = std::fs::metadata(path.join(folder)).unwrap().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
        let verdict = Maildir::prepare(&place.path().join("no/Maildir"), &mut known).unwrap_err();
        assert!(
            verdict.words.contains("does not exist"),
            "{}",
            verdict.words
        );
        let file = place.path().join("file");
        File::create(&file).unwrap();
        let verdict = Maildir::prepare(&file, &mut known).unwrap_err();
        assert_eq!(verdict.status, "4.2.0");
    }

    #[test]
    fn a_maildir_in_place_of_the_known_one_is_completed() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("Maildir");
        let mut known = Known::default();
        Maildir::prepare(&path, &mut known).unwrap();
        std::fs::rename(&path, place.path().join("old")).unwrap();
        std::fs::create_dir(&path).unwrap();
        let maildir = Maildir::prepare(&path, &mut known).unwrap();
        let mut draft = maildir.create("x").unwrap();
        maildir.write(&mut draft, b"hello").unwrap();
        maildir.flush(&draft).unwrap();
        maildir.publish("x", "y").unwrap();
        let digest = maildir.digest(Folder::New, b"y", 5).unwrap();
        assert_eq!(digest, Some((5, crc32fast::hash(b"hello"))));
        assert_eq!(maildir.digest(Folder::Cur, b"y", 5).unwrap(), None);
    }

    #[test]
    fn publishing_never_replaces() {
        let place = tempfile::tempdir().unwrap();
        let maildir = Maildir::prepare(&place.path().join("m"), &mut Known::default()).unwrap();
        maildir.create("x").unwrap();
        maildir.create("y").unwrap();
        maildir.publish("x", "z").unwrap();
        let error = maildir.publish("y", "z").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    }
}
