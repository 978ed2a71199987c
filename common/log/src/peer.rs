//! Who said on one of our sockets what must not be said there.

use stafette_sys::packet::Credentials;

use crate::{Event, event};

/// Logs that `who` was cut off, or not let in, and why. Once for each connection: a program that lies must not fill the log.
pub fn peer_misbehaved(who: Credentials, reason: &str) {
    let (uid, pid) = (who.uid.to_string(), who.pid.to_string());
    let fields: [(&str, &[u8]); 3] = [
        ("uid", uid.as_bytes()),
        ("pid", pid.as_bytes()),
        ("reason", reason.as_bytes()),
    ];
    event(Event::PeerMisbehaved, None, &fields);
}
