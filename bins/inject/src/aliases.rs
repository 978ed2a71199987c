//! `newaliases`: has the tables compiled, and prints what became of them. Without the service the program that does it is run once.

use std::io::{Write, stdout};
use std::process::{Command, Stdio};
use std::time::Duration;

use stafette_control::Instance;
use stafette_sys::packet::Socket;
use stafette_wire::exit::SysExit;
use stafette_wire::tables::{FromTables, ToTables};
use stafette_wire::{MAX_PACKET, Packet};

use crate::failure::Failure;
use crate::listing::{Lenient, plain};
use crate::operator::unwritable;
use crate::{beside, needs};

/// How long compiling may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Has all tables compiled.
pub(crate) fn run(instance: &Instance) -> Result<(), Failure> {
    let Ok(socket) = Socket::connect_timeout(&instance.socket("tables"), PATIENCE) else {
        return once();
    };
    needs::confine_sender()?;
    socket
        .send(&ToTables::Compile {}.encode(), &[])
        .map_err(|error| lost(&error.to_string()))?;
    let mut out = Lenient(stdout().lock());
    let mut buffer = vec![0; MAX_PACKET];
    loop {
        match hear(&socket, &mut buffer)? {
            FromTables::Line { text } => {
                let line = plain(text.as_bytes(), usize::MAX);
                writeln!(out, "{line}").map_err(|error| unwritable(&error))?;
            }
            FromTables::Done { good: true } => return Ok(()),
            FromTables::Done { good: false } => return Err(wrong()),
            FromTables::Pong {} => {}
        }
    }
}

fn hear(socket: &Socket, buffer: &mut [u8]) -> Result<FromTables, Failure> {
    match socket
        .recv(buffer)
        .map_err(|error| lost(&error.to_string()))?
    {
        (0, _) => Err(lost("it hung up")),
        (length, _) => FromTables::decode(buffer.get(..length).unwrap_or_default())
            .map_err(|error| lost(&error.to_string())),
    }
}

fn once() -> Result<(), Failure> {
    let path = beside("stafette-tables")?;
    let status = Command::new(&path)
        .arg("once")
        .stdin(Stdio::null())
        .status()
        .map_err(|error| {
            Failure::later(format!(
                "the program tables is down, and {} cannot be run: {error}",
                path.display()
            ))
        })?;
    if status.success() {
        Ok(())
    } else {
        Err(wrong())
    }
}

/// What is wrong was said line by line.
fn wrong() -> Failure {
    Failure::new(
        SysExit::Config,
        "not all that the tables say is in force: see above, or stafette check",
    )
}

fn lost(why: &str) -> Failure {
    Failure::later(format!("the program tables does not answer: {why}"))
}
