//! Takes in what the one-shot program left in drop/ while no service ran.
//!
//! The files are strangers': who sent them is who owns them, and of the envelope only sender, recipients and options are believed.

use std::cell::Cell;

use stafette_addr::ReversePath;
use stafette_log::{Event, event};
use stafette_queue_layout::{Admission, Envelope, Offer, TakeIn, take_in};
use stafette_sys::clock;
use stafette_wire::QueueId;
use stafette_wire::envelope::{Expanded, Recipient};
use stafette_wire::submission::{Bytes, Origin};

use crate::introduction::Client;
use crate::transaction::{Desk, new_id};

/// Takes in everything; gives the names of the new messages.
pub(crate) fn take(desk: &Desk) -> Vec<QueueId> {
    let name = Cell::new(QueueId::new(0, [0; QueueId::CHANCE]));
    let mut next = || {
        // Without chance the time alone makes the name: one that is taken is refused and tried again.
        let id = new_id()
            .unwrap_or_else(|_| QueueId::new(clock::now_micros() / 1000, [0; QueueId::CHANCE]));
        name.set(id);
        id
    };
    let mut admit = |offer: &Offer<'_>| admit(desk, offer, name.get());
    match take_in(&desk.disk, &mut next, &mut admit) {
        Ok(report) => report.iter().filter_map(told).collect(),
        Err(error) => {
            event(
                Event::Error,
                None,
                &[
                    ("problem", error.to_string().as_bytes()),
                    ("path", b"drop"),
                    ("reason", b"unable to take in messages"),
                ],
            );
            Vec::new()
        }
    }
}

fn told(taken: &TakeIn) -> Option<QueueId> {
    match taken {
        TakeIn::Taken { id, .. } => return Some(*id),
        TakeIn::Refused { name, reason } => {
            let file = format!("drop/{name}");
            event(
                Event::MessageSetAside,
                Some(name.as_str()),
                &[("file", file.as_bytes()), ("reason", reason.as_bytes())],
            );
        }
        TakeIn::Failed { name, error } => {
            let file = format!("drop/{name}");
            event(
                Event::Warning,
                Some(name.as_str()),
                &[
                    ("file", file.as_bytes()),
                    ("problem", error.to_string().as_bytes()),
                    ("reason", b"unable to take in a message"),
                ],
            );
        }
    }
    None
}

fn admit(desk: &Desk, offer: &Offer<'_>, id: QueueId) -> Admission {
    let (head, given) = (&offer.head, offer.envelope);
    if head.crlf_octets.max(head.octets) > desk.rules.injectbytes {
        return Admission::Refuse(format!("over {} octets", desk.rules.injectbytes));
    }
    if given.recipients.len() > desk.rules.maxrecipients {
        return Admission::Refuse(format!("more than {} recipients", desk.rules.maxrecipients));
    }
    if desk.room.lacks(head.octets).is_some() {
        return Admission::Later;
    }
    let client = Client::User(offer.uid);
    let origin = client.origin(Origin {
        protocol: String::new(),
        helo: b""[..].into(),
        address: None,
        name: b""[..].into(),
    });
    let now = clock::now();
    let arrived = if (1..=now).contains(&given.arrived) {
        given.arrived
    } else {
        now
    };
    let received = client.received(&origin, None, &desk.rules.me, id.as_str(), now);
    log(id, offer, &given.sender.from);
    Admission::Take(Envelope {
        arrived,
        origin,
        uid: Some(offer.uid),
        parent: None,
        sender: given.sender.clone(),
        // Whoever wrote the file is a user, who may not say what stands behind an alias.
        recipients: given
            .recipients
            .iter()
            .cloned()
            .map(|recipient| Recipient {
                expanded: Expanded::No,
                ..recipient
            })
            .collect(),
        add: vec![Bytes::from(received.as_str())],
    })
}

/// The line of an acceptance; the one who dropped the message was told before.
fn log(id: QueueId, offer: &Offer<'_>, from: &ReversePath) {
    let (size, recipients) = (
        offer.head.crlf_octets.to_string(),
        offer.envelope.recipients.len().to_string(),
    );
    event(
        Event::MessageQueued,
        Some(id.as_str()),
        &[
            ("uid", offer.uid.to_string().as_bytes()),
            ("proto", b"local"),
            ("from", from.as_str().as_bytes()),
            ("size", size.as_bytes()),
            ("recipients", recipients.as_bytes()),
            ("reason", b"left in drop/ while no service ran"),
        ],
    );
}
