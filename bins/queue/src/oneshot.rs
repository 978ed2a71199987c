//! `stafette-queue` without arguments: the message on descriptor 0, then the envelope on descriptor 1, as qmail-queue.
//!
//! The message goes to the service as it is read. Only if nobody listens there, and so before a byte was sent, it goes into drop/. Exit
//! code 0 means that it is on the disk; after anything else nothing was queued, but where the connection was lost (74), it may have been.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use stafette_addr::ReversePath;
use stafette_control::Instance;
use stafette_queue_layout::drop_in;
use stafette_sys::packet::Socket;
use stafette_sys::{inherit, poll, user};
use stafette_wire::Packet;
use stafette_wire::envelope::{Body, Recipient, Sender};
use stafette_wire::exit::QueueExit;
use stafette_wire::submission::{CONTENT, CONTENT_LIMIT, FromQueue, Origin, Refusal, ToQueue};

use crate::drop_box;
use crate::error_text::fail;
use crate::introduction::Client;
use crate::qmail_envelope::{BadEnvelope, Parser, Part};
use crate::transaction::{Desk, Refused, Transaction};

/// After so long this program gives up, as qmail-queue does.
const LIFETIME: Duration = Duration::from_secs(86_400);

/// How often a service without a free place is asked again, with longer and longer pauses.
const TRIES: u32 = 20;
/// The first pause.
const PAUSE: Duration = Duration::from_millis(100);

/// Why the program ends without success.
type Failure = (QueueExit, String);

/// Where the message goes.
enum Way {
    /// To the service.
    Service(Socket),
    /// Into drop/.
    Drop(Box<Desk>, Option<Box<Transaction>>),
}

/// Queues one message.
pub(crate) fn run(instance: &Instance) -> ExitCode {
    match queue(instance) {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, text)) => fail(code, &text),
    }
}

fn queue(instance: &Instance) -> Result<(), Failure> {
    let broken = |error: std::io::Error| {
        (
            QueueExit::Read,
            format!("unable to use descriptors 0 and 1: {error}"),
        )
    };
    let message = File::from(
        std::io::stdin()
            .as_fd()
            .try_clone_to_owned()
            .map_err(broken)?,
    );
    let envelope = File::from(
        std::io::stdout()
            .as_fd()
            .try_clone_to_owned()
            .map_err(broken)?,
    );
    let deadline = Instant::now() + LIFETIME;
    let mut way = Way::open(instance)?;
    let mut packet = vec![CONTENT; CONTENT_LIMIT + 1];
    let mut octets = 0;
    while let Some(length) = read(&message, packet.get_mut(1..).unwrap_or_default(), deadline)? {
        way.content(packet.get(..=length).unwrap_or_default())?;
        octets += u64::try_from(length).unwrap_or(0);
    }
    let mut recipients = 0u64;
    let mut parser = Parser::default();
    let mut buffer = vec![0; 4096];
    loop {
        let Some(length) = read(&envelope, &mut buffer, deadline)? else {
            return Err((
                QueueExit::Read,
                "the envelope ends before its last NUL".to_owned(),
            ));
        };
        for byte in buffer.iter().take(length) {
            match parser
                .take(*byte)
                .map_err(|BadEnvelope { code, text }| (code, text))?
            {
                None => {}
                Some(Part::Sender(from, verp)) => way.sender(from, verp)?,
                Some(Part::Recipient(mailbox)) => {
                    recipients += 1;
                    way.recipient(Recipient {
                        mailbox,
                        notify: None,
                        orcpt: None,
                        expanded: stafette_wire::envelope::Expanded::No,
                    })?;
                }
                // A message to nobody has arrived.
                Some(Part::End) if recipients == 0 => return Ok(()),
                Some(Part::End) => return way.commit(octets),
            }
        }
    }
}

/// The next bytes; `None` at the end.
fn read(mut file: &File, buffer: &mut [u8], deadline: Instant) -> Result<Option<usize>, Failure> {
    let left = deadline.saturating_duration_since(Instant::now());
    if let Ok(false) = poll::readable(file, Some(left)) {
        return Err((QueueExit::Timeout, "the caller took too long".to_owned()));
    }
    loop {
        match file.read(buffer) {
            Ok(0) => return Ok(None),
            Ok(length) => return Ok(Some(length)),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err((QueueExit::Read, format!("unable to read: {error}"))),
        }
    }
}

fn nobody() -> (Sender, Origin) {
    let sender = Sender {
        from: ReversePath::Null,
        body: Body::EightBit,
        smtputf8: false,
        ret: None,
        envid: None,
        verp: false,
    };
    (
        sender,
        Origin {
            protocol: "local".to_owned(),
            helo: b""[..].into(),
            address: None,
            name: b""[..].into(),
        },
    )
}

