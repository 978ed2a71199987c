//! What clean may do, and who may ask it: its row in the table of programs.

use std::path::Path;

use stafette_log::{Event, event};
use stafette_sys::confine::{Limits, Needs, Network, Report, State};
use stafette_sys::packet::Credentials;
use stafette_sys::user;

/// Descriptors: one for each file of a batch, and some.
const FILES: u64 = 1024;

/// The user stafq, and the queue.
pub(crate) fn needs(queue: &Path) -> Needs<'static> {
    Needs {
        user: Some("stafq"),
        write: vec![queue.to_owned()],
        network: Network::None,
        limits: Limits {
            files: Some(FILES),
            ..Limits::default()
        },
        ..Needs::default()
    }
}

/// The user ids that may ask; looked up once, before confinement.
#[derive(Debug)]
pub(crate) struct Callers(Vec<u32>);

impl Callers {
    /// Root, whoever started us (in a folder all programs run as one user), and send.
    pub(crate) fn find() -> Self {
        let mut uids = vec![0, user::effective_uid()];
        uids.extend(
            user::by_name("stafs")
                .ok()
                .flatten()
                .map(|account| account.uid),
        );
        Self(uids)
    }

    /// Whether this peer may ask. Its group opened the directory of the socket; the user id is checked on top.
    pub(crate) fn allows(&self, peer: Credentials) -> bool {
        self.0.contains(&peer.uid)
    }
}

/// Says that the program runs, and what it gave up.
pub(crate) fn log_start(report: &Report) {
    let (pid, uid) = (
        std::process::id().to_string(),
        user::effective_uid().to_string(),
    );
    let started: [(&str, &[u8]); 4] = [
        ("program", crate::NAME.as_bytes()),
        ("version", env!("CARGO_PKG_VERSION").as_bytes()),
        ("pid", pid.as_bytes()),
        ("uid", uid.as_bytes()),
    ];
    event(Event::ProgramStarted, None, &started);
    let is_done = |state: &State| matches!(state, State::InForce(_));
    let (done, missing): (Vec<_>, Vec<_>) = report
        .layers
        .iter()
        .partition(|layer| is_done(&layer.state));
    let done: Vec<&str> = done.iter().map(|layer| layer.name).collect();
    let missing: Vec<String> = missing
        .iter()
        .map(|layer| format!("{}: {}", layer.name, layer.state))
        .collect();
    let confined: [(&str, &[u8]); 4] = [
        ("program", crate::NAME.as_bytes()),
        ("uid", uid.as_bytes()),
        ("done", &done.join(",").into_bytes()),
        ("missing", &missing.join(", ").into_bytes()),
    ];
    event(Event::ProgramConfined, None, &confined);
}
