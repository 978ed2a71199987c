//! What is said about tables: to the log once, to those who ask each time.

use stafette_log::{Event, event};
use stafette_table::{Fate, Report, Table, TableReport};
use stafette_wire::Packet as _;
use stafette_wire::tables::FromTables;

/// More lines are not told over the socket; the log and `stafette check` have them all.
const LINES: usize = 40;
/// Letters of a line.
const LETTERS: usize = 500;

/// What was last found out about each table.
#[derive(Debug, Default)]
pub(crate) struct Known(Vec<TableReport>);

impl Known {
    /// Takes in what was found out now, and logs it; what cannot be done is tried again each second and told once.
    pub(crate) fn add(&mut self, report: Report) {
        for table in report.tables {
            let is_known = !is_new_table(&table) && self.0.contains(&table);
            if !is_known {
                log(&table);
            }
            self.0.retain(|known| known.table != table.table);
            self.0.push(table);
        }
        self.0.sort_by_key(|known| known.table);
    }

    /// The packets for one who asked. A table that was not compiled because he asked is as before.
    pub(crate) fn packets(&self, now: &[Table]) -> Vec<Vec<u8>> {
        let as_before = |known: &TableReport| match known.fate {
            Fate::Compiled if !now.contains(&known.table) => Fate::Same,
            Fate::Removed if !now.contains(&known.table) => Fate::Absent,
            fate => fate,
        };
        let mut lines: Vec<String> = Vec::new();
        for known in &self.0 {
            let known = TableReport {
                fate: as_before(known),
                ..known.clone()
            };
            lines.extend(known.lines());
        }
        if lines.len() > LINES {
            lines.truncate(LINES);
            lines.push("and more; stafette check names them all".to_owned());
        }
        let good = self.0.iter().all(TableReport::is_good);
        let lines = lines.into_iter().map(|line| {
            let text = line.chars().take(LETTERS).collect();
            FromTables::Line { text }.encode()
        });
        lines
            .chain(std::iter::once(FromTables::Done { good }.encode()))
            .collect()
    }
}

fn is_new_table(report: &TableReport) -> bool {
    matches!(report.fate, Fate::Compiled | Fate::Partly | Fate::Removed)
}

fn log(report: &TableReport) {
    if is_new_table(report) {
        let entries = report.entries.to_string();
        let fields: [(&str, &[u8]); 2] = [
            ("table", report.table.name().as_bytes()),
            ("entries", entries.as_bytes()),
        ];
        event(Event::TableCompiled, None, &fields);
    }
    for problem in &report.problems {
        problem.log();
    }
}
