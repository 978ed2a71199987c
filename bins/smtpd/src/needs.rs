//! What smtpd needs: the settings to read, sockets it opened or that its group may enter; nothing to write, nothing to run.

use std::io::Write;

use stafette_control::Instance;
use stafette_log::{Event, event};
use stafette_sys::confine::{Needs, Network, Report, confine};

/// The user smtpd runs under.
const USER: &str = "stafd";

/// Confines the listening parent after it has bound its sockets; every child begins as confined as that.
pub(crate) fn confine_service(instance: &Instance) -> Result<(), String> {
    log(&become_confined(instance, Network::None)?);
    Ok(())
}

/// Confines a process that holds one session, whoever started it.
pub(crate) fn confine_session(instance: &Instance) -> Result<(), String> {
    become_confined(instance, Network::None).map(drop)
}

fn become_confined(instance: &Instance, network: Network) -> Result<Report, String> {
    let needs = Needs {
        user: Some(USER),
        read: vec![
            instance.etc.clone(),
            instance.run.clone(),
            "/proc/self".into(),
            "/etc/localtime".into(),
        ],
        network,
        ..Needs::default()
    };
    confine(&needs).map_err(|error| format!("unable to confine: {error}"))
}

fn log(report: &Report) {
    let fields = report.fields();
    let mut fields: Vec<(&str, &[u8])> = fields
        .iter()
        .map(|(key, value)| (*key, value.as_bytes()))
        .collect();
    fields.insert(0, ("program", b"smtpd"));
    event(Event::ProgramConfined, None, &fields);
}

/// Tells whoever started us; there is nobody else to tell.
pub(crate) fn complain(text: &str) {
    drop(writeln!(std::io::stderr(), "smtpd: {text}"));
}
