//! stafette: the operator's command. It looks at an instance of Stafette and steers it.
//!
//! What changes the queue goes through send, which knows what is being tried; if send is down, through clean; if both are down,
//! it is written here, as the queue's owner. Looking never needs a program to run: the queue is read from the disk.
//! What a sender or a peer said is printed quoted, so that it can neither end a line nor reach the terminal.
//! Exit codes: 0 done, 1 `check` found something, 100 not done and never will be as asked, 111 not done now.

mod ask;
mod change;
mod check;
mod command;
mod confine;
mod directory;
mod failure;
mod flush;
mod hosts;
mod import;
mod json;
mod list;
mod maps;
mod pause;
mod permissions;
mod programs;
mod route;
mod shape;
mod show;
mod story;
mod writer;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use stafette_control::Instance;
use stafette_sys::{inherit, signal};

use change::Change;
use command::{Command, Format, HostsCommand, Options, QueueCommand};
use failure::Failure;

fn main() -> ExitCode {
    if inherit::tidy(0o022).is_err() || signal::ignore_sigpipe().is_err() {
        return ExitCode::from(failure::LATER);
    }
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(error) => {
            let code = if error.use_stderr() {
                failure::NEVER
            } else {
                0
            };
            // Whoever closed the terminal needs no help text.
            drop(error.print());
            return ExitCode::from(code);
        }
    };
    match run(&options.command, &Instance::from_env()) {
        Ok(code) => code,
        Err(Failure::Unread) => ExitCode::SUCCESS,
        Err(failure) => {
            drop(writeln!(io::stderr(), "stafette: {failure}"));
            ExitCode::from(failure.code())
        }
    }
}

fn run(command: &Command, instance: &Instance) -> Result<ExitCode, Failure> {
    confine::confine(command, instance)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut code = ExitCode::SUCCESS;
    match command {
        Command::Check {
            permissions: Some(root),
        } => code = permissions::check(root, &mut out)?,
        Command::Check { permissions: None } => code = check::check(instance, &mut out)?,
        Command::Route { json, addresses } => {
            code = route::route(instance, addresses, *json, &mut out)?;
        }
        Command::Maps => maps::maps(instance, &mut out)?,
        Command::Hosts {
            command: None | Some(HostsCommand::List),
        } => hosts::list(instance, &mut out)?,
        Command::Hosts {
            command: Some(HostsCommand::Forget),
        } => hosts::forget(instance, &mut out)?,
        Command::Queue { command } => queue(command, instance, &mut out)?,
        Command::Pause { domain } => pause::pause(instance, domain, &mut out)?,
        Command::Resume { domain } => pause::resume(instance, domain, &mut out)?,
        Command::Import {
            dry_run,
            to,
            system,
            directory,
        } => import::import(
            instance,
            *system,
            directory,
            to.as_deref(),
            *dry_run,
            &mut out,
        )?,
        Command::Version => writeln!(out, "stafette {}", env!("CARGO_PKG_VERSION"))?,
    }
    out.flush()?;
    Ok(code)
}

fn queue(command: &QueueCommand, instance: &Instance, out: &mut impl Write) -> Result<(), Failure> {
    match command {
        QueueCommand::List { json: true, .. } => list::list(instance, Format::Json, out),
        QueueCommand::List { format, .. } => list::list(instance, *format, out),
        QueueCommand::Show { id, json } => show::show(instance, *id, *json, out),
        QueueCommand::Flush { part } => flush::flush(instance, part.selection(), out),
        QueueCommand::Hold { ids } => change::change(instance, Change::Hold, ids, out),
        QueueCommand::Release { ids } => change::change(instance, Change::Release, ids, out),
        QueueCommand::Remove { ids } => change::change(instance, Change::Remove, ids, out),
    }
}
