//! The queue directory on a real file system, through `stafette_sys`.

use std::fs::{DirBuilder, File, ReadDir};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use stafette_sys::fs;

use crate::{Access, Disk, DiskFile, Place, Status};

/// Mode of a queue file: the owner changes it, the directory's group reads it.
const FILE_MODE: u32 = 0o640;
/// Mode of a directory of the queue, but for drop/.
const DIRECTORY_MODE: u32 = 0o2750;
/// Mode of drop/ where [`RealDisk::prepare`] makes it: everybody may leave a file, nobody may look around.
const DROP_MODE: u32 = 0o3733;

/// A queue directory. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RealDisk(Arc<Root>);

#[derive(Debug)]
struct Root {
    path: PathBuf,
    /// The places, held open so that a flush of one costs no look-up.
    places: Vec<(&'static str, File)>,
}

impl RealDisk {
    /// Opens the queue directory, usually `SPOOL/queue`. Places that cannot be opened now (drop/ is closed to most) are opened when needed.
    ///
    /// # Errors
    /// The system's, if it is no directory that can be entered.
    pub fn open(queue: &Path) -> io::Result<Self> {
        if !queue.metadata()?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let places = Place::ALL
            .iter()
            .map(|place| place.name())
            .filter_map(|name| Some((name, fs::open_directory(&queue.join(name)).ok()?)))
            .collect();
        let path = queue.to_owned();
        Ok(Self(Arc::new(Root { path, places })))
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
                fs::sync_file_system(fs::open_directory(&self.0.path)?)
            }
            result => result,
        }
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
