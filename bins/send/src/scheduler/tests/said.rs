//! What the programs around send say, and what a reader sees of what was written.

use std::sync::Arc;

use stafette_queue_layout::{Attempt, Event, Journal, RecipientState, Standing};
use stafette_wire::delivery::{
    Delays, Fate, Host, Job as WireJob, NextHop, Outcome, Protocol, RecipientOutcome,
};

/// The exchangers of a domain.
pub(super) fn hop(domain: &str) -> NextHop {
    NextHop {
        line: domain.to_owned(),
        host: domain.to_owned(),
        port: 25,
        mx: true,
        protocol: Protocol::Smtp,
    }
}

pub(super) fn outcome(job: &WireJob, fate: Fate, host: Host) -> Outcome {
    let (status, reply) = match fate {
        Fate::Delivered => ("2.0.0", "250 ok"),
        Fate::Deferred | Fate::Cut => ("4.2.0", "451 later"),
        Fate::Failed => ("5.1.1", "550 no such user"),
    };
    Outcome {
        job: job.job,
        id: job.id,
        results: job
            .recipients
            .iter()
            .map(|recipient| RecipientOutcome {
                index: recipient.index,
                fate,
                status: status.into(),
                reply: reply.into(),
                from_peer: true,
            })
            .collect(),
        relay: "mx.example[192.0.2.1]:25".into(),
        host,
        forward: None,
        peer_reports: false,
        delays: Delays {
            connect: 1,
            transfer: 2,
        },
        damaged: false,
    }
}

/// What a reader will see of an event (`Journal::apply` is not public).
pub(super) fn write_event(journal: &mut Journal, event: &Event) {
    let mut each = |to: &[u32], change: &dyn Fn(&mut RecipientState)| {
        for (index, state) in journal.states.iter_mut().enumerate() {
            if to.is_empty() || to.contains(&u32::try_from(index).unwrap()) {
                change(state);
            }
        }
    };
    match event {
        Event::Attempt(attempt) => {
            let attempt = Arc::new(attempt.clone());
            each(&attempt.to, &|state| {
                state.attempts += 1;
                state.last = Some(Arc::clone(&attempt));
                state.standing = match attempt.verdict {
                    stafette_queue_layout::Verdict::Delivered => Standing::Delivered,
                    stafette_queue_layout::Verdict::Deferred => Standing::Pending,
                    stafette_queue_layout::Verdict::Failed => Standing::Failed,
                };
            });
        }
        Event::Forwarded { at, ids, relay, to } => {
            let attempt = Arc::new(Attempt::forwarded(*at, ids, relay.clone(), to.clone()));
            each(to, &|state| {
                if state.standing == Standing::Pending {
                    state.attempts += 1;
                    state.last = Some(Arc::clone(&attempt));
                    state.standing = Standing::Delivered;
                }
            });
            journal.children.extend(ids);
        }
        Event::Due { next, to, .. } => each(to, &|state| state.due = *next),
        Event::Child { id, kind, to, .. } => {
            each(to, &|state| match kind {
                stafette_queue_layout::ChildKind::Delayed => state.warned = true,
                _ => state.reported = true,
            });
            journal.children.push(*id);
        }
        Event::Settled { to, .. } => each(to, &|state| state.reported = true),
        Event::Held { .. } | Event::Released { .. } => {}
    }
}
