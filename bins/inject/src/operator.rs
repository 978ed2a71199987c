//! What is asked of send: a listing, and to try at once.

use std::io::Write;
use std::time::Duration;

use stafette_control::Instance;
use stafette_message::date;
use stafette_sys::packet::Socket;
use stafette_wire::exit::SysExit;
use stafette_wire::operator::{FromSend, ToSend};
use stafette_wire::{MAX_PACKET, Packet};

use crate::failure::Failure;
use crate::listing::{Listing, plain};
use crate::needs;

/// How long send may be silent.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to send; `None` if it does not run.
fn connect(instance: &Instance) -> Option<Socket> {
    Socket::connect_timeout(&instance.socket("send"), PATIENCE).ok()
}

/// Tries what waits, perhaps for one domain.
pub(crate) fn flush(instance: &Instance, domain: Option<String>) -> Result<(), Failure> {
    let Some(socket) = connect(instance) else {
        return Err(Failure::new(
            SysExit::Unavailable,
            "the daemons are down: what waits is tried when they start",
        ));
    };
    needs::confine_sender()?;
    ask(&socket, &ToSend::Flush { domain })?;
    match hear(&socket, &mut vec![0; MAX_PACKET])? {
        FromSend::Refused { text } => {
            Err(Failure::new(SysExit::NoPerm, plain(text.as_bytes(), 500)))
        }
        _ => Ok(()),
    }
}

/// Lists the queue as send sees it; false if send does not run.
pub(crate) fn list(instance: &Instance, out: &mut dyn Write) -> Result<bool, Failure> {
    let Some(socket) = connect(instance) else {
        return Ok(false);
    };
    date::load_zone();
    needs::confine_sender()?;
    ask(&socket, &ToSend::List {})?;
    let mut buffer = vec![0; MAX_PACKET];
    let mut listing = Listing::new(out);
    loop {
        match hear(&socket, &mut buffer)? {
            FromSend::Entry { entry } => {
                listing.entry(&entry).map_err(|error| unwritable(&error))?;
            }
            FromSend::End {} => break,
            FromSend::Refused { text } => {
                return Err(Failure::new(SysExit::NoPerm, plain(text.as_bytes(), 500)));
            }
            FromSend::Done { .. } | FromSend::Pong {} => {}
        }
    }
    listing
        .finish()
        .map_err(|error| unwritable(&error))
        .map(|()| true)
}

/// Standard output does not take the listing.
pub(crate) fn unwritable(error: &std::io::Error) -> Failure {
    Failure::new(
        SysExit::IoErr,
        format!("unable to write the listing: {error}"),
    )
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
