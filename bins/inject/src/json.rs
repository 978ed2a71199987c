//! `mailq -j`: one JSON object for each message, in the shape of Postfix's `postqueue -j`.

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
pub(crate) fn entry(entry: &Entry, place: Option<Place>) -> String {
    let recipients: Vec<String> = entry
        .recipients
        .iter()
        .map(|recipient| {
            let address = string(recipient.mailbox.as_str());
            if recipient.reason.0.is_empty() {
                return format!("{{\"address\": {address}}}");
            }
            let reason = string(&String::from_utf8_lossy(&recipient.reason.0));
            format!("{{\"address\": {address}, \"delay_reason\": {reason}}}")
        })
        .collect();
    let sender = match entry.from.as_str() {
        "" => "MAILER-DAEMON",
        path => path,
    };
    format!(
        "{{\"queue_name\": {}, \"queue_id\": {}, \"arrival_time\": {}, \"message_size\": {}, \"forced_expire\": false, \"sender\": {}, \"recipients\": [{}]}}",
        string(queue_name(entry.standing, place)),
        string(entry.id.as_str()),
        entry.arrived,
        entry.octets,
        string(sender),
        recipients.join(", ")
    )
}

/// A JSON string (RFC 8259 section 7): no text ends it, and none reaches a terminal as a control character.
fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for sign in text.chars() {
        match sign {
            '"' | '\\' => out.extend(['\\', sign]),
            // All of them are below U+00A0.
            sign if sign.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(sign))),
            sign => out.push(sign),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_its_string() {
        assert_eq!(
            string("a\"b\\c\nd\u{1b}\u{85}ü"),
            "\"a\\\"b\\\\c\\u000ad\\u001b\\u0085ü\""
        );
    }
}
