//! Unix sockets of whole packets (SOCK_SEQPACKET): one packet is one message, and descriptors ride on it.
//!
//! A packet arrives whole or not at all. A received packet that is longer than the buffer, or carries more descriptors
//! than [`Socket::set_max_fds`] allows, is refused with `InvalidData`, and every descriptor that came with it is closed. An empty
//! packet is never sent, so a length of 0 means that the peer is gone. Writing to a peer that is gone is an error, never a signal.

mod address;
mod callers;
mod listener;
mod receive;

pub use callers::Callers;
pub use listener::Listener;

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr, getsockopt, sendmsg,
    setsockopt, shutdown, socket, socketpair, sockopt,
};
use nix::sys::time::TimeVal;

/// The longest packet that programs send one another; socket buffers have room for at least one.
pub const MAX_PACKET: usize = 128 * 1024;

/// How many descriptors a packet may carry unless [`Socket::set_max_fds`] says otherwise.
pub const DEFAULT_MAX_FDS: usize = 1;

const BUFFER: usize = 1024 * 1024;

/// Who is at the other end, as the kernel saw it when the connection was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Process id; the process may be gone and its number used anew.
    pub pid: i32,
}

/// One end of a connection. All calls take `&self`, so that one thread may send while another receives.
#[derive(Debug)]
pub struct Socket {
    descriptor: OwnedFd,
    max_fds: AtomicUsize,
}

impl Socket {
    /// Connects to the listener at `path`, waiting while its queue of connections is full.
    /// `NotFound` and `ConnectionRefused` mean that nobody serves there.
    pub fn connect(path: &Path) -> io::Result<Self> {
        let socket = Self::unconnected()?;
        address::connect(&socket.descriptor, path)?;
        Ok(socket)
    }

    /// The same, waiting for `timeout` at most; from then on `timeout` bounds each send and receive as well.
    pub fn connect_timeout(path: &Path, timeout: Duration) -> io::Result<Self> {
        let socket = Self::unconnected()?;
        socket.set_timeouts(Some(timeout), Some(timeout))?;
        address::connect(&socket.descriptor, path)?;
        Ok(socket)
    }

    /// Two ends, connected to one another.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (one, two) = socketpair(
            AddressFamily::Unix,
            SockType::SeqPacket,
            None,
            SockFlag::SOCK_CLOEXEC,
        )?;
        Ok((Self::from(one), Self::from(two)))
    }

    fn unconnected() -> io::Result<Self> {
        Ok(Self::from(socket(
            AddressFamily::Unix,
            SockType::SeqPacket,
            SockFlag::SOCK_CLOEXEC,
            None,
        )?))
    }

    /// Sends one packet with `fds` riding on it, waiting for room.
    pub fn send(&self, packet: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        self.send_with(packet, fds, MsgFlags::empty())
    }

    /// Sends one packet if there is room at once; `WouldBlock` if there is none.
    pub fn try_send(&self, packet: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        self.send_with(packet, fds, MsgFlags::MSG_DONTWAIT)
    }

    fn send_with(&self, packet: &[u8], fds: &[BorrowedFd<'_>], flags: MsgFlags) -> io::Result<()> {
        if packet.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "an empty packet would look like the end",
            ));
        }
        let numbers: Vec<RawFd> = fds.iter().map(AsRawFd::as_raw_fd).collect();
        let rights = [ControlMessage::ScmRights(&numbers)];
        let control = if numbers.is_empty() { &[] } else { &rights[..] };
        let flags = flags | MsgFlags::MSG_NOSIGNAL;
        loop {
            match sendmsg::<UnixAddr>(
                self.descriptor.as_raw_fd(),
                &[IoSlice::new(packet)],
                control,
                flags,
                None,
            ) {
                Ok(_) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Receives one packet into `buffer`, waiting for it: its length, 0 if the peer is gone, and the descriptors on it.
    pub fn recv(&self, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        receive::receive(self.as_fd(), buffer, self.max_fds(), 0)
    }

    /// Receives one packet if there is one; `WouldBlock` if there is none.
    pub fn try_recv(&self, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        receive::receive(self.as_fd(), buffer, self.max_fds(), libc::MSG_DONTWAIT)
    }

    fn max_fds(&self) -> usize {
        self.max_fds.load(Ordering::Relaxed)
    }

    /// How many descriptors a received packet may carry.
    pub fn set_max_fds(&self, count: usize) {
        self.max_fds.store(count, Ordering::Relaxed);
    }

    /// Bounds the time of each receive and each send, which then fail with `WouldBlock`; `None` is for ever.
    pub fn set_timeouts(
        &self,
        receive: Option<Duration>,
        send: Option<Duration>,
    ) -> io::Result<()> {
        setsockopt(
            &self.descriptor,
            sockopt::ReceiveTimeout,
            &time_value(receive),
        )?;
        setsockopt(&self.descriptor, sockopt::SendTimeout, &time_value(send))?;
        Ok(())
    }

    /// Who made or accepted this connection at the other end; for a pair, who made the pair.
    pub fn peer(&self) -> io::Result<Credentials> {
        let credentials = getsockopt(&self.descriptor, sockopt::PeerCredentials)?;
        Ok(Credentials {
            uid: credentials.uid(),
            gid: credentials.gid(),
            pid: credentials.pid(),
        })
    }

    /// Tells the peer that nothing more will be sent; receiving goes on.
    pub fn finish(&self) -> io::Result<()> {
        Ok(shutdown(
            self.descriptor.as_raw_fd(),
            nix::sys::socket::Shutdown::Write,
        )?)
    }

    /// Ends the connection in both directions; another thread that waits in a receive returns.
    pub fn close(&self) -> io::Result<()> {
        Ok(shutdown(
            self.descriptor.as_raw_fd(),
            nix::sys::socket::Shutdown::Both,
        )?)
    }

    /// A second handle on the same end.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self {
            descriptor: self.descriptor.try_clone()?,
            max_fds: AtomicUsize::new(self.max_fds()),
        })
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl From<OwnedFd> for Socket {
    /// Takes a descriptor that is such a socket, for example one that was inherited.
    fn from(descriptor: OwnedFd) -> Self {
        // Best effort: the system's maximum may be lower, but no usual one is lower than a packet.
        setsockopt(&descriptor, sockopt::SndBuf, &BUFFER).unwrap_or(());
        setsockopt(&descriptor, sockopt::RcvBuf, &BUFFER).unwrap_or(());
        Self {
            descriptor,
            max_fds: AtomicUsize::new(DEFAULT_MAX_FDS),
        }
    }
}

impl From<Socket> for OwnedFd {
    fn from(socket: Socket) -> Self {
        socket.descriptor
    }
}

/// The kernel takes zero as for ever, so a wish of zero becomes the shortest time there is.
fn time_value(timeout: Option<Duration>) -> TimeVal {
    let Some(timeout) = timeout else {
        return TimeVal::new(0, 0);
    };
    let timeout = timeout.max(Duration::from_micros(1));
    TimeVal::new(
        i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        i64::from(timeout.subsec_micros()),
    )
}

#[cfg(test)]
mod tests;
