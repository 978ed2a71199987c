//! The way of one message to queue.
//!
//! Content is sent as it comes; nothing of it is kept here. A lost connection voids what was under way and the
//! next message begins with a fresh one.

use std::time::Duration;

use stafette_control::Instance;
use stafette_sys::packet::Socket;
use stafette_wire::envelope::{Recipient, Sender};
use stafette_wire::submission::{CONTENT, FromQueue, Origin, Refusal, ToQueue};
use stafette_wire::{Packet, QueueId};

/// How long queue may take for an answer. A commit waits for the disk, which may be slow but not this slow.
const LIMIT: Duration = Duration::from_secs(120);

/// Why queue did not take it.
#[derive(Debug, Clone)]
pub(crate) struct Refused {
    /// In queue's terms.
    pub(crate) refusal: Refusal,
    /// For the log.
    pub(crate) reason: String,
}

/// A connection to queue, made when it is first needed.
#[derive(Default)]
pub(crate) struct Postbox {
    socket: Option<Socket>,
    /// A failure inside the message under way, told at its end.
    failed: Option<Refused>,
    /// Nobody wants the message under way: nothing of it is sent.
    is_void: bool,
    packet: Vec<u8>,
}

impl Postbox {
    /// Begins a message: is there room, and is anybody there?
    pub(crate) fn begin(
        &mut self,
        instance: &Instance,
        local: bool,
        sender: &Sender,
        size: u64,
        origin: &Origin,
    ) -> Result<(), Refused> {
        self.failed = None;
        self.is_void = false;
        let mail = ToQueue::Mail {
            sender: sender.clone(),
            size,
            origin: origin.clone(),
            parent: None,
        }
        .encode();
        // An idle connection may have died with the program behind it; a fresh one is worth one more try.
        if self.socket.is_some()
            && let Ok(answer) = self.exchange(&mail)
        {
            return expect_go(answer);
        }
        let path = instance.socket(if local { "inject" } else { "queue" });
        let socket = Socket::connect_timeout(&path, LIMIT).map_err(|error| {
            out_of_reach(&format!("unable to connect to {}: {error}", path.display()))
        })?;
        self.socket = Some(socket);
        expect_go(self.exchange(&mail)?)
    }

    /// Begins a message that goes nowhere.
    pub(crate) fn begin_nothing(&mut self) {
        self.failed = None;
        self.is_void = true;
    }

    /// Adds a recipient.
    pub(crate) fn recipient(&mut self, recipient: &Recipient) {
        self.send(
            &ToQueue::Recipient {
                recipient: recipient.clone(),
            }
            .encode(),
        );
    }

    /// Adds content, lines ended by LF.
    pub(crate) fn content(&mut self, piece: &[u8]) {
        if piece.is_empty() {
            return;
        }
        let mut packet = std::mem::take(&mut self.packet);
        for part in piece.chunks(stafette_wire::submission::CONTENT_LIMIT) {
            packet.clear();
            packet.push(CONTENT);
            packet.extend_from_slice(part);
            self.send(&packet);
        }
        self.packet = packet;
    }

    /// Ends the message; after `Ok` it is on the disk.
    pub(crate) fn commit(&mut self, octets: u64, crlf_octets: u64) -> Result<QueueId, Refused> {
        if let Some(refused) = self.failed.take() {
            return Err(refused);
        }
        match self.exchange(
            &ToQueue::Commit {
                octets,
                crlf_octets,
            }
            .encode(),
        )? {
            FromQueue::Queued { id } => Ok(id),
            FromQueue::Refused { refusal, reason } => Err(Refused { refusal, reason }),
            _ => Err(self.lost("queue answered what it was not asked")),
        }
    }

    /// Voids the message under way.
    pub(crate) fn abort(&mut self) {
        if self.socket.is_some() {
            self.send(&ToQueue::Abort {}.encode());
        }
        self.failed = None;
        self.is_void = false;
        self.packet = Vec::new();
    }

    /// A failure here is told at [`Postbox::commit`]: queue may have said why before it closed, but it is void anyhow.
    fn send(&mut self, packet: &[u8]) {
        if self.failed.is_some() || self.is_void {
            return;
        }
        let sent = self.socket.as_ref().map(|socket| socket.send(packet, &[]));
        let problem = match sent {
            Some(Ok(())) => return,
            Some(Err(error)) => format!("unable to send to queue: {error}"),
            None => "no connection to queue".to_owned(),
        };
        let refused = self.last_words().unwrap_or_else(|| out_of_reach(&problem));
        self.socket = None;
        self.failed = Some(refused);
    }

    /// A refusal that queue sent before it closed.
    fn last_words(&self) -> Option<Refused> {
        let mut packet = [0; 4096];
        let (length, _) = self.socket.as_ref()?.try_recv(&mut packet).ok()?;
        match FromQueue::decode(packet.get(..length)?) {
            Ok(FromQueue::Refused { refusal, reason }) => Some(Refused { refusal, reason }),
            _ => None,
        }
    }

    fn exchange(&mut self, packet: &[u8]) -> Result<FromQueue, Refused> {
        let Some(socket) = &self.socket else {
            return Err(out_of_reach("no connection to queue"));
        };
        let mut answer = [0; 4096];
        let heard = socket
            .send(packet, &[])
            .and_then(|()| socket.recv(&mut answer));
        match heard {
            Ok((0, _)) => Err(self.lost("queue closed the connection")),
            Ok((length, _)) => FromQueue::decode(answer.get(..length).unwrap_or_default())
                .map_err(|error| self.lost(&format!("queue sent {error}"))),
            Err(error) => Err(self.lost(&format!("lost queue: {error}"))),
        }
    }

    fn lost(&mut self, reason: &str) -> Refused {
        self.socket = None;
        out_of_reach(reason)
    }
}

fn expect_go(answer: FromQueue) -> Result<(), Refused> {
    match answer {
        FromQueue::Go {} => Ok(()),
        FromQueue::Refused { refusal, reason } => Err(Refused { refusal, reason }),
        _ => Err(out_of_reach("queue answered what it was not asked")),
    }
}

fn out_of_reach(reason: &str) -> Refused {
    Refused {
        refusal: Refusal::Temporary,
        reason: reason.to_owned(),
    }
}
