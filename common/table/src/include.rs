//! The lists that aliases name by `:include:`, read when the table is compiled.
//!
//! A list holds addresses and further lists; a line that is wrong, or that names a program or a file, is left out and reported. A list that
//! cannot be read or is too long is marked, so that its mail waits.

use std::collections::BTreeSet;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use stafette_control::{Instance, Mistake};

use crate::Table;
use crate::compiled::{self, Stamp, UNREADABLE, include_key};
use crate::parse::{Parsed, Record};
use crate::source::Source;
use crate::target::{ITEM_LIMIT, Item, TEXT_LIMIT, parse_lines};

/// More lists are not read.
const LIST_LIMIT: usize = 10_000;

/// A file that a compiled table was made from, as it was.
pub(crate) type Seen = (PathBuf, Option<Stamp>);

/// Reads all lists that `parsed` names, directly or by another list, and adds their records.
pub(crate) fn read_all(parsed: &mut Parsed, file: &str) -> Vec<Seen> {
    let mut wanted = std::mem::take(&mut parsed.includes);
    wanted.reverse();
    let (mut done, mut seen) = (BTreeSet::new(), Vec::new());
    while let Some((path, line)) = wanted.pop() {
        if !done.insert(path.clone()) {
            continue;
        }
        // What it was like comes first: a change while it is read is noticed at the next look.
        seen.push((path.clone(), compiled::stamp(&path).ok()));
        let text = if done.len() > LIST_LIMIT {
            Err(io::Error::other("too many lists"))
        } else {
            read(&path)
        };
        let value = match text {
            Ok(text) => {
                let (items, nested) = targets(parsed, &path, &text);
                wanted.extend(nested.into_iter().map(|path| (path, line)));
                items
            }
            Err(error) => {
                let message = format!("unable to read {}: {error}", path.display());
                let advice = "mail for it waits; let the user of stafette-tables read it, or see its manual page for where lists may be";
                let mut problem = Mistake::new(message, advice).at(file, line);
                problem.is_unreadable = true;
                parsed.warnings.push(problem);
                format!("{UNREADABLE}unable to read the list: {error}")
            }
        };
        let key = include_key(&path);
        parsed.records.push(Record { key, value, line });
    }
    seen
}

/// The directories of the lists that aliases name as things are now, directly or by another list: for a program that gives up all others.
#[must_use]
pub fn list_directories(instance: &Instance) -> Vec<PathBuf> {
    let source = Source::find(instance, Table::Aliases);
    let seen = crate::compile::read(&source, Table::Aliases).map(|(_, seen)| seen);
    let directories: BTreeSet<PathBuf> = seen
        .unwrap_or_default()
        .into_iter()
        .skip(1)
        .filter_map(|(path, _)| Some(path.parent()?.to_owned()))
        .filter(|directory| directory.parent().is_some())
        .collect();
    directories.into_iter().collect()
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let data = std::fs::metadata(path)?;
    if data.is_file() && data.permissions().mode() & 0o002 != 0 {
        return Err(io::Error::other("everybody may write to it"));
    }
    read_bounded(path, TEXT_LIMIT)
}

/// Reads a regular file of at most `limit` bytes.
pub(crate) fn read_bounded(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let most = u64::try_from(limit).unwrap_or(u64::MAX);
    let is_regular = |data: &std::fs::Metadata| {
        let not = || io::Error::other("not a regular file");
        data.is_file().then_some(()).ok_or_else(not)
    };
    // What it is is asked before it is opened, since opening alone means something to a device, and of what was opened, since a named
    // pipe that took its place would keep us waiting for ever.
    is_regular(&std::fs::metadata(path)?)?;
    let file = stafette_sys::fs::open_read(path)?;
    is_regular(&file.metadata()?)?;
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        return Err(io::Error::other(format!("over {} MiB", limit >> 20)));
    }
    Ok(bytes)
}

/// The targets of a list, one a line, and the lists among them.
fn targets(parsed: &mut Parsed, path: &Path, text: &[u8]) -> (String, Vec<PathBuf>) {
    let (mut value, mut nested, mut count) = (String::new(), Vec::new(), 0_usize);
    let file = path.display().to_string();
    let lines = match parse_lines(text) {
        Ok(lines) => lines,
        Err(mistake) => {
            let reason = format!("{UNREADABLE}the list cannot be read: {}", mistake.message);
            parsed.warnings.push(mistake.at(&file, 0));
            return (reason, nested);
        }
    };
    for (number, items) in lines {
        let items = items.unwrap_or_else(|mistake| {
            parsed.warnings.push(mistake.at(&file, number));
            Vec::new()
        });
        for item in items {
            match &item {
                Item::Address(_) | Item::Own(_) => {}
                Item::Include(path) => nested.push(path.clone()),
                Item::Program(_) | Item::File(_) | Item::Error(_) => {
                    let mistake = Mistake::new(
                        "a list holds addresses and further lists only",
                        "write programs and files into aliases",
                    );
                    parsed.warnings.push(mistake.at(&file, number));
                    continue;
                }
            }
            count += 1;
            if count > ITEM_LIMIT {
                // A part of a list would lose mail in silence, so all of it waits.
                let message = format!("more than {ITEM_LIMIT} addresses; mail for the list waits");
                let mistake = Mistake::new(message, "write them into several lists");
                parsed.warnings.push(mistake.at(&file, number));
                let reason = format!("{UNREADABLE}the list has more than {ITEM_LIMIT} addresses");
                return (reason, Vec::new());
            }
            if !value.is_empty() {
                value.push('\n');
            }
            value.push_str(&item.to_string());
        }
    }
    (value, nested)
}
