//! Queues children, beside the event loop: reports, which it composes from the original, and what goes on to others.
//!
//! queue makes the child complete and flushed in tmp/ and leaves it there; it appears when clean has written its name into the
//! parent's journal. A child whose name was never written goes again by itself.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use stafette_addr::{Mailbox, ReversePath};
use stafette_message::dsn::Composed;
use stafette_message::id::message_id;
use stafette_sys::{clock, random};
use stafette_wire::QueueId;
use stafette_wire::envelope::{Body, Expanded, Recipient, Sender};

use crate::effect::ReportOrder;
use crate::forward::{self, ForwardOrder, Forwarded};
use crate::inbox::{News, Post};
use crate::message::DOUBLE_BOUNCE;
use crate::pile::Pile;
use crate::report::{self, Identity};
use crate::scheduler::Reported;
use crate::submit::Submission;

/// Threads: queue flushes for both at once.
const THREADS: usize = 2;
/// The protocol of a report (`Origin::protocol`).
const BOUNCE: &str = "bounce";

/// What is to be made.
#[derive(Debug)]
pub(crate) enum Task {
    /// A report, with the names to use.
    Report(Box<ReportOrder>, Identity),
    /// Children that the message goes on as.
    Forward(Box<ForwardOrder>),
}

/// Starts the threads.
///
/// # Errors
/// The kernel gave none.
pub(crate) fn start(queue: PathBuf, post: &Post) -> io::Result<Pile<Task>> {
    let pile = Pile::new();
    let post = post.clone();
    pile.serve(THREADS, "reporter", move |task: Task| match task {
        Task::Report(order, identity) => {
            let reported = report(&queue, &order, &identity);
            post.tell(News::Reported(order.message.key, reported));
        }
        Task::Forward(order) => {
            let made = catch_unwind(AssertUnwindSafe(|| forward::make(&queue, &order)));
            let made = made.unwrap_or_else(|_| {
                Forwarded::Later("the message could not be passed on".to_owned())
            });
            post.tell(News::Forwarded(order.message.key, order.number, made));
        }
    })?;
    Ok(pile)
}

fn report(queue: &Path, order: &ReportOrder, identity: &Identity) -> Reported {
    let made = catch_unwind(AssertUnwindSafe(|| make(queue, order, identity)));
    let made = made.unwrap_or_else(|_| Err("the report could not be composed".to_owned()));
    match made {
        Ok((id, mailbox)) => Reported::Queued {
            child: id.into(),
            kind: order.kind,
            to: order.to.clone(),
            mailbox,
            is_double: order.is_double,
        },
        Err(reason) => Reported::Later(reason),
    }
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
    let to = &report::addressee(order, identity);
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
    let sender = Sender {
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
    };
    let mut submission = Submission::begin(queue, sender, protocol, parent)?;
    submission.recipient(Recipient {
        mailbox: to.clone(),
        notify: None,
        orcpt: None,
        expanded: Expanded::No,
    })?;
    submission.content(&report.content)?;
    submission.commit()
}
