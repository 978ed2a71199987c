//! The language of `.qmail` files, and which of them is for an address. Pure: nothing is opened here.
//!
//! As in qmail-local: `#` begins a comment; `|` a line for the shell; `.` or `/` a Maildir if it ends in `/`, otherwise
//! an mbox; `&` or anything else an address. Blanks at the end of a line do not count. The first line is not blank. An
//! empty file means the default delivery, one of comments only throws mail away. A file whose owner may execute it, and
//! everything behind a line `+list`, lists addresses only: a program or file there is a mistake.

use stafette_addr::{AddrError, Domain, LocalPart, Mailbox};

use crate::instruction::parse_path;
use crate::step::{Mistake, Step, without_repetitions};

/// A file that may be for an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its name in the home directory.
    pub name: String,
    /// What `default` in the name stands for: `DEFAULT` in a program's environment.
    pub default: Option<String>,
}

/// The extension as it stands in a name: lower case, and a colon for what could lead elsewhere.
#[must_use]
pub fn safe_extension(ext: &str) -> String {
    ext.to_ascii_lowercase().replace(['.', '/'], ":")
}

/// The files that may be for `dash` and `ext`, in the order in which they are looked for: `.qmail-a-b`,
/// `.qmail-a-default`, `.qmail-default`.
#[must_use]
pub fn candidates(dash: &str, ext: &str) -> Vec<Candidate> {
    let safe = safe_extension(ext);
    let rest = |from: usize| ext.get(from..).unwrap_or_default().to_owned();
    let named = safe
        .strip_suffix("default")
        .map(|before| rest(before.len()));
    let mut all = vec![Candidate {
        name: format!(".qmail{dash}{safe}"),
        default: named,
    }];
    if dash.is_empty() {
        return all;
    }
    let behind_dashes = safe.match_indices('-').map(|(at, _)| at + 1);
    let mut starts: Vec<usize> = std::iter::once(0).chain(behind_dashes).collect();
    starts.reverse();
    for start in starts {
        let before = safe.get(..start).unwrap_or_default();
        all.push(Candidate {
            name: format!(".qmail{dash}{before}default"),
            default: Some(rest(start)),
        });
    }
    all
}

/// The two files of which the first makes replies to forwarded mail go to the list's owner, and the second makes them
/// tell of whom they are.
#[must_use]
pub fn owner_files(dash: &str, ext: &str) -> [String; 2] {
    let safe = safe_extension(ext);
    [
        format!(".qmail{dash}{safe}-owner"),
        format!(".qmail{dash}{safe}-owner-default"),
    ]
}

/// Reads a file. Addresses without a domain belong to `here`.
///
/// # Errors
/// The first line that makes no sense; nothing of the file is then done.
pub fn parse(text: &[u8], forwards_only: bool, here: &Domain) -> Result<Vec<Step>, Mistake> {
    if text.is_empty() {
        return Ok(vec![Step::Default]);
    }
    let mut forwards_only = forwards_only.then_some("its x bit is set");
    let mut steps = Vec::new();
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii_end();
        let mistake = |problem: String| Mistake(format!("line {}: {problem}", index + 1));
        if let (Some(why), Some(b'|' | b'.' | b'/')) = (forwards_only, line.first()) {
            return Err(mistake(format!(
                "a file or program in a file of addresses only ({why})"
            )));
        }
        let step = match line.split_first() {
            None if index == 0 => return Err(mistake("the first line is blank".to_owned())),
            None | Some((b'#', _)) => continue,
            Some((b'+', b"list")) => {
                forwards_only = Some("it has a line +list");
                continue;
            }
            Some((b'|', command)) if command.contains(&0) => {
                return Err(mistake("a program has no NUL".to_owned()));
            }
            Some((b'|', command)) => Step::Program(command.to_vec()),
            Some((b'.' | b'/', _)) => {
                Step::Place(parse_path(line).map_err(|problem| mistake(problem.to_owned()))?)
            }
            Some((b'&', address)) => Step::Forward(parse_address(address, here).map_err(mistake)?),
            Some(_) => Step::Forward(parse_address(line, here).map_err(mistake)?),
        };
        steps.push(step);
    }
    if steps.is_empty() {
        steps.push(Step::Nothing);
    }
    Ok(without_repetitions(steps))
}

fn parse_address(text: &[u8], here: &Domain) -> Result<Mailbox, String> {
    let text = text.trim_ascii();
    let parsed = match Mailbox::parse(text) {
        Err(AddrError::NoDomain) => {
            LocalPart::parse(text).map(|local| Mailbox::new(local, here.clone()))
        }
        other => other,
    };
    parsed.map_err(|error| {
        let shown: String = String::from_utf8_lossy(text).chars().take(80).collect();
        format!("{shown} is no address: {error}")
    })
}

#[cfg(test)]
mod tests;
