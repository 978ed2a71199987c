//! What a worker is to do, as a field of packets.

use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use stafette_directory::{Line, MailerProgram};
use stafette_wire::delivery::Bytes;
use stafette_wire::{Reader, Wire, WireError};

use crate::instruction::Instruction;

/// What a worker is to do, as the parent found it by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// What the account's own files say.
    Account(OwnFiles),
    /// Copies to these mailboxes and nothing else.
    Mailboxes(Vec<Instruction>),
    /// The programs and files of an alias.
    Lines(Vec<Line>),
    /// A program of the operator's, which gets the message instead of another host.
    Mailer(MailerProgram),
}

/// What it takes to find an account's own files and to do without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFiles {
    /// Between `.qmail` and the extension.
    pub dash: String,
    /// The extension.
    pub ext: String,
    /// The default delivery.
    pub default: Vec<Instruction>,
    /// What of that is in the system's spool is done by a worker with group mail; it is only to be asked for.
    pub has_spool_worker: bool,
}

impl Wire for Work {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Account(own) => {
                out.push(b'A');
                own.dash.put(out);
                own.ext.put(out);
                put_instructions(&own.default, out);
                own.has_spool_worker.put(out);
            }
            Self::Mailboxes(list) => {
                out.push(b'M');
                put_instructions(list, out);
            }
            Self::Lines(lines) => {
                out.push(b'L');
                put_lines(lines, out);
            }
            Self::Mailer(program) => {
                out.push(b'P');
                put_mailer(program, out);
            }
        }
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(match u8::take(reader)? {
            b'A' => Self::Account(OwnFiles {
                dash: String::take(reader)?,
                ext: String::take(reader)?,
                default: take_instructions(reader)?,
                has_spool_worker: bool::take(reader)?,
            }),
            b'M' => Self::Mailboxes(take_instructions(reader)?),
            b'L' => Self::Lines(take_lines(reader)?),
            b'P' => Self::Mailer(take_mailer(reader)?),
            _ => return Err(WireError::BadValue("work")),
        })
    }
}

fn put_instructions(list: &[Instruction], out: &mut Vec<u8>) {
    let lines: Vec<Bytes> = list.iter().map(encode_instruction).collect();
    lines.put(out);
}

fn take_instructions(reader: &mut Reader<'_>) -> Result<Vec<Instruction>, WireError> {
    let lines = Vec::<Bytes>::take(reader)?;
    lines.into_iter().map(decode_instruction).collect()
}

/// The lines of an alias, as a field.
pub fn put_lines(lines: &[Line], out: &mut Vec<u8>) {
    let all: Vec<Bytes> = lines
        .iter()
        .map(|line| match line {
            Line::Program(command) => Bytes(format!("|{command}").into_bytes()),
            Line::File(path) => Bytes(path.as_os_str().as_bytes().to_vec()),
        })
        .collect();
    all.put(out);
}

/// Reads that field.
///
/// # Errors
/// What is wrong with the bytes.
pub fn take_lines(reader: &mut Reader<'_>) -> Result<Vec<Line>, WireError> {
    let line = |bytes: Bytes| match bytes.0.strip_prefix(b"|") {
        Some(command) => String::from_utf8(command.to_vec())
            .map(Line::Program)
            .map_err(|_| WireError::BadValue("line")),
        None if bytes.0.first() == Some(&b'/') => Ok(Line::File(path(bytes))),
        None => Err(WireError::BadValue("line")),
    };
    let all = Vec::<Bytes>::take(reader)?;
    all.into_iter().map(line).collect()
}

/// A program of the mailertable, as a field.
pub fn put_mailer(program: &MailerProgram, out: &mut Vec<u8>) {
    match program {
        MailerProgram::Uucp { host, user } => {
            out.push(b'U');
            host.put(out);
            user.put(out);
        }
        MailerProgram::Words { words, user, host } => {
            out.push(b'W');
            words.put(out);
            user.put(out);
            host.put(out);
        }
    }
}

/// Reads that field.
///
/// # Errors
/// What is wrong with the bytes.
pub fn take_mailer(reader: &mut Reader<'_>) -> Result<MailerProgram, WireError> {
    Ok(match u8::take(reader)? {
        b'U' => MailerProgram::Uucp {
            host: String::take(reader)?,
            user: String::take(reader)?,
        },
        b'W' => MailerProgram::Words {
            words: Vec::take(reader)?,
            user: String::take(reader)?,
            host: String::take(reader)?,
        },
        _ => return Err(WireError::BadValue("program")),
    })
}

fn encode_instruction(instruction: &Instruction) -> Bytes {
    let kind = match instruction {
        Instruction::Maildir(_) => b'M',
        Instruction::Mbox(_) => b'B',
    };
    let mut out = vec![kind];
    out.extend_from_slice(instruction.path().as_os_str().as_bytes());
    Bytes(out)
}

fn decode_instruction(bytes: Bytes) -> Result<Instruction, WireError> {
    match bytes.0.split_first() {
        Some((b'M', rest)) => Ok(Instruction::Maildir(path(Bytes(rest.to_vec())))),
        Some((b'B', rest)) => Ok(Instruction::Mbox(path(Bytes(rest.to_vec())))),
        _ => Err(WireError::BadValue("instruction")),
    }
}

/// A path, which may be any bytes.
pub(super) fn path(bytes: Bytes) -> PathBuf {
    PathBuf::from(std::ffi::OsString::from_vec(bytes.0))
}
