//! Files of the queue, and the events in them.

use stafette_queue_layout::{Event, decode};

/// A file is decoded or refused; an event that is read is written as one that reads the same.
pub fn queue_files_are_read_or_refused(data: &[u8]) {
    if let Ok((head, journal)) = decode(data) {
        assert!(head.octets <= data.len() as u64);
        assert!(journal.recipients().count() <= data.len());
    }
    if let Some(event) = Event::parse(data) {
        let words = event.encode().expect("what was read fits a line");
        assert!(!words.contains(&b'\n'));
        assert_eq!(Event::parse(&words), Some(event));
    }
}
