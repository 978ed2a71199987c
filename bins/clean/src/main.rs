//! stafette-clean: writes outcomes into the queue, removes what is finished, and completes what a crash left.
//!
//! It serves `run/clean` to send alone. All packets that wait are one batch and share their flushes; each is answered when it is
//! durable. What a packet says is checked before it is written: events are read and written anew by the queue's own encoder.
//! It can be killed at any moment: nothing was answered that is not on the disk, and it recovers when it starts.
#![forbid(unsafe_code)]

mod authority;
mod batch;
mod peer;
mod recovery;
mod service;

use std::io;
use std::process::ExitCode;

use stafette_control::Instance;
use stafette_queue_layout::RealDisk;
use stafette_sys::confine::confine;
use stafette_sys::packet::{Callers, Listener};
use stafette_sys::signal::{Signal, Signals};
use stafette_sys::{inherit, user};

/// The program's name in logs.
const NAME: &str = "stafette-clean";

fn main() -> ExitCode {
    if std::env::args_os().len() > 1 {
        eprintln!("usage: stafette-clean");
        return ExitCode::from(100);
    }
    stafette_log::ended(NAME, run())
}

fn run() -> io::Result<()> {
    inherit::tidy(0o027)?;
    let instance = Instance::from_env();
    stafette_log::open(NAME, instance.settings().logto());
    let signals = Signals::block(&[Signal::Term, Signal::Int])?;
    let (queue, socket) = (instance.queue(), instance.socket("clean"));
    if !user::is_root() {
        RealDisk::prepare(&queue).map_err(|error| unable("make the queue", &queue, &error))?;
    }
    let listener =
        Listener::bind(&socket, 0o666).map_err(|error| unable("listen at", &socket, &error))?;
    let callers = Callers::named(&["stafs"])?;
    let report = confine(&authority::needs(&queue))?;
    stafette_log::started(NAME, env!("CARGO_PKG_VERSION"), &report);
    let disk = RealDisk::open(&queue).map_err(|error| unable("open", &queue, &error))?;
    service::serve(&listener, &signals, &callers, &disk)
}

fn unable(verb: &str, path: &std::path::Path, error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("unable to {verb} {}: {error}", path.display()),
    )
}
