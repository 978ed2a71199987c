//! `stafette maps`: has the tables compiled now. Without the service the program that does it is run once.

use std::io::Write;
use std::process::{Command, Stdio};

use stafette_control::Instance;
use stafette_wire::tables::{FromTables, ToTables};
use stafette_wire::{MAX_PACKET, Packet};

use crate::ask::connect;
use crate::failure::Failure;

/// Has all tables compiled, and prints what became of each.
pub(crate) fn maps(instance: &Instance, out: &mut impl Write) -> Result<(), Failure> {
    let path = instance.socket("tables");
    let Some(socket) = connect(&path)? else {
        return once();
    };
    let lost = |why: String| {
        Failure::Later(format!(
            "unable to talk to tables at {}: {why}; see its log, and try again",
            path.display()
        ))
    };
    socket
        .send(&ToTables::Compile {}.encode(), &[])
        .map_err(|error| lost(error.to_string()))?;
    let mut buffer = vec![0; MAX_PACKET];
    loop {
        let (length, _) = socket
            .recv(&mut buffer)
            .map_err(|error| lost(error.to_string()))?;
        if length == 0 {
            return Err(lost("it hung up".to_owned()));
        }
        let packet = FromTables::decode(buffer.get(..length).unwrap_or_default());
        match packet.map_err(|error| lost(error.to_string()))? {
            FromTables::Line { text } => {
                let line = text.replace(|sign: char| sign.is_control(), "?");
                writeln!(out, "{line}")?;
            }
            FromTables::Done { good: true } => return Ok(()),
            FromTables::Done { good: false } => {
                out.flush()?;
                return Err(wrong());
            }
            FromTables::Pong {} => {}
        }
    }
}

fn once() -> Result<(), Failure> {
    let own =
        std::env::current_exe().map_err(|error| Failure::system("find this program", &error))?;
    let path = own.with_file_name("stafette-tables");
    let status = Command::new(&path)
        .arg("once")
        .stdin(Stdio::null())
        .status()
        .map_err(|error| {
            Failure::system(
                &format!("run {} (the program tables is down)", path.display()),
                &error,
            )
        })?;
    if status.success() {
        Ok(())
    } else {
        Err(wrong())
    }
}

fn wrong() -> Failure {
    Failure::Never(
        "not all that the tables say is in force: see above, or stafette check".to_owned(),
    )
}
