//! What resolve may do: its row in the table of programs, in one place.

use std::path::{Path, PathBuf};

use stafette_control::Instance;
use stafette_log::{Event, event};
use stafette_sys::confine::{Limits, Needs, Network, Report, State};

use crate::name_servers::RESOLV_CONF;

/// Descriptors: connections, and a socket for each question under way.
const FILES: u64 = 4_096;

/// The user stafn; the name servers' names, read again when they change; the network to reach them. Nothing is written.
pub(crate) fn needs(instance: &Instance) -> Needs<'static> {
    // resolv.conf is replaced by renaming, and may be a link to a place below /run, so its directories are named.
    let mut read = vec![instance.etc.clone(), PathBuf::from("/etc")];
    if let Ok(real) = std::fs::canonicalize(RESOLV_CONF) {
        read.extend(real.parent().map(Path::to_path_buf));
    }
    Needs {
        user: Some("stafn"),
        read,
        network: Network::Connect,
        limits: Limits {
            files: Some(FILES),
            ..Limits::default()
        },
        ..Needs::default()
    }
}

/// Says that the program runs, and what it gave up.
pub(crate) fn log_start(program: &str, report: &Report) {
    let (pid, uid) = (
        std::process::id().to_string(),
        stafette_sys::user::effective_uid().to_string(),
    );
    event(
        Event::ProgramStarted,
        None,
        &[
            ("program", program.as_bytes()),
            ("version", env!("CARGO_PKG_VERSION").as_bytes()),
            ("pid", pid.as_bytes()),
            ("uid", uid.as_bytes()),
        ],
    );
    let (done, missing): (Vec<_>, Vec<_>) = report
        .layers
        .iter()
        .partition(|layer| matches!(layer.state, State::InForce(_)));
    let done: Vec<&str> = done.iter().map(|layer| layer.name).collect();
    let missing: Vec<String> = missing
        .iter()
        .map(|layer| format!("{}: {}", layer.name, layer.state))
        .collect();
    event(
        Event::ProgramConfined,
        None,
        &[
            ("program", program.as_bytes()),
            ("uid", uid.as_bytes()),
            ("done", done.join(",").as_bytes()),
            ("missing", missing.join(", ").as_bytes()),
        ],
    );
}
