//! sendmail(1) and mailq(1): turns a local user's input into a message in the queue.
//!
//! Runs as the caller, without any right that the caller lacks. Exit code 0 means that the message is on the disk; with any other,
//! nothing was queued, unless the connection was lost at the very end. Memory is bounded whatever the input is.
#![forbid(unsafe_code)]

mod body;
mod channel;
mod compose;
mod failure;
mod identity;
mod lines;
mod listing;
mod mailq;
mod needs;
mod operator;
mod option;
mod phrase;
mod request;
mod source;
mod submit;

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use stafette_control::Instance;
use stafette_wire::exit::SysExit;

use failure::Failure;
use request::{Mode, Request};

/// Words that tell smtpd of a client on the network: there is none under `-bs`.
const UCSPI: [&str; 7] = [
    "PROTO",
    "TCPREMOTEIP",
    "TCPREMOTEHOST",
    "TCPREMOTEPORT",
    "TCPREMOTEINFO",
    "TCPLOCALIP",
    "TCPLOCALPORT",
];

fn main() -> ExitCode {
    let mut words = std::env::args_os().map(OsString::into_vec);
    let name = words.next().unwrap_or_default();
    let name = name
        .rsplit(|byte| *byte == b'/')
        .next()
        .unwrap_or_default()
        .to_vec();
    let words: Vec<_> = words.collect();
    match run(&name, &words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { code, text }) => {
            let name = if name.is_empty() {
                b"sendmail"
            } else {
                &name[..]
            };
            // Whoever closed descriptor 2 does not want to know.
            drop(writeln!(
                std::io::stderr(),
                "{}: {text}",
                listing::plain(name, 40)
            ));
            ExitCode::from(code as u8)
        }
    }
}

fn run(name: &[u8], words: &[Vec<u8>]) -> Result<(), Failure> {
    stafette_sys::inherit::tidy(0o077)
        .map_err(|error| Failure::new(SysExit::OsErr, format!("unable to begin: {error}")))?;
    stafette_sys::inherit::give_up_set_id().map_err(|error| {
        Failure::new(SysExit::OsErr, format!("unable to give up rights: {error}"))
    })?;
    let request = Request::parse(name, words)
        .map_err(|error| Failure::new(SysExit::Usage, error.to_string()))?;
    let instance = Instance::from_env();
    match &request.mode {
        Mode::Submit => submit::run(&instance, &request),
        Mode::List => mailq::run(&instance),
        Mode::Flush(domain) => operator::flush(&instance, domain.clone()),
        Mode::Smtp => smtp(),
        Mode::Aliases => {
            aliases();
            Ok(())
        }
        Mode::Nothing => Ok(()),
        Mode::Unsupported(letter) => Err(Failure::new(
            SysExit::Unavailable,
            format!(
                "-b{letter} is not done by this program: the daemons are started by the service manager, and addresses are tested by stafette(8)"
            ),
        )),
    }
}

/// Packages run newaliases when they are installed: only a person is told that it does nothing yet.
fn aliases() {
    let mut errors = std::io::stderr();
    if errors.is_terminal() {
        // Whoever closed descriptor 2 does not want to know.
        drop(writeln!(
            errors,
            "newaliases: alias tables come with a later version; there is nothing to rebuild"
        ));
    }
}

/// Becomes smtpd, for one session with the caller, who may send anywhere.
fn smtp() -> Result<(), Failure> {
    let path = beside("stafette-smtpd")?;
    let mut command = Command::new(&path);
    for word in UCSPI {
        command.env_remove(word);
    }
    let error = command.env("RELAYCLIENT", "").exec();
    Err(Failure::later(format!(
        "unable to run {}: {error}",
        path.display()
    )))
}

/// The path of another program of ours: beside this one.
pub(crate) fn beside(program: &str) -> Result<PathBuf, Failure> {
    let own = std::env::current_exe().map_err(|error| {
        Failure::new(
            SysExit::OsErr,
            format!("unable to find this program: {error}"),
        )
    })?;
    Ok(own.with_file_name(program))
}
