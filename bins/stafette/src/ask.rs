//! Questions to send, by its socket.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use stafette_control::Instance;
use stafette_sys::packet::Socket;
use stafette_wire::operator::{FromSend, ToSend};
use stafette_wire::{MAX_PACKET, Packet};

use crate::failure::Failure;

/// How long a program may take for one packet. send waits for clean, clean for the disk.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to send.
#[derive(Debug)]
pub(crate) struct Send {
    socket: Socket,
    path: PathBuf,
    buffer: Vec<u8>,
}

impl Send {
    /// Connects; none if send does not run.
    pub(crate) fn connect(instance: &Instance) -> Result<Option<Self>, Failure> {
        let path = instance.socket("send");
        let socket = connect(&path)?;
        Ok(socket.map(|socket| Self {
            socket,
            path,
            buffer: vec![0; MAX_PACKET],
        }))
    }

    pub(crate) fn say(&self, packet: &ToSend) -> Result<(), Failure> {
        self.socket
            .send(&packet.encode(), &[])
            .map_err(|error| self.lost(&error))
    }

    pub(crate) fn hear(&mut self) -> Result<FromSend, Failure> {
        let (length, _) = self
            .socket
            .recv(&mut self.buffer)
            .map_err(|error| self.lost(&error))?;
        if length == 0 {
            return Err(self.lost(&io::ErrorKind::ConnectionReset.into()));
        }
        FromSend::decode(self.buffer.get(..length).unwrap_or_default()).map_err(|error| {
            Failure::Later(format!(
                "send misbehaved: {error}; are all programs of one version?"
            ))
        })
    }

    /// Asks for one thing and gives the answer's words.
    pub(crate) fn order(&mut self, packet: &ToSend) -> Result<String, Failure> {
        self.say(packet)?;
        match self.hear()? {
            FromSend::Done { text } => Ok(text),
            FromSend::Refused { text } => Err(Failure::Never(format!("send refuses: {text}"))),
            other => Err(Failure::Later(format!("send misbehaved: {other:?}"))),
        }
    }

    fn lost(&self, error: &io::Error) -> Failure {
        Failure::Later(format!(
            "unable to talk to send at {}: {error}; see its log, and try again",
            self.path.display()
        ))
    }
}

/// Connects to a program; none if nobody serves there.
pub(crate) fn connect(path: &std::path::Path) -> Result<Option<Socket>, Failure> {
    match Socket::connect_timeout(path, PATIENCE) {
        Ok(socket) => Ok(Some(socket)),
        Err(error) if is_down(&error) => Ok(None),
        Err(error) => Err(Failure::system(
            &format!("connect to {}", path.display()),
            &error,
        )),
    }
}

/// Nobody serves there.
pub(crate) fn is_down(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
    )
}
