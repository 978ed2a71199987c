//! When the queue is walked through: at the start, after each lack of news from queue, and every few minutes.

use std::time::{Duration, Instant};

use stafette_log::{Event as LogEvent, event};
use stafette_sys::clock;

use super::Service;

/// The trigger is only a hint: so often the queue is looked through in any case.
const PERIOD: Duration = Duration::from_secs(300);
/// After a scan that failed.
const AGAIN: Duration = Duration::from_secs(5);

/// The state of scans.
#[derive(Debug)]
pub(super) struct Scans {
    is_running: bool,
    is_wanted: bool,
    /// One was complete.
    has_all: bool,
    next: Instant,
    /// When the last one ended by the clock that can be moved.
    ended: i64,
}

impl Default for Scans {
    fn default() -> Self {
        Self {
            is_running: false,
            is_wanted: true,
            has_all: false,
            next: Instant::now(),
            ended: clock::now(),
        }
    }
}

impl Scans {
    /// A scan is needed.
    pub(super) fn want(&mut self) {
        self.is_wanted = true;
    }
}

impl Service {
    /// Whether all messages that were there at the start are known.
    pub(super) fn knows_all(&self) -> bool {
        self.scans.has_all
    }

    pub(super) fn look_at_scans(&mut self) {
        let age = clock::now().saturating_sub(self.scans.ended).unsigned_abs();
        let is_due =
            self.scans.is_wanted || Instant::now() >= self.scans.next || age >= PERIOD.as_secs();
        if is_due && !self.scans.is_running && self.stopping.is_none() {
            self.scans.is_running = true;
            self.scans.is_wanted = false;
            self.scanner.scan();
        }
    }

    pub(super) fn scan_ended(
        &mut self,
        is_complete: bool,
        count: u64,
        seconds: u64,
        problem: &str,
    ) {
        self.scans.is_running = false;
        self.scans.ended = clock::now();
        self.scans.next = Instant::now() + if is_complete { PERIOD } else { AGAIN };
        let (count, seconds) = (count.to_string(), seconds.to_string());
        if !is_complete {
            let fields: [(&str, &[u8]); 2] = [
                ("reason", b"unable to read all of the queue"),
                ("problem", problem.as_bytes()),
            ];
            event(LogEvent::Warning, None, &fields);
        } else if !std::mem::replace(&mut self.scans.has_all, true) {
            let fields: [(&str, &[u8]); 2] = [
                ("messages", count.as_bytes()),
                ("seconds", seconds.as_bytes()),
            ];
            event(LogEvent::QueueScanned, None, &fields);
        }
        if is_complete {
            self.list_early();
        }
    }
}
