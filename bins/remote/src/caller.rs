//! Who may give jobs.

use stafette_sys::packet::Credentials;
use stafette_sys::user;

/// The one program that gives jobs.
const SEND: &str = "stafs";

/// The user ids that may connect; looked up once, before confinement.
#[derive(Debug)]
pub(crate) struct Callers(Vec<u32>);

impl Callers {
    /// Root, our own user (in a folder all programs have one), and send's user if there is one.
    pub(crate) fn find() -> Self {
        let send = user::by_name(SEND).ok().flatten();
        let uids = [0, user::effective_uid()];
        Self(uids.into_iter().chain(send.map(|each| each.uid)).collect())
    }

    /// Whether this peer may connect. Its group opened the directory of the socket; the user id is checked on top.
    pub(crate) fn allows(&self, peer: Credentials) -> bool {
        self.0.contains(&peer.uid)
    }
}
