//! Room on the disk.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
use nix::sys::statvfs::statvfs;

/// What a file system has left for users other than root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes.
    pub bytes: u64,
    /// Files; `u64::MAX` where the file system makes them as needed.
    pub inodes: u64,
}

/// What the file system of `path` has left.
pub fn available(path: &Path) -> io::Result<Space> {
    let bytes = fs2::available_space(path)?;
    let status = statvfs(path)?;
    let inodes = if status.files() == 0 {
        u64::MAX
    } else {
        status.files_available()
    };
    Ok(Space { bytes, inodes })
}

/// Reserves room for `length` bytes of `file` from `offset` on, without changing its length. A full disk is an error;
/// a file system that cannot reserve is none.
pub fn preallocate(file: impl AsFd, offset: u64, length: u64) -> io::Result<()> {
    if length == 0 {
        return Ok(());
    }
    let (offset, length) = (super::signed(offset)?, super::signed(length)?);
    loop {
        match fallocate(&file, FallocateFlags::FALLOC_FL_KEEP_SIZE, offset, length) {
            Ok(()) | Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
