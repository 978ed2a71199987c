//! The events of one message in their order, for whoever tells its story.

use std::io;

use crate::line::Lines;
use crate::{Disk, Event, Message};

impl<D: Disk> Message<D> {
    /// Hands every sound line behind the envelope to `each`, oldest first: its words, and the event unless it is one that this
    /// version does not know. Memory does not grow with the journal.
    ///
    /// # Errors
    /// The system's.
    pub fn each_event(&self, mut each: impl FnMut(&str, Option<Event>)) -> io::Result<()> {
        let mut lines = Lines::new(self.file(), self.head.journal());
        let mut is_envelope = true;
        while let Some(words) = lines.next_line()? {
            if !is_envelope {
                each(words, Event::parse(words.as_bytes()));
            }
            // The envelope of an open message was read: its last line is there.
            is_envelope = is_envelope && words.split(' ').next() != Some("end");
        }
        Ok(())
    }
}
