//! JSON for programs: the shape of Postfix's `postqueue -j`, with our fields beside its own.

use serde_json::{Map, Value, json};
use stafette_message::date;
use stafette_queue_layout::{
    Attempt, ChildKind, Event, Journal, Message, RealDisk, RecipientState, Standing as State,
};
use stafette_wire::QueueId;
use stafette_wire::envelope::{Body, Notify, Recipient, Ret};
use stafette_wire::operator::{Entry, Standing};

/// Bytes as a string; what is no UTF-8 becomes replacement characters.
fn text(bytes: &[u8]) -> Value {
    Value::from(String::from_utf8_lossy(bytes).into_owned())
}

/// Postfix's name of the null reverse-path in listings.
fn sender(path: &str) -> &str {
    if path.is_empty() {
        "MAILER-DAEMON"
    } else {
        path
    }
}

/// A time, or null for "now or never".
fn time(seconds: i64) -> Value {
    if seconds > 0 {
        seconds.into()
    } else {
        Value::Null
    }
}

/// One message of a listing.
pub(crate) fn entry(entry: &Entry, queue_name: &str) -> Value {
    let recipients: Vec<Value> = entry
        .recipients
        .iter()
        .map(|recipient| {
            let mut object =
                Map::from_iter([("address".to_owned(), recipient.mailbox.as_str().into())]);
            if !recipient.reason.0.is_empty() {
                object.insert("delay_reason".to_owned(), text(&recipient.reason.0));
            }
            object.into()
        })
        .collect();
    json!({
        "queue_name": queue_name,
        "queue_id": entry.id.as_str(),
        "arrival_time": entry.arrived,
        "message_size": entry.octets,
        "forced_expire": false,
        "sender": sender(entry.from.as_str()),
        "recipients": recipients,
        "standing": match entry.standing {
            Standing::Active => "active",
            Standing::Waiting => "waiting",
            Standing::Held => "held",
            Standing::Bad => "bad",
        },
        "next_attempt": time(entry.next_attempt),
        "reverse_path": entry.from.as_str(),
    })
}

/// One message with its envelope, its recipients' states and its events.
pub(crate) fn story(
    message: &Message<RealDisk>,
    file: &str,
    is_sound: bool,
) -> std::io::Result<Value> {
    let journal = &message.journal;
    let mut events = Vec::new();
    message.each_event(|words, parsed| events.push(event(words, parsed, journal)))?;
    Ok(json!({
        "queue_id": message.id.as_str(),
        "file": file,
        "place": message.place.name(),
        "first_line": {
            "version": 1,
            "content_offset": message.head.content(),
            "content_octets": message.head.octets,
            "content_crlf_octets": message.head.crlf_octets,
            "content_crc32": format!("{:08x}", message.head.crc32),
            "content_is_sound": is_sound,
            "journal_offset": message.head.journal(),
        },
        "envelope": envelope(journal),
        "recipients": journal.recipients().map(|(number, to, state)| recipient(number, to, state)).collect::<Vec<_>>(),
        "events": events,
        "next_attempt": time(journal.next_attempt().unwrap_or(0)),
        "children": journal.children.iter().map(QueueId::as_str).collect::<Vec<_>>(),
        "skipped_lines": journal.skipped,
        "unknown_lines": journal.unknown,
    }))
}

fn envelope(journal: &Journal) -> Value {
    let envelope = &journal.envelope;
    json!({
        "arrival_time": envelope.arrived,
        "arrived": date::rfc3339(envelope.arrived),
        "protocol": envelope.origin.protocol,
        "helo": text(&envelope.origin.helo.0),
        "client_address": envelope.origin.address.map(|address| address.to_string()),
        "client_name": text(&envelope.origin.name.0),
        "uid": envelope.uid,
        "parent": envelope.parent.as_ref().map(QueueId::as_str),
        "sender": sender(envelope.sender.from.as_str()),
        "reverse_path": envelope.sender.from.as_str(),
        "body": match envelope.sender.body {
            Body::SevenBit => "7bit",
            Body::EightBit => "8bit",
        },
        "smtputf8": envelope.sender.smtputf8,
        "ret": envelope.sender.ret.map(|ret| match ret {
            Ret::Full => "full",
            Ret::Headers => "headers",
        }),
        "envid": envelope.sender.envid.as_ref().map(|envid| text(&envid.0)),
        "added_fields": envelope.add.iter().map(|field| text(&field.0)).collect::<Vec<_>>(),
    })
}

