//! Which programs of the instance answer.

use std::time::Duration;

use stafette_control::Instance;
use stafette_sys::packet::Socket;

use crate::ask::is_down;

/// Every socket with the program behind it.
const SOCKETS: [(&str, &str); 10] = [
    ("smtpd", "smtpd"),
    ("queue", "queue"),
    ("inject", "queue (for users)"),
    ("send", "send"),
    ("users", "users"),
    ("tables", "tables"),
    ("local", "local"),
    ("remote", "remote"),
    ("clean", "clean"),
    ("resolve", "resolve"),
];

/// The Ping and Pong packet of every socket of `stafette_wire`.
const PING: &[u8] = b"P";
/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(2);

/// What a program did when it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It answered.
    Answers,
    /// Nobody serves there.
    Down,
    /// It cannot be known from here, and why.
    Unknown(String),
}

/// Asks every program whether it is there.
pub(crate) fn ask_all(instance: &Instance) -> Vec<(&'static str, Answer)> {
    SOCKETS
        .iter()
        .map(|(socket, program)| (*program, ask(instance, socket)))
        .collect()
}

fn ask(instance: &Instance, name: &str) -> Answer {
    let path = instance.socket(name);
    let socket = match Socket::connect_timeout(&path, LIMIT) {
        Ok(socket) => socket,
        Err(error) if is_down(&error) => return Answer::Down,
        Err(error) => return Answer::Unknown(error.to_string()),
    };
    if let Err(error) = socket.send(PING, &[]) {
        return Answer::Unknown(error.to_string());
    }
    let mut packet = vec![0; stafette_wire::MAX_PACKET];
    // Some programs greet a new peer first, so the pong may come later.
    for _ in 0..4 {
        match socket.recv(&mut packet) {
            Ok((0, _)) => {
                return Answer::Unknown(
                    "it has closed the connection: we may not ask it".to_owned(),
                );
            }
            Ok((1, _)) if packet.first() == PING.first() => return Answer::Answers,
            Ok(_) => {}
            Err(error) => return Answer::Unknown(error.to_string()),
        }
    }
    Answer::Unknown("it says other things than that it is there".to_owned())
}
