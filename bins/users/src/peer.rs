//! One connection: packets in, answers out, neither of them ever waited for.

use std::collections::VecDeque;
use std::io;

use stafette_sys::packet::Socket;
use stafette_sys::poll::Interest;

/// Answers that a peer may leave unread, those still being looked up included, before it is not listened to.
const UNREAD: usize = 1000;
/// Bytes of answers that a peer may leave unread before it is not listened to: a list of a hundred thousand addresses is a few times
/// this, and then goes before anything else is asked.
const UNREAD_BYTES: usize = 1024 * 1024;

/// A connection.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) socket: Socket,
    out: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Questions that are being looked up.
    pub(crate) asked: usize,
    pub(crate) interest: Interest,
}

impl Peer {
    pub(crate) fn new(socket: Socket) -> Self {
        Self {
            socket,
            out: VecDeque::new(),
            bytes: 0,
            asked: 0,
            interest: Interest::Read,
        }
    }

    /// Puts an answer behind those that have not gone yet.
    pub(crate) fn say(&mut self, packet: Vec<u8>) {
        self.bytes += packet.len();
        self.out.push_back(packet);
    }

    /// Whether to take more questions from it.
    pub(crate) fn is_heard(&self) -> bool {
        self.out.len() + self.asked < UNREAD && self.bytes < UNREAD_BYTES
    }

    /// Sends what there is room for, and tells what to wait for next.
    ///
    /// # Errors
    /// The peer is gone.
    pub(crate) fn flush(&mut self) -> io::Result<Interest> {
        while let Some(packet) = self.out.front() {
            match self.socket.try_send(packet, &[]) {
                Ok(()) => {
                    self.bytes = self.bytes.saturating_sub(packet.len());
                    drop(self.out.pop_front());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(match (self.is_heard(), self.out.is_empty()) {
            (true, true) => Interest::Read,
            (true, false) => Interest::Both,
            (false, true) => Interest::Nothing,
            (false, false) => Interest::Write,
        })
    }
}
