//! The loop: connections, questions, answers, and the time that a look-up may take.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use stafette_log::{Event, event, peer_misbehaved};
use stafette_sys::packet::{Callers, Listener};
use stafette_sys::poll::{Interest, Poller};
use stafette_sys::signal::Signals;
use stafette_wire::users::{FromUsers, ToUsers};
use stafette_wire::{MAX_PACKET, Packet};

use crate::answer::Asked;
use crate::look_up::{LookUp, PATIENCE, Question};
use crate::peer::Peer;
use crate::rules::{Answer, Rules};

const LISTENER: u64 = 0;
const SIGNALS: u64 = 1;
const WAKE: u64 = 2;
/// Connections at once: one for each session of smtpd, and some more.
const CONNECTIONS: usize = 2000;
/// Packets taken from one connection before others have their turn.
const TURN: usize = 64;
/// Between looks at the time while look-ups are under way.
const TICK: Duration = Duration::from_millis(250);

/// Said when an answer takes too long.
const SILENT: &str = "the account database does not answer, or the DNS";

/// A question that is being looked up.
#[derive(Debug)]
struct Waiting {
    peer: u64,
    seq: u32,
    since: Instant,
}

/// The service.
#[derive(Debug)]
pub(crate) struct Server {
    poller: Poller,
    listener: Listener,
    signals: Signals,
    allowed: Callers,
    rules: Rules,
    look_up: LookUp,
    peers: BTreeMap<u64, Peer>,
    asked: BTreeMap<u64, Waiting>,
    /// Peers with something to send or to hear.
    stirred: BTreeSet<u64>,
    last_token: u64,
    last_number: u64,
    is_full: bool,
    buffer: Vec<u8>,
}

impl Server {
    pub(crate) fn new(
        listener: Listener,
        signals: Signals,
        allowed: Callers,
        rules: Rules,
    ) -> io::Result<Self> {
        let look_up = LookUp::start()?;
        let poller = Poller::new()?;
        poller.add(&listener, LISTENER, Interest::Read)?;
        poller.add(&signals, SIGNALS, Interest::Read)?;
        poller.add(look_up.wake(), WAKE, Interest::Read)?;
        Ok(Self {
            poller,
            listener,
            signals,
            allowed,
            rules,
            look_up,
            peers: BTreeMap::new(),
            asked: BTreeMap::new(),
            stirred: BTreeSet::new(),
            last_token: WAKE,
            last_number: 0,
            is_full: false,
            buffer: vec![0; MAX_PACKET],
        })
    }

    /// Serves until a signal.
    pub(crate) fn run(&mut self) -> io::Result<()> {
        loop {
            let timeout = (!self.asked.is_empty()).then_some(TICK);
            for happened in self.poller.wait(timeout)? {
                match happened.token {
                    LISTENER => self.accept(),
                    SIGNALS => {
                        if self.signals.next()?.is_some() {
                            return Ok(());
                        }
                    }
                    WAKE => self.take_answers()?,
                    // Not even what it still has to say is of use when there is nobody to answer.
                    token if happened.gone => self.close(token),
                    token if happened.readable => self.hear(token),
                    token => drop(self.stirred.insert(token)),
                }
            }
            self.look_at_time();
            self.flush();
        }
    }

