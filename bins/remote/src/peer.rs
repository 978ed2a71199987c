//! The connection to another host: commands out, replies in, each within its time.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use stafette_smtp::{PeerMisbehaved, PeerReply, ReplyParser};
use stafette_sys::{clock, poll};

use crate::deadline::Deadline;
use crate::place::Place;
use crate::stage::{Stage, TimeLimits};
use crate::stream::Stream;

/// A blocked read or write looks at the time so often.
const SLICE: Duration = Duration::from_secs(1);
/// Room for replies; a longer one comes in pieces.
const INPUT: usize = 8 * 1024;

/// The session is over, and the peer has not judged what it was asked.
#[derive(Debug)]
pub(crate) struct Lost {
    /// What was waited for.
    pub(crate) stage: Stage,
    /// Why it did not come.
    pub(crate) cause: Cause,
}

/// Why a session ended.
#[derive(Debug)]
pub(crate) enum Cause {
    /// Nothing came, or not all of it, in time.
    TimedOut,
    /// The peer closed the connection.
    Closed,
    /// The network failed.
    Failed(io::Error),
    /// What came is no reply, or came unasked.
    Misbehaved(String),
    /// The peer says that it ends the session: 421 (RFC 5321 section 3.8).
    Closing(PeerReply),
}

impl From<PeerMisbehaved> for Cause {
    fn from(error: PeerMisbehaved) -> Self {
        Self::Misbehaved(error.to_string())
    }
}

/// A connected peer.
#[derive(Debug)]
pub(crate) struct Peer {
    stream: Stream,
    limits: TimeLimits,
    parser: ReplyParser,
    input: Vec<u8>,
    start: usize,
    end: usize,
}

impl Peer {
    /// Connects within `limit`.
    pub(crate) fn connect(place: &Place, limit: Duration, limits: TimeLimits) -> io::Result<Self> {
        let stream = Stream::connect(place, limit)?;
        stream.set_timeout(clock::nap(SLICE.min(limits.remote)))?;
        Ok(Self {
            stream,
            limits,
            parser: ReplyParser::new(),
            input: vec![0; INPUT],
            start: 0,
            end: 0,
        })
    }

    /// Our own end of the connection, if it has an address.
    pub(crate) fn local_address(&self) -> Option<SocketAddr> {
        self.stream.local_addr()
    }

    /// Sends commands or content. Each block may take its time; a peer that takes ever fewer octets is given up as well.
    /// Not all of `wire` was sent if this fails.
    pub(crate) fn write(&mut self, wire: &[u8], stage: Stage) -> Result<(), Lost> {
        let deadline = Deadline::after(self.limits.of(Stage::Block));
        let mut rest = wire;
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(0) => return Err(lost(stage, Cause::Closed)),
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if is_pause(&error) => {}
                Err(error) => return Err(lost(stage, Cause::of(error))),
            }
            if !rest.is_empty() && deadline.is_over() {
                return Err(lost(stage, Cause::TimedOut));
            }
        }
        Ok(())
    }

    /// The next reply. A 421 ends the session whatever it answers.
    pub(crate) fn reply(&mut self, stage: Stage) -> Result<PeerReply, Lost> {
        self.reply_within(stage, self.limits.of(stage))
    }

    /// The next reply, with a limit of its own.
    pub(crate) fn reply_within(
        &mut self,
        stage: Stage,
        limit: Duration,
    ) -> Result<PeerReply, Lost> {
        let deadline = Deadline::after(limit);
        loop {
            let waiting = self.input.get(self.start..self.end).unwrap_or_default();
            if !waiting.is_empty() {
                let fed = self.parser.feed(waiting);
                let (used, reply) = fed.map_err(|error| lost(stage, error.into()))?;
                self.start = self.start.saturating_add(used);
                match reply {
                    Some(reply) if reply.code == 421 => {
                        return Err(lost(stage, Cause::Closing(reply)));
                    }
                    Some(reply) => return Ok(reply),
                    None => continue,
                }
            }
            match self.stream.read(&mut self.input) {
                Ok(0) => return Err(lost(stage, Cause::Closed)),
                Ok(count) => (self.start, self.end) = (0, count),
                Err(error) if is_pause(&error) => {}
                Err(error) => return Err(lost(stage, Cause::of(error))),
            }
            if deadline.is_over() && (self.start == self.end || self.parser.is_inside()) {
                return Err(lost(stage, Cause::TimedOut));
            }
        }
    }

    /// Fails if the peer has said something that it was not asked: replies could no longer be told apart.
    pub(crate) fn check_in_step(&self, stage: Stage) -> Result<(), Lost> {
        if self.start < self.end || self.parser.is_inside() {
            let problem = "peer sent a reply that nobody asked for".to_owned();
            return Err(lost(stage, Cause::Misbehaved(problem)));
        }
        Ok(())
    }

    /// Whether the connection is open and silent, as it must be between messages.
    pub(crate) fn is_quiet(&self) -> bool {
        let heard = poll::readable(&self.stream, Some(Duration::ZERO));
        self.start == self.end && !self.parser.is_inside() && matches!(heard, Ok(false))
    }
}

impl Cause {
    fn of(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => {
                Self::Closed
            }
            ErrorKind::TimedOut => Self::TimedOut,
            _ => Self::Failed(error),
        }
    }
}

fn lost(stage: Stage, cause: Cause) -> Lost {
    Lost { stage, cause }
}

/// The socket's own limit is over, which is only a slice of ours.
fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
