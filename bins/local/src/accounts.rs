//! Finds the account of a local-part, in a process of its own.
//!
//! The account database of the system may take its time, and the parent neither waits nor has threads (it forks). So it
//! asks one of a few such processes, over a pair of sockets, and ends one that does not answer. The process
//! reads users/assign and the settings about accounts again when they change, looking at most each second, and says
//! with the account what `defaultdelivery` says for it.

use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use stafette_addr::LocalPart;
use stafette_control::{Accounts, Lookup, Settings};
use stafette_sys::packet::Socket;
use stafette_sys::{fork, user};
use stafette_wire::delivery::Bytes;
use stafette_wire::{Reader, Wire, WireError};

use crate::instruction::expand;

/// How old what was read of the settings may be.
const FRESH: Duration = Duration::from_secs(1);
/// The longest local-part that is asked for fits easily.
const QUESTION: usize = 2048;
/// The user that a process of a root parent becomes, if there is one.
const USER: &str = "stafu";

/// Whose a local-part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// This account's.
    Found(Found),
    /// Nobody's.
    Nobody,
    /// That cannot be said now.
    Later(String),
}

/// An account that gets mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Home directory.
    pub home: PathBuf,
    /// `defaultdelivery` for this account.
    pub delivery: Vec<u8>,
}

impl Answer {
    /// As a packet.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        match self {
            Self::Found(found) => {
                out.push(b'F');
                found.name.put(&mut out);
                found.uid.put(&mut out);
                found.gid.put(&mut out);
                Bytes(found.home.as_os_str().as_bytes().to_vec()).put(&mut out);
                Bytes(found.delivery.clone()).put(&mut out);
            }
            Self::Nobody => out.push(b'N'),
            Self::Later(reason) => {
                out.push(b'T');
                reason.put(&mut out);
            }
        }
        out
    }

    /// Reads exactly one packet.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn decode(packet: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(packet)?;
        let answer = match u8::take(&mut reader)? {
            b'F' => Self::Found(Found {
                name: String::take(&mut reader)?,
                uid: u32::take(&mut reader)?,
                gid: u32::take(&mut reader)?,
                home: std::ffi::OsString::from_vec(Bytes::take(&mut reader)?.0).into(),
                delivery: Bytes::take(&mut reader)?.0,
            }),
            b'N' => Self::Nobody,
            b'T' => Self::Later(String::take(&mut reader)?),
            other => return Err(WireError::UnknownKind(other)),
        };
        if reader.is_empty() {
            Ok(answer)
        } else {
            Err(WireError::LeftOver)
        }
    }
}

/// Answers questions, each a local-part without quotes, until the parent closes the socket; gives the exit code.
pub fn serve(settings: &Settings, becomes: bool, socket: &Socket) -> i32 {
    if fork::die_with_parent().is_err() || (becomes && become_stranger().is_err()) {
        return 111;
    }
    let mut accounts = Accounts::load(settings);
    let mut delivery = settings.defaultdelivery();
    settings.log_problems();
    let mut read_at = Instant::now();
    let mut buffer = vec![0; QUESTION];
    loop {
        let question = match socket.recv(&mut buffer) {
            Ok((0, _)) => return 0,
            Ok((length, _)) => buffer.get(..length).unwrap_or_default(),
            Err(_) => return 1,
        };
        if read_at.elapsed() > FRESH {
            accounts.refresh(settings);
            delivery = settings.defaultdelivery();
            settings.log_problems();
            read_at = Instant::now();
        }
        let answer = look_up(&accounts, question, &delivery);
        if socket.send(&answer.encode(), &[]).is_err() {
            return 1;
        }
    }
}

/// Root's rights are of no use here. Without the user of `users` this process stays what it is.
fn become_stranger() -> std::io::Result<()> {
    match user::by_name(USER)? {
        Some(account) => user::become_user(account.uid, account.gid, &[account.gid]),
        None => Ok(()),
    }
}

fn look_up(accounts: &Accounts, question: &[u8], delivery: &str) -> Answer {
    let Ok(local) = LocalPart::from_unquoted(question) else {
        return Answer::Nobody;
    };
    match accounts.lookup(&local) {
        Lookup::NoSuchUser => Answer::Nobody,
        Lookup::Later(reason) => Answer::Later(reason),
        Lookup::Found(account) => match expand(delivery.as_bytes(), &account.name) {
            Some(delivery) => Answer::Found(Found {
                name: account.name,
                uid: account.uid,
                gid: account.gid,
                home: account.home,
                delivery,
            }),
            None => Answer::Later(format!(
                "the name of account {} cannot stand for %u in defaultdelivery",
                account.name
            )),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_out_as_they_went_in() {
        let found = Found {
            name: "joe".into(),
            uid: 1,
            gid: 2,
            home: "/home/joe".into(),
            delivery: b"./Maildir/".to_vec(),
        };
        for answer in [
            Answer::Found(found),
            Answer::Nobody,
            Answer::Later("x".into()),
        ] {
            let packet = answer.encode();
            assert_eq!(Answer::decode(&packet), Ok(answer));
            assert!(Answer::decode(packet.get(1..).unwrap()).is_err());
        }
    }
}
