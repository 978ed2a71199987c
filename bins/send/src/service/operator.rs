//! What operators ask, and who may.

use std::io;

use stafette_control::{DomainSet, parse_pattern};
use stafette_sys::packet::Socket;
use stafette_sys::poll::Interest;
use stafette_wire::operator::{FromSend, ToSend};

use super::Service;
use crate::client::{Client, has_place};
use crate::key::Key;
use crate::lister::{self, Listed, STEP};
use crate::stage::Deed;

/// Listings at once …
const LISTINGS: usize = 4;
/// … and so many more for those who may change something.
const MORE_LISTINGS: usize = 4;
/// Questions of one operator that are taken before others are heard.
const TURN: usize = 32;

impl Service {
    pub(super) fn accept(&mut self) {
        while let Ok(socket) = self.listener.try_accept() {
            // An operator who is gone already needs no answer.
            self.add_client(socket).unwrap_or(());
        }
    }

    fn add_client(&mut self, socket: Socket) -> io::Result<()> {
        let client = Client::new(socket)?;
        let users = self.clients.values().map(|client| client.uid);
        if !has_place(self.authority, client.uid, users) {
            return Ok(());
        }
        let token = self.next_client;
        self.next_client += 1;
        self.poller.add(&client.socket, token, Interest::Read)?;
        self.clients.insert(token, client);
        Ok(())
    }

    pub(super) fn answer(&mut self, token: u64, packet: &FromSend) {
        let is_gone = self
            .clients
            .get(&token)
            .is_some_and(|client| !client.answer(packet));
        if is_gone {
            self.clients.remove(&token);
        }
    }

    pub(super) fn hear_client(&mut self, token: u64) {
        for _ in 0..TURN {
            let Some(client) = self.clients.get(&token) else {
                return;
            };
            let uid = client.uid;
            match client.receive() {
                Ok(Some(packet)) => self.take_question(token, uid, packet),
                Ok(None) => return,
                Err(_) => {
                    self.clients.remove(&token);
                    return;
                }
            }
        }
    }

    fn take_question(&mut self, token: u64, uid: u32, packet: ToSend) {
        let is_harmless = matches!(packet, ToSend::List {} | ToSend::Ping {});
        if !is_harmless && !self.authority.allows(uid) {
            let text = "only root and the owner of this instance may do that".to_owned();
            return self.answer(token, &FromSend::Refused { text });
        }
        match packet {
            ToSend::List {} if self.knows_all() => self.list(token),
            ToSend::List {} if self.early.contains(&token) => {}
            ToSend::List {} => self.early.push_back(token),
            ToSend::Flush { domain: None } => {
                self.scheduler.flush_all(uid);
                let text = "everything that waits is tried now".to_owned();
                self.answer(token, &FromSend::Done { text });
            }
            ToSend::Flush {
                domain: Some(domain),
            } => self.flush_domain(token, uid, &domain),
            ToSend::Hold { id } => self.scheduler.operate(token, uid, id, Deed::Hold),
            ToSend::Release { id } => self.scheduler.operate(token, uid, id, Deed::Release),
            ToSend::Remove { id } => self.scheduler.operate(token, uid, id, Deed::Remove),
            ToSend::Reload {} => {
                let paused = self.settings.paused();
                self.settings.log_problems();
                self.scheduler.set_paused(uid, paused);
                let text = "the paused domains are read anew".to_owned();
                self.answer(token, &FromSend::Done { text });
            }
            ToSend::Ping {} => self.answer(token, &FromSend::Pong {}),
        }
    }

    fn flush_domain(&mut self, token: u64, uid: u32, domain: &str) {
        match parse_pattern(domain) {
            Ok(pattern) => {
                let domains: DomainSet = std::iter::once(pattern).collect();
                self.scheduler.flush_domains(uid, domains);
                let text = format!("everything that waits for {domain} is tried now");
                self.answer(token, &FromSend::Done { text });
            }
            Err(_) => {
                let text = "that is not a domain".to_owned();
                self.answer(token, &FromSend::Refused { text });
            }
        }
    }

    /// Gives the operator's connection to a thread that lists.
    fn list(&mut self, token: u64) {
        let uid = self.clients.get(&token).map(|client| client.uid);
        let most = match uid {
            Some(uid) if self.authority.allows(uid) => LISTINGS + MORE_LISTINGS,
            _ => LISTINGS,
        };
        if self.listings.len() >= most {
            let text = "too many listings at once: ask again in a moment".to_owned();
            return self.answer(token, &FromSend::Refused { text });
        }
        let Some(client) = self.clients.remove(&token) else {
            return;
        };
        if self.poller.remove(&client.socket).is_err() {
            return;
        }
        let number = self.next_listing;
        self.next_listing += 1;
        let post = self.inbox.post();
        if let Ok(steps) = lister::start(&self.disk, &post, number, client.socket) {
            self.listings.insert(number, steps);
        }
    }

    /// The first scan is over: who wanted a listing before gets it.
    pub(super) fn list_early(&mut self) {
        while let Some(token) = self.early.pop_front() {
            self.list(token);
        }
    }

    pub(super) fn list_more(&self, number: u64, after: Option<Key>) {
        if let Some(steps) = self.listings.get(&number) {
            let step = self.scheduler.known_after(after, STEP);
            // A listing that is over wants no more.
            steps.send(step).unwrap_or(());
        }
    }

    /// A listing is over: its operator may ask for something else.
    pub(super) fn listed(&mut self, listed: Listed) {
        self.listings.remove(&listed.number);
        if let Some(socket) = listed.socket {
            // An operator who is gone needs nothing more.
            self.add_client(socket).unwrap_or(());
        }
    }
}
