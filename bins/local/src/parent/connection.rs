//! A connection of send, or of whoever asks whether we are there.
//!
//! Packets go out in order and never block the loop. Outcomes are kept by number and encoded when they go, so that one
//! that was acknowledged meanwhile does not go. A new peer gets Hello at once and outcomes a moment later: one that
//! only pings has its pong before them.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use stafette_sys::packet::Socket;
use stafette_wire::Packet;
use stafette_wire::delivery::{FromDelivery, Outcome, Running};

/// Jobs named in one Hello.
const RUNNING: usize = 1000;
/// How long outcomes wait for a peer that has said nothing.
pub(super) const SILENT: Duration = Duration::from_millis(20);
/// How long they wait for one that pings.
const PINGING: Duration = Duration::from_millis(500);

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) socket: Socket,
    /// Packets that go before any outcome.
    first: VecDeque<Vec<u8>>,
    /// Numbers of outcomes to send.
    outcomes: VecDeque<u64>,
    outcomes_from: Instant,
    is_send: bool,
    /// The poller was asked to tell when there is room.
    pub(super) wants_room: bool,
}

impl Connection {
    /// A new peer, to be told what runs and what has ended.
    pub(super) fn new(
        socket: Socket,
        running: &[Running],
        concurrency: u32,
        ended: impl Iterator<Item = u64>,
    ) -> Self {
        let outcomes: VecDeque<u64> = ended.collect();
        let ended = u32::try_from(outcomes.len()).unwrap_or(u32::MAX);
        let count = running.len().div_ceil(RUNNING).max(1);
        let hello = |part: usize| FromDelivery::Hello {
            running: running
                .iter()
                .skip(part * RUNNING)
                .take(RUNNING)
                .cloned()
                .collect(),
            last: part + 1 == count,
            ended,
            concurrency,
        };
        Self {
            socket,
            first: (0..count).map(|part| hello(part).encode()).collect(),
            outcomes,
            outcomes_from: Instant::now() + SILENT,
            is_send: false,
            wants_room: false,
        }
    }

    /// The peer asked whether we are there.
    pub(super) fn pong(&mut self) {
        self.first.push_back(FromDelivery::Pong {}.encode());
        if !self.is_send {
            self.outcomes_from = Instant::now() + PINGING;
        }
    }

    /// The peer does what only send does.
    pub(super) fn note_send(&mut self) {
        if !self.is_send {
            self.is_send = true;
            self.outcomes_from = Instant::now();
        }
    }

    /// A job ended.
    pub(super) fn add_outcome(&mut self, job: u64) {
        self.outcomes.push_back(job);
    }

    /// There are outcomes whose time has not come.
    pub(super) fn is_postponed(&self) -> bool {
        !self.outcomes.is_empty() && Instant::now() < self.outcomes_from
    }

    /// Nothing is left to say.
    pub(super) fn is_at_rest(&self) -> bool {
        self.first.is_empty() && self.outcomes.is_empty()
    }

    /// Sends what there is room for; false if room must be waited for.
    ///
    /// # Errors
    /// The peer is gone.
    pub(super) fn flush<'a>(
        &mut self,
        outcome: impl Fn(u64) -> Option<&'a Outcome>,
    ) -> io::Result<bool> {
        while let Some(packet) = self.first.front() {
            if !try_send(&self.socket, packet)? {
                return Ok(false);
            }
            self.first.pop_front();
        }
        if Instant::now() < self.outcomes_from {
            return Ok(true);
        }
        while let Some(job) = self.outcomes.front() {
            if let Some(outcome) = outcome(*job) {
                let outcome = outcome.clone();
                if !try_send(&self.socket, &FromDelivery::Outcome { outcome }.encode())? {
                    return Ok(false);
                }
            }
            self.outcomes.pop_front();
        }
        Ok(true)
    }
}

fn try_send(socket: &Socket, packet: &[u8]) -> io::Result<bool> {
    match socket.try_send(packet, &[]) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}
