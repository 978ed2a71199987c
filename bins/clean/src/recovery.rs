//! When recovery runs, and what it tells the operator.

use stafette_log::{Event, event};
use stafette_queue_layout::{Disk, recover};
use stafette_sys::clock;

/// Seconds between two recoveries.
const PERIOD: i64 = 6 * 3600;

/// The times of recovery.
#[derive(Debug)]
pub(crate) struct Schedule {
    next: i64,
}

impl Schedule {
    /// Recovery at once.
    pub(crate) fn new() -> Self {
        Self { next: i64::MIN }
    }

    /// How many seconds until the next one.
    pub(crate) fn seconds_left(&self, now: i64) -> u64 {
        u64::try_from(self.next.saturating_sub(now)).unwrap_or(0)
    }

    /// Recovers if it is time. A clock that was set back does not keep it from running.
    pub(crate) fn run_if_due(&mut self, disk: &impl Disk) {
        let now = clock::now();
        if now >= self.next || self.next > now.saturating_add(PERIOD) {
            self.next = now.saturating_add(PERIOD);
            run(disk);
        }
    }
}

fn run(disk: &impl Disk) {
    // The age of files is compared with the clock that stamped them.
    let recovery = recover(disk, clock::of_files());
    for id in &recovery.published {
        let fields: [(&str, &[u8]); 1] = [("action", b"published")];
        event(Event::RecoveryActed, Some(id.as_str()), &fields);
    }
    for file in &recovery.removed {
        let fields: [(&str, &[u8]); 2] = [("file", file.as_bytes()), ("action", b"removed")];
        event(Event::RecoveryActed, None, &fields);
    }
    for file in &recovery.strays {
        let fields: [(&str, &[u8]); 3] = [
            ("file", file.as_bytes()),
            ("problem", b"not a file of the queue"),
            ("advice", b"move it away"),
        ];
        event(Event::Warning, None, &fields);
    }
    for (file, error) in &recovery.failed {
        let problem = error.to_string();
        let fields: [(&str, &[u8]); 3] = [
            ("file", file.as_bytes()),
            ("reason", b"not recovered"),
            ("problem", problem.as_bytes()),
        ];
        event(Event::Error, None, &fields);
    }
}
