//! Connections and their packets: who may talk, and what a job must be to be taken.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Instant;

use stafette_log::peer_misbehaved;
use stafette_sys::poll::Interest;
use stafette_wire::delivery::{Running, ToDelivery};
use stafette_wire::{MAX_PACKET, Packet};

use super::connection::Connection;
use super::pool::{Held, Stage};
use super::{Parent, complain};
use crate::accounts::Ask;

/// Connections at once: send, one that takes its place, and some that ping.
const CONNECTIONS: usize = 32;
/// Packets taken from one connection before others have their turn.
const TURN: usize = 256;
/// Packets that a socket can hold at most, and more.
const BACKLOG: usize = 2_000;
/// Outcomes that send may leave unacknowledged, as a multiple of the jobs it may have running.
const UNACKNOWLEDGED: usize = 16;

impl Parent {
    pub(super) fn accept(&mut self) {
        loop {
            let accepted = match self.core() {
                Ok(core) => core.listener.try_accept(),
                Err(error) => Err(error),
            };
            let socket = match accepted {
                Ok(socket) => socket,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => return complain("unable to accept a connection", &error),
            };
            let peer = match socket.peer() {
                Ok(peer) => peer,
                Err(_) => continue,
            };
            if !self.callers.allows(peer) || self.connections.len() >= CONNECTIONS {
                peer_misbehaved(
                    peer,
                    "it may not connect, or there are too many connections",
                );
                continue;
            }
            self.hear_older();
            let running = self.running();
            let concurrency = u32::try_from(self.limits.jobs()).unwrap_or(u32::MAX);
            let ended = self.outcomes.keys().copied();
            let connection = Connection::new(socket, &running, concurrency, ended);
            let token = self.next_token();
            let added = self.core().and_then(|core| {
                core.poller
                    .add(super::ours_fd(&connection.socket), token, Interest::Read)
            });
            match added {
                Ok(()) => drop(self.connections.insert(token, connection)),
                Err(error) => complain("unable to watch a connection", &error),
            }
        }
    }

    fn running(&self) -> Vec<Running> {
        let running = |(number, held): (&u64, &Held)| Running {
            job: *number,
            id: held.id,
            recipients: vec![held.index],
        };
        self.jobs.iter().map(running).collect()
    }

    pub(super) fn hear_connection(&mut self, token: u64, readable: bool) {
        if readable {
            self.hear_packets(token, TURN);
        }
    }

    /// Takes what older connections have said, before a new one is told what runs: a send that died may have given jobs that
    /// nobody has read yet, and the next send must hear of them or it would give them again.
    fn hear_older(&mut self) {
        let tokens: Vec<u64> = self.connections.keys().copied().collect();
        for token in tokens {
            self.hear_packets(token, BACKLOG);
        }
    }

    /// Takes up to so many packets of a connection, as long as there are any.
    fn hear_packets(&mut self, token: u64, most: usize) {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(MAX_PACKET, 0);
        for _ in 0..most {
            let Some(connection) = self.connections.get(&token) else {
                break;
            };
            match connection.socket.try_recv(&mut buffer) {
                Ok((0, _)) => self.close(token),
                Ok((length, fds)) => {
                    let packet = buffer.get(..length).unwrap_or_default();
                    if let Err(reason) = self.take_packet(token, packet, fds) {
                        self.cut_off(token, &reason);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    self.cut_off(token, &error.to_string());
                }
                Err(_) => self.close(token),
            }
        }
        self.buffer = buffer;
    }

    fn take_packet(&mut self, token: u64, packet: &[u8], fds: Vec<OwnedFd>) -> Result<(), String> {
        let said = ToDelivery::decode(packet).map_err(|error| error.to_string())?;
        let is_job = matches!(said, ToDelivery::Job { .. });
        if !is_job && !fds.is_empty() {
            return Err("a descriptor without a job".to_owned());
        }
        let Some(connection) = self.connections.get_mut(&token) else {
            return Ok(());
        };
        match said {
            ToDelivery::Ping {} => connection.pong(),
            ToDelivery::Acknowledge { job } => {
                connection.note_send();
                self.acknowledge(job);
            }
            ToDelivery::Job { job } => {
                connection.note_send();
                let file = fds.into_iter().next().ok_or("a job without a descriptor")?;
                self.take_job(job, file)?;
            }
        }
        Ok(())
    }

    fn take_job(&mut self, job: stafette_wire::delivery::Job, file: OwnedFd) -> Result<(), String> {
        let [recipient] = job.recipients.as_slice() else {
            return Err("a local job has exactly one recipient".to_owned());
        };
        if job.next_hop.is_some() {
            return Err("a local job has no next hop".to_owned());
        }
        if self.jobs.contains_key(&job.job) || self.outcomes.contains_key(&job.job) {
            return Err(format!("job {} is there already", job.job));
        }
        if self.jobs.len() >= self.limits.jobs()
            || self.outcomes.len() >= UNACKNOWLEDGED * self.limits.jobs()
        {
            return Err("more jobs than are taken at once".to_owned());
        }
        let file = File::from(file);
        if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            return Err("the descriptor is not a regular file".to_owned());
        }
        let number = job.job;
        let ask = Ask {
            mailbox: recipient.recipient.mailbox.clone(),
            expanded: recipient.recipient.expanded,
        };
        let held = Held {
            id: job.id,
            index: recipient.index,
            asked: ask.encode(),
            before: None,
            came: Instant::now(),
            given: None,
            stage: Stage::Looking(Box::new(job), file),
        };
        self.jobs.insert(number, held);
        self.look_up(number);
        Ok(())
    }

    pub(super) fn flush_connections(&mut self) {
        let Some(core) = &self.core else { return };
        let mut gone = Vec::new();
        for (token, connection) in &mut self.connections {
            let flushed = connection.flush(|job| self.outcomes.get(&job));
            let Ok(flushed) = flushed else {
                gone.push(*token);
                continue;
            };
            if connection.wants_room == flushed {
                let interest = if flushed {
                    Interest::Read
                } else {
                    Interest::Both
                };
                let changed =
                    core.poller
                        .modify(super::ours_fd(&connection.socket), *token, interest);
                connection.wants_room = !flushed;
                if changed.is_err() {
                    gone.push(*token);
                }
            }
        }
        for token in gone {
            self.close(token);
        }
    }

    fn cut_off(&mut self, token: u64, reason: &str) {
        if let Some(peer) = self
            .connections
            .get(&token)
            .and_then(|connection| connection.socket.peer().ok())
        {
            peer_misbehaved(peer, reason);
        }
        self.close(token);
    }

    fn close(&mut self, token: u64) {
        if let (Some(connection), Some(core)) = (self.connections.remove(&token), &self.core) {
            // A descriptor that is closed is not watched any more in any case.
            core.poller
                .remove(super::ours_fd(&connection.socket))
                .unwrap_or(());
        }
    }
}
