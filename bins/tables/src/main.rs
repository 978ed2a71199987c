//! stafette-tables: compiles the operator's tables when they change.
//!
//! It looks at the texts every second, and at once when newaliases or `stafette maps` ask at `run/tables`, and is the only program that
//! writes `spool/tables`. It meets no bytes from outside. `stafette-tables once` compiles and ends, for when the service is down.
//! It can be killed at any moment: a compiled table is renamed into place when it is on the disk, and it looks at all texts when it starts.
#![forbid(unsafe_code)]

mod answer;
mod needs;
mod serve;

use std::io::{self, Write as _};
use std::process::ExitCode;

use stafette_control::Instance;
use stafette_log::{Event, event};
use stafette_sys::inherit::tidy;
use stafette_sys::packet::Listener;
use stafette_sys::signal::{Signal, Signals};
use stafette_sys::user;

use crate::needs::NAME;
use crate::serve::Server;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    match arguments.as_slice() {
        [] => stafette_log::ended(NAME, serve()),
        [only] if only == "once" => once(),
        _ => {
            drop(writeln!(io::stderr(), "usage: stafette-tables [once]"));
            ExitCode::from(100)
        }
    }
}

fn serve() -> io::Result<()> {
    tidy(0o022)?;
    let instance = Instance::from_env();
    stafette_log::open(NAME, instance.settings().logto());
    let signals = Signals::block(&[Signal::Term, Signal::Int, Signal::Hup])?;
    let path = instance.socket("tables");
    let listener = Listener::bind(&path, 0o666)
        .map_err(|error| io::Error::other(format!("unable to bind {}: {error}", path.display())))?;
    let owner = owner(&instance);
    needs::prepare(&instance)?;
    let report = needs::confine(&instance)?;
    stafette_log::started(NAME, env!("CARGO_PKG_VERSION"), &report);
    Server::new(instance, listener, signals, owner)?.run()?;
    event(Event::ProgramStopped, None, &[("program", NAME.as_bytes())]);
    Ok(())
}

/// Whose settings these are: who may have everything compiled anew.
fn owner(instance: &Instance) -> u32 {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(&instance.etc).map_or_else(|_| user::effective_uid(), |data| data.uid())
}

fn once() -> ExitCode {
    match compile_once() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            drop(writeln!(
                io::stderr(),
                "{NAME}: fatal: unable to compile the tables: {error}"
            ));
            ExitCode::FAILURE
        }
    }
}

fn compile_once() -> io::Result<bool> {
    tidy(0o022)?;
    let instance = Instance::from_env();
    needs::prepare(&instance)?;
    needs::confine(&instance)?;
    let report = stafette_table::compile(&instance, true);
    let mut out = io::stdout().lock();
    for line in report
        .tables
        .iter()
        .flat_map(stafette_table::TableReport::lines)
    {
        writeln!(out, "{line}")?;
    }
    Ok(report.is_good())
}
