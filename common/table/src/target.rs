//! A list of targets: the right side of an alias, and the lines of a `.forward` or of an `:include:` file.
//!
//! Pure and bounded: nothing is looked up and no file is opened here.

mod address;
mod split;

use std::fmt;
use std::path::PathBuf;

use stafette_control::Mistake;

pub use self::address::Address;
use crate::reply::Reply;

/// A longer text is not read.
pub const TEXT_LIMIT: usize = 16 * 1024 * 1024;
/// More targets are not taken.
pub const ITEM_LIMIT: usize = 100_000;
/// A longer line is not read.
pub const LINE_LIMIT: usize = 64 * 1024;

/// One target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// An address, or a name of this host.
    Address(Address),
    /// `\user`: the mailbox itself; it stands for nothing else any more.
    Own(Address),
    /// `|program`: a line for the shell.
    Program(String),
    /// `/file`: an absolute path. A final slash means a Maildir.
    File(PathBuf),
    /// `:include:/file`: the targets that a file lists.
    Include(PathBuf),
    /// `error:...`: nobody gets it.
    Error(Reply),
}

/// Written so that [`parse_list`] reads it as the same target.
impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => {
                let text = address.to_string();
                // A line that begins so would be a comment.
                match text.strip_prefix('#') {
                    Some(_) => match text.split_once('@') {
                        Some((local, domain)) => write!(f, "\"{local}\"@{domain}"),
                        None => write!(f, "\"{text}\""),
                    },
                    None => f.write_str(&text),
                }
            }
            Self::Own(address) => write!(f, "\\{address}"),
            Self::Program(command) => write!(f, "\"|{}\"", split::escape(command)),
            Self::File(path) => write!(f, "\"{}\"", split::escape(&path.to_string_lossy())),
            Self::Include(path) => {
                write!(f, "\":include:{}\"", split::escape(&path.to_string_lossy()))
            }
            Self::Error(reply) => write!(f, "error:{}:{} {}", reply.status, reply.code, reply.text),
        }
    }
}

/// The targets of a text: lists separated by commas, one or more a line; a line that begins with `#` is a comment.
///
/// # Errors
/// The first mistake, with its line if there are several.
pub fn parse_list(text: &[u8]) -> Result<Vec<Item>, Mistake> {
    let has_lines = text.contains(&b'\n');
    let mut items = Vec::new();
    for (number, line) in parse_lines(text)? {
        match line {
            Ok(line) => items.extend(line),
            Err(mistake) if has_lines => {
                let message = format!("line {number}: {}", mistake.message);
                return Err(Mistake::new(message, mistake.advice));
            }
            Err(mistake) => return Err(mistake),
        }
        if items.len() > ITEM_LIMIT {
            return Err(too_many());
        }
    }
    Ok(items)
}

/// The same line by line, with its number from 1, so that a mistake on one line need not spoil the others.
///
/// # Errors
/// The text as a whole is too large.
pub fn parse_lines(
    text: &[u8],
) -> Result<impl Iterator<Item = (usize, Result<Vec<Item>, Mistake>)>, Mistake> {
    if text.len() > TEXT_LIMIT {
        return Err(Mistake::new(
            "too large",
            "a list has at most 16 MiB; write the addresses into several",
        ));
    }
    let lines = text.split(|byte| *byte == b'\n').zip(1..);
    Ok(lines.filter_map(|(line, number)| {
        let line = line.trim_ascii();
        let says_something = !line.is_empty() && !line.starts_with(b"#");
        says_something.then(|| (number, parse_line(line)))
    }))
}

fn parse_line(line: &[u8]) -> Result<Vec<Item>, Mistake> {
    let line = text_of(line)?;
    let mut items = Vec::new();
    for word in split::split(line)? {
        if let Some(item) = interpret(word)? {
            items.push(item);
        }
        if items.len() > ITEM_LIMIT {
            return Err(too_many());
        }
    }
    Ok(items)
}

/// A line as text without control characters.
pub(crate) fn text_of(line: &[u8]) -> Result<&str, Mistake> {
    if line.len() > LINE_LIMIT {
        return Err(Mistake::new(
            "too long a line",
            "a line, continued ones included, has at most 64 KiB",
        ));
    }
    let text = std::str::from_utf8(line)
        .map_err(|_| Mistake::new("not UTF-8", "write it in UTF-8 or plain ASCII"))?;
    if text.chars().any(|c| c.is_control() && c != '\t') {
        return Err(Mistake::new(
            "a control character",
            "remove it; blanks and tabs are the only invisible signs",
        ));
    }
    Ok(text)
}

fn too_many() -> Mistake {
    Mistake::new(
        "too many targets",
        format!("a list has at most {ITEM_LIMIT}"),
    )
}

/// What one word of a list means; nothing if there is nothing but a comment.
fn interpret(word: &str) -> Result<Option<Item>, Mistake> {
    if let Some(command) = word.strip_prefix('|') {
        let command = command.trim();
        // |"program with, commas": the quotes are the list's.
        let command = split::unquote_whole(command).unwrap_or_else(|| Ok(command.to_owned()))?;
        return program(&command).map(Some);
    }
    if let Some(text) = strip_prefix_ignoring_case(word, "error:") {
        return Reply::parse_error(text).map(Item::Error).map(Some);
    }
    let word = split::without_comments(word)?;
    let word = word.trim();
    if word.is_empty() {
        return Ok(None);
    }
    let item = match split::unquote_whole(word) {
        Some(inner) => interpret_quoted(&inner?)?,
        None => interpret_plain(word)?,
    };
    Ok(Some(item))
}

fn interpret_quoted(inner: &str) -> Result<Item, Mistake> {
    if let Some(command) = inner.strip_prefix('|') {
        return program(command);
    }
    if is_path(inner) {
        return interpret_plain(inner);
    }
    if inner.starts_with('\\') {
        return interpret_plain(inner);
    }
    Address::from_unquoted(inner).map(Item::Address)
}

fn is_path(word: &str) -> bool {
    word.starts_with('/') || strip_prefix_ignoring_case(word, ":include:").is_some()
}

fn interpret_plain(word: &str) -> Result<Item, Mistake> {
    if let Some(path) = strip_prefix_ignoring_case(word, ":include:") {
        let path = path.trim();
        if !path.starts_with('/') {
            return Err(Mistake::new(
                "an :include: without an absolute path",
                "write :include:/PATH/OF/THE/LIST",
            ));
        }
        return Ok(Item::Include(PathBuf::from(path)));
    }
    if word.starts_with('/') {
        return Ok(Item::File(PathBuf::from(word)));
    }
    if let Some(own) = word.strip_prefix('\\') {
        return Address::parse(own).map(Item::Own);
    }
    let address = match word.rsplit_once('<') {
        // Joe User <joe@example.org>
        Some((_, rest)) => match rest.split_once('>') {
            Some((inner, after)) if after.trim().is_empty() => inner.trim(),
            _ => return Err(address::mistake(word)),
        },
        None => word,
    };
    match address.strip_prefix('\\') {
        Some(own) => Address::parse(own).map(Item::Own),
        None => Address::parse(address).map(Item::Address),
    }
}

fn program(command: &str) -> Result<Item, Mistake> {
    let command = command.trim();
    if command.is_empty() {
        return Err(Mistake::new(
            "a | without a program",
            "write \"|/PATH/OF/PROGRAM ARGUMENTS\"",
        ));
    }
    Ok(Item::Program(command.to_owned()))
}

pub(crate) fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests;
