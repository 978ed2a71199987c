//! stafette-local: delivers to one local recipient as that recipient.
//!
//! It serves `run/local` to send alone. See local.8 and the library beside this file.

mod needs;

use std::io;
use std::process::ExitCode;

use stafette_control::Instance;
use stafette_local::environment;
use stafette_local::parent::{Limits, Parent, Start};
use stafette_local::worker::Setting;
use stafette_log::{Event, event};
use stafette_sys::inherit::tidy;
use stafette_sys::packet::{Callers, Listener};
use stafette_sys::signal::{Signal, Signals};
use stafette_sys::{host, limits, user};

/// The user of send.
const SEND: &str = "stafs";
/// The group that may write to the system's spool of mailboxes.
const MAIL: &str = "mail";
/// Descriptors: one for each job that waits, and sockets.
const FILES: u64 = 4096;

fn main() -> ExitCode {
    stafette_log::ended(needs::NAME, run())
}

fn run() -> io::Result<()> {
    tidy(0o077)?;
    let instance = Instance::from_env();
    let settings = instance.settings();
    stafette_log::open(needs::NAME, settings.logto());
    let path = instance.socket("local");
    let listener = Listener::bind(&path, 0o666)
        .map_err(|error| io::Error::other(format!("unable to bind {}: {error}", path.display())))?;
    let signals = Signals::block(&[Signal::Term, Signal::Int, Signal::Child])?;
    let files = limits::FileLimit::now().ok();
    limits::raise_files(FILES)?;
    let start = Start {
        listener,
        signals,
        callers: Callers::named(&[SEND])?,
        setting: Setting {
            becomes: user::is_root(),
            host: host::name().unwrap_or_default(),
            me: settings.me().as_str().to_owned(),
            hop_limit: u32::try_from(settings.maxhops()).unwrap_or(u32::MAX),
            program_time: settings.timeoutprogram(),
            environment: environment::inherited(),
            files,
        },
        limits: Limits {
            program_time: settings.timeoutprogram(),
            ..Limits::new(settings.concurrencylocal())
        },
        mail_group: user::group_by_name(MAIL)?,
        alias_uid: user::by_name(&settings.aliasuser())?.map(|account| account.uid),
        instance,
        settings,
    };
    start.settings.log_problems();
    needs::confine()?;
    Parent::new(start)?.run()?;
    event(
        Event::ProgramStopped,
        None,
        &[("program", needs::NAME.as_bytes())],
    );
    Ok(())
}
