//! stafette-remote: delivers mail to other hosts.
//!
//! The parent serves `run/remote` to send and gives its jobs to a pool of workers; each worker speaks SMTP or LMTP as a client, in
//! plain blocking code, and keeps its connection for a moment for the next message to the same destination. It opens no file but
//! settings and compiled tables: content comes as open read-only descriptors, names come from resolve. Every job ends in one outcome, which is kept until send has
//! recorded it. A worker that dies takes one attempt with it, which is then repeated; who takes a worker over sees the
//! messages that pass it, and can say wrongly that they were delivered.

mod attempt;
mod authority;
mod commands;
mod content;
mod deadline;
mod ledger;
mod parent;
mod peer;
mod place;
mod session;
mod settings;
mod stage;
mod stream;
mod transaction;
mod verdict;
mod visible;
mod worker;

use std::io;
use std::process::ExitCode;

use stafette_control::Instance;
use stafette_log::{Event, event};
use stafette_sys::confine::confine;
use stafette_sys::inherit::tidy;
use stafette_sys::packet::{Callers, Listener};
use stafette_sys::signal::{Signal, Signals};

const NAME: &str = "stafette-remote";

fn main() -> ExitCode {
    let outcome = run();
    if outcome.is_ok() {
        event(
            Event::ProgramStopped,
            None,
            &[("program", NAME.as_bytes()), ("reason", b"told to")],
        );
    }
    stafette_log::ended(NAME, outcome)
}

fn run() -> io::Result<()> {
    tidy(0o077)?;
    let instance = Instance::from_env();
    let settings = instance.settings();
    stafette_log::open(NAME, settings.logto());
    let (recipe, concurrency) = settings::read(&instance, &settings);
    settings.log_problems();
    let path = instance.socket("remote");
    let listener = Listener::bind(&path, 0o666)
        .map_err(|error| io::Error::other(format!("unable to bind {}: {error}", path.display())))?;
    let callers = Callers::named(&["stafs"])?;
    let signals = Signals::block(&[Signal::Term, Signal::Int, Signal::Child])?;
    let report = confine(&authority::needs(concurrency, visible::paths(&instance)))?;
    stafette_log::started(NAME, env!("CARGO_PKG_VERSION"), &report);
    parent::Parent::new(listener, signals, callers, recipe, concurrency)?.run()
}
