//! Socket names of any length: the kernel takes 107 bytes, so a longer path goes by way of its open directory.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::socket::UnixAddr;

const LONGEST: usize = 107;

pub(super) fn connect(socket: &OwnedFd, path: &Path) -> io::Result<()> {
    with_address(path, |address| {
        loop {
            match nix::sys::socket::connect(socket.as_raw_fd(), address) {
                Err(Errno::EINTR) => {}
                result => return Ok(result?),
            }
        }
    })
}

pub(super) fn bind(socket: &OwnedFd, path: &Path) -> io::Result<()> {
    with_address(path, |address| {
        Ok(nix::sys::socket::bind(socket.as_raw_fd(), address)?)
    })
}

fn with_address(path: &Path, call: impl FnOnce(&UnixAddr) -> io::Result<()>) -> io::Result<()> {
    if path.as_os_str().len() <= LONGEST {
        return call(&UnixAddr::new(path)?);
    }
    let (directory, name) = split(path)?;
    let directory: File = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_PATH | libc::O_DIRECTORY)
        .open(directory)?;
    let short = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd())).join(name);
    call(&UnixAddr::new(&short)?)
}

/// The directory and the name of a socket.
pub(super) fn split(path: &Path) -> io::Result<(&Path, &OsStr)> {
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) if parent.as_os_str().is_empty() => Ok((Path::new("."), name)),
        (Some(parent), Some(name)) => Ok((parent, name)),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the path names no file",
        )),
    }
}