    fn accept(&mut self) {
        // Not all at once: a crowd at the door does not stop answers.
        for _ in 0..TURN {
            let socket = match self.listener.try_accept() {
                Ok(socket) => socket,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    let problem = format!("unable to accept a connection: {error}");
                    return event(Event::Warning, None, &[("problem", problem.as_bytes())]);
                }
            };
            let Ok(who) = socket.peer() else { continue };
            if !self.allowed.allows(who) {
                peer_misbehaved(who, "it may not connect");
                continue;
            }
            if self.peers.len() >= CONNECTIONS {
                if !self.is_full {
                    self.is_full = true;
                    let count = self.peers.len().to_string();
                    event(Event::LimitReached, None, &[("count", count.as_bytes())]);
                }
                continue;
            }
            self.last_token += 1;
            if self
                .poller
                .add(&socket, self.last_token, Interest::Read)
                .is_ok()
            {
                self.peers.insert(self.last_token, Peer::new(socket));
            }
        }
    }

    fn hear(&mut self, token: u64) {
        let mut buffer = std::mem::take(&mut self.buffer);
        for _ in 0..TURN {
            let Some(peer) = self.peers.get(&token).filter(|peer| peer.is_heard()) else {
                break;
            };
            match peer.socket.try_recv(&mut buffer) {
                Ok((0, _)) => self.close(token),
                Ok((length, fds)) => {
                    let packet = buffer.get(..length).unwrap_or_default();
                    if let Err(reason) = self.take(token, packet, &fds) {
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
        self.stirred.insert(token);
    }

    fn take(&mut self, token: u64, bytes: &[u8], fds: &[OwnedFd]) -> Result<(), String> {
        if !fds.is_empty() {
            return Err("a descriptor that nobody asked for".to_owned());
        }
        let Some(peer) = self.peers.get_mut(&token) else {
            return Ok(());
        };
        let packet = ToUsers::decode(bytes).map_err(|error| error.to_string())?;
        let Some(asked) = Asked::from_packet(packet) else {
            peer.say(FromUsers::Pong {}.encode());
            return Ok(());
        };
        let knowledge = match self.rules.answer(&asked) {
            Answer::Now(answers) => {
                answers.iter().for_each(|answer| peer.say(answer.encode()));
                return Ok(());
            }
            Answer::Ask(knowledge) => knowledge,
        };
        self.last_number += 1;
        let seq = asked.seq;
        let question = Question {
            number: self.last_number,
            knowledge,
            asked,
        };
        if self.look_up.ask(question) {
            peer.asked += 1;
            let waiting = Waiting {
                peer: token,
                seq,
                since: Instant::now(),
            };
            self.asked.insert(self.last_number, waiting);
        } else {
            peer.say(later(seq, "too many look-ups wait for their answers"));
        }
        Ok(())
    }

    fn take_answers(&mut self) -> io::Result<()> {
        for (number, answers) in self.look_up.answers()? {
            if let Some(asked) = self.asked.remove(&number) {
                self.tell(&asked, answers.iter().map(Packet::encode));
            }
        }
        Ok(())
    }

    /// Questions that took too long; they are in the order in which they were asked.
    fn look_at_time(&mut self) {
        while let Some(entry) = self.asked.first_entry() {
            if entry.get().since.elapsed() < PATIENCE {
                return;
            }
            let asked = entry.remove();
            event(Event::LookupFailed, None, &[("reason", SILENT.as_bytes())]);
            self.tell(&asked, [later(asked.seq, SILENT)]);
        }
    }

    fn tell(&mut self, asked: &Waiting, answers: impl IntoIterator<Item = Vec<u8>>) {
        if let Some(peer) = self.peers.get_mut(&asked.peer) {
            peer.asked = peer.asked.saturating_sub(1);
            answers.into_iter().for_each(|answer| peer.say(answer));
            self.stirred.insert(asked.peer);
        }
    }

    fn flush(&mut self) {
        for token in std::mem::take(&mut self.stirred) {
            let Some(peer) = self.peers.get_mut(&token) else {
                continue;
            };
            let is_watched = peer.flush().and_then(|interest| {
                if interest != peer.interest {
                    self.poller.modify(&peer.socket, token, interest)?;
                    peer.interest = interest;
                }
                Ok(())
            });
            if is_watched.is_err() {
                self.close(token);
            }
        }
    }

    fn cut_off(&mut self, token: u64, reason: &str) {
        if let Some(who) = self
            .peers
            .get(&token)
            .and_then(|peer| peer.socket.peer().ok())
        {
            peer_misbehaved(who, reason);
        }
        self.close(token);
    }

    /// Closing the descriptor ends its watch.
    fn close(&mut self, token: u64) {
        self.peers.remove(&token);
        self.is_full = false;
    }
}

fn later(seq: u32, reason: &str) -> Vec<u8> {
    let reason = reason.to_owned();
    FromUsers::Later { seq, reason }.encode()
}
