//! stafette-resolve: asks the DNS for all other programs, with one cache.
//!
//! It serves `run/resolve` to remote, smtpd, users and verify, many questions at a time on each connection. Answers keep
//! NXDOMAIN, NODATA and "not now" apart, are bounded, and come within a limit. It holds no secret and writes no file; who
//! takes it over can lie about the DNS, which the network could do as well, and knows where our mail goes.
//! It ends at a signal, at once: those who asked ask again.

mod authority;
mod lookup;
mod name_servers;
mod serve;

use std::io;
use std::process::ExitCode;
use std::rc::Rc;

use stafette_control::Instance;
use stafette_sys::confine::confine;
use stafette_sys::inherit::tidy;
use stafette_sys::packet::{Callers, Listener};

const NAME: &str = "stafette-resolve";

fn main() -> ExitCode {
    stafette_log::ended(NAME, run())
}

fn run() -> io::Result<()> {
    tidy(0o077)?;
    let instance = Instance::from_env();
    let settings = instance.settings();
    stafette_log::open(NAME, settings.logto());
    let path = instance.socket("resolve");
    let listener = Listener::bind(&path, 0o666)
        .map_err(|error| io::Error::other(format!("unable to bind {}: {error}", path.display())))?;
    let callers = Callers::named(&["stafr", "stafd", "stafu", "stafv"])?;
    let report = confine(&authority::needs(&instance))?;
    stafette_log::started(NAME, env!("CARGO_PKG_VERSION"), &report);
    // Only now: a runtime does not survive a fork, and confinement binds the thread that asks for it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async move {
        let names = name_servers::NameServers::new(settings)?;
        names.log_problems();
        serve::serve(listener, callers, Rc::new(names)).await
    })
}
