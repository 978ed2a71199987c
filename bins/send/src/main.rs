//! stafette-send: decides what is tried, where and when.
//!
//! One event loop around a scheduler that does no input or output itself. It reads queue files and changes none: outcomes go to
//! clean, reports to queue. It trusts queue, users, local, remote and clean about what each is there for, and operators as far as the
//! kernel says who they are. It can be killed at any moment: what was acknowledged to local and remote is on the disk, and they tell the next life the rest.
#![forbid(unsafe_code)]

mod client;
mod effect;
mod forward;
mod health;
mod inbox;
mod key;
mod line;
mod lines;
mod link;
mod lister;
mod members;
mod message;
mod needs;
mod pile;
mod policy;
mod privacy;
mod reader;
mod report;
mod reporter;
mod scanner;
mod schedule;
mod scheduler;
mod search;
mod service;
mod stage;
mod submit;
mod verp;
mod waiting;
mod window;

use std::io;
use std::os::unix::fs::MetadataExt;
use std::process::ExitCode;

use stafette_control::Instance;
use stafette_log::{Event, event};
use stafette_queue_layout::RealDisk;
use stafette_sys::confine::confine;
use stafette_sys::packet::Listener;
use stafette_sys::signal::{Signal, Signals};
use stafette_sys::{inherit, user};

use crate::client::Authority;
use crate::policy::Policy;
use crate::service::{Service, Start};

/// The program's name in logs.
const NAME: &str = "stafette-send";

/// The user that smtpd runs as, who may flush for ETRN.
const SMTPD: &str = "stafd";

fn main() -> ExitCode {
    if std::env::args_os().len() > 1 {
        eprintln!("usage: stafette-send");
        return ExitCode::from(100);
    }
    stafette_log::ended(NAME, run())
}

fn run() -> io::Result<()> {
    inherit::tidy(0o027)?;
    let instance = Instance::from_env();
    let settings = instance.settings();
    stafette_log::open(NAME, settings.logto());
    let policy = Policy::read(&settings);
    settings.log_problems();
    stafette_message::date::load_zone();
    let signals = Signals::block(&[Signal::Term, Signal::Int, Signal::Hup, Signal::Alarm])?;
    let (queue, socket) = (instance.queue(), instance.socket("send"));
    if !user::is_root() {
        RealDisk::prepare(&queue).map_err(|error| unable("make the queue", &queue, &error))?;
    }
    let listener =
        Listener::bind(&socket, 0o666).map_err(|error| unable("listen at", &socket, &error))?;
    let smtpd = match user::is_root() {
        true => user::by_name(SMTPD)?.map(|account| account.uid),
        false => None,
    };
    let owner = instance.etc.metadata().map_or(0, |data| data.uid());
    let report = confine(&needs::needs(&instance))?;
    stafette_log::started(NAME, env!("CARGO_PKG_VERSION"), &report);
    let authority = Authority {
        own: user::effective_uid(),
        owner,
        smtpd,
    };
    let start = Start {
        instance,
        policy,
        listener,
        signals,
        authority,
    };
    Service::new(start)
        .map_err(|error| unable("open", &queue, &error))?
        .run()?;
    event(
        Event::ProgramStopped,
        None,
        &[("program", NAME.as_bytes()), ("reason", b"told to stop")],
    );
    Ok(())
}

fn unable(verb: &str, path: &std::path::Path, error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("unable to {verb} {}: {error}", path.display()),
    )
}
