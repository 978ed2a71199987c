//! From the text of a table to its compiled form.
//!
//! A text with a mistake does not replace a compiled table that works; where there is none, its good lines are compiled, so that a
//! first start works. A compiled table is written beside the old one, flushed, and renamed over it, one compiler at a time. A table without
//! a text has no compiled form.

mod report;
mod write;

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use stafette_control::{FILE_LIMIT, Instance, Mistake, Problem};

pub use self::report::{Fate, Report, TableReport};
use crate::Table;
use crate::compiled::{self, Compiled};
use crate::include::{self, Seen, read_bounded};
use crate::parse::{Parsed, parse};
use crate::source::Source;

/// Compiles all tables whose text, or a list that it names, is not what the compiled table was made from; with `force` all of them.
#[must_use]
pub fn compile(instance: &Instance, force: bool) -> Report {
    let tables = Table::ALL.map(|table| compile_table(instance, table, force).0);
    Report {
        tables: tables.into(),
    }
}

/// For so long a text that was there may be away before it counts as removed: some editors save by taking it away first.
const AWAY: Duration = Duration::from_millis(900);

/// Looks again and again, and compiles a table when its text, or a list that it names, has changed.
#[derive(Debug, Default)]
pub struct Watch {
    seen: [Option<Vec<Seen>>; 5],
    /// Since when a text that was there is not.
    away: [Option<Instant>; 5],
}

impl Watch {
    /// Nothing was seen yet: the first look compiles what is not compiled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks now. The report has the tables that were not as they were at the last look; with `force` all of them.
    pub fn look(&mut self, instance: &Instance, force: bool) -> Report {
        let mut report = Report::default();
        let known = self.seen.iter_mut().zip(&mut self.away);
        for (table, (seen, away)) in Table::ALL.into_iter().zip(known) {
            if seen.as_deref().is_some_and(is_taken_away) {
                let since = away.get_or_insert_with(Instant::now);
                if !force && since.elapsed() < AWAY {
                    continue;
                }
            } else {
                *away = None;
            }
            let is_same = seen
                .as_ref()
                .is_some_and(|seen| is_same(instance, table, seen));
            if force || !is_same {
                let (table_report, now) = compile_table(instance, table, force);
                *seen = Some(now);
                report.tables.push(table_report);
            }
        }
        report
    }
}

/// Whether the text was there and is not any more.
fn is_taken_away(seen: &[Seen]) -> bool {
    seen.first()
        .is_some_and(|(path, stamp)| stamp.is_some() && is_absent(path))
}

/// Whether the files are what they were, and the compiled table is where it should be.
fn is_same(instance: &Instance, table: Table, seen: &[Seen]) -> bool {
    let source = Source::find(instance, table);
    let is_first = seen.first().is_some_and(|(path, _)| *path == source.path);
    let is_compiled = std::fs::exists(instance.tables().join(table.compiled_name()));
    let is_there = seen.first().is_some_and(|(_, stamp)| stamp.is_some());
    is_first
        && is_compiled.is_ok_and(|is_compiled| is_compiled == is_there)
        && seen
            .iter()
            .all(|(path, stamp)| compiled::stamp(path).ok() == *stamp)
}

/// Reads a text and its lists.
pub(crate) fn read(source: &Source, table: Table) -> io::Result<(Parsed, Vec<Seen>)> {
    let mut seen = vec![(source.path.clone(), compiled::stamp(&source.path).ok())];
    let limit = usize::try_from(FILE_LIMIT).unwrap_or(usize::MAX);
    let text = read_bounded(&source.path, limit)?;
    let mut parsed = parse(table, &source.name, &text);
    seen.extend(include::read_all(&mut parsed, &source.name));
    Ok((parsed, seen))
}

pub(crate) fn unreadable(file: &str, error: &io::Error) -> Problem {
    let message = format!("unable to read it: {error}");
    let mut problem = Mistake::new(message, "see who owns it and who may read it").at(file, 0);
    problem.is_unreadable = true;
    problem
}

/// Whether there is no file and no link either: a link that leads nowhere means something.
pub(crate) fn is_absent(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_err_and(|error| {
        matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
        )
    })
}

fn compile_table(instance: &Instance, table: Table, force: bool) -> (TableReport, Vec<Seen>) {
    let source = Source::find(instance, table);
    let target = instance.tables().join(table.compiled_name());
    let report = |fate, entries, problems| TableReport {
        table,
        file: source.name.clone(),
        fate,
        entries,
        problems,
    };
    let nothing_seen = vec![(source.path.clone(), None)];
    let lock = match write::lock(instance) {
        Ok(lock) => lock,
        // Nothing to write, nothing to lock.
        Err(_) if is_absent(&source.path) && is_absent(&target) => {
            return (report(Fate::Absent, 0, Vec::new()), nothing_seen);
        }
        Err(error) => {
            let problem = unwritable(&source.name, &target, &error);
            return (report(stays(&target), 0, vec![problem]), nothing_seen);
        }
    };
    if is_absent(&source.path) {
        let (fate, problems) = match write::remove(&target) {
            Ok(true) => (Fate::Removed, Vec::new()),
            Ok(false) => (Fate::Absent, Vec::new()),
            Err(error) => (
                Fate::Failed,
                vec![unwritable(&source.name, &target, &error)],
            ),
        };
        return (report(fate, 0, problems), nothing_seen);
    }
    if !force
        && let Some(seen) = write::made_from(&target)
        && is_same(instance, table, &seen)
    {
        return (report(Fate::Same, 0, Vec::new()), seen);
    }
    let (parsed, seen) = match read(&source, table) {
        Ok(read) => read,
        Err(error) => {
            let problems = vec![unreadable(&source.name, &error)];
            let seen = vec![(source.path.clone(), compiled::stamp(&source.path).ok())];
            return (report(stays(&target), 0, problems), seen);
        }
    };
    let has_errors = !parsed.errors.is_empty();
    let entries = parsed.records.len();
    // One that had mistakes itself is no better than what can be made now.
    let is_whole = || write::made_from(&target).is_some_and(|seen| !seen.is_empty());
    let written = if has_errors && is_whole() {
        Ok(Fate::Kept)
    } else {
        write::write(&target, &parsed, if has_errors { &[] } else { &seen }).map(|()| {
            if has_errors {
                Fate::Partly
            } else {
                Fate::Compiled
            }
        })
    };
    drop(lock);
    let mut problems = parsed.errors.finish(&source.name);
    problems.extend(parsed.warnings.finish(&source.name));
    match written {
        Ok(Fate::Kept) => (report(Fate::Kept, 0, problems), seen),
        Ok(fate) => (report(fate, entries, problems), seen),
        Err(error) => {
            problems.insert(0, unwritable(&source.name, &target, &error));
            // Tried again at the next look.
            (report(stays(&target), 0, problems), nothing_seen)
        }
    }
}

/// What a table is when nothing new can be made of it.
fn stays(target: &Path) -> Fate {
    if Compiled::open(target).is_ok() {
        Fate::Kept
    } else {
        Fate::Failed
    }
}

fn unwritable(file: &str, target: &Path, error: &io::Error) -> Problem {
    let message = format!("unable to write {}: {error}", target.display());
    let advice = "the directory belongs to the user of stafette-tables; see whether the disk is full, and restart the service if the directory was made anew";
    Mistake::new(message, advice).at(file, 0)
}

#[cfg(test)]
mod tests;
