//! staf-supervise: keeps the programs of one folder running, for `init/run`.
//!
//! `staf-supervise DIR PROGRAM[,ARGUMENT]...` starts DIR/libexec/stafette-PROGRAM in the order given, each with its log
//! DIR/log/PROGRAM as standard error, and starts anew whatever dies. When all answer it prints `ready`. On SIGTERM or
//! SIGINT it stops them in the reverse order; SIGHUP is passed on. It is for one folder and one person: on a server
//! daemontools or systemd do this. Exit codes: 0 stopped as asked, 100 wrong use, 111 could not begin.

mod answer;
mod fleet;
mod folder;
mod leftover;

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use stafette_sys::fork;
use stafette_sys::poll;
use stafette_sys::signal::{Signal, Signals};

use fleet::Fleet;
use folder::Folder;

/// How long programs may take until all of them answer.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How often the state is looked at while nothing happens.
const ROUND: Duration = Duration::from_millis(50);

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(directory) = arguments.next() else {
        say("usage: staf-supervise DIR PROGRAM[,ARGUMENT]...");
        return ExitCode::from(100);
    };
    match run(directory.as_ref(), arguments.collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            say(&reason);
            ExitCode::from(111)
        }
    }
}

/// Tells the person at the terminal; one who has gone away is no reason to stop.
fn say(text: &str) {
    drop(writeln!(std::io::stderr(), "init/run: {text}"));
}

fn run(directory: &std::path::Path, programs: Vec<String>) -> Result<(), String> {
    let folder = Folder::open(directory)?;
    leftover::end(&folder);
    fork::adopt_orphans()
        .map_err(|error| format!("unable to become the parent of orphans: {error}"))?;
    let signals = Signals::block(&[Signal::Term, Signal::Int, Signal::Hup, Signal::Child])
        .map_err(|error| format!("unable to block signals: {error}"))?;
    let mut fleet = Fleet::new(&folder, programs);
    let start = Instant::now();
    let mut ready = false;
    let stopped = loop {
        fleet.start_missing();
        if !ready {
            let silent = answer::silent(&folder, &fleet.names());
            if silent.is_empty() {
                ready = true;
                announce(&folder);
            } else if start.elapsed() > START_LIMIT {
                break Err(format!(
                    "no answer from {} after {} s: see {}/log",
                    silent.join(", "),
                    START_LIMIT.as_secs(),
                    folder.path().display()
                ));
            }
        }
        poll::readable(&signals, Some(ROUND))
            .map_err(|error| format!("unable to wait: {error}"))?;
        let mut asked = false;
        while let Ok(Some(signal)) = signals.next() {
            match signal {
                Signal::Term | Signal::Int => asked = true,
                Signal::Hup => fleet.signal_all(Signal::Hup),
                _ => {}
            }
        }
        fleet.bury();
        if asked {
            break Ok(());
        }
    };
    fleet.stop();
    stopped
}

/// The last line on standard output.
fn announce(folder: &Folder) {
    let smtp = answer::smtp_addresses(folder)
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    drop(writeln!(
        std::io::stdout(),
        "ready: SMTP on {smtp}; commands in {}/bin",
        folder.path().display()
    ));
    drop(std::io::stdout().flush());
}
