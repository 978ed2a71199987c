//! What clean is asked to write, and what follows when it is written, or cannot be.

use stafette_log::Event as LogEvent;
use stafette_queue_layout::{ChildKind, Event, Place, Standing};
use stafette_wire::clean::{Bytes, Then};

use super::Scheduler;
use crate::effect::{Effect, Fields};
use crate::key::Key;
use crate::schedule::Channel;
use crate::stage::{Open, Stage, Wish};

/// Octets of events in one packet.
const RECORD_OCTETS: usize = 96 * 1024;
/// Seconds until clean is asked again to write what it could not.
const STUCK_PAUSE: i64 = 30;

/// How clean begins to say that a child is not there (`stafette_queue_layout::RecordError::NoSuchChild`).
const NO_CHILD: &str = "no child ";

/// What a record is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    /// Outcomes.
    Keep,
    /// The message's end.
    Finish,
    /// A deed.
    Deed(Wish),
}

/// What clean has not answered yet.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) key: Key,
    events: Vec<Event>,
    then: Then,
    purpose: Purpose,
    acks: Vec<(Channel, u64)>,
    children: Vec<Key>,
    /// It was sent before and may be done already.
    is_repeated: bool,
}

impl Scheduler {
    /// Has written what happened to an open message that stays.
    pub(super) fn flush(&mut self, key: Key, open: &mut Open) {
        if open.events.is_empty() && open.records > 0 {
            // An outcome that was told again is recorded when what is on its way is.
        } else if open.events.is_empty() {
            let acks = std::mem::take(&mut open.acks);
            self.acknowledge(acks);
        } else {
            let then = match open.message.place {
                Place::Hold => Then::Hold,
                _ => Then::Keep,
            };
            self.emit(key, open, then, Purpose::Keep);
        }
    }

    /// Has the events of a message written, in as many packets as it takes, and `then` done after the last.
    pub(super) fn emit(&mut self, key: Key, open: &mut Open, then: Then, purpose: Purpose) {
        let before = match open.message.place {
            Place::Hold => Then::Hold,
            _ => Then::Keep,
        };
        let mut chunk = Vec::new();
        let mut octets = 0;
        for event in std::mem::take(&mut open.events) {
            let length = octets_of(&event, then);
            if octets + length > RECORD_OCTETS && !chunk.is_empty() {
                let events = std::mem::take(&mut chunk);
                octets = 0;
                open.records += 1;
                self.send_record(plain(key, events, before));
            }
            octets += length;
            chunk.push(event);
        }
        open.records += 1;
        self.send_record(Record {
            acks: std::mem::take(&mut open.acks),
            children: std::mem::take(&mut open.children),
            purpose,
            ..plain(key, chunk, then)
        });
    }

    /// Has a deed done on a message that is not open.
    pub(super) fn emit_deed(&mut self, key: Key, wish: Wish, events: Vec<Event>, then: Then) {
        self.send_record(Record {
            purpose: Purpose::Deed(wish),
            ..plain(key, events, then)
        });
    }

    fn send_record(&mut self, record: Record) {
        let seq = self.next_record;
        self.next_record = seq.wrapping_add(1);
        self.push_record(seq, &record);
        self.records.insert(seq, record);
    }

    fn push_record(&mut self, seq: u64, record: &Record) {
        let events = record
            .events
            .iter()
            .filter(|event| octets_of(event, record.then) > 0)
            .filter_map(|event| event.encode().ok())
            .map(Bytes)
            .collect();
        self.effects.push(Effect::Record {
            seq,
            id: record.key.id(),
            events,
            then: record.then,
        });
    }

    /// clean is there (again): it gets everything that it has not answered, in the old order.
    pub(crate) fn clean_up(&mut self) {
        // What it was not told yet must not come a second time, nor before what is older.
        self.effects
            .retain(|effect| !matches!(effect, Effect::Record { .. }));
        let mut records = std::mem::take(&mut self.records);
        for (seq, record) in &mut records {
            record.is_repeated = true;
            self.push_record(*seq, record);
        }
        self.records = records;
    }

    /// clean wrote a record.
    pub(crate) fn recorded(&mut self, seq: u64) {
        let Some(record) = self.records.remove(&seq) else {
            return;
        };
        self.acknowledge(record.acks);
        for child in record.children {
            self.arrived(child);
        }
        match record.purpose {
            Purpose::Deed(wish) => self.fulfilled(record.key, wish),
            Purpose::Keep => {
                if let Some(Stage::Open(open)) = self.live.get_mut(&record.key) {
                    open.records = open.records.saturating_sub(1);
                }
                self.advance(record.key);
            }
            Purpose::Finish => self.finished(record.key),
        }
    }

