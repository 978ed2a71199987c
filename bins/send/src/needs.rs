//! What send may touch: it reads the queue and the settings, and has the sockets it is given or connects to. Nothing else.

use stafette_control::Instance;
use stafette_log::{Event, event};
use stafette_sys::confine::{Limits, Needs, Network, Report, State};
use stafette_sys::user;

/// Descriptors: one for each message in memory, and some.
const FILES: u64 = 4096;

/// The user stafs; the queue and the settings, to read.
pub(crate) fn needs(instance: &Instance) -> Needs<'static> {
    Needs {
        user: Some("stafs"),
        read: vec![instance.queue(), instance.etc.clone()],
        network: Network::None,
        limits: Limits {
            files: Some(FILES),
            ..Limits::default()
        },
        ..Needs::default()
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
    let (done, missing): (Vec<_>, Vec<_>) = report
        .layers
        .iter()
        .partition(|layer| matches!(layer.state, State::InForce(_)));
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
