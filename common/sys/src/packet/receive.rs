//! One recvmsg(2) in which no descriptor is ever leaked.
//!
//! `nix` drops the list of descriptors when the kernel cut the control data (as it does when this process is out of
//! descriptors) and so leaks those that did arrive. Here every one that arrived becomes an `OwnedFd` first.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;

/// The kernel lets 253 descriptors ride on one packet (SCM_MAX_FD).
const MOST_FDS: usize = 253;
const WORDS: usize = (MOST_FDS * size_of::<RawFd>()).div_ceil(size_of::<u64>()) + 8;

/// Room for control data, aligned as `cmsghdr` must be.
#[repr(C, align(8))]
struct Control([u64; WORDS]);

pub(super) fn receive(
    socket: BorrowedFd<'_>,
    buffer: &mut [u8],
    max_fds: usize,
    flags: libc::c_int,
) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut control = Control([0; WORDS]);
    let (length, outcome, fds) = loop {
        match receive_once(socket, buffer, &mut control, flags | libc::MSG_CMSG_CLOEXEC) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(received) => break received,
        }
    };
    if outcome & libc::MSG_TRUNC != 0 {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the packet is longer than the buffer",
        ));
    }
    if outcome & libc::MSG_CTRUNC != 0 {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "not all descriptors of the packet could be taken",
        ));
    }
    if fds.len() > max_fds {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the packet carries more descriptors than allowed",
        ));
    }
    Ok((length, fds))
}

#[expect(unsafe_code, reason = "recvmsg with control data")]
fn receive_once(
    socket: BorrowedFd<'_>,
    buffer: &mut [u8],
    control: &mut Control,
    flags: libc::c_int,
) -> io::Result<(usize, libc::c_int, Vec<OwnedFd>)> {
    let mut part = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    // SAFETY: msghdr is a plain C structure of numbers and pointers, for which all zeros is a valid value.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = &raw mut part;
    header.msg_iovlen = 1;
    header.msg_control = (&raw mut control.0).cast();
    header.msg_controllen = size_of::<Control>() as _;
    // SAFETY: header points to one iovec over `buffer` and to `control`, both exclusively borrowed and of the given lengths.
    let length =
        Errno::result(unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, flags) })?;
    Ok((
        usize::try_from(length).unwrap_or(0),
        header.msg_flags,
        descriptors(&header),
    ))
}

/// Takes ownership of all descriptors in the control data of a header that recvmsg has just filled in.
#[expect(unsafe_code, reason = "walks the control data that the kernel wrote")]
fn descriptors(header: &libc::msghdr) -> Vec<OwnedFd> {
    let mut taken = Vec::new();
    // SAFETY: recvmsg set msg_control and msg_controllen to the aligned, valid control data it wrote.
    let mut current = unsafe { libc::CMSG_FIRSTHDR(header) };
    while !current.is_null() {
        // SAFETY: CMSG_FIRSTHDR and CMSG_NXTHDR give null or a whole cmsghdr inside the control data.
        let head = unsafe { *current };
        if head.cmsg_level == libc::SOL_SOCKET && head.cmsg_type == libc::SCM_RIGHTS {
            // SAFETY: CMSG_LEN is arithmetic on a number.
            let empty = unsafe { libc::CMSG_LEN(0) } as usize;
            let count = (head.cmsg_len as usize).saturating_sub(empty) / size_of::<RawFd>();
            // SAFETY: current points to a whole cmsghdr, whose data follows it.
            let data: *const RawFd = unsafe { libc::CMSG_DATA(current) }.cast();
            for index in 0..count {
                // SAFETY: the kernel wrote `count` descriptors there; the data need not be aligned for them.
                let number = unsafe { data.wrapping_add(index).read_unaligned() };
                // SAFETY: the kernel has just made this descriptor for this process, and each is taken once.
                taken.push(unsafe { OwnedFd::from_raw_fd(number) });
            }
        }
        // SAFETY: header and current are as above; the result stays inside the control data or is null.
        current = unsafe { libc::CMSG_NXTHDR(header, current) };
    }
    taken
}