    /// Whether its removal was asked for.
    fn is_ending(&self, key: Key) -> bool {
        matches!(self.live.get(&key), Some(Stage::Open(open)) if open.is_ending)
    }

    /// The file is gone.
    fn finished(&mut self, key: Key) {
        let Some(mut open) = self.take(key) else {
            return;
        };
        let acks = std::mem::take(&mut open.acks);
        self.acknowledge(acks);
        let (delivered, failed) = Self::tally(&open);
        let attempts: u32 = open
            .message
            .journal
            .states
            .iter()
            .map(|state| state.attempts)
            .sum();
        let fields = Fields::default()
            .with("from", open.message.journal.envelope.sender.from.as_str())
            .number(
                "age",
                self.now.saturating_sub(open.message.arrived()).max(0),
            )
            .number("delivered", delivered)
            .number("failed", failed)
            .number("attempts", attempts);
        self.log(LogEvent::MessageRemoved, Some(key), fields);
        self.qmail_end(key);
        self.close(key, &open);
    }

    /// clean could not write a record.
    pub(crate) fn refused(&mut self, seq: u64, missing: bool, reason: &str) {
        let Some(mut record) = self.records.remove(&seq) else {
            return;
        };
        if let Purpose::Deed(wish) = record.purpose {
            return self.unfulfilled(record.key, wish, missing, reason);
        }
        if missing && record.is_repeated && self.is_ending(record.key) {
            // clean died when it had removed the file and before it said so: this was done, or came before the removal.
            self.acknowledge(record.acks);
            for child in record.children {
                self.arrived(child);
            }
            if record.then == Then::Remove {
                self.finished(record.key);
            }
            return;
        }
        self.log(
            LogEvent::OutcomeUnrecorded,
            Some(record.key),
            Fields::default().with("problem", reason),
        );
        if missing {
            // Somebody took the file away. There is nothing left to be told, and nothing to be tried.
            self.acknowledge(std::mem::take(&mut record.acks));
        }
        let Some(mut open) = self.take(record.key) else {
            return;
        };
        open.records = open.records.saturating_sub(1);
        if missing {
            let acks = std::mem::take(&mut open.acks);
            self.acknowledge(acks);
            self.close(record.key, &open);
            return;
        }
        if reason.starts_with(NO_CHILD) {
            // It was tidied away before it was named: nobody has it, and it is made again.
            record.children.clear();
            record
                .events
                .retain(|event| !disown_child(&mut open, event));
        }
        // The attempts are over, and are not repeated: only their record is, until it succeeds.
        open.is_ending = false;
        open.rest = None;
        open.events.splice(0..0, record.events);
        open.acks.splice(0..0, record.acks);
        open.children.splice(0..0, record.children);
        let time = self.now.saturating_add(STUCK_PAUSE);
        open.stuck = Some(time);
        self.stuck.insert((time, record.key));
        self.give_back(record.key, open);
    }
}

/// Octets of an event in a packet. Of what happened to a message that is removed only children matter any more; the rest is kept in
/// case that it cannot be removed.
fn octets_of(event: &Event, then: Then) -> usize {
    if then == Then::Remove && event.children().is_empty() {
        return 0;
    }
    event.encode().map_or(0, |words| words.len() + 4)
}

/// If the event names a child, the report is owed again, or the recipient is to be tried again.
fn disown_child(open: &mut Open, event: &Event) -> bool {
    let (Event::Child { to, .. } | Event::Forwarded { to, .. }) = event else {
        return false;
    };
    for index in to {
        let Some(state) = open.message.state_mut(*index) else {
            continue;
        };
        match event {
            Event::Child {
                kind: ChildKind::Delayed,
                ..
            } => state.warned = false,
            Event::Forwarded { .. } => {
                state.standing = Standing::Pending;
                state.reported = false;
            }
            _ => state.reported = false,
        }
    }
    true
}

fn plain(key: Key, events: Vec<Event>, then: Then) -> Record {
    Record {
        key,
        events,
        then,
        purpose: Purpose::Keep,
        acks: Vec::new(),
        children: Vec::new(),
        is_repeated: false,
    }
}
