use super::*;
use std::io::{Read, Seek};
use std::os::unix::fs::PermissionsExt;

fn scratch() -> std::path::PathBuf {
    std::env::temp_dir().join(format!(
        "stafette-packet-{:x}",
        crate::random::number().unwrap()
    ))
}

#[test]
fn a_packet_carries_a_descriptor_that_closes_at_exec() {
    let (one, two) = Socket::pair().unwrap();
    let mut file = crate::fs::sealed("test", b"content").unwrap();
    one.send(b"take this", &[file.as_fd()]).unwrap();
    let mut buffer = [0; 100];
    let (length, mut fds) = two.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"take this");
    let received = fds.remove(0);
    let flags = nix::fcntl::fcntl(&received, nix::fcntl::FcntlArg::F_GETFD).unwrap();
    assert_eq!(flags & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
    let mut text = String::new();
    std::fs::File::from(received)
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, "content");
    file.rewind().unwrap();
}

#[test]
fn packets_keep_their_bounds_and_the_end_is_length_zero() {
    let (one, two) = Socket::pair().unwrap();
    one.send(b"first", &[]).unwrap();
    one.try_send(b"second", &[]).unwrap();
    drop(one);
    let mut buffer = [0; 100];
    assert_eq!(two.recv(&mut buffer).unwrap().0, 5);
    assert_eq!(two.recv(&mut buffer).unwrap().0, 6);
    assert_eq!(two.recv(&mut buffer).unwrap().0, 0);
    assert_eq!(
        two.send(b"x", &[]).unwrap_err().kind(),
        io::ErrorKind::BrokenPipe
    );
}

#[test]
fn the_longest_packet_passes_and_a_longer_buffer_is_not_needed() {
    let (one, two) = Socket::pair().unwrap();
    let packet = vec![7; MAX_PACKET];
    one.try_send(&packet, &[]).unwrap();
    let mut buffer = vec![0; MAX_PACKET];
    assert_eq!(two.recv(&mut buffer).unwrap().0, MAX_PACKET);
    assert_eq!(buffer, packet);
}

#[test]
fn a_packet_longer_than_the_buffer_is_refused() {
    let (one, two) = Socket::pair().unwrap();
    one.send(b"too long", &[]).unwrap();
    assert_eq!(
        two.recv(&mut [0; 4]).unwrap_err().kind(),
        io::ErrorKind::InvalidData
    );
}

#[test]
fn an_empty_packet_is_never_sent() {
    let (one, _two) = Socket::pair().unwrap();
    assert_eq!(
        one.send(b"", &[]).unwrap_err().kind(),
        io::ErrorKind::InvalidInput
    );
}

#[test]
fn more_descriptors_than_allowed_are_closed_and_refused() {
    let (one, two) = Socket::pair().unwrap();
    let (reader, writer) = crate::fs::pipe().unwrap();
    one.send(b"x", &[writer.as_fd(), writer.as_fd()]).unwrap();
    one.send(b"y", &[writer.as_fd(); 253]).unwrap();
    one.send(b"z", &[writer.as_fd(), writer.as_fd()]).unwrap();
    drop(writer);
    let mut buffer = [0; 10];
    assert_eq!(
        two.recv(&mut buffer).unwrap_err().kind(),
        io::ErrorKind::InvalidData
    );
    assert_eq!(
        two.recv(&mut buffer).unwrap_err().kind(),
        io::ErrorKind::InvalidData
    );
    two.set_max_fds(2);
    let (_, fds) = two.recv(&mut buffer).unwrap();
    assert_eq!(fds.len(), 2);
    drop(fds);
    // The pipe is at its end only if every writing end, also the refused ones, is closed.
    let mut reader = std::fs::File::from(reader);
    assert_eq!(reader.read(&mut buffer).unwrap(), 0);
}

#[test]
fn what_would_block_says_so() {
    let (one, two) = Socket::pair().unwrap();
    let mut buffer = [0; 10];
    assert_eq!(
        two.try_recv(&mut buffer).unwrap_err().kind(),
        io::ErrorKind::WouldBlock
    );
    two.set_timeouts(Some(Duration::from_millis(1)), None)
        .unwrap();
    assert_eq!(
        two.recv(&mut buffer).unwrap_err().kind(),
        io::ErrorKind::WouldBlock
    );
    let packet = vec![0; MAX_PACKET];
    let error = std::iter::repeat_with(|| one.try_send(&packet, &[]))
        .take(100)
        .find_map(Result::err)
        .unwrap();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn a_listener_makes_its_directory_and_knows_who_connects() {
    let directory = scratch();
    let path = directory.join("socket");
    let listener = Listener::bind(&path, 0o666).unwrap();
    assert_eq!(
        std::fs::metadata(&directory).unwrap().permissions().mode() & 0o7777,
        0o755
    );
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
        0o666
    );
    assert_eq!(
        listener.try_accept().unwrap_err().kind(),
        io::ErrorKind::WouldBlock
    );
    let client = Socket::connect(&path).unwrap();
    let server = listener.accept().unwrap();
    let peer = server.peer().unwrap();
    assert_eq!(
        (peer.uid, peer.pid),
        (
            crate::user::effective_uid(),
            crate::fork::Pid::own().number()
        )
    );
    server.send(b"hello", &[]).unwrap();
    assert_eq!(client.recv(&mut [0; 10]).unwrap().0, 5);
    drop(listener);
    assert_eq!(
        Socket::connect(&path).unwrap_err().kind(),
        io::ErrorKind::ConnectionRefused
    );
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_new_listener_takes_the_name_of_a_stale_one() {
    let directory = scratch();
    let path = directory.join("socket");
    drop(Listener::bind_in(&path, 0o600, 0o700).unwrap());
    let listener = Listener::bind(&path, 0o600).unwrap();
    let _client = Socket::connect_timeout(&path, Duration::from_secs(5)).unwrap();
    listener.try_accept().unwrap();
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1);
    assert_eq!(
        std::fs::metadata(&directory).unwrap().permissions().mode() & 0o7777,
        0o700
    );
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_path_of_any_length_can_be_bound_and_connected() {
    let base = scratch();
    let deep = base.join("d".repeat(100)).join("e".repeat(100));
    std::fs::create_dir_all(deep.parent().unwrap()).unwrap();
    let path = deep.join("socket");
    let listener = Listener::bind(&path, 0o600).unwrap();
    let client = Socket::connect(&path).unwrap();
    client.send(b"x", &[]).unwrap();
    assert_eq!(listener.accept().unwrap().recv(&mut [0; 2]).unwrap().0, 1);
    std::fs::remove_dir_all(base).unwrap();
}

#[test]
fn closing_wakes_a_thread_that_waits() {
    let (one, _two) = Socket::pair().unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| one.recv(&mut [0; 10]).unwrap().0);
        one.close().unwrap();
        assert_eq!(waiting.join().unwrap(), 0);
    });
}
