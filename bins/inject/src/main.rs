//! sendmail(1), mailq(1), newaliases(1), hoststat, purgestat and rmail(8): turns a local user's input into a message in the queue,
//! and gives the mail system's programs the names that other software calls.
//!
//! Runs as the caller, without any right that the caller lacks. Exit code 0 means that the message is on the disk; with any other,
//! nothing was queued, unless the connection was lost at the very end. Memory is bounded whatever the input is.
#![forbid(unsafe_code)]

mod aliases;
mod body;
mod channel;
mod compose;
mod daemon;
mod failure;
mod hosts;
mod identity;
mod json;
mod lines;
mod listing;
mod mailq;
mod needs;
mod operator;
mod option;
mod phrase;
mod request;
mod rmail;
mod smtp;
mod source;
mod submit;
mod test;
mod transcript;
mod uucp;
mod verify;
mod warning;
mod watch;

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::process::ExitCode;

use stafette_control::Instance;
use stafette_wire::exit::SysExit;

use failure::Failure;
use listing::Lenient;
use request::{Mode, Request};
use transcript::Transcript;

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
            if !text.is_empty() {
                // Whoever closed descriptor 2 does not want to know.
                drop(writeln!(
                    std::io::stderr(),
                    "{}: {text}",
                    listing::plain(name, 40)
                ));
            }
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
    dispatch(&instance, &request).map_err(|failure| Failure {
        text: if request.quiet {
            String::new()
        } else {
            failure.text
        },
        ..failure
    })
}

fn dispatch(instance: &Instance, request: &Request) -> Result<(), Failure> {
    match &request.mode {
        Mode::Submit | Mode::Uucp => submit::run(instance, request),
        Mode::List => mailq::run(instance, request),
        Mode::Flush => operator::flush(instance, request.selection.clone()),
        Mode::Hosts => operator::hosts(instance, &mut Lenient(std::io::stdout().lock())),
        Mode::ForgetHosts => operator::forget_hosts(instance),
        Mode::Smtp => smtp::run(Transcript::open(request.transcript.as_deref())?),
        Mode::Aliases => aliases::run(instance),
        Mode::Daemon { stays } => daemon::run(instance, *stays),
        Mode::Verify => verify::run(instance, request),
        Mode::Test => test::run(instance),
        Mode::Unsupported(letter) => Err(Failure::new(
            SysExit::Usage,
            format!("-b{letter} is no mode: m, s, p, i, d, D, v, t, h and H are"),
        )),
    }
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
