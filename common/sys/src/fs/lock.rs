//! Locks on whole files. Both kinds end when the file is closed by all who share the opening, so also at death.

use std::fs::File;
use std::io;

use fs2::FileExt;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};

/// Takes the exclusive flock(2) of `file`, waiting for it.
pub fn lock(file: &File) -> io::Result<()> {
    FileExt::lock_exclusive(file)
}

/// Takes the exclusive flock(2) of `file` if it is free; false if another holds it.
pub fn try_lock(file: &File) -> io::Result<bool> {
    match FileExt::try_lock_exclusive(file) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}

/// Takes the exclusive fcntl(2) lock of the whole of `file` if it is free; false if another holds it. It excludes the
/// classical record locks of mail readers, but belongs to this opening of the file (OFD), not to the process.
/// The file must be open for writing.
pub fn try_lock_record(file: &File) -> io::Result<bool> {
    match fcntl(file, FcntlArg::F_OFD_SETLK(&whole(libc::F_WRLCK))) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The same, waiting for it. There is no time limit: see [`try_lock_record`].
pub fn lock_record(file: &File) -> io::Result<()> {
    loop {
        match fcntl(file, FcntlArg::F_OFD_SETLKW(&whole(libc::F_WRLCK))) {
            Ok(_) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Gives the fcntl(2) lock back.
pub fn unlock_record(file: &File) -> io::Result<()> {
    fcntl(file, FcntlArg::F_OFD_SETLK(&whole(libc::F_UNLCK)))?;
    Ok(())
}

fn whole(kind: libc::c_int) -> libc::flock {
    libc::flock {
        l_type: libc::c_short::try_from(kind).unwrap_or_default(),
        l_whence: libc::c_short::try_from(libc::SEEK_SET).unwrap_or_default(),
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}
