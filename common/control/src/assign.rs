//! The table users/assign: which account an address belongs to, in qmail's syntax (qmail-users.9).
//!
//! ```text
//! =local:user:uid:gid:home:dash:ext:       the address local
//! +prefix:user:uid:gid:home:dash:pre:      every address that begins with prefix; the rest follows pre
//! .                                        the end
//! ```
//! An exact line wins over prefixes, the longest prefix over shorter ones, the first of two lines for the same over the second.
//! The local-part is compared in lower case. Group 0 and user 0 get no mail.
//!
//! A line that is wrong makes its own address wait rather than bounce, and so does a table without its end for addresses not found in it:
//! the missing lines might have named them.

use crate::account::Account;
use crate::control::parse_lines;
use crate::problem::Mistake;
use std::collections::HashMap;
use std::path::PathBuf;

/// The syntax, for whoever has to repair a line.
const SYNTAX: &str =
    "write =LOCAL:USER:UID:GID:HOME:DASH:EXT: or +PREFIX:USER:UID:GID:HOME:DASH:PRE:";

/// The table, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assign {
    exact: HashMap<String, Place>,
    prefixes: HashMap<String, Place>,
    is_complete: bool,
}

/// What a line says, or that it is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Good(Account),
    Wrong(usize),
}

/// What the table says about a local-part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Assigned {
    /// It belongs to this account.
    To(Account),
    /// The line that should say it, or the end of the table, is wrong.
    Unclear(String),
    /// The table does not have it.
    Nobody,
}

impl Assign {
    /// A table that is not there: it has nobody, for certain.
    pub(crate) fn absent() -> Self {
        Self {
            is_complete: true,
            ..Self::default()
        }
    }

    /// Whose `local` is, which is in lower case.
    pub(crate) fn find(&self, local: &str) -> Assigned {
        if let Some(place) = self.exact.get(local) {
            return place.answer("");
        }
        let mut lengths = (0..=local.len()).rev();
        let found = lengths.find_map(|length| {
            let (prefix, rest) = local.split_at_checked(length)?;
            Some((self.prefixes.get(prefix)?, rest))
        });
        match found {
            Some((place, rest)) => place.answer(rest),
            None if self.is_complete => Assigned::Nobody,
            None => Assigned::Unclear(
                "users/assign has no end: its last line must be a single dot".to_owned(),
            ),
        }
    }

    fn add(&mut self, is_prefix: bool, local: &str, place: Place) -> Result<(), Mistake> {
        let places = if is_prefix {
            &mut self.prefixes
        } else {
            &mut self.exact
        };
        let local = local.to_ascii_lowercase();
        if places.contains_key(&local) {
            return Err(Mistake::new(
                "a second line for this address",
                "remove it: the first counts",
            ));
        }
        places.insert(local, place);
        Ok(())
    }
}

impl Place {
    fn answer(&self, rest: &str) -> Assigned {
        match self {
            Self::Good(account) => {
                let mut account = account.clone();
                account.ext.push_str(rest);
                Assigned::To(account)
            }
            Self::Wrong(line) => Assigned::Unclear(format!("users/assign:{line} is wrong")),
        }
    }
}

/// Reads a table from any bytes; `on_problem` gets the number of each wrong line (0: the table as a whole) and what is wrong with it.
pub fn parse_assign(bytes: &[u8], mut on_problem: impl FnMut(usize, Mistake)) -> Assign {
    let mut assign = Assign::default();
    for line in parse_lines(bytes) {
        let line = match line {
            Ok(line) => line,
            Err((number, mistake)) => {
                on_problem(number, mistake);
                continue;
            }
        };
        if assign.is_complete {
            on_problem(
                line.number,
                Mistake::new(
                    "behind the end of the table",
                    "move it before the line with the single dot",
                ),
            );
            break;
        }
        if line.text == "." {
            assign.is_complete = true;
        } else if let Err(mistake) = add_line(&mut assign, line.number, &line.text) {
            on_problem(line.number, mistake);
        }
    }
    if !assign.is_complete {
        on_problem(
            0,
            Mistake::new(
                "no end: the rest of it may be missing",
                "end it with a line that is a single dot",
            ),
        );
    }
    assign
}

fn add_line(assign: &mut Assign, number: usize, text: &str) -> Result<(), Mistake> {
    let (is_prefix, fields) = match text.strip_prefix('+') {
        Some(fields) => (true, fields),
        None => (false, text.strip_prefix('=').unwrap_or(text)),
    };
    let (local, rest) = fields
        .split_once(':')
        .ok_or_else(|| Mistake::new("no colon", SYNTAX))?;
    let account = if text.starts_with(['+', '=']) {
        parse_account(rest)
    } else {
        Err(Mistake::new("begins with neither = nor +", SYNTAX))
    };
    match account {
        Ok(account) => assign.add(is_prefix, local, Place::Good(account)),
        Err(mistake) => {
            assign.add(is_prefix, local, Place::Wrong(number))?;
            Err(mistake)
        }
    }
}

/// `user:uid:gid:home:dash:ext:`
fn parse_account(fields: &str) -> Result<Account, Mistake> {
    let mut fields = fields.split(':');
    let mut next = || {
        fields
            .next()
            .ok_or_else(|| Mistake::new("too few fields", SYNTAX))
    };
    let (name, uid, gid, home, dash, ext, _end) = (
        next()?,
        next()?,
        next()?,
        next()?,
        next()?,
        next()?,
        next()?,
    );
    if name.is_empty() || name.len() > 256 {
        return Err(Mistake::new("no user name", SYNTAX));
    }
    if !home.starts_with('/') {
        return Err(Mistake::new(
            "the home directory is no absolute path",
            "write a path that begins with /",
        ));
    }
    if dash.contains('/') || ext.contains('/') {
        return Err(Mistake::new(
            "a slash in the dash or the extension",
            "they become part of a file name in the home directory",
        ));
    }
    Ok(Account {
        name: name.to_owned(),
        uid: parse_id(uid)?,
        gid: parse_id(gid)?,
        home: PathBuf::from(home),
        dash: dash.to_owned(),
        ext: ext.to_owned(),
    })
}

/// A user or group id that may get mail.
fn parse_id(text: &str) -> Result<u32, Mistake> {
    let id = crate::parse_number(text, 1, u64::from(u32::MAX) - 1).map_err(|_| {
        Mistake::new(
            format!("{text:?} is no user or group that may get mail"),
            "write the number of one that is not 0",
        )
    })?;
    u32::try_from(id).map_err(|_| Mistake::new("number out of bounds", SYNTAX))
}

#[cfg(test)]
mod tests;
