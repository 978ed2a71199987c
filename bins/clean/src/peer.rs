//! One connection of send: packets in, answers out.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use stafette_log::{Event, event};
use stafette_sys::packet::{Credentials, Socket};
use stafette_wire::clean::{FromClean, ToClean};
use stafette_wire::{MAX_PACKET, Packet};

/// A peer that does not take its answers for so long is cut off.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection.
#[derive(Debug)]
pub(crate) struct Peer {
    socket: Socket,
    credentials: Credentials,
    buffer: Vec<u8>,
    /// Something was refused that an honest peer does not ask; said once.
    was_blamed: bool,
}

/// What a look at the connection gave.
pub(crate) enum Heard {
    /// A packet.
    Packet(ToClean),
    /// Nothing more now.
    Silence,
    /// The peer is gone, or was cut off.
    End,
}

impl Peer {
    /// Takes a connection.
    pub(crate) fn new(socket: Socket) -> io::Result<Self> {
        socket.set_max_fds(0);
        socket.set_timeouts(None, Some(PATIENCE))?;
        let credentials = socket.peer()?;
        Ok(Self {
            socket,
            credentials,
            buffer: vec![0; MAX_PACKET],
            was_blamed: false,
        })
    }

    pub(crate) fn credentials(&self) -> Credentials {
        self.credentials
    }

    /// The next packet, if one waits.
    pub(crate) fn hear(&mut self) -> Heard {
        match self.socket.try_recv(&mut self.buffer) {
            Ok((0, _)) => Heard::End,
            Ok((length, _)) => match ToClean::decode(self.buffer.get(..length).unwrap_or_default())
            {
                Ok(packet) => Heard::Packet(packet),
                Err(error) => {
                    self.blame(&error.to_string());
                    Heard::End
                }
            },
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Heard::Silence,
            Err(error) => {
                self.blame(&error.to_string());
                Heard::End
            }
        }
    }

    /// Sends an answer; false if the peer does not take it.
    pub(crate) fn say(&self, answer: &FromClean) -> bool {
        self.socket.send(&answer.encode(), &[]).is_ok()
    }

    /// Logs, once for each connection, that the peer said what it must not say.
    pub(crate) fn blame(&mut self, reason: &str) {
        if std::mem::replace(&mut self.was_blamed, true) {
            return;
        }
        let (pid, uid) = (
            self.credentials.pid.to_string(),
            self.credentials.uid.to_string(),
        );
        let fields: [(&str, &[u8]); 3] = [
            ("pid", pid.as_bytes()),
            ("uid", uid.as_bytes()),
            ("reason", reason.as_bytes()),
        ];
        event(Event::PeerMisbehaved, None, &fields);
    }
}

impl AsFd for Peer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
