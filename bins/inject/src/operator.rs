//! What is asked of send: a listing, to try at once, and what it knows of other hosts.

use std::io::Write;
use std::time::Duration;

use stafette_control::Instance;
use stafette_message::date;
use stafette_sys::packet::Socket;
use stafette_wire::exit::SysExit;
use stafette_wire::operator::{Entry, FromSend, Selection, ToSend};
use stafette_wire::{MAX_PACKET, Packet};

use crate::failure::Failure;
use crate::hosts;
use crate::listing::plain;
use crate::mailq::Shape;
use crate::needs;

/// How long send may be silent.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to send; `None` if it does not run.
pub(crate) fn connect(instance: &Instance) -> Option<Socket> {
    Socket::connect_timeout(&instance.socket("send"), PATIENCE).ok()
}

/// A connection to send, which must run.
fn require(instance: &Instance, otherwise: &str) -> Result<Socket, Failure> {
    let socket = connect(instance).ok_or_else(|| {
        Failure::new(
            SysExit::Unavailable,
            format!("the daemons are down: {otherwise}"),
        )
    })?;
    needs::confine_sender()?;
    Ok(socket)
}

/// Tries what waits, or what is selected.
pub(crate) fn flush(instance: &Instance, selection: Option<Selection>) -> Result<(), Failure> {
    let socket = require(instance, "what waits is tried when they start")?;
    order(&socket, &ToSend::Flush { selection })
}

/// Prints what send knows of other hosts.
pub(crate) fn hosts(instance: &Instance, out: &mut dyn Write) -> Result<(), Failure> {
    let socket = require(instance, "nothing is known of other hosts")?;
    ask(&socket, &ToSend::Hosts {})?;
    let mut buffer = vec![0; MAX_PACKET];
    let mut table = hosts::Table::new(out);
    loop {
        match hear(&socket, &mut buffer)? {
            FromSend::Host { host } => table.host(&host).map_err(|error| unwritable(&error))?,
            FromSend::End {} => return table.finish().map_err(|error| unwritable(&error)),
            FromSend::Refused { text } => return Err(refused(&text)),
            _ => {}
        }
    }
}

/// Has send forget it.
pub(crate) fn forget_hosts(instance: &Instance) -> Result<(), Failure> {
    let socket = require(instance, "nothing is known of other hosts")?;
    order(&socket, &ToSend::ForgetHosts {})
}

/// Lists the queue as send sees it; false if send does not run.
pub(crate) fn list(instance: &Instance, shape: &mut Shape<'_>) -> Result<bool, Failure> {
    let Some(socket) = connect(instance) else {
        return Ok(false);
    };
    date::load_zone();
    needs::confine_sender()?;
    entries(&socket, &mut |entry| {
        shape
            .entry(&entry, None)
            .map_err(|error| unwritable(&error))
    })?;
    Ok(true)
}

/// Asks for all entries.
pub(crate) fn entries(
    socket: &Socket,
    take: &mut dyn FnMut(Entry) -> Result<(), Failure>,
) -> Result<(), Failure> {
    ask(socket, &ToSend::List {})?;
    let mut buffer = vec![0; MAX_PACKET];
    loop {
        match hear(socket, &mut buffer)? {
            FromSend::Entry { entry } => take(entry)?,
            FromSend::End {} => return Ok(()),
            FromSend::Refused { text } => return Err(refused(&text)),
            _ => {}
        }
    }
}

/// Standard output does not take the listing.
pub(crate) fn unwritable(error: &std::io::Error) -> Failure {
    Failure::new(
        SysExit::IoErr,
        format!("unable to write the listing: {error}"),
    )
}

fn order(socket: &Socket, packet: &ToSend) -> Result<(), Failure> {
    ask(socket, packet)?;
    match hear(socket, &mut vec![0; MAX_PACKET])? {
        FromSend::Refused { text } => Err(refused(&text)),
        _ => Ok(()),
    }
}

fn refused(text: &str) -> Failure {
    Failure::new(SysExit::NoPerm, plain(text.as_bytes(), 500))
}

fn ask(socket: &Socket, packet: &ToSend) -> Result<(), Failure> {
    socket
        .send(&packet.encode(), &[])
        .map_err(|error| lost(&error.to_string()))
}

fn hear(socket: &Socket, buffer: &mut [u8]) -> Result<FromSend, Failure> {
    match socket
        .recv(buffer)
        .map_err(|error| lost(&error.to_string()))?
    {
        (0, _) => Err(lost("it hung up")),
        (length, _) => FromSend::decode(buffer.get(..length).unwrap_or_default())
            .map_err(|error| lost(&error.to_string())),
    }
}

fn lost(why: &str) -> Failure {
    Failure::later(format!("send does not answer: {why}"))
}
