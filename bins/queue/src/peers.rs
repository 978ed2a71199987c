//! Which users may talk on the service socket, looked up once at start.

use stafette_log::{Event, event};
use stafette_sys::user;

use crate::introduction::Client;

/// The user of smtpd.
const SMTPD: &str = "stafd";
/// The user of send.
const SEND: &str = "stafs";

/// User ids with a say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Peers {
    /// Ourselves and root: everything in an instance of one user.
    own: Vec<u32>,
    smtpd: Option<u32>,
    send: Option<u32>,
}

impl Peers {
    /// Looks them up; a user that is missing has no say.
    pub(crate) fn look_up() -> Self {
        let find = |name| match user::by_name(name) {
            Ok(account) => account.map(|account| account.uid),
            Err(error) => {
                event(
                    Event::LookupFailed,
                    None,
                    &[
                        ("name", str::as_bytes(name)),
                        ("problem", error.to_string().as_bytes()),
                    ],
                );
                None
            }
        };
        Self {
            own: vec![0, user::effective_uid()],
            smtpd: find(SMTPD),
            send: find(SEND),
        }
    }

    /// Our own user id changed: it is `uid` now.
    pub(crate) fn became(&mut self, uid: u32) {
        self.own = vec![0, uid];
    }

    /// Who somebody with this user id is on the service socket, if anybody.
    pub(crate) fn client(&self, uid: u32) -> Option<Client> {
        if self.own.contains(&uid) || self.send == Some(uid) {
            Some(Client::Service { is_send: true })
        } else if self.smtpd == Some(uid) {
            Some(Client::Service { is_send: false })
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_send_root_and_the_owner_may_do_what_send_does() {
        let mut peers = Peers {
            own: vec![0],
            smtpd: Some(101),
            send: Some(102),
        };
        peers.became(100);
        let send = Some(Client::Service { is_send: true });
        assert_eq!(peers.client(0), send);
        assert_eq!(peers.client(100), send);
        assert_eq!(peers.client(102), send);
        assert_eq!(peers.client(101), Some(Client::Service { is_send: false }));
        assert_eq!(peers.client(1000), None);
    }
}
