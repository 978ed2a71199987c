//! Unix stream sockets beyond the standard library: connecting in bounded time.

use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, UnixAddr, connect as connect_raw, setsockopt, socket,
    sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike as _};

/// Connects to the socket at `path` within `timeout`, which is not short only where the queue of its server is full. Each read
/// and write of the stream takes at most `timeout` as well.
pub fn connect(path: &Path, timeout: Duration) -> io::Result<UnixStream> {
    let address = UnixAddr::new(path)?;
    let descriptor = socket(
        AddressFamily::Unix,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    let millis = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX);
    let limit = TimeVal::milliseconds(millis.clamp(1, 86_400_000));
    setsockopt(&descriptor, sockopt::SendTimeout, &limit)?;
    connect_raw(descriptor.as_raw_fd(), &address).map_err(|error| {
        match io::Error::from(error) {
            late if late.kind() == io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
            other => other,
        }
    })?;
    let stream = UnixStream::from(descriptor);
    set_timeout(&stream, timeout)?;
    Ok(stream)
}

/// Each read and write takes at most `timeout`, and fails with `WouldBlock` after it. Zero is taken as the shortest.
pub fn set_timeout(stream: &UnixStream, timeout: Duration) -> io::Result<()> {
    let timeout = timeout.max(Duration::from_millis(1));
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixListener;

    fn scratch() -> std::path::PathBuf {
        let number = crate::random::number().unwrap();
        std::env::temp_dir().join(format!("stafette-unix-{number:x}"))
    }

    #[test]
    fn a_stream_connects_and_carries_octets() {
        let path = scratch();
        let listener = UnixListener::bind(&path).unwrap();
        let mut client = connect(&path, Duration::from_secs(5)).unwrap();
        client.write_all(b"hello").unwrap();
        drop(client);
        let mut text = String::new();
        listener
            .accept()
            .unwrap()
            .0
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "hello");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_socket_that_is_not_there_or_has_no_server_is_an_error_at_once() {
        let path = scratch();
        let error = connect(&path, Duration::from_secs(5)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        drop(UnixListener::bind(&path).unwrap());
        let error = connect(&path, Duration::from_secs(5)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        std::fs::remove_file(path).unwrap();
        assert!(connect(Path::new(&"x".repeat(200)), Duration::ZERO).is_err());
    }

    #[test]
    fn a_server_that_accepts_nobody_is_waited_for_in_bounded_time() {
        let path = scratch();
        let listener = UnixListener::bind(&path).unwrap();
        nix::sys::socket::listen(&listener, nix::sys::socket::Backlog::new(0).unwrap()).unwrap();
        let _first = connect(&path, Duration::from_secs(5)).unwrap();
        let error = connect(&path, Duration::from_millis(20)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        std::fs::remove_file(path).unwrap();
    }
}
