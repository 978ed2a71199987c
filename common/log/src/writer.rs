//! The one writer of a process: takes events, hands lines to the sink, counts what was lost.
//!
//! # Bugs
//! The state lies behind a lock. A program with several threads that forks (none of ours does) could copy it locked.

use crate::entry::{LINE_LIMIT, entry};
use crate::stderr_sink::StderrSink;
use crate::syslog_sink::SyslogSink;
use crate::{Event, Severity};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Where the lines go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sink {
    /// To descriptor 2.
    #[default]
    Stderr,
    /// To the system's log daemon; to descriptor 2 as long as there is none.
    Syslog,
    /// Nowhere: for a program on whose descriptor 2 a person looks who did not ask for a log.
    Nowhere,
}

struct Writer {
    is_silent: bool,
    stderr: StderrSink,
    syslog: Option<SyslogSink>,
    lost: u64,
}

static WRITER: Mutex<Option<Writer>> = Mutex::new(None);

/// Opens the log of this process, called before it confines itself; a second call replaces the first.
///
/// A forked child needs no call. `program` is the name that syslog shows.
pub fn open(program: &'static str, sink: Sink) {
    let syslog = match sink {
        Sink::Stderr | Sink::Nowhere => None,
        Sink::Syslog => Some(SyslogSink::open(program, None)),
    };
    let is_silent = sink == Sink::Nowhere;
    replace(Writer {
        is_silent,
        ..Writer::new(syslog)
    });
}

/// As [`open`] with [`Sink::Syslog`], but to the log daemon that listens on the datagram socket `path`.
pub fn open_syslog_at(program: &'static str, path: PathBuf) {
    replace(Writer::new(Some(SyslogSink::open(program, Some(path)))));
}

fn replace(writer: Writer) {
    *WRITER.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
}

/// Logs `event` about the message `id`, or about no message. Never fails as far as the caller can see.
pub fn event(event: Event, id: Option<&str>, fields: &[(&str, &[u8])]) {
    let line = entry(event, id, fields);
    let mut writer = WRITER.lock().unwrap_or_else(PoisonError::into_inner);
    writer
        .get_or_insert_with(|| Writer::new(None))
        .write(event.severity(), &line);
}

/// Logs a line as it is, for readers of another program's log; control characters do not leave their place.
pub fn raw(severity: Severity, line: &str) {
    let line: String = line
        .chars()
        .map(|each| if each.is_control() { '?' } else { each })
        .take(LINE_LIMIT)
        .collect();
    let mut writer = WRITER.lock().unwrap_or_else(PoisonError::into_inner);
    writer
        .get_or_insert_with(|| Writer::new(None))
        .write(severity, &line);
}

impl Writer {
    fn new(syslog: Option<SyslogSink>) -> Self {
        Self {
            is_silent: false,
            stderr: StderrSink::open(),
            syslog,
            lost: 0,
        }
    }

    /// Writes the line, or counts it as lost; behind a gap the number of lost lines goes first.
    fn write(&mut self, severity: Severity, line: &str) {
        if self.is_silent {
            return;
        }
        if self.lost > 0 {
            let count = self.lost.to_string();
            let note = entry(Event::LogLost, None, &[("count", count.as_bytes())]);
            if self.send(Event::LogLost.severity(), &note).is_err() {
                self.lost = self.lost.saturating_add(1);
                return;
            }
            self.lost = 0;
        }
        if self.send(severity, line).is_err() {
            self.lost = self.lost.saturating_add(1);
        }
    }

    fn send(&mut self, severity: Severity, line: &str) -> std::io::Result<()> {
        // Waiting is for the first lost line only: a reader that is gone for good costs nothing more.
        let may_wait = self.lost == 0;
        match &mut self.syslog {
            Some(syslog) => syslog
                .send(severity, line)
                .or_else(|_| self.stderr.send(line, may_wait)),
            None => self.stderr.send(line, may_wait),
        }
    }
}
