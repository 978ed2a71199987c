//! The loop: hear everything that waits, record it as one batch, answer, and recover now and then.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use stafette_log::{Event, event};
use stafette_queue_layout::{Disk, Recorder};
use stafette_sys::clock;
use stafette_sys::packet::{Callers, Listener};
use stafette_sys::poll::{Interest, Poller};
use stafette_sys::signal::Signals;

use crate::batch::{Answer, Batch};
use crate::peer::{Heard, Peer};
use crate::recovery::Schedule;

/// Connections at once; send needs one.
const PEERS: usize = 32;
const LISTENER: u64 = 0;
const SIGNALS: u64 = 1;
const FIRST_PEER: u64 = 2;

/// Serves until a signal ends it.
pub(crate) fn serve<D: Disk>(
    listener: &Listener,
    signals: &Signals,
    callers: &Callers,
    disk: &D,
) -> io::Result<()> {
    let poller = Poller::new()?;
    poller.add(listener, LISTENER, Interest::Read)?;
    poller.add(signals, SIGNALS, Interest::Read)?;
    let mut service = Service {
        poller,
        peers: BTreeMap::new(),
        next: FIRST_PEER,
        recorder: Recorder::new(disk),
    };
    let mut schedule = Schedule::new();
    loop {
        schedule.run_if_due(disk);
        let left = Duration::from_secs(schedule.seconds_left(clock::now()));
        let is_busy = service.drain();
        if service.recorder.distrusts() {
            return Err(io::Error::other("a flush failed: starting anew"));
        }
        let nap = if is_busy {
            Duration::ZERO
        } else {
            clock::nap(left)
        };
        for ready in service.poller.wait(Some(nap))? {
            match ready.token {
                LISTENER => service.accept(listener, callers),
                SIGNALS if signals.next()?.is_some() => return Ok(()),
                _ => {}
            }
        }
    }
}

struct Service<D: Disk> {
    poller: Poller,
    peers: BTreeMap<u64, Peer>,
    next: u64,
    recorder: Recorder<D>,
}

impl<D: Disk> Service<D> {
    fn accept(&mut self, listener: &Listener, callers: &Callers) {
        loop {
            let peer = match listener.try_accept() {
                Ok(socket) => Peer::new(socket),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => Err(error),
            };
            match peer {
                Ok(mut peer) if !callers.allows(peer.credentials()) => {
                    peer.blame("may not connect");
                }
                Ok(mut peer) if self.peers.len() >= PEERS => peer.blame("too many connections"),
                Ok(peer) => {
                    if self.poller.add(&peer, self.next, Interest::Read).is_ok() {
                        self.peers.insert(self.next, peer);
                        self.next += 1;
                    }
                }
                Err(error) => {
                    let problem = error.to_string();
                    let fields: [(&str, &[u8]); 2] = [
                        ("reason", b"no connection taken"),
                        ("problem", problem.as_bytes()),
                    ];
                    event(Event::Warning, None, &fields);
                    return;
                }
            }
        }
    }

    /// Hears all peers until they are silent or the batch is full, records, answers. Whether more may wait.
    fn drain(&mut self) -> bool {
        let mut batch = Batch::default();
        let mut answers = Vec::new();
        let mut ended = Vec::new();
        for (&token, peer) in &mut self.peers {
            while !batch.is_full() {
                match peer.hear() {
                    Heard::Packet(packet) => answers.extend(batch.take(token, packet)),
                    Heard::Silence => break,
                    Heard::End => {
                        ended.push(token);
                        break;
                    }
                }
            }
        }
        let is_full = batch.is_full();
        // What was asked before a connection ended is done all the same.
        answers.extend(batch.record(&mut self.recorder));
        for Answer {
            peer: token,
            answer,
            is_lie,
        } in answers
        {
            let Some(peer) = self.peers.get_mut(&token) else {
                continue;
            };
            if is_lie {
                peer.blame("asked for what cannot be recorded");
            }
            if !peer.say(&answer) {
                ended.push(token);
            }
        }
        for token in ended {
            // Closing the descriptor also ends its polling.
            self.peers.remove(&token);
        }
        is_full
    }
}
