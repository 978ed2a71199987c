//! What local may do: its row in the table of programs, in one place.

use std::io;
use std::path::PathBuf;

use stafette_log::{Event, event};
use stafette_sys::confine::{Capability, Needs, Network, Report, State};

pub(crate) const NAME: &str = "stafette-local";

/// To become the recipient, and to end a worker that has become one. Nothing by which root overrides permissions.
const CAPABILITIES: [Capability; 3] = [
    Capability::CAP_SETUID,
    Capability::CAP_SETGID,
    Capability::CAP_KILL,
];

/// Any path, since homes may be anywhere and the workers inherit this; nothing is executed, and there is no network.
fn needs() -> Needs<'static> {
    Needs {
        user: None,
        keep_caps: &CAPABILITIES,
        write: vec![PathBuf::from("/")],
        network: Network::None,
        ..Needs::default()
    }
}

/// Gives up the rest for good, and says so.
pub(crate) fn confine() -> io::Result<()> {
    let report = stafette_sys::confine::confine(&needs())?;
    log_start(&report);
    Ok(())
}

fn log_start(report: &Report) {
    let pid = std::process::id().to_string();
    let uid = stafette_sys::user::effective_uid().to_string();
    let version = env!("CARGO_PKG_VERSION").as_bytes();
    let started: [(&str, &[u8]); 4] = [
        ("program", NAME.as_bytes()),
        ("version", version),
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
    let (done, missing) = (done.join(","), missing.join(", "));
    let confined: [(&str, &[u8]); 4] = [
        ("program", NAME.as_bytes()),
        ("uid", uid.as_bytes()),
        ("done", done.as_bytes()),
        ("missing", missing.as_bytes()),
    ];
    event(Event::ProgramConfined, None, &confined);
}
