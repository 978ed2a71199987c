//! The queue directory on a real file system, through `stafette_sys`.

use std::fs::{DirBuilder, File, ReadDir};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use stafette_sys::fs;

use crate::commit::again;
use crate::{Access, Disk, DiskFile, Place, Status};

/// Mode of a queue file: the owner changes it, the directory's group reads it.
const FILE_MODE: u32 = 0o640;
/// Mode of a directory of the queue, but for drop/.
const DIRECTORY_MODE: u32 = 0o2750;
/// Mode of drop/ where [`RealDisk::prepare`] makes it: everybody may leave a file, nobody may look around.
const DROP_MODE: u32 = 0o3733;

/// From so many files on, one flush of the file system costs less than one of each file (FORMAT.md, "Accepting").
const TOGETHER: usize = 4;
/// If that took longer, others keep the file system busy …
const SLOW: Duration = Duration::from_secs(1);
/// … and for so long each file is flushed by itself.
const PAUSE: Duration = Duration::from_secs(60);
/// The first kernel whose flush of a file system tells of failed writes.
const TELLS_FAILURES: (u32, u32) = (5, 8);

/// A queue directory. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RealDisk(Arc<Root>);

#[derive(Debug)]
struct Root {
    path: PathBuf,
    /// The queue directory, opened before anything is written, so that a flush through it tells of every write that failed.
    directory: File,
    /// Until when flushing the file system as a whole is too slow; always, on a kernel that does not tell of failures.
    each_until: Mutex<Option<Instant>>,
    can_flush_together: bool,
    /// The places, held open so that a flush of one costs no look-up.
    places: Vec<(&'static str, File)>,
}

impl RealDisk {
    /// Opens the queue directory, usually `SPOOL/queue`. Places that cannot be opened now (drop/ is closed to most) are opened when needed.
    ///
    /// # Errors
    /// The system's, if it is no directory that can be entered.
    pub fn open(queue: &Path) -> io::Result<Self> {
        let directory = fs::open_directory(queue)?;
        let places = Place::ALL
            .iter()
            .map(|place| place.name())
            .filter_map(|name| Some((name, fs::open_directory(&queue.join(name)).ok()?)))
            .collect();
        Ok(Self(Arc::new(Root {
            path: queue.to_owned(),
            directory,
            each_until: Mutex::new(None),
            can_flush_together: stafette_sys::host::kernel() >= TELLS_FAILURES,
            places,
        })))
    }

    /// Makes the queue directory and its places if they are missing, then opens it. What is there stays as it is.
    ///
    /// # Errors
    /// The system's.
    pub fn prepare(queue: &Path) -> io::Result<Self> {
        make_missing(queue, 0o2755)?;
        for place in Place::ALL {
            let is_drop = place == Place::Drop;
            let mode = if is_drop { DROP_MODE } else { DIRECTORY_MODE };
            make_missing(&queue.join(place.name()), mode)?;
        }
        fs::sync_dir(queue)?;
        Self::open(queue)
    }

    /// The queue directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path.join(path)
    }

    /// Whether `count` files are better flushed together now.
    fn is_better_together(&self, count: usize) -> bool {
        let until = *self
            .0
            .each_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        count >= TOGETHER
            && self.0.can_flush_together
            && until.is_none_or(|until| until <= Instant::now())
    }

    fn flush_file_system(&self) -> io::Result<()> {
        let begin = Instant::now();
        let result = fs::sync_file_system(&self.0.directory);
        if begin.elapsed() > SLOW {
            *self
                .0
                .each_until
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = begin.checked_add(SLOW + PAUSE);
        }
        result
    }
}

/// Makes a directory with exactly this mode, whatever the mask is, unless something is there.
fn make_missing(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    match DirBuilder::new().recursive(false).mode(mode).create(path) {
        Ok(()) => std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

impl Disk for RealDisk {
    type File = RealFile;
    type Names = RealNames;

    fn create(&self, path: &str) -> io::Result<RealFile> {
        fs::create_new(&self.at(path), FILE_MODE).map(RealFile)
    }
    fn open(&self, path: &str, access: Access) -> io::Result<RealFile> {
        let path = self.at(path);
        match access {
            Access::Read => fs::open_nofollow(&path),
            Access::Write => fs::open_write_nofollow(&path),
        }
        .map(RealFile)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename_noreplace(&self.at(from), &self.at(to))
    }
    fn remove(&self, path: &str) -> io::Result<()> {
        std::fs::remove_file(self.at(path))
    }
    fn make_dir(&self, path: &str) -> io::Result<()> {
        DirBuilder::new().mode(DIRECTORY_MODE).create(self.at(path))
    }
    /// Where the caller may not open the directory (drop/, for strangers) the whole file system is flushed instead.
    fn sync_dir(&self, path: &str) -> io::Result<()> {
        if let Some((_, place)) = self.0.places.iter().find(|(name, _)| *name == path) {
            return place.sync_all();
        }
        match fs::sync_dir(&self.at(path)) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                fs::sync_file_system(&self.0.directory)
            }
            result => result,
        }
    }
    fn flush_all(&self, files: &[&RealFile]) -> Vec<io::Result<()>> {
        if !self.is_better_together(files.len()) {
            return files.iter().map(|file| file.flush()).collect();
        }
        let result = self.flush_file_system();
        files
            .iter()
            .map(|file| {
                result.as_ref().copied().map_err(again)?;
                // A failure is told once: to this flush or to the one before, which some of these files had been written for already.
                fs::check_writeback(&file.0)
            })
            .collect()
    }
    fn list(&self, path: &str) -> io::Result<RealNames> {
        std::fs::read_dir(self.at(path)).map(RealNames)
    }
    fn status(&self, path: &str) -> io::Result<Status> {
        self.at(path).symlink_metadata().map(|data| status(&data))
    }
}

/// The names in a real directory; one that is no UTF-8 comes with replacement characters and is therefore never one of ours.
#[derive(Debug)]
pub struct RealNames(ReadDir);

impl Iterator for RealNames {
    type Item = io::Result<String>;
    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.0.next()?;
        Some(entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
    }
}

/// A file of a real queue.
#[derive(Debug)]
pub struct RealFile(File);

impl AsFd for RealFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<RealFile> for OwnedFd {
    fn from(file: RealFile) -> Self {
        file.0.into()
    }
}

impl DiskFile for RealFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        loop {
            match self.0.read_at(buffer, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }
    fn status(&self) -> io::Result<Status> {
        self.0.metadata().map(|data| status(&data))
    }
    fn flush(&self) -> io::Result<()> {
        self.0.sync_data()
    }
    fn start_writeback(&self) {
        // A hint: what it does not begin, the flush does.
        drop(fs::start_writeback(&self.0, 0, 0));
    }
    fn preallocate(&self, offset: u64, octets: u64) -> io::Result<()> {
        fs::preallocate(&self.0, offset, octets)
    }
    fn truncate(&self, octets: u64) -> io::Result<()> {
        self.0.set_len(octets)
    }
    fn set_modified(&self, time: i64) {
        let since = Duration::from_secs(u64::try_from(time).unwrap_or(0));
        // A hint: the journal has the time.
        drop(self.0.set_modified(SystemTime::UNIX_EPOCH + since));
    }
    fn try_lock(&self) -> io::Result<bool> {
        fs::try_lock(&self.0)
    }
}

fn status(data: &std::fs::Metadata) -> Status {
    Status {
        is_file: data.is_file(),
        octets: data.len(),
        modified: data.mtime(),
        owner: data.uid(),
        identity: (data.dev(), data.ino()),
        names: data.nlink(),
    }
}
