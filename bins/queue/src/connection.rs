//! One connection: packets in, answers out. The same for services, users, and the one-shot program that fills drop/.

use std::io;
use std::sync::Arc;

use stafette_log::{Event, event};
use stafette_sys::packet::Socket;
use stafette_wire::Packet;
use stafette_wire::submission::{CONTENT_LIMIT, FromQueue, ToQueue, content};

use crate::introduction::Client;
use crate::transaction::{Desk, Ready, Refused, Summary, Transaction};

/// Octets of the largest packet taken: one of content, or a packet of an envelope.
pub(crate) const BUFFER: usize = CONTENT_LIMIT + 8 * 1024;

/// Where complete messages go.
pub(crate) trait Outbox {
    /// Flushes the message and answers on `socket`, now or soon.
    fn submit(&self, ready: Ready, socket: &Arc<Socket>);
    /// From now on `socket` is told of arrivals.
    fn subscribe(&self, socket: &Arc<Socket>);
}

/// Why a connection was ended from this side.
enum End {
    /// The peer said what makes no sense, or what it may not say.
    Misbehaved(String),
    /// The peer is gone, was silent for too long, or cannot be answered.
    Gone,
}

/// Serves until the peer goes. Whatever was under way then is void.
pub(crate) fn serve(
    socket: &Arc<Socket>,
    client: Client,
    desk: &Desk,
    outbox: &dyn Outbox,
    buffer: &mut [u8],
) {
    socket.set_max_fds(0);
    let mut conversation = Conversation {
        socket,
        client,
        desk,
        outbox,
        transaction: None,
    };
    loop {
        let packet = match socket.recv(buffer) {
            Ok((0, _)) => return,
            Ok((length, _)) => buffer.get(..length).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return misbehaved(socket, &error.to_string());
            }
            Err(_) => return,
        };
        match conversation.packet(packet) {
            Ok(()) => {}
            Err(End::Gone) => return,
            Err(End::Misbehaved(reason)) => return misbehaved(socket, &reason),
        }
    }
}

struct Conversation<'a> {
    socket: &'a Arc<Socket>,
    client: Client,
    desk: &'a Desk,
    outbox: &'a dyn Outbox,
    transaction: Option<Transaction>,
}

impl Conversation<'_> {
    fn packet(&mut self, packet: &[u8]) -> Result<(), End> {
        if let Some(piece) = content(packet) {
            if let Some(transaction) = &mut self.transaction {
                transaction.content(self.desk, piece);
            }
            return Ok(());
        }
        let packet = ToQueue::decode(packet).map_err(|error| End::Misbehaved(error.to_string()))?;
        match packet {
            ToQueue::Mail {
                sender,
                size,
                origin,
                parent,
            } => {
                self.transaction = None;
                match Transaction::begin(self.desk, self.client, sender, size, origin, parent) {
                    Ok(transaction) => {
                        self.transaction = Some(transaction);
                        self.say(&FromQueue::Go {})
                    }
                    Err(refused) => self.say(&refused.into()),
                }
            }
            ToQueue::Recipient { recipient } => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.recipient(self.desk, recipient);
                }
                Ok(())
            }
            ToQueue::Envelope { sender } => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.envelope(sender);
                }
                Ok(())
            }
            ToQueue::Commit { octets, .. } => self.commit(octets),
            ToQueue::Abort {} => {
                self.transaction = None;
                Ok(())
            }
            ToQueue::Subscribe {} if self.client.is_send() => {
                self.outbox.subscribe(self.socket);
                Ok(())
            }
            ToQueue::Subscribe {} => {
                Err(End::Misbehaved("only send is told of arrivals".to_owned()))
            }
            ToQueue::Ping {} => self.say(&FromQueue::Pong {}),
        }
    }

    fn commit(&mut self, octets: u64) -> Result<(), End> {
        use stafette_wire::submission::Refusal::NotAllowed;
        let Some(transaction) = self.transaction.take() else {
            return self.say(&Refused::new(NotAllowed, "no message was begun").into());
        };
        let id = transaction.id();
        match transaction.finish(self.desk, octets) {
            Ok(ready) => {
                self.outbox.submit(ready, self.socket);
                Ok(())
            }
            Err(void) => {
                let (refused, summary) = *void;
                log_refused(id.as_str(), &refused, &summary);
                self.say(&refused.into())
            }
        }
    }

    fn say(&self, answer: &FromQueue) -> Result<(), End> {
        self.socket
            .send(&answer.encode(), &[])
            .map_err(|_| End::Gone)
    }
}

impl From<Refused> for FromQueue {
    fn from(refused: Refused) -> Self {
        Self::Refused {
            refusal: refused.refusal,
            reason: refused.reason,
        }
    }
}

/// One line for each message that was refused whole.
pub(crate) fn log_refused(id: &str, refused: &Refused, summary: &Summary) {
    let client = summary
        .origin
        .address
        .map(|address| address.to_string())
        .unwrap_or_default();
    let uid = summary
        .client
        .uid()
        .map(|uid| uid.to_string())
        .unwrap_or_default();
    let (size, recipients) = (
        summary.crlf_octets.to_string(),
        summary.recipients.to_string(),
    );
    let mut fields: Vec<(&str, &[u8])> = Vec::with_capacity(6);
    match summary.client {
        Client::User(_) => fields.push(("uid", uid.as_bytes())),
        Client::Service { .. } => fields.push(("client", client.as_bytes())),
    }
    fields.push(("from", summary.sender.from.as_str().as_bytes()));
    fields.push(("recipients", recipients.as_bytes()));
    fields.push(("size", size.as_bytes()));
    fields.push(("reason", refused.reason.as_bytes()));
    event(Event::MessageRefused, Some(id), &fields);
}

fn misbehaved(socket: &Socket, reason: &str) {
    let (uid, pid) = match socket.peer() {
        Ok(peer) => (peer.uid.to_string(), peer.pid.to_string()),
        Err(_) => (String::new(), String::new()),
    };
    event(
        Event::PeerMisbehaved,
        None,
        &[
            ("uid", uid.as_bytes()),
            ("pid", pid.as_bytes()),
            ("reason", reason.as_bytes()),
        ],
    );
}
