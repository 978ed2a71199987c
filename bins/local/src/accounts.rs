//! Finds what a recipient stands for, in a process of its own: an account, the lines of an alias, a program.
//!
//! Tables and the account database of the system may take their time, and the parent neither waits nor has threads (it forks). So it
//! asks one of a few such processes, over a pair of sockets, and ends one that does not answer. The process reads tables
//! and settings again when they change, looking at most each second, and says with an account what `defaultdelivery`
//! says for it. It decides by itself: of send it has an address and what was expanded, and no more.

use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use stafette_addr::Mailbox;
use stafette_control::{Account, Instance, Settings};
use stafette_directory::{Directory, Line, MailerProgram, What};
use stafette_sys::packet::Socket;
use stafette_sys::{fork, user};
use stafette_wire::MAX_PACKET;
use stafette_wire::delivery::Bytes;
use stafette_wire::envelope::Expanded;
use stafette_wire::{Reader, Wire, WireError};

use crate::instruction::expand;
use crate::task::{put_lines, put_mailer, take_lines, take_mailer};

/// How old what was read of the settings may be.
const FRESH: Duration = Duration::from_secs(1);
/// The user that a process of a root parent becomes, if there is one.
const USER: &str = "stafu";

/// What is asked: an address, and what is left to be decided about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The recipient.
    pub mailbox: Mailbox,
    /// As send says.
    pub expanded: Expanded,
}

impl Ask {
    /// As a packet, by which questions are told apart as well.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        self.expanded.put(&mut out);
        self.mailbox.put(&mut out);
        out
    }

    /// Reads exactly one packet.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn decode(packet: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(packet)?;
        let expanded = Expanded::take(&mut reader)?;
        let mailbox = Mailbox::take(&mut reader)?;
        finish(&reader, Self { mailbox, expanded })
    }
}

/// Whose a recipient is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is delivered here, as this user.
    Found(Found),
    /// Nobody's.
    Nobody,
    /// The tables refuse it.
    Refused {
        /// For good.
        is_final: bool,
        /// Enhanced status code.
        status: String,
        /// In the table's words.
        text: String,
    },
    /// That cannot be said now, or it is not for us.
    Later(String),
}

/// As whom something is delivered, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The user's name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Home directory.
    pub home: PathBuf,
    /// What is done there.
    pub what: Deliver,
}

/// What is delivered to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deliver {
    /// The account, as its files say.
    Account {
        /// Between `.qmail` and the extension.
        dash: String,
        /// The extension.
        ext: String,
        /// `defaultdelivery` for this account.
        delivery: Vec<u8>,
        /// What the account knows the recipient as, if it is of a virtual domain.
        known_as: Option<Mailbox>,
    },
    /// Programs and files of an alias.
    Lines(Vec<Line>),
    /// A program of the mailertable.
    Mailer(MailerProgram),
}

impl Answer {
    /// As a packet; none if it is too long for one.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(128);
        match self {
            Self::Found(found) => {
                out.push(b'F');
                found.put(&mut out);
            }
            Self::Nobody => out.push(b'N'),
            Self::Refused {
                is_final,
                status,
                text,
            } => {
                out.push(b'R');
                is_final.put(&mut out);
                status.put(&mut out);
                text.put(&mut out);
            }
            Self::Later(reason) => {
                out.push(b'T');
                reason.put(&mut out);
            }
        }
        (out.len() <= MAX_PACKET).then_some(out)
    }

    /// Reads exactly one packet.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn decode(packet: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(packet)?;
        let answer = match u8::take(&mut reader)? {
            b'F' => Self::Found(Found::take(&mut reader)?),
            b'N' => Self::Nobody,
            b'R' => Self::Refused {
                is_final: bool::take(&mut reader)?,
                status: String::take(&mut reader)?,
                text: String::take(&mut reader)?,
            },
            b'T' => Self::Later(String::take(&mut reader)?),
            other => return Err(WireError::UnknownKind(other)),
        };
        finish(&reader, answer)
    }
}

fn finish<T>(reader: &Reader<'_>, value: T) -> Result<T, WireError> {
    if reader.is_empty() {
        Ok(value)
    } else {
        Err(WireError::LeftOver)
    }
}

impl Wire for Found {
    fn put(&self, out: &mut Vec<u8>) {
        self.name.put(out);
        self.uid.put(out);
        self.gid.put(out);
        Bytes(self.home.as_os_str().as_bytes().to_vec()).put(out);
        match &self.what {
            Deliver::Account {
                dash,
                ext,
                delivery,
                known_as,
            } => {
                out.push(b'A');
                dash.put(out);
                ext.put(out);
                Bytes(delivery.clone()).put(out);
                Wire::put(known_as, out);
            }
            Deliver::Lines(lines) => {
                out.push(b'L');
                put_lines(lines, out);
            }
            Deliver::Mailer(program) => {
                out.push(b'M');
                put_mailer(program, out);
            }
        }
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            name: String::take(reader)?,
            uid: u32::take(reader)?,
            gid: u32::take(reader)?,
            home: std::ffi::OsString::from_vec(Bytes::take(reader)?.0).into(),
            what: match u8::take(reader)? {
                b'A' => Deliver::Account {
                    dash: String::take(reader)?,
                    ext: String::take(reader)?,
                    delivery: Bytes::take(reader)?.0,
                    known_as: <Option<Mailbox> as Wire>::take(reader)?,
                },
                b'L' => Deliver::Lines(take_lines(reader)?),
                b'M' => Deliver::Mailer(take_mailer(reader)?),
                _ => return Err(WireError::BadValue("delivery")),
            },
        })
    }
}

