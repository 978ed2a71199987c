//! What `stafette check` says about the tables. Changes nothing.

use stafette_control::{Instance, Mistake, Problem};

use crate::compile::{is_absent, read, unreadable};
use crate::line::{Blank, lines};
use crate::parse::{Parsed, Record, record};
use crate::source::Source;
use crate::{Entry, Table};

/// Everything that is wrong with the texts of the tables and with the lists that they name.
#[must_use]
pub fn check(instance: &Instance) -> Vec<Problem> {
    let mut problems = Vec::new();
    for table in Table::ALL {
        let source = Source::find(instance, table);
        if is_absent(&source.path) {
            continue;
        }
        match read(&source, table) {
            Ok((parsed, _)) => {
                problems.extend(parsed.errors.finish(&source.name));
                problems.extend(parsed.warnings.finish(&source.name));
            }
            Err(error) => problems.push(unreadable(&source.name, &error)),
        }
    }
    problems.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    problems
}

/// The entries of a table's text, in the order of their lines, with their keys in lower case. What is wrong is left out.
#[must_use]
pub fn entries(instance: &Instance, table: Table) -> Vec<(String, Entry)> {
    let source = Source::find(instance, table);
    let Ok((parsed, _)) = read(&source, table) else {
        return Vec::new();
    };
    let entry = |record: Record| {
        let Record { key, value, line } = record;
        (key, Entry { value, line })
    };
    parsed.records.into_iter().map(entry).collect()
}

/// The key of an entry as it is compared, for whoever writes entries: it is right by itself.
///
/// # Errors
/// What is wrong with the entry.
pub fn entry_key(table: Table, text: &str) -> Result<String, Mistake> {
    let wrong = || Mistake::new("not one entry", "write one line that says something");
    let mut found = lines(text.as_bytes(), Blank::IsNothing);
    let line = found.next().ok_or_else(wrong)?;
    if found.next().is_some() {
        return Err(wrong());
    }
    record(table, &line.text?, 1, &mut Parsed::default()).map(|record| record.key)
}
