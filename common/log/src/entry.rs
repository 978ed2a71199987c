//! The text of one log line, without stamp and end: bounded, printable ASCII, whatever goes in.

use crate::Event;
use stafette_text::{Line, quote};

/// Of a value, at most so many bytes are logged; a cut value ends in `...`.
pub const VALUE_LIMIT: usize = 1000;

/// A line with its stamp is no longer than this, so that a pipe takes it in one piece (`PIPE_BUF` is 4096).
pub const LINE_LIMIT: usize = 4000;

/// Room for what is not a field: the stamp in front, ` cut=` at the end and the line end.
const RESERVE: usize = 64;

/// What a field takes besides its key and its value: blank, `=`, quotes, `...`.
const FRAME: usize = 7;

/// The line for `event` about the message `id`.
pub(crate) fn entry(event: Event, id: Option<&str>, fields: &[(&str, &[u8])]) -> String {
    let mut line = Line::default();
    line.field_within("id", id.unwrap_or("-"), 64)
        .word(event.name());
    for (index, (key, value)) in fields.iter().enumerate() {
        let room = (LINE_LIMIT - RESERVE).saturating_sub(line.as_str().len() + key.len() + FRAME);
        let full = quote(value, VALUE_LIMIT).len();
        let limit = if full <= room { VALUE_LIMIT } else { room / 4 };
        if limit == 0 {
            line.field("cut", (fields.len() - index).to_string());
            break;
        }
        line.field_within(key, value, limit);
    }
    #[cfg(debug_assertions)]
    mark_undocumented(&mut line, event, fields);
    line.into_string()
}

/// In builds for tests, a key that log.5 does not have is named at the end of the line, for the harness to find.
#[cfg(debug_assertions)]
fn mark_undocumented(line: &mut Line, event: Event, fields: &[(&str, &[u8])]) {
    use crate::key::{COMMON, is_known};
    for (key, _) in fields {
        if !is_known(key) || !(event.keys().contains(key) || COMMON.contains(key)) {
            line.field_within("undocumented", key, 32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_stands_first_and_the_event_second() {
        let line = entry(Event::MessageRemoved, Some("abc"), &[("age", b"5")]);
        assert_eq!(line, "id=abc message-removed age=5");
        assert_eq!(entry(Event::QueueFlushed, None, &[]), "id=- queue-flushed");
    }

    #[test]
    fn what_a_peer_said_cannot_begin_a_line_or_a_field() {
        let line = entry(
            Event::AttemptFailed,
            None,
            &[("reply", b"550 no\nid=x message-removed to=a")],
        );
        assert_eq!(
            line,
            "id=- attempt-failed reply=\"550 no\\x0aid=x message-removed to=a\""
        );
    }

    #[test]
    fn a_line_stays_within_its_limit_and_says_what_is_missing() {
        let long = [0xffu8; 5000];
        let fields: Vec<(&str, &[u8])> = (0..40).map(|_| ("reply", long.as_slice())).collect();
        let line = entry(Event::AttemptFailed, Some("abc"), &fields);
        assert!(line.len() <= LINE_LIMIT, "{}", line.len());
        assert!(line.contains(" cut=3"), "{line}");
        let plain = [b'a'; 5000];
        let line = entry(
            Event::AttemptFailed,
            Some("abc"),
            &[("reply", &plain), ("to", b"x@example.org")],
        );
        assert!(line.ends_with("... to=x@example.org"), "{line}");
    }

    #[test]
    fn a_key_that_the_manual_does_not_have_is_pointed_out() {
        let line = entry(Event::QueueFlushed, None, &[("colour", b"red")]);
        assert_eq!(line, "id=- queue-flushed colour=red undocumented=colour");
    }
}
