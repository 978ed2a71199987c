//! Opening without following a symbolic link in the last part of the name, and never a descriptor that survives exec.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Opens for reading. A symbolic link is an error (ELOOP); a pipe or device does not make the open wait.
pub fn open_nofollow(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
}

/// See [`super::open_read`].
pub(super) fn open_read(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
}

/// Opens an existing file for reading and writing at any place. A symbolic link is an error (ELOOP).
pub fn open_write_nofollow(path: &Path) -> io::Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(flags)
        .open(path)
}

/// Opens for reading, and for writing at the end only; with `create`, a file that is missing is made with that mode
/// (less the mask). A symbolic link is an error (ELOOP).
pub fn append_nofollow(path: &Path, create: Option<u32>) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(create.is_some())
        .mode(create.unwrap_or(0))
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
}

/// Creates a file that must not exist yet, for reading and writing, with `mode` less the mask.
pub fn create_new(path: &Path, mode: u32) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(mode)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
}

/// Opens a directory. Anything else is an error (ENOTDIR).
pub fn open_directory(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_DIRECTORY)
        .open(path)
}
