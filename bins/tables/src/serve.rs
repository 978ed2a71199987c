//! The loop: a look at the texts each second, and those who ask for one now.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use stafette_control::Instance;
use stafette_log::peer_misbehaved;
use stafette_sys::packet::{Credentials, Listener, Socket};
use stafette_sys::poll::{Interest, Poller};
use stafette_sys::signal::{Signal, Signals};
use stafette_sys::user;
use stafette_table::Watch;
use stafette_wire::tables::{FromTables, ToTables};
use stafette_wire::{MAX_PACKET, Packet as _};

use crate::answer::Known;

const LISTENER: u64 = 0;
const SIGNALS: u64 = 1;
/// Between two looks at the texts.
const ROUND: Duration = Duration::from_secs(1);
/// Connections at once; more are turned away until one ends.
const CONNECTIONS: usize = 32;
/// Of one user, root excepted.
const OF_ONE_USER: usize = 8;
/// A connection on which nothing is said for so long is closed.
const IDLE: Duration = Duration::from_secs(30);

#[derive(Debug)]
struct Peer {
    socket: Socket,
    who: Credentials,
    heard: Instant,
    wants_look: bool,
}

/// The service.
#[derive(Debug)]
pub(crate) struct Server {
    instance: Instance,
    poller: Poller,
    listener: Listener,
    signals: Signals,
    /// Who may have everything compiled anew, besides root and ourselves.
    owner: u32,
    peers: BTreeMap<u64, Peer>,
    last_token: u64,
    watch: Watch,
    known: Known,
    looked: Option<Instant>,
    buffer: Vec<u8>,
}

impl Server {
    pub(crate) fn new(
        instance: Instance,
        listener: Listener,
        signals: Signals,
        owner: u32,
    ) -> io::Result<Self> {
        let poller = Poller::new()?;
        poller.add(&listener, LISTENER, Interest::Read)?;
        poller.add(&signals, SIGNALS, Interest::Read)?;
        Ok(Self {
            instance,
            poller,
            listener,
            signals,
            owner,
            peers: BTreeMap::new(),
            last_token: SIGNALS,
            watch: Watch::new(),
            known: Known::default(),
            looked: None,
            buffer: vec![0; MAX_PACKET],
        })
    }

    /// Serves until a signal. The first look comes first: who waits for an answer waits for tables as well.
    pub(crate) fn run(&mut self) -> io::Result<()> {
        let mut wants_all = false;
        loop {
            self.look(wants_all);
            wants_all = false;
            let next = self
                .looked
                .map_or(ROUND, |looked| ROUND.saturating_sub(looked.elapsed()));
            for happened in self.poller.wait(Some(next))? {
                match happened.token {
                    LISTENER => self.accept(),
                    SIGNALS => match self.signals.next()? {
                        Some(Signal::Hup) => wants_all = true,
                        Some(_) => return Ok(()),
                        None => {}
                    },
                    token => self.hear(token),
                }
            }
            self.peers.retain(|_, peer| peer.heard.elapsed() < IDLE);
        }
    }

    /// One look for all who ask, or because it is time.
    fn look(&mut self, wants_all: bool) {
        let asking: Vec<u64> = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.wants_look)
            .map(|(token, _)| *token)
            .collect();
        let is_time = self.looked.is_none_or(|looked| looked.elapsed() >= ROUND);
        if asking.is_empty() && !wants_all && !is_time {
            return;
        }
        // Compiling costs flushes: a stranger can have done what is due, and no more.
        let is_forced = wants_all || asking.iter().any(|token| self.may_force(*token));
        let report = self.watch.look(&self.instance, is_forced);
        self.looked = Some(Instant::now());
        let now: Vec<_> = report.tables.iter().map(|report| report.table).collect();
        self.known.add(report);
        if asking.is_empty() {
            return;
        }
        let packets = self.known.packets(&now);
        for token in asking {
            let Some(peer) = self.peers.get_mut(&token) else {
                continue;
            };
            peer.wants_look = false;
            // The answers fit the socket's buffer; who lets them pile up does not read them.
            if packets
                .iter()
                .any(|packet| peer.socket.try_send(packet, &[]).is_err())
            {
                self.peers.remove(&token);
            }
        }
    }

    fn may_force(&self, token: u64) -> bool {
        self.peers
            .get(&token)
            .is_some_and(|peer| [0, self.owner, user::effective_uid()].contains(&peer.who.uid))
    }

    fn accept(&mut self) {
        while let Ok(socket) = self.listener.try_accept() {
            let Ok(who) = socket.peer() else { continue };
            let of_user = self.peers.values().filter(|peer| peer.who.uid == who.uid);
            let is_full = self.peers.len() >= CONNECTIONS && who.uid != 0;
            if is_full || who.uid != 0 && of_user.count() >= OF_ONE_USER {
                continue;
            }
            self.last_token += 1;
            if self
                .poller
                .add(&socket, self.last_token, Interest::Read)
                .is_ok()
            {
                let peer = Peer {
                    socket,
                    who,
                    heard: Instant::now(),
                    wants_look: false,
                };
                self.peers.insert(self.last_token, peer);
            }
        }
    }

    /// One packet; what more there is comes at the next turn.
    fn hear(&mut self, token: u64) {
        let Some(peer) = self.peers.get_mut(&token) else {
            return;
        };
        let packet = match peer.socket.try_recv(&mut self.buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(_) | Ok((0, _)) => None,
            Ok((length, fds)) if fds.is_empty() => self.buffer.get(..length),
            Ok(_) => Some(&[][..]),
        };
        let Some(packet) = packet else {
            self.peers.remove(&token);
            return;
        };
        peer.heard = Instant::now();
        let goes_on = match ToTables::decode(packet) {
            Ok(ToTables::Compile {}) => {
                peer.wants_look = true;
                true
            }
            Ok(ToTables::Ping {}) => peer
                .socket
                .try_send(&FromTables::Pong {}.encode(), &[])
                .is_ok(),
            Err(error) => {
                peer_misbehaved(peer.who, &error.to_string());
                false
            }
        };
        if !goes_on {
            self.peers.remove(&token);
        }
    }
}
