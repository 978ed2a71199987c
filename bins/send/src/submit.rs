//! Handing a child to queue: one connection, one message, content in pieces.

use std::path::Path;
use std::time::Duration;

use stafette_sys::packet::Socket;
use stafette_wire::envelope::{Recipient, Sender};
use stafette_wire::submission::{Bytes, CONTENT, CONTENT_LIMIT, FromQueue, Origin, ToQueue};
use stafette_wire::{MAX_PACKET, Packet, QueueId};

/// queue may take so long for one answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A child on its way. If it is dropped before its end, nothing was queued.
#[derive(Debug)]
pub(crate) struct Submission {
    socket: Socket,
    octets: u64,
    line_ends: u64,
}

impl Submission {
    /// Begins a child of `parent`.
    pub(crate) fn begin(
        queue: &Path,
        sender: Sender,
        protocol: &str,
        parent: QueueId,
    ) -> Result<Self, String> {
        let socket = Socket::connect_timeout(queue, PATIENCE)
            .map_err(|error| format!("unable to connect to {}: {error}", queue.display()))?;
        let submission = Self {
            socket,
            octets: 0,
            line_ends: 0,
        };
        let mail = ToQueue::Mail {
            sender,
            size: 0,
            origin: Origin {
                protocol: protocol.to_owned(),
                helo: Bytes::default(),
                address: None,
                name: Bytes::default(),
            },
            parent: Some(parent),
        };
        submission.say(&mail.encode())?;
        match submission.hear()? {
            FromQueue::Go {} => Ok(submission),
            other => Err(refusal(other)),
        }
    }

    /// One recipient.
    pub(crate) fn recipient(&self, recipient: Recipient) -> Result<(), String> {
        self.say(&ToQueue::Recipient { recipient }.encode())
    }

    /// More content.
    pub(crate) fn content(&mut self, content: &[u8]) -> Result<(), String> {
        for piece in content.chunks(CONTENT_LIMIT) {
            let mut packet = Vec::with_capacity(piece.len() + 1);
            packet.push(CONTENT);
            packet.extend_from_slice(piece);
            self.say(&packet)?;
            self.octets = self.octets.saturating_add(count(piece.len()));
            let line_ends = piece.iter().filter(|byte| **byte == b'\n').count();
            self.line_ends = self.line_ends.saturating_add(count(line_ends));
        }
        Ok(())
    }

    /// The end: the child is complete in tmp/ under the name that is given.
    pub(crate) fn commit(self) -> Result<QueueId, String> {
        let commit = ToQueue::Commit {
            octets: self.octets,
            crlf_octets: self.octets.saturating_add(self.line_ends),
        };
        self.say(&commit.encode())?;
        match self.hear()? {
            FromQueue::Queued { id } => Ok(id),
            other => Err(refusal(other)),
        }
    }

    fn say(&self, packet: &[u8]) -> Result<(), String> {
        self.socket
            .send(packet, &[])
            .map_err(|error| format!("unable to talk to queue: {error}"))
    }

    fn hear(&self) -> Result<FromQueue, String> {
        let mut buffer = vec![0; MAX_PACKET];
        match self.socket.recv(&mut buffer) {
            Ok((0, _)) => Err("queue closed the connection".to_owned()),
            Ok((length, _)) => FromQueue::decode(buffer.get(..length).unwrap_or_default())
                .map_err(|error| format!("queue misbehaved: {error}")),
            Err(error) => Err(format!("unable to hear queue: {error}")),
        }
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn refusal(packet: FromQueue) -> String {
    match packet {
        FromQueue::Refused { reason, .. } => format!("queue refused: {reason}"),
        other => format!("queue misbehaved: {other:?}"),
    }
}
