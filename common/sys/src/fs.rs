//! Files beyond the standard library: durability, names that are never replaced, room, locks.

mod lock;
mod open;
mod space;

pub use lock::{lock, lock_record, try_lock, try_lock_record, unlock_record};
pub use open::{append_nofollow, create_new, open_directory, open_nofollow, open_write_nofollow};
pub use space::{Space, available, preallocate};

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, FcntlArg, OFlag, RenameFlags, SealFlag, fcntl, renameat2};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::unistd::{linkat, pipe2, syncfs};

/// Makes the entries of directory `path` durable.
pub fn sync_dir(path: &Path) -> io::Result<()> {
    open_directory(path)?.sync_all()
}

/// Makes everything written to the file system of `file` durable.
pub fn sync_file_system(file: impl AsFd) -> io::Result<()> {
    Ok(syncfs(file)?)
}

/// Renames, and fails with `AlreadyExists` if `to` exists.
pub fn rename_noreplace(from: &Path, to: &Path) -> io::Result<()> {
    match renameat2(AT_FDCWD, from, AT_FDCWD, to, RenameFlags::RENAME_NOREPLACE) {
        Err(Errno::EINVAL | Errno::ENOSYS) => link_and_remove(from, to),
        result => Ok(result?),
    }
}

/// The same where the file system has no such rename: a crash between the steps leaves both names.
fn link_and_remove(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::hard_link(from, to)?;
    std::fs::remove_file(from)
}

/// Renames, replacing `to` if it exists.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
}

/// Gives the file `from` (if a symbolic link, the link itself) the second name `to`; `AlreadyExists` if that exists.
pub fn link(from: &Path, to: &Path) -> io::Result<()> {
    Ok(linkat(AT_FDCWD, from, AT_FDCWD, to, AtFlags::empty())?)
}

/// Gives the open file `file` the name `to`, whatever became of the name it was opened by. Needs /proc.
pub fn link_open(file: impl AsFd, to: &Path) -> io::Result<()> {
    let from = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
    Ok(linkat(
        AT_FDCWD,
        from.as_str(),
        AT_FDCWD,
        to,
        AtFlags::AT_SYMLINK_FOLLOW,
    )?)
}

/// Asks the kernel to begin writing these bytes of `file` to the disk, so that a later flush has less to do.
/// It promises nothing about durability. `length` 0 means up to the end.
pub fn start_writeback(file: impl AsFd, offset: u64, length: u64) -> io::Result<()> {
    sync_range(file, offset, length, libc::SYNC_FILE_RANGE_WRITE)
}

/// Fails if writing any of `file` to the disk has failed since it was opened. What is being written is waited for; nothing is made
/// durable. After [`sync_file_system`] it says of this file what that can only say of all together, and to one asker only.
pub fn check_writeback(file: impl AsFd) -> io::Result<()> {
    sync_range(file, 0, 0, libc::SYNC_FILE_RANGE_WAIT_BEFORE)
}

#[expect(unsafe_code, reason = "nix does not know sync_file_range")]
fn sync_range(file: impl AsFd, offset: u64, length: u64, flags: libc::c_uint) -> io::Result<()> {
    let (offset, length) = (signed(offset)?, signed(length)?);
    let number = file.as_fd().as_raw_fd();
    // SAFETY: the call takes numbers only, and the borrow keeps the descriptor open during it.
    let result = unsafe { libc::sync_file_range(number, offset, length, flags) };
    match Errno::result(result) {
        Ok(_) | Err(Errno::ENOSYS) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A pipe: the end to read from, the end to write to.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(pipe2(OFlag::O_CLOEXEC)?)
}

/// A file in memory that holds `content`, positioned at its beginning, which nobody can change any more.
pub fn sealed(name: &str, content: &[u8]) -> io::Result<File> {
    let mut file = memory(name)?;
    file.write_all(content)?;
    seal(&mut file)?;
    Ok(file)
}

/// An empty file in memory, to be written and then given to [`seal`].
pub fn memory(name: &str) -> io::Result<File> {
    Ok(File::from(memfd_create(
        name,
        MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING,
    )?))
}

/// From now on nobody can change `file`, which [`memory`] made; it is positioned at its beginning.
pub fn seal(file: &mut File) -> io::Result<()> {
    let seals = SealFlag::F_SEAL_WRITE
        | SealFlag::F_SEAL_GROW
        | SealFlag::F_SEAL_SHRINK
        | SealFlag::F_SEAL_SEAL;
    fcntl(&*file, FcntlArg::F_ADD_SEALS(seals))?;
    io::Seek::rewind(file)
}

/// The same file once more, for reading only, with a position of its own at the beginning. Needs /proc.
pub fn reopen(file: impl AsFd) -> io::Result<File> {
    File::open(format!("/proc/self/fd/{}", file.as_fd().as_raw_fd()))
}

/// Opens for reading, following symbolic links, without waiting for a pipe's writer and without taking a terminal.
pub fn open_read(path: &Path) -> io::Result<File> {
    open::open_read(path)
}

fn signed(number: u64) -> io::Result<i64> {
    i64::try_from(number).map_err(|_| Errno::EOVERFLOW.into())
}

#[cfg(test)]
mod tests;
