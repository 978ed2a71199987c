//! A Maildir on the real disk, made if it is missing.
//!
//! A few new files are flushed one by one, after the disk was told of all of them; from four on one flush of the file
//! system costs less (in batches of 64 files of 4 KiB on a journaled ext4: 5,800 messages a second instead of 830). If it
//! takes long, because others keep the file system busy, files are flushed one by one for a while. Only kernels that tell
//! of failed writes in that way are trusted with it, and the descriptor for it is opened before anything is written.
//!
//! Like maildirmake, a Maildir that is missing is made with its three directories, mode 0700, if the directory above
//! is there. A process flushes each Maildir and the directory above when it first uses it, whoever made it: one that a
//! killed worker or a mail reader has just made could else vanish at a loss of power, with flushed mail in it.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs::{DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use stafette_sys::fs;

use super::store::{Folder, Store};
use crate::verdict::Verdict;

/// Files from which on the file system is flushed as a whole.
const TOGETHER: usize = 4;
/// If that took longer, others keep the file system busy …
const SLOW: Duration = Duration::from_secs(1);
/// … and for so long each file is flushed by itself.
const PAUSE: Duration = Duration::from_secs(60);
/// The first kernel whose flush of a file system tells of failed writes.
const TELLS_FAILURES: (u32, u32) = (5, 8);

/// Maildirs that this process knows to be durable: device and inode of each.
#[derive(Debug, Default)]
pub struct Known {
    home: PathBuf,
    durable: HashMap<PathBuf, (u64, u64)>,
    /// Until when file systems are not flushed as a whole.
    each_until: Rc<Cell<Option<Instant>>>,
}

/// One Maildir, for one batch.
#[derive(Debug)]
pub struct Maildir {
    /// Relative to the working directory or absolute.
    path: PathBuf,
    /// Opened before anything is written.
    directory: File,
    each_until: Rc<Cell<Option<Instant>>>,
}

impl Maildir {
    /// The Maildir at `path`, made if need be and durable.
    ///
    /// # Errors
    /// The verdict for all that was to go there.
    pub fn prepare(path: &Path, known: &mut Known) -> Result<Self, Verdict> {
        let is_known = |directory: &File| {
            let identity = directory
                .metadata()
                .ok()
                .map(|data| (data.dev(), data.ino()));
            identity.is_some() && known.durable.get(&known.home.join(path)).copied() == identity
        };
        let directory = match fs::open_directory(path) {
            Ok(directory) if is_known(&directory) => directory,
            _ => make(path, known)?,
        };
        Ok(Self {
            path: path.to_owned(),
            directory,
            each_until: Rc::clone(&known.each_until),
        })
    }

    fn flush_file_system(&self) -> io::Result<()> {
        let begin = Instant::now();
        let result = fs::sync_file_system(&self.directory);
        if begin.elapsed() > SLOW {
            self.each_until.set(begin.checked_add(SLOW + PAUSE));
        }
        result
    }

    /// Whether `count` files are better flushed together now.
    fn is_better_together(&self, count: usize) -> bool {
        count >= TOGETHER
            && stafette_sys::host::kernel() >= TELLS_FAILURES
            && self
                .each_until
                .get()
                .is_none_or(|until| until <= Instant::now())
    }

    fn at(&self, folder: Folder, name: &[u8]) -> PathBuf {
        let mut path = self.path.join(folder.path(""));
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

/// Makes what is missing of it, and all of it durable.
fn make(path: &Path, known: &mut Known) -> Result<File, Verdict> {
    make_directory(path)?;
    for folder in ["tmp", "new", "cur"] {
        make_directory(&path.join(folder))?;
    }
    let durable = fs::open_directory(path).and_then(|directory| {
        make_durable(path, &directory)?;
        let metadata = directory.metadata()?;
        Ok((directory, (metadata.dev(), metadata.ino())))
    });
    let (directory, identity) =
        durable.map_err(|error| Verdict::unable("make durable the Maildir", path, &error))?;
    known.durable.insert(known.home.join(path), identity);
    Ok(directory)
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

fn make_durable(path: &Path, maildir: &File) -> io::Result<()> {
    maildir.sync_all()?;
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match fs::sync_dir(parent) {
        // A directory that we may pass and not read cannot be flushed alone.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            fs::sync_file_system(maildir)
        }
        result => result,
    }
}

impl Store for Maildir {
    type Draft = File;

    fn create(&self, name: &str) -> io::Result<File> {
        fs::create_new(&self.at(Folder::Tmp, name.as_bytes()), 0o600)
    }

    fn write(&self, draft: &mut File, bytes: &[u8]) -> io::Result<()> {
        draft.write_all(bytes)
    }

    fn flush_all(&self, drafts: &[&File]) -> Vec<io::Result<()>> {
        if self.is_better_together(drafts.len()) {
            let result = self.flush_file_system();
            let again = |error: &io::Error| io::Error::new(error.kind(), error.to_string());
            return drafts
                .iter()
                .map(|_| result.as_ref().copied().map_err(again))
                .collect();
        }
        for draft in drafts {
            // An error that matters comes back from the flush.
            fs::start_writeback(draft, 0, 0).unwrap_or(());
        }
        drafts.iter().map(|draft| draft.sync_data()).collect()
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
        assert!(maildir.flush_all(&[&draft; 5]).iter().all(Result::is_ok));
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
