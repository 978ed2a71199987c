//! The octets of a session: a TCP connection or one to a Unix socket.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use stafette_sys::{tcp, unix};

use crate::place::Place;

/// A connected stream.
#[derive(Debug)]
pub(crate) enum Stream {
    /// To a host.
    Tcp(TcpStream),
    /// On this machine.
    Unix(UnixStream),
}

impl Stream {
    pub(crate) fn connect(place: &Place, limit: Duration) -> io::Result<Self> {
        match place {
            Place::Host(target) => tcp::connect(target.address, limit).map(Self::Tcp),
            Place::Socket(path) => unix::connect(path, limit).map(Self::Unix),
        }
    }

    /// How long a read or write may take before it fails with `WouldBlock`.
    pub(crate) fn set_timeout(&self, timeout: Duration) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => tcp::set_timeout(stream, timeout),
            Self::Unix(stream) => unix::set_timeout(stream, timeout),
        }
    }

    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(octets),
            Self::Unix(stream) => stream.write(octets),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}
