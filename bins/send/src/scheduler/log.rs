//! The log lines of attempts: one for each recipient.

use stafette_log::{Event as LogEvent, Severity};
use stafette_queue_layout::{Attempt, Verdict};

use super::Scheduler;
use super::conclude::Way;
use crate::effect::{Effect, Fields};
use crate::key::Key;
use crate::stage::Open;

impl Scheduler {
    pub(super) fn log(&mut self, event: LogEvent, key: Option<Key>, fields: Fields) {
        if self.policy.logs_as_qmail && key.is_some() && event.severity() == Severity::Info {
            return;
        }
        self.effects.push(Effect::Log {
            event,
            id: key.map(Key::id),
            fields,
        });
    }

    pub(super) fn log_attempt(&mut self, key: Key, open: &Open, attempt: &Attempt, way: &Way<'_>) {
        let arrived = key.id().milliseconds().saturating_mul(1000);
        let delay = self.micros.saturating_sub(arrived);
        for index in &attempt.to {
            let (Some(recipient), Some(state)) =
                (open.message.recipient(*index), open.message.state(*index))
            else {
                continue;
            };
            let orig = recipient.orcpt.as_ref().map_or(&b""[..], |orcpt| &orcpt.0);
            let mut fields = Fields::default()
                .with("to", recipient.mailbox.as_str())
                .some("orig", orig)
                .with("channel", way.channel.name())
                .some("relay", way.relay)
                .with("delay", seconds(delay));
            if let Some(started) = way.started {
                let stages = [
                    open.since.saturating_sub(arrived),
                    started.saturating_sub(open.since),
                    u64::from(way.delays.connect).saturating_mul(1000),
                    u64::from(way.delays.transfer).saturating_mul(1000),
                ];
                fields = fields.with("delays", stages.map(seconds).join("/"));
            }
            if let Some(code) = reply_code(attempt) {
                fields = fields.with("code", code);
            }
            fields = fields
                .with("dsn", &attempt.status)
                .some("reply", &attempt.reply)
                .number("attempt", state.attempts);
            let (event, fields) = match attempt.verdict {
                Verdict::Delivered => (
                    LogEvent::AttemptDelivered,
                    fields.number("size", open.message.content.crlf_octets),
                ),
                Verdict::Deferred => (
                    LogEvent::AttemptDeferred,
                    fields.with("due", stafette_message::date::rfc3339(state.due)),
                ),
                Verdict::Failed => (
                    LogEvent::AttemptFailed,
                    fields.number("age", delay / 1_000_000),
                ),
            };
            self.log(event, Some(key), fields);
        }
        self.qmail_attempt(key, open, attempt, way.channel);
        if attempt.verdict == Verdict::Failed {
            self.log_suppressed(key, open, &attempt.to);
        }
    }
}

/// The reply code at the front of a peer's words.
fn reply_code(attempt: &Attempt) -> Option<&[u8]> {
    let code = attempt.reply.get(..3)?;
    (attempt.from_peer && code.iter().all(u8::is_ascii_digit)).then_some(code)
}

/// Microseconds as seconds with two decimals.
fn seconds(micros: u64) -> String {
    let hundredths = micros / 10_000;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_seconds() {
        assert_eq!(seconds(0), "0.00");
        assert_eq!(seconds(1_239_999), "1.23");
        assert_eq!(seconds(61_050_000), "61.05");
    }
}
