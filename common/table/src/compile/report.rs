//! What a compiler tells of its work.

use stafette_control::Problem;

use crate::Table;

/// What became of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It has no text.
    Absent,
    /// Its text is gone, and so is now its compiled form.
    Removed,
    /// It was compiled from the same text before.
    Same,
    /// It was compiled.
    Compiled,
    /// Its good lines were compiled: there was no table in force that could have stayed.
    Partly,
    /// Its text has mistakes, or could not be read: the table in force stays.
    Kept,
    /// It could not be read or written, and no table is in force.
    Failed,
}

/// What became of a table, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableReport {
    /// Which.
    pub table: Table,
    /// Its text as an operator writes it.
    pub file: String,
    /// What became of it.
    pub fate: Fate,
    /// Entries of the text, lists included; 0 if it was not compiled now.
    pub entries: usize,
    /// What is wrong; mistakes first, then what is odd.
    pub problems: Vec<Problem>,
}

impl TableReport {
    /// What became of it in words for a person, and then each problem; nothing for a table without a text.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let file = &self.file;
        let fate = match self.fate {
            Fate::Absent => return Vec::new(),
            Fate::Removed => format!("{file}: gone; the table is empty"),
            Fate::Same => format!("{file}: as before"),
            Fate::Compiled => format!("{file}: {}", self.count()),
            Fate::Partly => format!("{file}: {}; the lines below are left out", self.count()),
            Fate::Kept => format!("{file}: not compiled; the table from before stays in force"),
            Fate::Failed => format!("{file}: not compiled; mail that needs it waits"),
        };
        let problems = self.problems.iter().map(ToString::to_string);
        std::iter::once(fate).chain(problems).collect()
    }

    fn count(&self) -> String {
        match self.entries {
            1 => "1 entry".to_owned(),
            entries => format!("{entries} entries"),
        }
    }

    /// Whether what the text says is in force.
    #[must_use]
    pub fn is_good(&self) -> bool {
        matches!(
            self.fate,
            Fate::Absent | Fate::Removed | Fate::Same | Fate::Compiled
        )
    }
}

/// What became of all tables.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// One each, those that were looked at.
    pub tables: Vec<TableReport>,
}

impl Report {
    /// Whether what the texts say is in force.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.tables.iter().all(TableReport::is_good)
    }
}
