//! The operations that the queue needs of a file system, as a trait, so that a test can be the disk.
//!
//! Paths are relative to the queue directory and come from [`crate::Place`]. Every operation may fail; what a failed one left
//! is unknown. Nothing is durable before the flush that covers it: [`DiskFile::flush`] for what is in a file,
//! [`Disk::sync_dir`] for names created in, removed from or moved into a directory. A rename is one step: after a crash either
//! the old name is there or the new one, never both, never none.

use std::fmt::Debug;
use std::io;

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reading only.
    Read,
    /// Reading and writing.
    Write,
}

/// What the file system says about a name or an open file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// It is a regular file.
    pub is_file: bool,
    /// Its length.
    pub octets: u64,
    /// Unix time of its last change, or what [`DiskFile::set_modified`] made of it.
    pub modified: i64,
    /// The user who owns it.
    pub owner: u32,
    /// Device and inode: equal for two openings of one file.
    pub identity: (u64, u64),
    /// How many names it has.
    pub names: u64,
}

/// The queue directory of one instance. Cloning gives another handle on the same one.
pub trait Disk: Clone + Debug + Send + Sync + 'static {
    /// An open file.
    type File: DiskFile;
    /// The names in a directory, without `.` and `..`.
    type Names: Iterator<Item = io::Result<String>>;

    /// Creates a file that must not exist, for reading and writing.
    ///
    /// # Errors
    /// The system's; `AlreadyExists`.
    fn create(&self, path: &str) -> io::Result<Self::File>;
    /// Opens a file, never following a symbolic link.
    ///
    /// # Errors
    /// The system's; `NotFound`.
    fn open(&self, path: &str, access: Access) -> io::Result<Self::File>;
    /// Renames without ever replacing.
    ///
    /// # Errors
    /// The system's; `AlreadyExists`, `NotFound`.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a name.
    ///
    /// # Errors
    /// The system's; `NotFound`.
    fn remove(&self, path: &str) -> io::Result<()>;
    /// Creates a directory.
    ///
    /// # Errors
    /// The system's; `AlreadyExists`.
    fn make_dir(&self, path: &str) -> io::Result<()>;
    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// The system's: then nothing is known about what is durable.
    fn sync_dir(&self, path: &str) -> io::Result<()>;
    /// Makes several files durable, each as [`DiskFile::flush`] does: what one of them got tells nothing about the others.
    fn flush_all(&self, files: &[&Self::File]) -> Vec<io::Result<()>> {
        files.iter().map(|file| file.flush()).collect()
    }
    /// Reads a directory, bit by bit.
    ///
    /// # Errors
    /// The system's.
    fn list(&self, path: &str) -> io::Result<Self::Names>;
    /// What is known of a name; of a symbolic link, of the link.
    ///
    /// # Errors
    /// The system's; `NotFound`.
    fn status(&self, path: &str) -> io::Result<Status>;
}

/// An open file of the queue. All positions are given, none is kept.
pub trait DiskFile: Debug + Send + Sync {
    /// Reads at most `buffer.len()` bytes from `offset` on; 0 at the end.
    ///
    /// # Errors
    /// The system's.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// The system's; any part may have been written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// What is known of the file.
    ///
    /// # Errors
    /// The system's.
    fn status(&self) -> io::Result<Status>;
    /// Makes what was written durable, and the length (fdatasync).
    ///
    /// # Errors
    /// The system's: then nothing is known about what is durable, and trying again on this descriptor proves nothing.
    fn flush(&self) -> io::Result<()>;
    /// Asks for writing to begin, so that [`DiskFile::flush`] has less to wait for. Promises nothing.
    fn start_writeback(&self);
    /// Reserves room from `offset` on without changing the length.
    ///
    /// # Errors
    /// The system's: a full disk. A file system that cannot reserve is no error.
    fn preallocate(&self, offset: u64, octets: u64) -> io::Result<()>;
    /// Cuts the file.
    ///
    /// # Errors
    /// The system's.
    fn truncate(&self, octets: u64) -> io::Result<()>;
    /// Sets the time of the last change, which is a hint only: failures do not matter.
    fn set_modified(&self, time: i64);
    /// Takes the file's lock if it is free. It ends with the file's last descriptor.
    ///
    /// # Errors
    /// The system's.
    fn try_lock(&self) -> io::Result<bool>;
}
