//! stafette-users: says whether an address is ours and who it belongs to.
//!
//! It serves `run/users` to smtpd and send. It reads settings, compiled tables and the account database, and nothing else: no home, no
//! message. It alone holds the secret of SRS. Who takes it over can have mail refused, taken or sent elsewhere, as the answers say, and can reach no mailbox:
//! local looks accounts up itself. It ends at a signal, at once; those who asked ask again.

mod answer;
mod exchanger;
mod look_up;
mod needs;
mod peer;
mod rules;
mod secret;
mod serve;

use std::io;
use std::process::ExitCode;

use stafette_control::Instance;
use stafette_log::{Event, event};
use stafette_sys::inherit::tidy;
use stafette_sys::limits;
use stafette_sys::packet::{Callers, Listener};
use stafette_sys::signal::{Signal, Signals};

use crate::rules::Rules;
use crate::serve::Server;

/// Who asks, besides root and ourselves.
const ASKERS: [&str; 2] = ["stafd", "stafs"];
/// Descriptors: one for each connection.
const FILES: u64 = 4096;

fn main() -> ExitCode {
    stafette_log::ended(needs::NAME, run())
}

fn run() -> io::Result<()> {
    tidy(0o077)?;
    let instance = Instance::from_env();
    let settings = instance.settings();
    stafette_log::open(needs::NAME, settings.logto());
    let path = instance.socket("users");
    let listener = Listener::bind(&path, 0o666)
        .map_err(|error| io::Error::other(format!("unable to bind {}: {error}", path.display())))?;
    let signals = Signals::block(&[Signal::Term, Signal::Int])?;
    limits::raise_files(FILES)?;
    let callers = Callers::named(&ASKERS)?;
    needs::prepare(&instance)?;
    needs::confine(&instance)?;
    Server::new(listener, signals, callers, Rules::load(&instance))?.run()?;
    event(
        Event::ProgramStopped,
        None,
        &[("program", needs::NAME.as_bytes())],
    );
    Ok(())
}