impl Way {
    fn open(instance: &Instance) -> Result<Self, Failure> {
        let (sender, origin) = nobody();
        let mut attempt = 0;
        while let Ok(socket) = Socket::connect(&instance.socket("inject")) {
            socket
                .set_timeouts(Some(LIFETIME), Some(LIFETIME))
                .map_err(lost)?;
            let way = Self::Service(socket);
            let mail = ToQueue::Mail {
                sender: sender.clone(),
                size: 0,
                origin: origin.clone(),
                parent: None,
            };
            let failure = match way.say(&mail).and_then(|()| way.hear()) {
                Ok(FromQueue::Go {}) => {
                    // What the set-group-id bit lent is for drop/ alone.
                    inherit::give_up_set_id().map_err(|error| {
                        (QueueExit::Bug, format!("unable to give up rights: {error}"))
                    })?;
                    return Ok(way);
                }
                Ok(other) if is_turned_away(&other) => refused(other),
                Ok(other) => return Err(refused(other)),
                // Turned away before it could speak, or the service was ending: nothing was sent yet.
                Err(failure) => failure,
            };
            attempt += 1;
            if attempt > TRIES {
                return Err(failure);
            }
            std::thread::sleep(PAUSE * attempt);
        }
        let desk = drop_box::desk(instance).map_err(|text| (QueueExit::QueueDirectory, text))?;
        let client = Client::User(user::real_uid());
        let transaction = Transaction::begin(&desk, client, sender, 0, origin, None)
            .map_err(|why| refused(why.into()))?;
        Ok(Self::Drop(Box::new(desk), Some(Box::new(transaction))))
    }

    /// A packet of content, its kind byte included.
    fn content(&mut self, packet: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Service(socket) => socket.send(packet, &[]).map_err(lost)?,
            Self::Drop(desk, Some(transaction)) => {
                transaction.content(desk, packet.get(1..).unwrap_or_default());
            }
            Self::Drop(_, None) => {}
        }
        Ok(())
    }

    fn sender(&mut self, from: ReversePath, verp: bool) -> Result<(), Failure> {
        let sender = Sender {
            smtputf8: from.needs_smtputf8(),
            from,
            verp,
            ..nobody().0
        };
        match self {
            Self::Service(_) => self.say(&ToQueue::Envelope { sender })?,
            Self::Drop(_, Some(transaction)) => transaction.envelope(sender),
            Self::Drop(_, None) => {}
        }
        Ok(())
    }

    fn recipient(&mut self, recipient: Recipient) -> Result<(), Failure> {
        match self {
            Self::Service(_) => self.say(&ToQueue::Recipient { recipient })?,
            Self::Drop(desk, Some(transaction)) => transaction.recipient(desk, recipient),
            Self::Drop(_, None) => {}
        }
        Ok(())
    }

    fn commit(self, octets: u64) -> Result<(), Failure> {
        match self {
            Self::Service(_) => {
                self.say(&ToQueue::Commit {
                    octets,
                    crlf_octets: octets,
                })?;
                match self.hear()? {
                    FromQueue::Queued { .. } => Ok(()),
                    other => Err(refused(other)),
                }
            }
            Self::Drop(desk, Some(transaction)) => {
                let ready = transaction
                    .finish(&desk, octets)
                    .map_err(|void| refused(void.0.into()))?;
                match drop_in(&desk.disk, ready.sealed) {
                    Ok(_) => Ok(()),
                    Err(error) => Err(refused(
                        Refused::from_io(&error, "flush a queue file").into(),
                    )),
                }
            }
            Self::Drop(_, None) => Err((QueueExit::Bug, "nothing was begun".to_owned())),
        }
    }

    fn say(&self, packet: &ToQueue) -> Result<(), Failure> {
        match self {
            Self::Service(socket) => socket.send(&packet.encode(), &[]).map_err(lost),
            Self::Drop(..) => Ok(()),
        }
    }

    fn hear(&self) -> Result<FromQueue, Failure> {
        let Self::Service(socket) = self else {
            return Err((QueueExit::Bug, "nobody to hear".to_owned()));
        };
        let mut buffer = vec![0; 8192];
        match socket.recv(&mut buffer).map_err(lost)? {
            (0, _) => Err((
                QueueExit::Communication,
                "the queue service hung up".to_owned(),
            )),
            (length, _) => {
                FromQueue::decode(buffer.get(..length).unwrap_or_default()).map_err(|error| {
                    (
                        QueueExit::Communication,
                        format!("the queue service said nonsense: {error}"),
                    )
                })
            }
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "used with map_err")]
fn lost(error: std::io::Error) -> Failure {
    (
        QueueExit::Communication,
        format!("the queue service was lost: {error}"),
    )
}

/// There was no place among the users' connections.
fn is_turned_away(answer: &FromQueue) -> bool {
    matches!(answer, FromQueue::Refused { refusal: Refusal::Temporary, reason } if reason.starts_with("too many"))
}

fn refused(answer: FromQueue) -> Failure {
    match answer {
        FromQueue::Refused { refusal, reason } => {
            let code = match refusal {
                Refusal::NoSpace => QueueExit::Write,
                Refusal::Temporary => QueueExit::RefusedForNow,
                Refusal::TooBig | Refusal::TooManyRecipients | Refusal::NotAllowed => {
                    QueueExit::Refused
                }
            };
            (code, reason)
        }
        _ => (
            QueueExit::Communication,
            "the queue service gave another answer than expected".to_owned(),
        ),
    }
}
