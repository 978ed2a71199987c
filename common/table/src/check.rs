//! What `stafette check` says about the tables. Changes nothing.

use stafette_control::{Instance, Problem};

use crate::Table;
use crate::compile::{is_absent, read, unreadable};
use crate::source::Source;

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
