//! The body on its way to the queue, in bounded memory, with CRLF line ends taken as LF if every line of the message has them.
//!
//! Whether every line has them is known only at the end. A body that fits the memory is looked at first; a longer one whose lines
//! have been CRLF so far goes both ways at once, as it is and with LF, and at the end one of the two is committed.

use std::fs::File;
use std::time::Duration;

use stafette_wire::QueueId;

use crate::channel::Channel;
use crate::failure::Failure;
use crate::lines::{CrStripper, LineEnds};
use crate::needs;
use crate::source::{Got, Source};

/// Octets of a body that are looked at before it is sent.
const LOOK: usize = 512 * 1024;
/// While the input is silent, the service hears from us this often.
const ALIVE: Duration = Duration::from_secs(20);

/// Opens a channel on which the envelope and the header section have been sent.
pub(crate) type Open<'a> = &'a mut dyn FnMut() -> Result<Channel, Failure>;

/// Sends `first` and the rest of the input as the body, and commits. `may_be_crlf`: no line so far ended in a bare LF.
pub(crate) fn send(
    source: &mut Source<File>,
    first: Vec<u8>,
    may_be_crlf: bool,
    open: Open<'_>,
) -> Result<QueueId, Failure> {
    let mut look = first;
    let mut piece = Vec::new();
    let mut is_whole = false;
    while look.len() < LOOK {
        match source.next(&mut piece)? {
            Got::Piece => look.extend_from_slice(&piece),
            Got::Idle => {}
            Got::End => {
                is_whole = true;
                break;
            }
        }
    }
    let mut ends = LineEnds::default();
    ends.feed(&look);
    let may_be_crlf = may_be_crlf && ends.all_crlf();
    let mut ways = Ways::open(may_be_crlf, is_whole, open)?;
    needs::confine_sender()?;
    ways.content(&look)?;
    drop(look);
    while !is_whole {
        match source.next_within(ALIVE, &mut piece)? {
            Got::Piece => {
                ends.feed(&piece);
                if !ends.all_crlf() {
                    ways.give_up_stripped();
                }
                ways.content(&piece)?;
            }
            Got::Idle => ways.alive()?,
            Got::End => is_whole = true,
        }
    }
    ways.commit()
}

/// The message as it is, the message with LF line ends, or both.
struct Ways {
    plain: Option<Channel>,
    stripped: Option<(Channel, CrStripper)>,
    buffer: Vec<u8>,
}

impl Ways {
    fn open(may_be_crlf: bool, is_whole: bool, open: Open<'_>) -> Result<Self, Failure> {
        let stripped = if may_be_crlf {
            Some((open()?, CrStripper::default()))
        } else {
            None
        };
        let plain = if may_be_crlf && is_whole {
            None
        } else {
            Some(open()?)
        };
        Ok(Self {
            plain,
            stripped,
            buffer: Vec::new(),
        })
    }

    fn content(&mut self, piece: &[u8]) -> Result<(), Failure> {
        if let Some(channel) = &mut self.plain {
            channel.content(piece)?;
        }
        if let Some((channel, stripper)) = &mut self.stripped {
            self.buffer.clear();
            stripper.feed(piece, &mut self.buffer);
            channel.content(&self.buffer)?;
        }
        Ok(())
    }

    /// A line ended in a bare LF: CRs are content.
    fn give_up_stripped(&mut self) {
        if self.plain.is_some() {
            self.stripped = None;
        }
    }

    fn alive(&mut self) -> Result<(), Failure> {
        if let Some(channel) = &mut self.plain {
            channel.flush()?;
        }
        if let Some((channel, _)) = &mut self.stripped {
            channel.flush()?;
        }
        Ok(())
    }

    fn commit(self) -> Result<QueueId, Failure> {
        match (self.stripped, self.plain) {
            (Some((mut channel, mut stripper)), plain) => {
                // The other way is void before this one counts.
                drop(plain);
                let mut last = Vec::new();
                stripper.finish(&mut last);
                channel.content(&last)?;
                channel.commit()
            }
            (None, Some(channel)) => channel.commit(),
            (None, None) => Err(Failure::new(
                stafette_wire::exit::SysExit::Software,
                "no way to the queue was opened",
            )),
        }
    }
}
