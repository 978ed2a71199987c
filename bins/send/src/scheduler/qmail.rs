//! The log lines of qmail-send (`logformat`), for the tools that read them: qmail-log(5).

use std::collections::HashMap;

use stafette_queue_layout::{Attempt, Place, Verdict};
use stafette_wire::QueueId;

use super::Scheduler;
use crate::effect::Effect;
use crate::key::Key;
use crate::message::Loaded;
use crate::schedule::Channel;
use crate::stage::Open;

/// Octets of words in one line.
const WORDS: usize = 800;

/// Deliveries as qmail counts them: one for each recipient and attempt.
#[derive(Debug, Default)]
pub(super) struct QmailLog {
    last: u64,
    running: HashMap<(Key, u32), u64>,
    /// Running deliveries of each channel.
    used: [u32; 2],
}

impl QmailLog {
    fn used(&mut self, channel: Channel) -> &mut u32 {
        let [local, remote] = &mut self.used;
        match channel {
            Channel::Local => local,
            Channel::Remote => remote,
        }
    }
}

/// The number that a message has instead of an inode's: its time, and a little of its chance.
pub(crate) fn number(id: QueueId) -> u64 {
    let chance = u64::try_from(id.number() & 0xffff).unwrap_or(0);
    id.milliseconds() << 16 & (u64::MAX >> 1) | chance
}

/// Words as qmail-send writes them: in one word, each line ended by a slash.
fn safe(words: &[u8]) -> String {
    let mut out: String = words
        .trim_ascii_end()
        .iter()
        .take(WORDS)
        .map(|byte| match byte {
            b'\n' => '/',
            b' ' | b'\t' | b'\r' => '_',
            0x21..=0x7e => char::from(*byte),
            _ => '?',
        })
        .collect();
    out.push('/');
    out
}

impl Scheduler {
    fn raw(&mut self, line: String) {
        self.effects.push(Effect::Raw(line));
    }

    /// A message is read for the first time.
    pub(super) fn qmail_arrival(&mut self, message: &Loaded) {
        let is_new = message.place == Place::New
            && message
                .journal
                .states
                .iter()
                .all(|state| state.attempts == 0);
        if !self.policy.logs_as_qmail || !is_new {
            return;
        }
        let envelope = &message.journal.envelope;
        let number = number(message.key.id());
        let uid = envelope.uid.unwrap_or(self.uid);
        let (octets, from) = (message.content.octets, &envelope.sender.from);
        let line = format!("info msg {number}: bytes {octets} from <{from}> qp 0 uid {uid}");
        self.raw(format!("new msg {number}"));
        self.raw(line);
    }

    /// A job starts.
    pub(super) fn qmail_start(&mut self, key: Key, open: &Open, channel: Channel, to: &[u32]) {
        if !self.policy.logs_as_qmail {
            return;
        }
        for index in to {
            let Some(recipient) = open.message.recipient(*index) else {
                continue;
            };
            self.qmail.last += 1;
            let delivery = self.qmail.last;
            // One that was cut short has no end in this log, as if qmail-send had been started again.
            if self.qmail.running.insert((key, *index), delivery).is_none() {
                *self.qmail.used(channel) += 1;
            }
            let (number, way) = (number(key.id()), channel.name());
            let mailbox = &recipient.mailbox;
            self.raw(format!(
                "starting delivery {delivery}: msg {number} to {way} {mailbox}"
            ));
            self.qmail_status();
        }
    }

    /// An attempt ended for some recipients; one that had no job was no longer than a moment.
    pub(super) fn qmail_attempt(
        &mut self,
        key: Key,
        open: &Open,
        attempt: &Attempt,
        channel: Channel,
    ) {
        if !self.policy.logs_as_qmail {
            return;
        }
        let word = match attempt.verdict {
            Verdict::Delivered => "success",
            Verdict::Deferred => "deferral",
            Verdict::Failed => "failure",
        };
        for index in &attempt.to {
            if !self.qmail.running.contains_key(&(key, *index)) {
                self.qmail_start(key, open, channel, &[*index]);
            }
            let Some(delivery) = self.qmail.running.remove(&(key, *index)) else {
                continue;
            };
            let used = self.qmail.used(channel);
            *used = used.saturating_sub(1);
            self.raw(format!(
                "delivery {delivery}: {word}: {}",
                safe(&attempt.reply)
            ));
            self.qmail_status();
        }
    }

    fn qmail_status(&mut self) {
        let [local, remote] = self.qmail.used;
        let [to_local, to_remote] =
            [Channel::Local, Channel::Remote].map(|channel| self.parent(channel).concurrency);
        self.raw(format!(
            "status: local {local}/{to_local} remote {remote}/{to_remote}"
        ));
    }

    /// A report of failure was queued.
    pub(super) fn qmail_bounce(&mut self, key: Key, child: Key) {
        if self.policy.logs_as_qmail {
            let (parent, child) = (number(key.id()), number(child.id()));
            self.raw(format!("bounce msg {parent} qp {child}"));
        }
    }

    /// A message is gone.
    pub(super) fn qmail_end(&mut self, key: Key) {
        if self.policy.logs_as_qmail {
            self.raw(format!("end msg {}", number(key.id())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_one_word_with_a_slash_behind_each_line() {
        assert_eq!(safe(b"did 1+0+0\n"), "did_1+0+0/");
        assert_eq!(safe(b"550 no\r\nuser \xfc"), "550_no_/user_?/");
        assert_eq!(safe(b""), "/");
    }

    #[test]
    fn a_message_has_one_number() {
        let id = QueueId::new(1_700_000_000_000, [1; 9]);
        assert_eq!(number(id), number(id));
        assert_ne!(number(id), number(QueueId::new(1_700_000_000_001, [1; 9])));
        assert!(i64::try_from(number(id)).is_ok());
    }
}