/// Answers questions until the parent closes the socket; gives the exit code.
pub fn serve(instance: &Instance, settings: &Settings, becomes: bool, socket: &Socket) -> i32 {
    if fork::die_with_parent().is_err() || (becomes && become_stranger().is_err()) {
        return 111;
    }
    if stafette_sys::confine::confine(&reads_only()).is_err() {
        return 111;
    }
    let mut finder = Finder {
        directory: Directory::load(instance, settings),
        delivery: settings.defaultdelivery(),
        alias_home: instance.alias_home(),
        becomes,
    };
    settings.log_problems();
    let mut read_at = Instant::now();
    let mut buffer = vec![0; MAX_PACKET];
    loop {
        let question = match socket.recv(&mut buffer) {
            Ok((0, _)) => return 0,
            Ok((length, _)) => Ask::decode(buffer.get(..length).unwrap_or_default()),
            Err(_) => return 1,
        };
        if read_at.elapsed() > FRESH {
            finder.directory.refresh(settings);
            finder.delivery = settings.defaultdelivery();
            settings.log_problems();
            read_at = Instant::now();
        }
        let Ok(question) = question else { return 1 };
        let too_long = || Answer::Later("the lines of the alias are too long".to_owned()).encode();
        let answer = finder.answer(&question).encode().or_else(too_long);
        if socket.send(&answer.unwrap_or_default(), &[]).is_err() {
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

/// It executes nothing and writes nowhere.
fn reads_only() -> stafette_sys::confine::Needs<'static> {
    stafette_sys::confine::Needs {
        read: vec![PathBuf::from("/")],
        ..Default::default()
    }
}

struct Finder {
    directory: Directory,
    delivery: String,
    alias_home: PathBuf,
    becomes: bool,
}

impl Finder {
    fn answer(&self, question: &Ask) -> Answer {
        let mailbox = &question.mailbox;
        let mut what = self.directory.resolve(mailbox, question.expanded).what;
        // Whether we are its best exchanger was asked by `users`; who is asked for here gets mail in any case.
        if matches!(what, What::Elsewhere { .. })
            && self.directory.asks_for_best_exchanger(mailbox.domain())
        {
            what = self.directory.resolve_as_ours(mailbox).what;
        }
        match what {
            What::Account(account) => self.account(account, self.directory.virtual_name(mailbox)),
            What::Lines { user, lines, .. } => self.alias_user(&user, Deliver::Lines(lines)),
            What::Mailer { user, program, .. } => self.alias_user(&user, Deliver::Mailer(program)),
            What::NoSuchUser => Answer::Nobody,
            What::Refused { code, status, text } => Answer::Refused {
                is_final: code >= 500,
                status,
                text,
            },
            What::Later(reason) => Answer::Later(reason),
            What::Expand { .. } | What::Elsewhere { .. } => {
                Answer::Later("it is not for a mailbox here any more: asked again".to_owned())
            }
        }
    }

    fn account(&self, account: Account, known_as: Option<Mailbox>) -> Answer {
        match expand(self.delivery.as_bytes(), &account.name) {
            Some(delivery) => Answer::Found(Found {
                name: account.name,
                uid: account.uid,
                gid: account.gid,
                home: account.home,
                what: Deliver::Account {
                    dash: account.dash,
                    ext: account.ext,
                    delivery,
                    known_as,
                },
            }),
            None => Answer::Later(format!(
                "the name of account {} cannot stand for %u in defaultdelivery",
                account.name
            )),
        }
    }

    /// As the alias user, who in an instance that does not run as root is whoever runs it.
    fn alias_user(&self, name: &str, what: Deliver) -> Answer {
        let own = |uid| user::by_uid(uid).map(|known| (uid, user::effective_gid(), known));
        let found = if self.becomes {
            user::by_name(name).map(|known| known.map(|known| (known.name, known.uid, known.gid)))
        } else {
            own(user::effective_uid()).map(|(uid, gid, known)| {
                let name = known.map_or_else(|| name.to_owned(), |known| known.name);
                Some((name, uid, gid))
            })
        };
        match found {
            Ok(Some((name, uid, gid))) => Answer::Found(Found {
                name,
                uid,
                gid,
                home: self.alias_home.clone(),
                what,
            }),
            Ok(None) => Answer::Later(format!("aliasuser: there is no user {name}")),
            Err(error) => Answer::Later(format!("unable to look up user {name}: {error}")),
        }
    }
}

#[cfg(test)]
mod tests;
