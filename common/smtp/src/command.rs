//! Command lines: what a client asks for (RFC 5321 section 4.1.1).
//!
//! A line is taken whole or refused with the reply to give. Refused are a NUL or any other control character anywhere, octets that
//! are not UTF-8, unknown parameters, parameters given twice, and parameters whose decoded value holds a control character.
//!
//! Tolerated, since real clients do it: spaces behind `FROM:` and `TO:`, more than one space between parameters, spaces at the end,
//! and a source route, which is dropped (RFC 5321 section 4.1.1.3).

mod error;
mod param;
mod path;
mod printed;

pub use error::CommandError;
pub use param::{Body, EnvelopeId, MailParams, Notify, OriginalRecipient, RcptParams, Ret};
pub use path::RcptPath;
use stafette_addr::{Domain, ReversePath};
use std::fmt;

/// The most octets of a client's name (RFC 5321 section 4.5.3.1.2).
const CLIENT_NAME_MAX: usize = 255;

/// A command of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// RFC 5321 section 4.1.1.1, without extensions.
    Helo(ClientName),
    /// RFC 5321 section 4.1.1.1.
    Ehlo(ClientName),
    /// Begins a transaction: RFC 5321 section 4.1.1.2.
    Mail {
        /// Who is told of failures.
        from: ReversePath,
        /// What else was said about the message.
        params: MailParams,
    },
    /// Adds a recipient: RFC 5321 section 4.1.1.3.
    Rcpt {
        /// Who is to get it.
        to: RcptPath,
        /// What else was said about the recipient.
        params: RcptParams,
    },
    /// RFC 5321 section 4.1.1.4.
    Data,
    /// A chunk of the content: RFC 3030 section 2.
    Bdat {
        /// How many octets follow the line.
        size: u64,
        /// Whether they are the last of the message.
        last: bool,
    },
    /// RFC 5321 section 4.1.1.5.
    Rset,
    /// RFC 5321 section 4.1.1.9.
    Noop,
    /// RFC 5321 section 4.1.1.10.
    Quit,
    /// RFC 5321 section 4.1.1.6; see [`parse_question`].
    Vrfy(Box<str>),
    /// RFC 5321 section 4.1.1.7; see [`parse_question`].
    Expn(Box<str>),
    /// RFC 5321 section 4.1.1.8.
    Help,
    /// RFC 1985 section 5.
    Etrn(Box<str>),
    /// RFC 3207 section 4.
    Starttls,
    /// RFC 4954 section 4: the mechanism, and the initial response as it was sent.
    Auth {
        /// The mechanism, in capitals.
        mechanism: Box<str>,
        /// The initial response.
        initial: Option<Box<str>>,
    },
}

/// What a client calls itself: one word without any sign that means something in a header field or a log line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientName(Box<str>);

