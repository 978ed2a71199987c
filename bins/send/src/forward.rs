//! Messages that go on to others: what the children are, and their making, beside the event loop.
//!
//! A child's content is the parent's, with `Delivered-To` of the addresses that stood for its recipients and the parent's added fields
//! in front. It streams from the parent's file through a checksum to queue; the child is complete only if the checksum is right.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use stafette_addr::{Mailbox, ReversePath};
use stafette_message::dsn::HEADER_LIMIT;
use stafette_message::loops::was_delivered_to;
use stafette_message::trace::delivered_to;
use stafette_wire::envelope::{Recipient, Sender};

use crate::key::Key;
use crate::message::{DOUBLE_BOUNCE, FORWARD, Loaded};
use crate::policy::Policy;
use crate::submit::Submission;

/// Octets of content read at once.
const PIECE: usize = 64 * 1024;

/// One child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Whom it is for.
    pub(crate) recipients: Vec<Recipient>,
    /// The addresses that stood for them.
    pub(crate) delivered_to: Vec<Mailbox>,
}

/// What is to be queued for some recipients of a message, all or nothing.
#[derive(Debug)]
pub(crate) struct ForwardOrder {
    /// The message, as it stood then.
    pub(crate) message: Loaded,
    /// Given back with the result.
    pub(crate) number: u64,
    /// Numbers of the recipients who go on.
    pub(crate) to: Vec<u32>,
    /// The sender's side of the children.
    pub(crate) sender: Sender,
    /// The children's protocol: [`FORWARD`], or [`DOUBLE_BOUNCE`] of a report that no further one may follow.
    pub(crate) protocol: &'static str,
    /// The children.
    pub(crate) parts: Vec<Part>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Forwarded {
    /// The children are complete in tmp/, and appear when their parent's journal names them.
    Queued(Vec<Key>),
    /// The message was delivered to these recipients before; nothing was queued for anybody.
    Looped(Vec<u32>),
    /// The content differs from its checksum.
    Damaged,
    /// queue did not take it now, for this reason.
    Later(String),
}

/// The sender's side of children of `message`: of a list, or any other with a reverse-path of its own, nothing of the sender's wishes is left
/// (RFC 3461 section 5.2.7).
pub(crate) fn sender(message: &Loaded, from: ReversePath, verp: bool) -> Sender {
    let own = &message.journal.envelope.sender;
    let is_same = from == own.from;
    Sender {
        ret: own.ret.filter(|_| is_same),
        envid: own.envid.clone().filter(|_| is_same),
        body: own.body,
        smtputf8: own.smtputf8,
        verp: verp || is_same && own.verp,
        from,
    }
}

/// The protocol of children of `message`. The end of a chain of reports stays one.
pub(crate) fn protocol(message: &Loaded, policy: &Policy) -> &'static str {
    if message.is_last_report(policy) {
        DOUBLE_BOUNCE
    } else {
        FORWARD
    }
}

/// Queues the children.
pub(crate) fn make(queue: &Path, order: &ForwardOrder) -> Forwarded {
    match try_make(queue, order) {
        Ok(forwarded) => forwarded,
        Err(reason) => Forwarded::Later(reason),
    }
}

fn try_make(queue: &Path, order: &ForwardOrder) -> Result<Forwarded, String> {
    let unreadable = |error: io::Error| format!("unable to read the original: {error}");
    let file = match &order.message.file {
        Some(file) => File::from(file.try_clone().map_err(unreadable)?),
        None => return Err("the original is not open".to_owned()),
    };
    let looped = looped(order, &file).map_err(unreadable)?;
    if !looped.is_empty() {
        return Ok(Forwarded::Looped(looped));
    }
    let mut children = Vec::new();
    for part in &order.parts {
        let parent = order.message.key.id();
        let mut submission =
            Submission::begin(queue, order.sender.clone(), order.protocol, parent)?;
        for recipient in &part.recipients {
            submission.recipient(recipient.clone())?;
        }
        submission.content(&in_front(order, part))?;
        let mut hasher = crc32fast::Hasher::new();
        let content = &order.message.content;
        let (mut at, end) = (
            content.offset,
            content.offset.saturating_add(content.octets),
        );
        let mut piece = vec![0; PIECE];
        while at < end {
            let length = usize::try_from(end - at).unwrap_or(PIECE).min(PIECE);
            let room = piece.get_mut(..length).unwrap_or_default();
            match file.read_exact_at(room, at) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Ok(Forwarded::Damaged);
                }
                Err(error) => return Err(unreadable(error)),
            }
            hasher.update(room);
            submission.content(room)?;
            at = at.saturating_add(u64::try_from(length).unwrap_or(0));
        }
        if hasher.finalize() != content.crc32 {
            return Ok(Forwarded::Damaged);
        }
        children.push(submission.commit()?.into());
    }
    Ok(Forwarded::Queued(children))
}

/// The recipients to whom the message was delivered before.
fn looped(order: &ForwardOrder, file: &File) -> io::Result<Vec<u32>> {
    let octets = usize::try_from(order.message.content.octets).unwrap_or(usize::MAX);
    let mut head = vec![0; octets.min(HEADER_LIMIT)];
    match file.read_exact_at(&mut head, order.message.content.offset) {
        // The checksum tells.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Vec::new()),
        other => other?,
    }
    let added = &order.message.journal.envelope.add;
    let is_looped = |index: &&u32| {
        order.message.recipient(**index).is_some_and(|recipient| {
            let added = added.iter().map(|field| field.0.as_slice());
            was_delivered_to(added, &head, &recipient.mailbox)
        })
    };
    Ok(order.to.iter().filter(is_looped).copied().collect())
}

/// What stands before the content.
fn in_front(order: &ForwardOrder, part: &Part) -> Vec<u8> {
    let own = part.delivered_to.iter().map(delivered_to);
    let mut out: Vec<u8> = own.flat_map(|field| (field + "\n").into_bytes()).collect();
    for field in &order.message.journal.envelope.add {
        out.extend_from_slice(&field.0);
        out.push(b'\n');
    }
    out
}

#[cfg(test)]
mod tests;
