//! Queues reports, beside the event loop: reads the original, composes, and hands the report to queue as a child.
//!
//! queue makes the child complete and flushed in tmp/ and leaves it there; it appears when clean has written its name into the
//! parent's journal. A child whose name was never written goes again by itself.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use stafette_addr::{Mailbox, ReversePath};
use stafette_message::dsn::Composed;
use stafette_message::id::message_id;
use stafette_sys::packet::Socket;
use stafette_sys::{clock, random};
use stafette_wire::envelope::{Body, Recipient, Sender};
use stafette_wire::submission::{Bytes, CONTENT, CONTENT_LIMIT, FromQueue, Origin, ToQueue};
use stafette_wire::{MAX_PACKET, Packet, QueueId};

use crate::effect::ReportOrder;
use crate::inbox::{News, Post};
use crate::message::DOUBLE_BOUNCE;
use crate::pile::Pile;
use crate::report::{self, Identity};
use crate::scheduler::Reported;

/// Threads: queue flushes for both at once.
const THREADS: usize = 2;
/// queue may take so long for one answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// The protocol of a report (`Origin::protocol`).
const BOUNCE: &str = "bounce";

/// An order with the names to use.
pub(crate) type Task = (Box<ReportOrder>, Identity);

/// Starts the threads.
///
/// # Errors
/// The kernel gave none.
pub(crate) fn start(queue: PathBuf, post: &Post) -> io::Result<Pile<Task>> {
    let pile = Pile::new();
    let post = post.clone();
    pile.serve(THREADS, "reporter", move |(order, identity): Task| {
        let made = catch_unwind(AssertUnwindSafe(|| make(&queue, &order, &identity)));
        let made = made.unwrap_or_else(|_| Err("the report could not be composed".to_owned()));
        let reported = match made {
            Ok((id, mailbox)) => Reported::Queued {
                child: id.into(),
                kind: order.kind,
                to: order.to.clone(),
                mailbox,
                is_double: order.is_double,
            },
            Err(reason) => Reported::Later(reason),
        };
        post.tell(News::Reported(order.message.key, reported));
    })?;
    Ok(pile)
}

fn make(
    queue: &Path,
    order: &ReportOrder,
    identity: &Identity,
) -> Result<(QueueId, String), String> {
    let original = report::read_original(order)
        .map_err(|error| format!("unable to read the original: {error}"))?;
    let chance = random::number().map_err(|error| error.to_string())?;
    let report = report::compose(
        order,
        identity,
        &original,
        clock::now(),
        chance,
        &message_id(&identity.host),
    );
    let to = report::addressee(order, identity);
    let protocol = if order.is_double {
        DOUBLE_BOUNCE
    } else {
        BOUNCE
    };
    submit(queue, &report, to, order.message.key.id(), protocol)
        .map(|id| (id, to.as_str().to_owned()))
}

/// Hands a report to queue as a child of `parent`.
fn submit(
    queue: &Path,
    report: &Composed,
    to: &Mailbox,
    parent: QueueId,
    protocol: &str,
) -> Result<QueueId, String> {
    let socket = Socket::connect_timeout(queue, PATIENCE)
        .map_err(|error| format!("unable to connect to {}: {error}", queue.display()))?;
    let mail = ToQueue::Mail {
        sender: Sender {
            from: ReversePath::Null,
            body: if report.eight_bit {
                Body::EightBit
            } else {
                Body::SevenBit
            },
            smtputf8: report.smtputf8,
            ret: None,
            envid: None,
            verp: false,
        },
        size: 0,
        origin: Origin {
            protocol: protocol.to_owned(),
            helo: Bytes::default(),
            address: None,
            name: Bytes::default(),
        },
        parent: Some(parent),
    };
    say(&socket, &mail.encode())?;
    match hear(&socket)? {
        FromQueue::Go {} => {}
        other => return Err(refusal(other)),
    }
    let recipient = Recipient {
        mailbox: to.clone(),
        notify: None,
        orcpt: None,
        expanded: stafette_wire::envelope::Expanded::No,
    };
    say(&socket, &ToQueue::Recipient { recipient }.encode())?;
    for piece in report.content.chunks(CONTENT_LIMIT) {
        let mut packet = Vec::with_capacity(piece.len() + 1);
        packet.push(CONTENT);
        packet.extend_from_slice(piece);
        say(&socket, &packet)?;
    }
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let octets = count(report.content.len());
    let line_ends = count(report.content.iter().filter(|byte| **byte == b'\n').count());
    let commit = ToQueue::Commit {
        octets,
        crlf_octets: octets.saturating_add(line_ends),
    };
    say(&socket, &commit.encode())?;
    match hear(&socket)? {
        FromQueue::Queued { id } => Ok(id),
        other => Err(refusal(other)),
    }
}

fn say(socket: &Socket, packet: &[u8]) -> Result<(), String> {
    socket
        .send(packet, &[])
        .map_err(|error| format!("unable to talk to queue: {error}"))
}

fn hear(socket: &Socket) -> Result<FromQueue, String> {
    let mut buffer = vec![0; MAX_PACKET];
    match socket.recv(&mut buffer) {
        Ok((0, _)) => Err("queue closed the connection".to_owned()),
        Ok((length, _)) => FromQueue::decode(buffer.get(..length).unwrap_or_default())
            .map_err(|error| format!("queue misbehaved: {error}")),
        Err(error) => Err(format!("unable to hear queue: {error}")),
    }
}

fn refusal(packet: FromQueue) -> String {
    match packet {
        FromQueue::Refused { reason, .. } => format!("queue refused: {reason}"),
        other => format!("queue misbehaved: {other:?}"),
    }
}
