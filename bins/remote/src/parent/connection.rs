//! Connections of send, and of whoever asks whether we are there.
//!
//! Packets go out in order and never block the loop: what a peer has no room for waits in the ledger, and each connection only
//! remembers how far it was told. Every connection is told of every outcome; acknowledging it once is enough.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;

use stafette_log::{Event, event};
use stafette_sys::packet::Socket;
use stafette_sys::poll::Interest;
use stafette_wire::Packet;
use stafette_wire::delivery::{FromDelivery, ToDelivery};

use super::{MOST_CONNECTIONS, Parent, Waiting, complain};
use crate::ledger::{Brief, Ledger};

/// Outcomes that may wait to be acknowledged, for each worker; a send that leaves more is broken.
const MOST_UNACKNOWLEDGED: usize = 1_000;
/// Packets that one connection may say in a row before others are heard.
const TURN: usize = 64;
/// Packets that a socket can hold at most, and more.
const BACKLOG: usize = 2_000;

/// One connection.
pub(super) struct Connection {
    socket: Socket,
    /// Packets that go before any outcome.
    first: VecDeque<Vec<u8>>,
    /// The number of the next outcome to tell.
    next: u64,
    interest: Interest,
}

impl Connection {
    /// Sends what there is room for. False if room must be waited for.
    fn flush(&mut self, ledger: &Ledger) -> io::Result<bool> {
        while let Some(packet) = self.first.front() {
            if !try_send(&self.socket, packet)? {
                return Ok(false);
            }
            self.first.pop_front();
        }
        while let Some((number, packet)) = ledger.outcome_from(self.next) {
            if !try_send(&self.socket, packet)? {
                return Ok(false);
            }
            self.next = number.saturating_add(1);
        }
        Ok(true)
    }
}

fn try_send(socket: &Socket, packet: &[u8]) -> io::Result<bool> {
    match socket.try_send(packet, &[]) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}

impl Parent {
    pub(super) fn accept(&mut self) -> io::Result<()> {
        loop {
            let socket = match self.core()?.listener.try_accept() {
                Ok(socket) => socket,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => {
                    complain("unable to accept a connection", &error.to_string());
                    return Ok(());
                }
            };
            let peer = socket.peer()?;
            if !self.callers.allows(peer) {
                event(
                    Event::PeerMisbehaved,
                    None,
                    &[
                        ("program", b"stafette-remote"),
                        ("uid", peer.uid.to_string().as_bytes()),
                        ("reason", b"may not give jobs"),
                    ],
                );
                continue;
            }
            if self.connections.len() >= MOST_CONNECTIONS {
                continue;
            }
            self.hear_older();
            let token = self.next_token();
            self.core()?.poller.add(&socket, token, Interest::Read)?;
            let concurrency = u32::try_from(self.concurrency).unwrap_or(u32::MAX);
            let connection = Connection {
                socket,
                first: self.ledger.hello(concurrency).into(),
                next: 0,
                interest: Interest::Read,
            };
            self.connections.insert(token, connection);
            // Who only pings has said so already, and gets its pong before outcomes.
            self.hear_connection(token, true);
        }
    }

    /// Takes what a connection says.
    pub(super) fn hear_connection(&mut self, token: u64, readable: bool) {
        let mut turns = 0..TURN;
        while readable && !self.is_full() && turns.next().is_some() && self.hear_packet(token) {}
    }

    /// Takes what older connections have said, before a new one is told what runs: a send that died may have given jobs that
    /// nobody has read yet, and the next send must hear of them or it would give them again.
    fn hear_older(&mut self) {
        let tokens: Vec<u64> = self.connections.keys().copied().collect();
        for token in tokens {
            let mut turns = 0..BACKLOG;
            while turns.next().is_some() && self.hear_packet(token) {}
        }
    }

    /// Takes one packet; false if there is none.
    fn hear_packet(&mut self, token: u64) -> bool {
        let Some(connection) = self.connections.get(&token) else {
            return false;
        };
        let problem = match connection.socket.try_recv(&mut self.buffer) {
            Ok((0, _)) => None,
            Ok((length, descriptors)) => match self.take_packet(token, length, descriptors) {
                Ok(()) => return true,
                Err(problem) => Some(problem),
            },
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(error) if error.kind() == ErrorKind::InvalidData => Some(error.to_string()),
            Err(_) => None,
        };
        if let Some(problem) = problem {
            complain("connection closed", &problem);
        }
        self.hang_up(token);
        false
    }

    /// Whether as many jobs wait as there are workers: then nothing is read until one of them is free.
    fn is_full(&self) -> bool {
        self.waiting.len() >= self.concurrency
    }

    fn take_packet(
        &mut self,
        token: u64,
        length: usize,
        mut descriptors: Vec<OwnedFd>,
    ) -> Result<(), String> {
        let packet = self.buffer.get(..length).unwrap_or_default();
        match ToDelivery::decode(packet).map_err(|error| error.to_string())? {
            ToDelivery::Ping {} => {
                if let Some(connection) = self.connections.get_mut(&token) {
                    connection.first.push_back(FromDelivery::Pong {}.encode());
                }
            }
            ToDelivery::Acknowledge { job } => self.ledger.acknowledge(job),
            ToDelivery::Job { job } => {
                let file = descriptors.pop().ok_or("a job without a descriptor")?;
                if job.recipients.is_empty() || job.next_hop.is_none() {
                    return Err("a job without a recipient or a next hop".to_owned());
                }
                let most = MOST_UNACKNOWLEDGED.saturating_mul(self.concurrency);
                if self.ledger.unacknowledged() > most {
                    return Err("outcomes are not acknowledged".to_owned());
                }
                if self.stopping.is_none() && self.ledger.begin(Brief::of(&job)) {
                    self.waiting.push_back(Waiting {
                        job: job.job,
                        packet: packet.to_vec(),
                        file: File::from(file),
                    });
                }
            }
        }
        Ok(())
    }

    /// Tells every connection what it does not know yet, and settles what to wait for.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let is_full = self.is_full();
        let mut gone = Vec::new();
        for (token, connection) in &mut self.connections {
            let Ok(done) = connection.flush(&self.ledger) else {
                gone.push(*token);
                continue;
            };
            let interest = match (is_full, done) {
                (false, true) => Interest::Read,
                (false, false) => Interest::Both,
                (true, true) => Interest::Nothing,
                (true, false) => Interest::Write,
            };
            if let Some(core) = self
                .core
                .as_ref()
                .filter(|_| interest != connection.interest)
            {
                core.poller.modify(&connection.socket, *token, interest)?;
                connection.interest = interest;
            }
        }
        for token in gone {
            self.hang_up(token);
        }
        Ok(())
    }

    fn hang_up(&mut self, token: u64) {
        if let (Some(connection), Some(core)) = (self.connections.remove(&token), &self.core) {
            core.poller.remove(&connection.socket).unwrap_or(());
        }
    }
}
