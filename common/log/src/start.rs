//! How every service begins and ends in the log: that it runs and what it gave up, and why it could not go on.

use std::fmt::Display;
use std::process::ExitCode;

use stafette_sys::confine::{Report, State};
use stafette_sys::user;

use crate::{Event, event};

/// Logs that `program` runs, and what of its confinement is in force and what this kernel could not do.
/// Call it when the sockets are bound and the process is confined.
pub fn started(program: &str, version: &str, report: &Report) {
    let (pid, uid) = (
        std::process::id().to_string(),
        user::effective_uid().to_string(),
    );
    let (program, uid) = (("program", program.as_bytes()), ("uid", uid.as_bytes()));
    event(
        Event::ProgramStarted,
        None,
        &[
            program,
            ("version", version.as_bytes()),
            ("pid", pid.as_bytes()),
            uid,
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
    let (done, missing) = (done.join(","), missing.join(", "));
    event(
        Event::ProgramConfined,
        None,
        &[
            program,
            uid,
            ("done", done.as_bytes()),
            ("missing", missing.as_bytes()),
        ],
    );
}

/// The exit code of a service that has ended: 0, or 111 after an error, which is logged.
#[must_use]
pub fn ended<E: Display>(program: &str, outcome: Result<(), E>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            let problem = problem.to_string();
            event(
                Event::Error,
                None,
                &[
                    ("program", program.as_bytes()),
                    ("problem", problem.as_bytes()),
                ],
            );
            ExitCode::from(111)
        }
    }
}
