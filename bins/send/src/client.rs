//! Connections of operators. Everybody may list and flush unless that is restricted; what changes something is for root, the owner of the
//! instance, and whom it runs as.

use std::io;

use stafette_log::{Event as LogEvent, event};
use stafette_sys::packet::Socket;
use stafette_wire::Packet;
use stafette_wire::operator::{FromSend, ToSend};

/// Connections at once; further ones are closed.
const LIMIT: usize = 100;

/// Of those, so many may be of users who may only look; the others stay free for who may change something …
const STRANGERS: usize = 80;
/// … and so many of one of them.
const EACH: usize = 20;

/// Octets of the longest packet of an operator.
const PACKET: usize = 4096;

/// One operator.
#[derive(Debug)]
pub(crate) struct Client {
    /// The connection.
    pub(crate) socket: Socket,
    /// Who it is, as the kernel says.
    pub(crate) uid: u32,
}

/// Who may change something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Authority {
    /// The user that send runs as.
    pub(crate) own: u32,
    /// The owner of the settings.
    pub(crate) owner: u32,
    /// The user that smtpd runs as, if not the same as ours.
    pub(crate) smtpd: Option<u32>,
}

impl Authority {
    /// Whether this user may change something.
    pub(crate) fn allows(self, uid: u32) -> bool {
        uid == 0 || uid == self.own || uid == self.owner
    }
}

/// Whether there is a place for one more connection, of user `uid`, beside those of `users`.
pub(crate) fn has_place(
    authority: Authority,
    uid: u32,
    users: impl Iterator<Item = u32> + Clone,
) -> bool {
    if users.clone().count() >= LIMIT {
        return false;
    }
    let strangers = users.filter(|other| !authority.allows(*other));
    authority.allows(uid)
        || strangers.clone().count() < STRANGERS
            && strangers.filter(|other| *other == uid).count() < EACH
}

impl Client {
    /// Takes a connection.
    ///
    /// # Errors
    /// The kernel does not say who it is.
    pub(crate) fn new(socket: Socket) -> io::Result<Self> {
        socket.set_max_fds(0);
        let uid = socket.peer()?.uid;
        Ok(Self { socket, uid })
    }

    /// The next question; `None` if none waits.
    ///
    /// # Errors
    /// The connection is to be closed.
    pub(crate) fn receive(&self) -> io::Result<Option<ToSend>> {
        let mut buffer = [0; PACKET];
        match self.socket.try_recv(&mut buffer) {
            Ok((0, _)) => Err(io::ErrorKind::ConnectionReset.into()),
            Ok((length, _)) => match ToSend::decode(buffer.get(..length).unwrap_or_default()) {
                Ok(packet) => Ok(Some(packet)),
                Err(error) => {
                    self.blame(&error.to_string());
                    Err(io::ErrorKind::InvalidData.into())
                }
            },
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn blame(&self, problem: &str) {
        let uid = self.uid.to_string();
        let fields: [(&str, &[u8]); 3] = [
            ("uid", uid.as_bytes()),
            ("reason", b"an operator's packet makes no sense"),
            ("problem", problem.as_bytes()),
        ];
        event(LogEvent::PeerMisbehaved, None, &fields);
    }

    /// Answers; whether the operator took it. Answers are small and there is room for some hundred.
    pub(crate) fn answer(&self, packet: &FromSend) -> bool {
        self.socket.try_send(&packet.encode(), &[]).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_may_look_and_not_touch() {
        let authority = Authority {
            own: 100,
            owner: 1000,
            smtpd: None,
        };
        assert!([0, 100, 1000].iter().all(|uid| authority.allows(*uid)));
        assert!(!authority.allows(1001));
    }

    #[test]
    fn strangers_cannot_take_the_places_of_those_who_steer_nor_one_of_them_those_of_others() {
        let authority = Authority {
            own: 100,
            owner: 1000,
            smtpd: None,
        };
        let is_free = |uid, users: &[u32]| has_place(authority, uid, users.iter().copied());
        let crowd: Vec<u32> = (2000..2080).collect();
        assert!(is_free(2000, &crowd[1..]) && !is_free(3000, &crowd));
        assert!(is_free(0, &crowd));
        assert!(!is_free(2000, &[2000; 20]) && is_free(2001, &[2000; 20]));
        assert!(is_free(1000, &[1000; 99]) && !is_free(1000, &[1000; 100]));
    }
}
