//! A batch of requests that are recorded together, and the answer to each.

use stafette_log::{Event as Log, event};
use stafette_queue_layout::{Disk, Event, Record, RecordError, Recorder};
use stafette_wire::clean::{FromClean, ToClean};

/// Requests that share their flushes at most.
pub(crate) const LIMIT: usize = 256;

/// Requests that wait, each with the connection it came on.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    asked: Vec<(u64, u64)>,
    records: Vec<Record>,
}

/// What to say to which connection.
pub(crate) struct Answer {
    /// The connection.
    pub(crate) peer: u64,
    /// The answer.
    pub(crate) answer: FromClean,
    /// The request was one that an honest send does not make.
    pub(crate) is_lie: bool,
}

impl Batch {
    pub(crate) fn is_full(&self) -> bool {
        self.records.len() >= LIMIT
    }

    /// Takes a request of `peer` into the batch, or answers it at once.
    pub(crate) fn take(&mut self, peer: u64, packet: ToClean) -> Option<Answer> {
        let (seq, id, events, then) = match packet {
            ToClean::Ping {} => {
                return Some(Answer {
                    peer,
                    answer: FromClean::Pong {},
                    is_lie: false,
                });
            }
            ToClean::Record {
                seq,
                id,
                events,
                then,
            } => (seq, id, events, then),
        };
        let parsed: Option<Vec<Event>> =
            events.iter().map(|words| Event::parse(&words.0)).collect();
        match parsed {
            Some(events) => {
                self.asked.push((peer, seq));
                self.records.push(Record { id, events, then });
                None
            }
            None => Some(Answer {
                peer,
                answer: refused(seq, false, "not an event"),
                is_lie: true,
            }),
        }
    }

    /// Records everything, and gives the answers.
    pub(crate) fn record<D: Disk>(&mut self, recorder: &mut Recorder<D>) -> Vec<Answer> {
        if self.records.is_empty() {
            return Vec::new();
        }
        let results = recorder.record(&self.records);
        let answers = self.asked.iter().zip(&self.records).zip(results);
        let answers =
            answers.map(|((&(peer, seq), record), result)| answer(peer, seq, record, result));
        let answers = answers.collect();
        self.asked.clear();
        self.records.clear();
        answers
    }
}

fn answer(peer: u64, seq: u64, record: &Record, result: Result<(), RecordError>) -> Answer {
    let Err(error) = result else {
        return Answer {
            peer,
            answer: FromClean::Recorded { seq },
            is_lie: false,
        };
    };
    let reason = error.to_string();
    if matches!(error, RecordError::Failed { .. } | RecordError::Distrusted) {
        let fields: [(&str, &[u8]); 2] =
            [("reason", b"not recorded"), ("problem", reason.as_bytes())];
        event(Log::Error, Some(record.id.as_str()), &fields);
    }
    let is_missing = matches!(error, RecordError::Missing);
    Answer {
        peer,
        answer: refused(seq, is_missing, &reason),
        is_lie: matches!(error, RecordError::NoSuchChild(_) | RecordError::TooLong),
    }
}

fn refused(seq: u64, missing: bool, reason: &str) -> FromClean {
    FromClean::Refused {
        seq,
        missing,
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests;
