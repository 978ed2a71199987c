//! What users may do: its row in the table of programs, in one place.

use std::io;
use std::path::PathBuf;

use stafette_control::Instance;
use stafette_log::{Event, event};
use stafette_sys::confine::{ACCOUNT_DATABASE, Needs, Network, Report, State};

pub(crate) const NAME: &str = "stafette-users";

/// Its settings, and what the C library reads of the account database. Files there are replaced by renaming, so that
/// their directories are named. Sockets of name services (nscd, sssd, nslcd, userdb) are not paths to be read.
fn needs(instance: &Instance) -> Needs<'static> {
    let mut read = vec![
        instance.etc.clone(),
        PathBuf::from("/etc"),
        PathBuf::from("/run/systemd/userdb"),
        PathBuf::from("/run/nscd"),
    ];
    read.extend(ACCOUNT_DATABASE.iter().map(PathBuf::from));
    Needs {
        user: Some("stafu"),
        read,
        network: Network::None,
        ..Needs::default()
    }
}

/// Gives up the rest for good, and says so.
pub(crate) fn confine(instance: &Instance) -> io::Result<()> {
    let report = stafette_sys::confine::confine(&needs(instance))?;
    log_start(&report);
    Ok(())
}

fn log_start(report: &Report) {
    let pid = std::process::id().to_string();
    let uid = stafette_sys::user::effective_uid().to_string();
    let started: [(&str, &[u8]); 4] = [
        ("program", NAME.as_bytes()),
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
    let (done, missing) = (done.join(","), missing.join(", "));
    let confined: [(&str, &[u8]); 4] = [
        ("program", NAME.as_bytes()),
        ("uid", uid.as_bytes()),
        ("done", done.as_bytes()),
        ("missing", missing.as_bytes()),
    ];
    event(Event::ProgramConfined, None, &confined);
}
