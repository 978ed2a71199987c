//! What operators ask, and who may.

use std::io;

use stafette_sys::packet::Socket;
use stafette_sys::poll::Interest;
use stafette_wire::operator::{By, FromSend, Selection, ToSend};

use super::Service;
use crate::client::{Client, has_place};
use crate::key::Key;
use crate::lister::{self, Listed, STEP};
use crate::privacy::Right;
use crate::search::Search;
use crate::stage::Deed;

/// Listings at once …
const LISTINGS: usize = 4;
/// … and so many more for those who may change something.
const MORE_LISTINGS: usize = 4;
/// Questions that wait for the account database at most.
const DOUBTFUL: usize = 200;
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

    /// Answers if the user may ask that; whether he may, the account database says perhaps.
    fn take_question(&mut self, token: u64, uid: u32, packet: ToSend) {
        let is_allowed = match self.privacy.right(self.authority, uid, &packet) {
            Right::Yes => true,
            Right::No => false,
            Right::Operators => match (self.members.find(uid), &self.privacy.operators) {
                (Some(is_member), _) => is_member,
                (None, Some(group)) if self.doubtful.len() < DOUBTFUL => {
                    if !self.doubtful.iter().any(|(_, other, _)| *other == uid) {
                        self.members.ask(uid, group.clone());
                    }
                    self.doubtful.push((token, uid, packet));
                    return;
                }
                (None, _) => false,
            },
        };
        if is_allowed {
            return self.take_allowed(token, uid, packet);
        }
        let text = match (&packet, &self.privacy.operators) {
            (ToSend::List {} | ToSend::Hosts {} | ToSend::Flush { .. }, Some(group)) => format!(
                "only root, the owner of this instance and the group {group} may do that here (privacy)"
            ),
            _ => "only root and the owner of this instance may do that".to_owned(),
        };
        self.answer(token, &FromSend::Refused { text });
    }

    /// The account database answered.
    pub(super) fn member(&mut self, uid: u32, is_member: bool) {
        self.members.note(uid, is_member);
        let waiting = self.doubtful.extract_if(.., |(_, other, _)| *other == uid);
        for (token, uid, packet) in waiting.collect::<Vec<_>>() {
            if self.clients.contains_key(&token) {
                self.take_question(token, uid, packet);
            }
        }
    }

    fn take_allowed(&mut self, token: u64, uid: u32, packet: ToSend) {
        match packet {
            ToSend::List {} if self.knows_all() => self.list(token),
            ToSend::List {} if self.early.contains(&token) => {}
            ToSend::List {} => self.early.push_back(token),
            ToSend::Flush { selection: None } => {
                self.scheduler.flush_all(uid);
                let text = "everything that waits is tried now".to_owned();
                self.answer(token, &FromSend::Done { text });
            }
            ToSend::Flush {
                selection: Some(selection),
            } => self.flush(token, uid, &selection),
            ToSend::Hosts {} => self.list_hosts(token),
            ToSend::ForgetHosts {} => {
                self.scheduler.forget_hosts();
                let text = "what was known of hosts is forgotten".to_owned();
                self.answer(token, &FromSend::Done { text });
            }
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

    fn flush(&mut self, token: u64, uid: u32, selection: &Selection) {
        if self.scanner.is_full() {
            let text = "too much is being looked for: ask again in a moment".to_owned();
            return self.answer(token, &FromSend::Refused { text });
        }
        match Search::of(selection) {
            Some(search) => {
                self.scheduler.flush_some(uid, search, &selection.text);
                let text = match selection.by {
                    By::Domain => {
                        format!("everything that waits for {} is tried now", selection.text)
                    }
                    _ => format!("what waits and has {} in it is tried now", selection.text),
                };
                self.answer(token, &FromSend::Done { text });
            }
            None => {
                let text = "that is not a domain".to_owned();
                self.answer(token, &FromSend::Refused { text });
            }
        }
    }

    /// Gives the operator's connection to a thread that lists.
    fn list(&mut self, token: u64) {
        let Some((number, socket)) = self.begin_listing(token) else {
            return;
        };
        let post = self.inbox.post();
        let hints = self.scheduler.hints();
        if let Ok(steps) = lister::start(&self.disk, &post, number, socket, hints) {
            self.listings.insert(number, Some(steps));
        }
    }

    /// The same for what is known of hosts.
    fn list_hosts(&mut self, token: u64) {
        let Some((number, socket)) = self.begin_listing(token) else {
            return;
        };
        let hosts = self.scheduler.hosts();
        if lister::start_hosts(&self.inbox.post(), number, socket, hosts).is_ok() {
            self.listings.insert(number, None);
        }
    }

    fn begin_listing(&mut self, token: u64) -> Option<(u64, Socket)> {
        let uid = self.clients.get(&token).map(|client| client.uid);
        let most = match uid {
            Some(uid) if self.authority.allows(uid) => LISTINGS + MORE_LISTINGS,
            _ => LISTINGS,
        };
        if self.listings.len() >= most {
            let text = "too many listings at once: ask again in a moment".to_owned();
            self.answer(token, &FromSend::Refused { text });
            return None;
        }
        let client = self.clients.remove(&token)?;
        self.poller.remove(&client.socket).ok()?;
        let number = self.next_listing;
        self.next_listing += 1;
        Some((number, client.socket))
    }

    /// The first scan is over: who wanted a listing before gets it.
    pub(super) fn list_early(&mut self) {
        while let Some(token) = self.early.pop_front() {
            self.list(token);
        }
    }

    pub(super) fn list_more(&self, number: u64, after: Option<Key>) {
        if let Some(Some(steps)) = self.listings.get(&number) {
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
