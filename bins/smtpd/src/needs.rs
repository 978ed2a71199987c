//! What smtpd needs: the settings and the compiled tables to read, sockets it opened or that its group may enter; nothing to write, nothing to run.

use std::io::Write;

use stafette_control::Instance;
use stafette_sys::confine::{Needs, Network, Report, confine};

/// As the log names the program.
pub(crate) const NAME: &str = "stafette-smtpd";
/// The user smtpd runs under.
const USER: &str = "stafd";

/// Confines the listening parent after it has bound its sockets; every child begins as confined as that.
pub(crate) fn confine_service(instance: &Instance) -> Result<(), String> {
    let report = become_confined(instance)?;
    stafette_log::started(NAME, env!("CARGO_PKG_VERSION"), &report);
    Ok(())
}

/// Confines a process that holds one session, whoever started it.
pub(crate) fn confine_session(instance: &Instance) -> Result<(), String> {
    become_confined(instance).map(drop)
}

fn become_confined(instance: &Instance) -> Result<Report, String> {
    let needs = Needs {
        user: Some(USER),
        read: vec![
            instance.etc.clone(),
            instance.run.clone(),
            instance.tables(),
            "/proc/self".into(),
            "/etc/localtime".into(),
        ],
        network: Network::None,
        ..Needs::default()
    };
    confine(&needs).map_err(|error| format!("unable to confine: {error}"))
}

/// Tells whoever started us; there is nobody else to tell.
pub(crate) fn complain(text: &str) {
    drop(writeln!(std::io::stderr(), "smtpd: {text}"));
}
