//! `-v`: shows the caller what becomes of the message, by asking send again and again until it has left the queue.

use std::io::{Write, stdout};
use std::time::{Duration, Instant};

use stafette_control::Instance;
use stafette_sys::packet::Socket;
use stafette_wire::QueueId;
use stafette_wire::operator::EntryRecipient;

use crate::failure::Failure;
use crate::listing::plain;
use crate::operator;

/// How long the caller is kept.
const LIMIT: Duration = Duration::from_secs(30);
/// A message that send has not shown after this long was finished before it could.
const UNSEEN: Duration = Duration::from_secs(2);
/// The pauses between two questions: the first, and the longest.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(2);
/// Octets of a reason that are shown.
const REASON_LIMIT: usize = 400;

/// A connection to send, made before this program gives up the right to make one.
#[derive(Debug)]
pub(crate) struct Watch {
    send: Option<Socket>,
}

impl Watch {
    pub(crate) fn connect(instance: &Instance) -> Self {
        Self {
            send: operator::connect(instance),
        }
    }

    /// Tells of the message until it has left the queue. Whatever fails here, the message is in the queue.
    pub(crate) fn follow(self, id: QueueId) {
        say(&format!("{id}... queued"));
        let Some(send) = self.send else {
            say(&format!("{id}... waits: the daemons are down"));
            return;
        };
        let start = Instant::now();
        let mut pause = PAUSE;
        let mut known: Vec<EntryRecipient> = Vec::new();
        let mut is_seen = false;
        while start.elapsed() < LIMIT {
            let now = match look(&send, id) {
                Ok(now) => now,
                Err(failure) => {
                    say(&format!("{id}... cannot be watched: {}", failure.text));
                    return;
                }
            };
            for recipient in &known {
                if !now.iter().any(|other| other.mailbox == recipient.mailbox) {
                    let address = plain(recipient.mailbox.as_str().as_bytes(), usize::MAX);
                    say(&format!("{address}... done"));
                }
            }
            for recipient in &now {
                if !recipient.reason.0.is_empty() && !known.contains(recipient) {
                    let address = plain(recipient.mailbox.as_str().as_bytes(), usize::MAX);
                    let reason = plain(&recipient.reason.0, REASON_LIMIT);
                    say(&format!("{address}... Deferred: {reason}"));
                }
            }
            is_seen |= !now.is_empty();
            if now.is_empty() && (is_seen || start.elapsed() > UNSEEN) {
                say(&format!(
                    "{id}... has left the queue; what could not be delivered is reported to the sender"
                ));
                return;
            }
            known = now;
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST);
        }
        say(&format!("{id}... still waits; mailq shows it"));
    }
}

/// The recipients of a message that are not done.
fn look(send: &Socket, id: QueueId) -> Result<Vec<EntryRecipient>, Failure> {
    let mut found = Vec::new();
    operator::entries(send, &mut |entry| {
        if entry.id == id {
            found.extend(entry.recipients);
        }
        Ok(())
    })?;
    Ok(found)
}

/// Whoever does not read gets no more.
fn say(text: &str) {
    drop(writeln!(stdout(), "{text}"));
}
