//! The few operations on one Maildir that delivery is made of, so that a test can be the disk.

use std::fmt::Debug;
use std::io;
use std::path::PathBuf;

/// A directory of a Maildir.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Folder {
    /// Being written.
    Tmp,
    /// Delivered.
    New,
    /// Seen by a mail reader, which adds flags to the names.
    Cur,
}

impl Folder {
    /// The path of a file in it, from the Maildir on.
    #[must_use]
    pub fn path(self, name: &str) -> PathBuf {
        let folder = match self {
            Self::Tmp => "tmp",
            Self::New => "new",
            Self::Cur => "cur",
        };
        PathBuf::from(folder).join(name)
    }
}

/// One Maildir, which exists durably.
pub trait Store {
    /// A file in tmp/, open for writing.
    type Draft: Debug;

    /// Makes a file in tmp/; `AlreadyExists` if the name is taken.
    ///
    /// # Errors
    /// As the system gives them; so below.
    fn create(&self, name: &str) -> io::Result<Self::Draft>;

    /// Appends to it.
    ///
    /// # Errors
    /// What was written is then void.
    fn write(&self, draft: &mut Self::Draft, bytes: &[u8]) -> io::Result<()>;

    /// Makes what was written to each of them durable; one result for each.
    fn flush_all(&self, drafts: &[&Self::Draft]) -> Vec<io::Result<()>>;

    /// Renames from tmp/ into new/; `AlreadyExists` if that name is taken.
    ///
    /// # Errors
    /// The file is then still in tmp/.
    fn publish(&self, draft: &str, name: &str) -> io::Result<()>;

    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// Nothing in it can then be called delivered.
    fn flush_folder(&self, folder: Folder) -> io::Result<()>;

    /// Removes a file from tmp/.
    ///
    /// # Errors
    /// It may still be there.
    fn remove_draft(&self, name: &str) -> io::Result<()>;

    /// Calls `visit` with each name in a directory.
    ///
    /// # Errors
    /// Not all names may have been visited.
    fn names(&self, folder: Folder, visit: &mut dyn FnMut(&[u8])) -> io::Result<()>;

    /// The length and the checksum of a file; none if it is not there (any more).
    ///
    /// # Errors
    /// It could not be read.
    fn digest(&self, folder: Folder, name: &[u8], size: u64) -> io::Result<Option<(u64, u32)>>;
}
