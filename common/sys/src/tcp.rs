//! TCP sockets beyond the standard library: listening on exactly one family, connecting in bounded time.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, bind, listen as listen_raw,
    setsockopt, socket, sockopt,
};

const BACKLOG: i32 = 512;

/// Listens on `address`: an IPv6 socket takes IPv6 only, so that `0.0.0.0` and `[::]` go side by side; an address whose
/// last use is in TIME_WAIT can be taken at once. An address family that this machine lacks is an error
/// ([`is_absent`]). The listener does not block: accept after poll.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let family = if address.is_ipv6() {
        AddressFamily::Inet6
    } else {
        AddressFamily::Inet
    };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let descriptor = socket(family, SockType::Stream, flags, None)?;
    setsockopt(&descriptor, sockopt::ReuseAddr, &true)?;
    if address.is_ipv6() {
        setsockopt(&descriptor, sockopt::Ipv6V6Only, &true)?;
    }
    bind(descriptor.as_raw_fd(), &SockaddrStorage::from(address))?;
    listen_raw(&descriptor, Backlog::new(BACKLOG)?)?;
    Ok(TcpListener::from(descriptor))
}

/// Takes a descriptor that is a listening TCP socket already, for example one that systemd opened, and makes it not block.
pub fn adopt(descriptor: OwnedFd) -> io::Result<TcpListener> {
    let listener = TcpListener::from(descriptor);
    listener.local_addr()?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Whether an error of [`listen`] says that this machine has no such address or address family.
#[must_use]
pub fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL | libc::EPROTONOSUPPORT)
    )
}

/// Takes the next waiting connection, prepared with `timeout`; none if there is none (any more).
pub fn accept(
    listener: &TcpListener,
    timeout: Duration,
) -> io::Result<Option<(TcpStream, SocketAddr)>> {
    loop {
        match listener.accept() {
            Ok((stream, peer)) => {
                prepare(&stream, timeout)?;
                return Ok(Some((stream, canonical(peer))));
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => return Ok(None),
                io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => {}
                _ => return Err(error),
            },
        }
    }
}

/// Connects within `timeout` and prepares the stream with the same one.
pub fn connect(address: SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, timeout)?;
    prepare(&stream, timeout)?;
    Ok(stream)
}

/// Blocking; each read and write takes at most `timeout`; small writes are sent at once; a dead peer is noticed some day.
pub fn prepare(stream: &TcpStream, timeout: Duration) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    set_timeout(stream, timeout)?;
    setsockopt(stream, sockopt::KeepAlive, &true)?;
    Ok(())
}

/// Each read and write takes at most `timeout`, and fails with `WouldBlock` after it. Zero is taken as the shortest.
pub fn set_timeout(stream: &TcpStream, timeout: Duration) -> io::Result<()> {
    let timeout = timeout.max(Duration::from_millis(1));
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))
}

/// The address of an IPv4 peer in its own form also where it came by an IPv6 socket.
#[must_use]
pub fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// All addresses of this machine's interfaces.
pub fn own_addresses() -> io::Result<Vec<IpAddr>> {
    let mut addresses = Vec::new();
    for address in nix::ifaddrs::getifaddrs()?.filter_map(|interface| interface.address) {
        let four = address.as_sockaddr_in().map(|four| IpAddr::V4(four.ip()));
        let six = address.as_sockaddr_in6().map(|six| IpAddr::V6(six.ip()));
        addresses.extend(four.or(six));
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn a_connection_is_accepted_and_knows_its_peer() {
        let listener = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        assert!(accept(&listener, Duration::from_secs(1)).unwrap().is_none());
        let client = connect(listener.local_addr().unwrap(), Duration::from_secs(5)).unwrap();
        assert!(crate::poll::readable(&listener, Some(Duration::from_secs(5))).unwrap());
        let (stream, peer) = accept(&listener, Duration::from_secs(1)).unwrap().unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
        assert!(stream.nodelay().unwrap());
    }

    #[test]
    fn only_an_internet_socket_is_adopted() {
        let (one, _two) = crate::packet::Socket::pair().unwrap();
        assert!(adopt(OwnedFd::from(one)).is_err());
        let listener = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        assert!(adopt(OwnedFd::from(listener)).is_ok());
    }

    #[test]
    fn both_families_listen_on_one_port() {
        let four = listen(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))).unwrap();
        let port = four.local_addr().unwrap().port();
        match listen(SocketAddr::from((std::net::Ipv6Addr::UNSPECIFIED, port))) {
            Ok(_) => {}
            Err(error) => assert!(is_absent(&error), "{error}"),
        }
    }

    #[test]
    fn a_foreign_address_is_absent_and_loopback_is_ours() {
        let error = listen(SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 0))).unwrap_err();
        assert!(is_absent(&error), "{error}");
        assert!(
            own_addresses()
                .unwrap()
                .contains(&IpAddr::V4(Ipv4Addr::LOCALHOST))
        );
    }
}
