//! The listing of `mailq`: Postfix's columns, which other programs read.
//!
//! Nothing that a sender or a peer said can make a line of its own: every word from outside is printed with its control characters
//! and octets that are no UTF-8 as `?`.

use std::io::{self, Write};

use stafette_message::date;
use stafette_wire::operator::{Entry, Standing};

const HEADING: &str = "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------";
/// Octets of a reason that are shown.
const REASON_LIMIT: usize = 400;

/// Writes entries as they come; [`Listing::finish`] closes the listing.
#[derive(Debug)]
pub(crate) struct Listing<W: Write> {
    pub(crate) out: W,
    last: Option<stafette_wire::QueueId>,
    messages: u64,
    octets: u64,
}

impl<W: Write> Listing<W> {
    pub(crate) fn new(out: W) -> Self {
        Self {
            out,
            last: None,
            messages: 0,
            octets: 0,
        }
    }

    /// One message, or more recipients of the one before.
    pub(crate) fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        if self.last != Some(entry.id) {
            if self.messages == 0 {
                writeln!(self.out, "{HEADING}")?;
            } else {
                writeln!(self.out)?;
            }
            self.head(entry)?;
        }
        let mut reason: Option<&[u8]> = None;
        for recipient in &entry.recipients {
            // Recipients that wait for the same reason stand below one line of it.
            if !recipient.reason.0.is_empty() && reason != Some(&recipient.reason.0) {
                let text = plain(&recipient.reason.0, REASON_LIMIT);
                writeln!(
                    self.out,
                    "{:>width$}",
                    format!("({text})"),
                    width = HEADING.len() + 3
                )?;
            }
            reason = Some(&recipient.reason.0);
            writeln!(
                self.out,
                "{:41} {}",
                "",
                plain(recipient.mailbox.as_str().as_bytes(), usize::MAX)
            )?;
        }
        Ok(())
    }

    fn head(&mut self, entry: &Entry) -> io::Result<()> {
        let mark = match entry.standing {
            Standing::Active => '*',
            Standing::Held => '!',
            Standing::Bad => '?',
            Standing::Waiting => ' ',
        };
        let sender = match entry.from.as_str() {
            "" => "MAILER-DAEMON",
            address => address,
        };
        let arrived = date::listing(entry.arrived);
        let name = format!("{}{mark}", entry.id);
        writeln!(
            self.out,
            "{name:<17} {:>8} {arrived}  {}",
            entry.octets,
            plain(sender.as_bytes(), usize::MAX)
        )?;
        if entry.standing == Standing::Bad {
            writeln!(
                self.out,
                "{:>width$}",
                "(unreadable: put aside in bad/)",
                width = HEADING.len() + 3
            )?;
        }
        self.last = Some(entry.id);
        self.messages += 1;
        self.octets = self.octets.saturating_add(entry.octets);
        Ok(())
    }

    /// The end of a listing that lacks what could not be read: an empty one says nothing.
    pub(crate) fn finish_in_part(mut self) -> io::Result<()> {
        if self.messages == 0 {
            return self.out.flush();
        }
        self.finish()
    }

    /// The closing line.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        match self.messages {
            0 => writeln!(self.out, "Mail queue is empty")?,
            1 => writeln!(self.out, "\n-- {} Kbytes in 1 Request.", self.kilobytes())?,
            count => writeln!(
                self.out,
                "\n-- {} Kbytes in {count} Requests.",
                self.kilobytes()
            )?,
        }
        self.out.flush()
    }

    fn kilobytes(&self) -> u64 {
        self.octets.div_ceil(1024)
    }
}

/// A writer whose reader may go when it has seen enough.
#[derive(Debug)]
pub(crate) struct Lenient<W: Write>(pub(crate) W);

impl<W: Write> Write for Lenient<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
            result => result,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }
}

/// Text that stays on its line.
pub(crate) fn plain(bytes: &[u8], limit: usize) -> String {
    let cut = bytes.get(..limit.min(bytes.len())).unwrap_or_default();
    let mut text: String = String::from_utf8_lossy(cut)
        .chars()
        .map(|c| {
            if c.is_control() || c == char::REPLACEMENT_CHARACTER {
                '?'
            } else {
                c
            }
        })
        .collect();
    if cut.len() < bytes.len() {
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use stafette_addr::{Mailbox, ReversePath};
    use stafette_wire::QueueId;
    use stafette_wire::operator::EntryRecipient;

    fn entry(number: u64, standing: Standing, recipients: &[(&str, &str)]) -> Entry {
        Entry {
            id: QueueId::new(number, [0; 9]),
            standing,
            octets: 1500,
            arrived: 0,
            next_attempt: 0,
            from: ReversePath::parse(b"joe@example.org").unwrap(),
            recipients: recipients
                .iter()
                .map(|(to, why)| EntryRecipient {
                    mailbox: Mailbox::parse(to.as_bytes()).unwrap(),
                    reason: (*why).into(),
                })
                .collect(),
        }
    }

    fn list(entries: &[Entry]) -> String {
        let mut text = Vec::new();
        let mut listing = Listing::new(&mut text);
        for entry in entries {
            listing.entry(entry).unwrap();
        }
        listing.finish().unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn an_empty_queue_says_so() {
        assert_eq!(list(&[]), "Mail queue is empty\n");
    }

    #[test]
    fn messages_stand_between_postfix_s_heading_and_closing_line() {
        let text = list(&[
            entry(1, Standing::Active, &[("a@x.test", "")]),
            entry(
                2,
                Standing::Held,
                &[("b@x.test", "no route"), ("c@x.test", "no route")],
            ),
        ]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], HEADING);
        assert!(lines[1].contains("* "), "{}", lines[1]);
        let words: Vec<_> = lines[1].split_whitespace().collect();
        assert_eq!((words[1], words[6]), ("1500", "joe@example.org"));
        assert_eq!(
            lines[2],
            "                                          a@x.test"
        );
        assert_eq!(lines[3], "");
        assert!(lines[4].contains('!'));
        assert_eq!(lines[5].trim(), "(no route)");
        assert_eq!(lines[6].trim(), "b@x.test");
        assert_eq!(lines[7].trim(), "c@x.test");
        assert_eq!(lines[9], "-- 3 Kbytes in 2 Requests.");
    }

    #[test]
    fn a_message_in_several_entries_is_one() {
        let text = list(&[
            entry(1, Standing::Waiting, &[("a@x.test", "")]),
            entry(1, Standing::Waiting, &[("b@x.test", "")]),
        ]);
        assert!(text.ends_with("a@x.test\n                                          b@x.test\n\n-- 2 Kbytes in 1 Request.\n"), "{text}");
    }

    #[test]
    fn what_a_peer_said_stays_on_its_line() {
        let text = list(&[entry(
            1,
            Standing::Waiting,
            &[(
                "a@x.test",
                "450 no\n-- 0 Kbytes in 0 Requests.\x1b[2J\u{85}",
            )],
        )]);
        assert!(
            text.contains("(450 no?-- 0 Kbytes in 0 Requests.?[2J?)"),
            "{text}"
        );
    }
}
