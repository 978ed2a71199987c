//! Who may ask.

use stafette_sys::packet::Credentials;
use stafette_sys::user;

/// The service users that ask the DNS: remote, smtpd, verify.
const USERS: [&str; 3] = ["stafr", "stafd", "stafv"];

/// The user ids that may ask; looked up once, before confinement.
#[derive(Debug)]
pub(crate) struct Callers(Vec<u32>);

impl Callers {
    /// Root, our own user (in a folder all programs have one), and the service users that exist.
    pub(crate) fn find() -> Self {
        let mut uids = vec![0, user::effective_uid()];
        let accounts = USERS.iter().filter_map(|name| user::by_name(name).ok()?);
        uids.extend(accounts.map(|account| account.uid));
        Self(uids)
    }

    /// Whether this peer may ask. Its group opened the directory of the socket; the user id is checked on top.
    pub(crate) fn allows(&self, peer: Credentials) -> bool {
        self.0.contains(&peer.uid)
    }
}
