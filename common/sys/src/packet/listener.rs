//! The end at which connections arrive.

use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, accept4, listen, socket};

use super::{Socket, address};

const BACKLOG: i32 = 512;
const DIRECTORY_MODE: u32 = 0o755;

/// A socket that listens at a path. Dropping it leaves the name, at which connecting is then refused.
#[derive(Debug)]
pub struct Listener(OwnedFd);

impl Listener {
    /// Listens at `path` with exactly the permission bits `mode` (0o666 where the directory decides who may enter).
    /// A name that is there already is replaced in one step: who connects meets the old listener or the new one.
    /// A missing directory is made with mode 0755; one that exists is left as it is.
    pub fn bind(path: &Path, mode: u32) -> io::Result<Self> {
        Self::bind_in(path, mode, DIRECTORY_MODE)
    }

    /// The same; a missing directory is made with mode `directory_mode`.
    pub fn bind_in(path: &Path, mode: u32, directory_mode: u32) -> io::Result<Self> {
        let (directory, name) = address::split(path)?;
        make_directory(directory, directory_mode)?;
        let mut temporary = std::ffi::OsString::from(format!(".{}.", std::process::id()));
        temporary.push(name);
        let temporary = directory.join(temporary);
        match std::fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let descriptor = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)?;
        address::bind(&descriptor, &temporary)?;
        // Nobody can connect before listen, so the permission bits are right before they matter.
        std::fs::set_permissions(&temporary, Permissions::from_mode(mode))?;
        listen(&descriptor, Backlog::new(BACKLOG)?)?;
        crate::fs::rename(&temporary, path)?;
        Ok(Self(descriptor))
    }

    /// Takes a descriptor that is such a listening socket already, for example one that systemd opened.
    pub fn adopt(descriptor: OwnedFd) -> io::Result<Self> {
        let flags = nix::fcntl::OFlag::O_NONBLOCK;
        nix::fcntl::fcntl(&descriptor, nix::fcntl::FcntlArg::F_SETFL(flags))?;
        Ok(Self(descriptor))
    }

    /// Waits for the next connection.
    pub fn accept(&self) -> io::Result<Socket> {
        loop {
            match self.try_accept() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    crate::poll::readable(self, None)?;
                }
                result => return result,
            }
        }
    }

    /// The next connection if one waits; `WouldBlock` if none does.
    pub fn try_accept(&self) -> io::Result<Socket> {
        loop {
            match accept4(self.0.as_raw_fd(), SockFlag::SOCK_CLOEXEC) {
                Ok(number) => return Ok(Socket::from(own(number))),
                Err(Errno::EINTR | Errno::ECONNABORTED) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[expect(unsafe_code, reason = "accept4 of nix gives a plain number")]
fn own(number: i32) -> OwnedFd {
    // SAFETY: the only caller passes what accept4 has just returned: a new descriptor that nobody else owns.
    unsafe { OwnedFd::from_raw_fd(number) }
}

fn make_directory(directory: &Path, mode: u32) -> io::Result<()> {
    match DirBuilder::new().mode(mode).create(directory) {
        Ok(()) => std::fs::set_permissions(directory, Permissions::from_mode(mode)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(_) if directory.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}
