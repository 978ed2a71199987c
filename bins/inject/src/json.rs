//! `mailq -j`: one JSON object for each message, in the shape of Postfix's `postqueue -j`.

use serde_json::{Map, Value, json};
use stafette_queue_layout::Place;
use stafette_wire::operator::{Entry, Standing};

/// Where Postfix would say that a message is.
fn queue_name(standing: Standing, place: Option<Place>) -> &'static str {
    match (standing, place) {
        (Standing::Active, _) => "active",
        (Standing::Held, _) => "hold",
        (Standing::Bad, _) => "corrupt",
        (Standing::Waiting, Some(Place::New)) => "incoming",
        (Standing::Waiting, Some(Place::Drop)) => "maildrop",
        (Standing::Waiting, _) => "deferred",
    }
}

/// One message; `place` if it was read from the disk.
pub(crate) fn entry(entry: &Entry, place: Option<Place>) -> Value {
    let recipients: Vec<Value> = entry
        .recipients
        .iter()
        .map(|recipient| {
            let mut object =
                Map::from_iter([("address".to_owned(), recipient.mailbox.as_str().into())]);
            if !recipient.reason.0.is_empty() {
                let reason = String::from_utf8_lossy(&recipient.reason.0).into_owned();
                object.insert("delay_reason".to_owned(), reason.into());
            }
            object.into()
        })
        .collect();
    json!({
        "queue_name": queue_name(entry.standing, place),
        "queue_id": entry.id.as_str(),
        "arrival_time": entry.arrived,
        "message_size": entry.octets,
        "forced_expire": false,
        "sender": match entry.from.as_str() {
            "" => "MAILER-DAEMON",
            path => path,
        },
        "recipients": recipients,
    })
}
