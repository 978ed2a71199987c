//! smtpd: speaks SMTP to strangers.
//!
//! Without arguments it holds one session on descriptors 0 and 1, under tcpserver, inetd or `sendmail -bs`, and
//! takes who the client is from the UCSPI variables. `smtpd service` listens, and forks a process for each connection.
//! It never sees the disk: content goes to queue by socket as it comes. Exit codes: 0, 100 wrong use, 111 could not begin.

mod access;
mod client;
mod connection;
mod content;
mod diary;
mod discard;
mod envelope;
mod flush;
mod limits;
mod listeners;
mod needs;
mod parent;
mod postbox;
mod recipients;
mod stretch;
mod talk;
mod verdict;

use std::process::ExitCode;

use stafette_control::Instance;
use stafette_log::Sink;
use stafette_sys::{inherit, signal};
use stafette_table::Tables;

fn main() -> ExitCode {
    if inherit::tidy(0o077).is_err() {
        return ExitCode::from(111);
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let instance = Instance::from_env();
    let outcome = match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        [] => single(&instance),
        ["service"] => parent::serve(&instance),
        _ => {
            needs::complain(
                "usage: stafette-smtpd [service]; without arguments one session on descriptors 0 and 1",
            );
            return ExitCode::from(100);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            needs::complain(&reason);
            ExitCode::from(111)
        }
    }
}

/// One session on descriptors 0 and 1.
fn single(instance: &Instance) -> Result<(), String> {
    let settings = instance.settings();
    let client = client::Client::from_environment(&settings);
    // A user who calls `sendmail -bs` is no log: queue logs what becomes of the mail.
    let sink = match settings.logto() {
        Sink::Stderr if client.address.is_none() => Sink::Nowhere,
        sink => sink,
    };
    stafette_log::open(needs::NAME, sink);
    signal::ignore_sigpipe().map_err(|error| format!("unable to ignore SIGPIPE: {error}"))?;
    let limits = limits::Limits::read(&settings).with_environment();
    settings.log_problems();
    let connection = connection::Connection::standard()
        .map_err(|error| format!("unable to use descriptors 0 and 1: {error}"))?;
    needs::confine_session(instance)?;
    let tables = (!client.local).then(|| Tables::open(instance));
    talk::session(connection, client, &limits, instance, tables);
    Ok(())
}