/// The word for where a recipient stands.
pub(crate) fn standing(state: State) -> &'static str {
    match state {
        State::Pending => "pending",
        State::Delivered => "delivered",
        State::Failed => "failed",
    }
}

fn recipient(number: u32, recipient: &Recipient, state: &RecipientState) -> Value {
    json!({
        "number": number,
        "address": recipient.mailbox.as_str(),
        "notify": recipient.notify.map(Notify::to_text),
        "orcpt": recipient.orcpt.as_ref().map(|orcpt| text(&orcpt.0)),
        "state": standing(state.standing),
        "attempts": state.attempts,
        "delay_reason": state.last.as_ref().filter(|_| state.standing == State::Pending).map(|last| text(&last.reply)),
        "last_attempt": state.last.as_ref().map(|last| attempt(last)),
        "next_attempt": time(if state.standing == State::Pending { state.due } else { 0 }),
        "reported": state.reported,
        "warned": state.warned,
    })
}

fn attempt(attempt: &Attempt) -> Value {
    json!({
        "at": attempt.at,
        "verdict": attempt.verdict.word(),
        "relay": attempt.relay,
        "status": attempt.status,
        "reply": text(&attempt.reply),
        "from_peer": attempt.from_peer,
    })
}

/// One event. Its words stand beside it, so that what this version does not know is there all the same.
fn event(words: &str, event: Option<Event>, journal: &Journal) -> Value {
    let to = |numbers: &[u32]| -> Vec<&str> {
        let mailbox = |number: &u32| {
            Some(
                journal
                    .envelope
                    .recipients
                    .get(usize::try_from(*number).ok()?)?
                    .mailbox
                    .as_str(),
            )
        };
        numbers.iter().filter_map(mailbox).collect()
    };
    let value = match &event {
        None => json!({ "event": "unknown" }),
        Some(Event::Attempt(one)) => with(
            attempt(one),
            [("event", "attempt".into()), ("to", to(&one.to).into())],
        ),
        Some(Event::Due {
            at,
            next,
            to: numbers,
        }) => json!({ "event": "due", "at": at, "next_attempt": next, "to": to(numbers) }),
        Some(Event::Child {
            at,
            id,
            kind,
            to: numbers,
        }) => {
            json!({ "event": "child", "at": at, "queue_id": id.as_str(), "kind": kind_of(*kind), "to": to(numbers) })
        }
        Some(Event::Forwarded {
            at,
            ids,
            relay,
            to: numbers,
        }) => {
            let ids: Vec<&str> = ids.iter().map(QueueId::as_str).collect();
            json!({ "event": "forwarded", "at": at, "queue_ids": ids, "relay": relay, "to": to(numbers) })
        }
        Some(Event::Settled {
            at,
            to: numbers,
            reason,
        }) => json!({ "event": "settled", "at": at, "to": to(numbers), "reason": reason }),
        Some(Event::Held { at, by }) => json!({ "event": "held", "at": at, "by": by }),
        Some(Event::Released { at, by }) => json!({ "event": "released", "at": at, "by": by }),
    };
    with(value, [("words", words.into())])
}

/// An object with further members.
fn with<const N: usize>(mut value: Value, members: [(&str, Value); N]) -> Value {
    if let Value::Object(object) = &mut value {
        object.extend(members.map(|(key, value)| (key.to_owned(), value)));
    }
    value
}

/// The word for what a child was made for.
pub(crate) fn kind_of(kind: ChildKind) -> &'static str {
    match kind {
        ChildKind::Failed => "failed",
        ChildKind::Delayed => "delayed",
        ChildKind::Delivered => "delivered",
    }
}
