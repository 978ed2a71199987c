//! What remote may do: its row in the table of programs, in one place.

use stafette_log::{Event, event};
use stafette_sys::confine::{Limits, Needs, Network, Report, State};

/// The user stafr, and connecting. No path at all: content comes as open descriptors, names from resolve's socket.
pub(crate) fn needs(concurrency: usize) -> Needs<'static> {
    let concurrency = u64::try_from(concurrency).unwrap_or(u64::MAX);
    Needs {
        user: Some("stafr"),
        network: Network::Connect,
        limits: Limits {
            // A socket and a descriptor for each worker, as many for the jobs that wait, and some more.
            files: Some(concurrency.saturating_mul(4).saturating_add(256)),
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
