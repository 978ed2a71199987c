//! Which users may talk on a socket.

use std::io;

use crate::packet::Credentials;
use crate::user;

/// User ids that may connect; looked up once, before confinement.
#[derive(Clone, Debug)]
pub struct Callers(Vec<u32>);

impl Callers {
    /// Root, whoever this process runs as now (in a folder all programs are one user), and those of these users that exist.
    ///
    /// # Errors
    /// The account database does not answer: a program that went on would shut its callers out for good.
    pub fn named(users: &[&str]) -> io::Result<Self> {
        let mut uids = vec![0, user::effective_uid()];
        for name in users {
            uids.extend(user::by_name(name)?.map(|account| account.uid));
        }
        Ok(Self(uids))
    }

    /// Whether this peer may connect. Its group opened the directory of the socket; the user id is checked on top.
    #[must_use]
    pub fn allows(&self, peer: Credentials) -> bool {
        self.0.contains(&peer.uid)
    }
}
