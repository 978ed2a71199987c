//! The way of one message to the queue: its service's socket, or the one-shot program if nobody listens there.
//!
//! Both speak the same packets. Nothing is taken for queued before `Queued` was heard.

use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use stafette_addr::Mailbox;
use stafette_control::Instance;
use stafette_sys::packet::Socket;
use stafette_wire::envelope::{Recipient, Sender};
use stafette_wire::exit::SysExit;
use stafette_wire::submission::{CONTENT, CONTENT_LIMIT, FromQueue, Origin, Refusal, ToQueue};
use stafette_wire::{Packet, QueueId};

use crate::beside;
use crate::failure::Failure;

/// How long the service may take for an answer.
const PATIENCE: Duration = Duration::from_secs(300);
/// How often a service without a free place is asked again, with longer and longer pauses: some 20 seconds in all.
const TRIES: u32 = 20;
/// The first pause.
const PAUSE: Duration = Duration::from_millis(100);

/// A message under way.
#[derive(Debug)]
pub(crate) struct Channel {
    socket: Socket,
    /// The one-shot program, if it is the other end.
    child: Option<Child>,
    packet: Vec<u8>,
    octets: u64,
    line_ends: u64,
}

impl Channel {
    /// Begins a message: when this returned, there is room for it.
    pub(crate) fn begin(instance: &Instance, sender: &Sender) -> Result<Self, Failure> {
        let mut attempt = 0;
        loop {
            let channel = Self::open(instance)?;
            let origin = Origin {
                protocol: "local".to_owned(),
                helo: b""[..].into(),
                address: None,
                name: b""[..].into(),
            };
            let said = channel.say(&ToQueue::Mail {
                sender: sender.clone(),
                size: 0,
                origin,
                parent: None,
            });
            let failure = match said.and_then(|()| channel.hear()) {
                Ok(FromQueue::Go {}) => return Ok(channel),
                Ok(other) if is_turned_away(&other) => refused(other),
                Ok(other) => return Err(refused(other)),
                // One who is turned away, or met a service that was ending, may find the connection closed before he has spoken.
                Err(failure) if channel.child.is_none() => failure,
                Err(failure) => return Err(failure),
            };
            attempt += 1;
            if attempt > TRIES {
                return Err(failure);
            }
            drop(channel);
            std::thread::sleep(PAUSE * attempt);
        }
    }

    fn open(instance: &Instance) -> Result<Self, Failure> {
        let (socket, child) = match Socket::connect_timeout(&instance.socket("inject"), PATIENCE) {
            Ok(socket) => (socket, None),
            Err(_) => {
                let (ours, theirs) = Socket::pair()
                    .map_err(|error| Failure::later(format!("unable to make a socket: {error}")))?;
                ours.set_timeouts(Some(PATIENCE), Some(PATIENCE))
                    .map_err(|error| lost(&error))?;
                (ours, Some(one_shot(theirs)?))
            }
        };
        let mut packet = Vec::with_capacity(CONTENT_LIMIT + 1);
        packet.push(CONTENT);
        Ok(Self {
            socket,
            child,
            packet,
            octets: 0,
            line_ends: 0,
        })
    }

    /// Adds a recipient.
    pub(crate) fn recipient(
        &self,
        mailbox: &Mailbox,
        notify: Option<stafette_wire::envelope::Notify>,
    ) -> Result<(), Failure> {
        self.say(&ToQueue::Recipient {
            recipient: Recipient {
                mailbox: mailbox.clone(),
                notify,
                orcpt: None,
                expanded: stafette_wire::envelope::Expanded::No,
            },
        })
    }

    /// Adds content.
    pub(crate) fn content(&mut self, mut bytes: &[u8]) -> Result<(), Failure> {
        while !bytes.is_empty() {
            let room = (CONTENT_LIMIT + 1).saturating_sub(self.packet.len());
            let (now, later) = bytes.split_at_checked(room).unwrap_or((bytes, b""));
            self.packet.extend_from_slice(now);
            bytes = later;
            if self.packet.len() > CONTENT_LIMIT {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Sends what was gathered, be it nothing: the service sees that we are alive.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        let content = self.packet.get(1..).unwrap_or_default();
        self.octets += count(content.len());
        self.line_ends += count(content.iter().filter(|byte| **byte == b'\n').count());
        self.socket
            .send(&self.packet, &[])
            .map_err(|error| lost(&error))?;
        self.packet.truncate(1);
        Ok(())
    }

    /// Completes the message. After `Ok` it is on the disk.
    pub(crate) fn commit(mut self) -> Result<QueueId, Failure> {
        if self.packet.len() > 1 {
            self.flush()?;
        }
        self.say(&ToQueue::Commit {
            octets: self.octets,
            crlf_octets: self.octets + self.line_ends,
        })?;
        match self.hear()? {
            FromQueue::Queued { id } => Ok(id),
            other => Err(refused(other)),
        }
    }

    fn say(&self, packet: &ToQueue) -> Result<(), Failure> {
        self.socket
            .send(&packet.encode(), &[])
            .map_err(|error| lost(&error))
    }

    fn hear(&self) -> Result<FromQueue, Failure> {
        let mut buffer = vec![0; 8192];
        match self
            .socket
            .recv(&mut buffer)
            .map_err(|error| lost(&error))?
        {
            (0, _) => Err(Failure::later(
                "the queue program ended before it took the message",
            )),
            (length, _) => {
                FromQueue::decode(buffer.get(..length).unwrap_or_default()).map_err(|error| {
                    Failure::later(format!("the queue program said nonsense: {error}"))
                })
            }
        }
    }
}

impl Drop for Channel {
    /// The end of the connection is the end of the one-shot program.
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // Whoever is gone already needs neither.
            drop(self.socket.close());
            drop(child.wait());
        }
    }
}

/// There was no place among the users' connections.
fn is_turned_away(answer: &FromQueue) -> bool {
    matches!(answer, FromQueue::Refused { refusal: Refusal::Temporary, reason } if reason.starts_with("too many"))
}

fn one_shot(socket: Socket) -> Result<Child, Failure> {
    let path = beside("stafette-queue")?;
    let child = Command::new(&path)
        .arg("drop")
        .stdin(OwnedFd::from(socket))
        .stdout(Stdio::null())
        .spawn();
    child.map_err(|error| {
        Failure::later(format!(
            "the queue service is down, and {} cannot be run: {error}",
            path.display()
        ))
    })
}

fn lost(error: &std::io::Error) -> Failure {
    Failure::later(format!("the queue program was lost: {error}"))
}

fn refused(answer: FromQueue) -> Failure {
    match answer {
        FromQueue::Refused { refusal, reason } => match refusal {
            Refusal::NoSpace => Failure::later(format!("no room in the queue: {reason}")),
            Refusal::Temporary => Failure::later(format!("not now: {reason}")),
            Refusal::TooBig => {
                Failure::new(SysExit::Unavailable, format!("message too large: {reason}"))
            }
            Refusal::TooManyRecipients => Failure::new(
                SysExit::Unavailable,
                format!("too many recipients: {reason}"),
            ),
            Refusal::NotAllowed => {
                Failure::new(SysExit::Unavailable, format!("message refused: {reason}"))
            }
        },
        _ => Failure::later("the queue program gave another answer than expected"),
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