impl ClientName {
    /// Takes a domain, an address literal, or whatever else a client calls itself if it can do no harm.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let good = |c: char| {
            if c.is_ascii() {
                c.is_ascii_graphic() && !"()<>@,;\\\"".contains(c)
            } else {
                !c.is_control() && !c.is_whitespace()
            }
        };
        let fits = !word.is_empty() && word.len() <= CLIENT_NAME_MAX;
        (fits && word.chars().all(good)).then(|| Self(word.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Parses a command line without its CRLF.
///
/// # Errors
/// The reply to give instead of obeying.
pub fn parse_command(line: &[u8]) -> Result<Command, CommandError> {
    parse_command_at(line, None)
}

/// Parses a command line of a client that may leave out the domain of an address, which is then `here`.
///
/// # Errors
/// The reply to give instead of obeying.
pub fn parse_command_at(line: &[u8], here: Option<&Domain>) -> Result<Command, CommandError> {
    let line = std::str::from_utf8(line).map_err(|_| CommandError::NOT_TEXT)?;
    if line
        .chars()
        .any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
    {
        return Err(CommandError::NOT_TEXT);
    }
    let line = line.trim_end_matches(' ');
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim_start_matches(' ');
    match verb.to_ascii_uppercase().as_str() {
        "MAIL" => {
            let rest = path::after_keyword(rest, "FROM:").ok_or(CommandError::MAIL_SYNTAX)?;
            let (path, words) = path::split(rest).ok_or(CommandError::SENDER_SYNTAX)?;
            Ok(Command::Mail {
                from: path::parse_reverse(path, here).map_err(CommandError::bad_sender)?,
                params: MailParams::parse(words)?,
            })
        }
        "RCPT" => {
            let rest = path::after_keyword(rest, "TO:").ok_or(CommandError::RCPT_SYNTAX)?;
            let (path, words) = path::split(rest).ok_or(CommandError::RECIPIENT_SYNTAX)?;
            Ok(Command::Rcpt {
                to: RcptPath::parse(path, here).map_err(CommandError::bad_recipient)?,
                params: RcptParams::parse(words)?,
            })
        }
        "HELO" => Ok(Command::Helo(parse_name(rest)?)),
        "EHLO" => Ok(Command::Ehlo(parse_name(rest)?)),
        "DATA" => alone(rest, Command::Data),
        "BDAT" => parse_bdat(rest),
        "RSET" => alone(rest, Command::Rset),
        "NOOP" => Ok(Command::Noop),
        "QUIT" => alone(rest, Command::Quit),
        "VRFY" => something(rest).map(|asked| Command::Vrfy(asked.into())),
        "EXPN" => something(rest).map(|asked| Command::Expn(asked.into())),
        "HELP" => Ok(Command::Help),
        "ETRN" => something(rest).map(|name| Command::Etrn(name.into())),
        "STARTTLS" => alone(rest, Command::Starttls),
        "AUTH" => parse_auth(rest),
        "GET" | "POST" | "PUT" | "CONNECT" | "OPTIONS" => Err(CommandError::OTHER_PROTOCOL),
        _ => Err(CommandError::UNKNOWN),
    }
}

/// Parses what VRFY and EXPN ask for: a local-part of the domain `here`, or an address, in angle brackets or not, a name in front or not.
///
/// # Errors
/// The reply to give instead of an answer.
pub fn parse_question(asked: &str, here: &Domain) -> Result<RcptPath, CommandError> {
    let path = match asked.split_once('<') {
        Some((_, path)) => path
            .strip_suffix('>')
            .ok_or(CommandError::RECIPIENT_SYNTAX)?,
        None => asked,
    };
    RcptPath::parse(path, Some(here)).map_err(CommandError::bad_recipient)
}

fn parse_name(rest: &str) -> Result<ClientName, CommandError> {
    ClientName::parse(rest).ok_or(CommandError::BAD_NAME)
}

/// RFC 3030 section 2: `BDAT size [LAST]`.
fn parse_bdat(rest: &str) -> Result<Command, CommandError> {
    let mut words = rest.split(' ').filter(|w| !w.is_empty());
    let size = words
        .next()
        .and_then(param::parse_digits)
        .ok_or(CommandError::BDAT_SYNTAX)?;
    let last = match words.next() {
        None => false,
        Some(word) if word.eq_ignore_ascii_case("LAST") => true,
        Some(_) => return Err(CommandError::BDAT_SYNTAX),
    };
    match words.next() {
        None => Ok(Command::Bdat { size, last }),
        Some(_) => Err(CommandError::BDAT_SYNTAX),
    }
}

fn parse_auth(rest: &str) -> Result<Command, CommandError> {
    let (mechanism, initial) = match something(rest)?.split_once(' ') {
        Some((mechanism, initial)) => (mechanism, Some(initial.trim_start_matches(' ').into())),
        None => (rest, None),
    };
    Ok(Command::Auth {
        mechanism: mechanism.to_ascii_uppercase().into(),
        initial,
    })
}

fn alone(rest: &str, command: Command) -> Result<Command, CommandError> {
    if rest.is_empty() {
        Ok(command)
    } else {
        Err(CommandError::NO_ARGUMENT)
    }
}

fn something(rest: &str) -> Result<&str, CommandError> {
    if rest.is_empty() {
        Err(CommandError::ARGUMENT_MISSING)
    } else {
        Ok(rest)
    }
}

#[cfg(test)]
mod tests;
