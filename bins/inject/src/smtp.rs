//! `-bs`: smtpd in the place of this program, or, with `-X`, beside it: every line that goes in or out is written down.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use stafette_wire::exit::SysExit;

use crate::beside;
use crate::failure::Failure;
use crate::transcript::{Transcript, Way};

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

/// One session with the caller, who may send anywhere.
pub(crate) fn run(transcript: Transcript) -> Result<(), Failure> {
    let path = beside("stafette-smtpd")?;
    let mut command = Command::new(&path);
    for word in UCSPI {
        command.env_remove(word);
    }
    command.env("RELAYCLIENT", "");
    let unable = |error: std::io::Error| {
        Failure::later(format!("unable to run {}: {error}", path.display()))
    };
    if transcript.is_on() {
        relay(&mut command, transcript).map_err(unable)?
    } else {
        Err(unable(command.exec()))
    }
}

/// Copies both ways. The session is over when smtpd ends, whatever may still come in.
fn relay(command: &mut Command, transcript: Transcript) -> std::io::Result<Result<(), Failure>> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let other = transcript.try_clone()?;
    if let Some(to) = child.stdin.take() {
        std::thread::spawn(move || copy(std::io::stdin(), to, other, Way::In));
    }
    if let Some(from) = child.stdout.take() {
        copy(from, std::io::stdout(), transcript, Way::Out);
    }
    let status = child.wait()?;
    Ok(if status.success() {
        Ok(())
    } else {
        Err(Failure::new(
            SysExit::TempFail,
            format!("the SMTP session failed: {status}"),
        ))
    })
}

fn copy(mut from: impl Read, mut to: impl Write, mut transcript: Transcript, way: Way) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => break,
            Ok(length) => {
                let piece = buffer.get(..length).unwrap_or_default();
                transcript.feed(way, piece);
                if to.write_all(piece).and_then(|()| to.flush()).is_err() {
                    break;
                }
            }
        }
    }
    transcript.finish(way);
}
