//! What was read of another mail system: settings of ours, and what is left for a person to do.
//!
//! Nothing gets in that `stafette check` would call wrong: a line is looked at when it is added, and one that is wrong is listed.

use std::collections::{BTreeMap, HashMap};

use stafette_control::{Kind, LINE_LIMIT, Mistake, find};
use stafette_table::{Table, entry_key};

/// What could not be translated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Untranslated {
    /// The file and line where it stands.
    pub(crate) place: String,
    /// What stands there. Never a password.
    pub(crate) what: String,
    /// What to do about it.
    pub(crate) advice: String,
}

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Imported {
    /// The lines of each file of ours.
    pub(crate) settings: BTreeMap<&'static str, Vec<String>>,
    /// What is to be done by hand.
    pub(crate) untranslated: Vec<Untranslated>,
    /// What has no counterpart because nothing is to be done for it.
    pub(crate) not_needed: Vec<String>,
    /// The files that the aliases came from.
    pub(crate) alias_files: Vec<String>,
    /// The lines that are there, by the key that must be one alone.
    keys: HashMap<(&'static str, String), String>,
}

impl Imported {
    /// Sets the one value of a setting; the last one counts.
    pub(crate) fn one(&mut self, name: &'static str, place: &str, value: &str) {
        match self.key(name, value) {
            Ok(_) => drop(self.settings.insert(name, vec![value.to_owned()])),
            Err(mistake) => self.refuse(name, place, value, &mistake),
        }
    }

    /// Adds a line to a list or a table. What stands there already is not added twice.
    pub(crate) fn add(&mut self, name: &'static str, place: &str, line: &str) {
        let key = match self.key(name, line) {
            Ok(key) => key,
            Err(mistake) => return self.refuse(name, place, line, &mistake),
        };
        if let Some(first) = self.keys.get(&(name, key.clone())) {
            if first != line {
                let what = format!("a second line for {key}: {line}");
                self.note(place, what, format!("the first one counts in {name}"));
            }
            return;
        }
        self.keys.insert((name, key), line.to_owned());
        self.settings.entry(name).or_default().push(line.to_owned());
    }

    /// Has the file of a list written, with a remark, even if nothing is added to it: an empty list is not the default.
    pub(crate) fn list(&mut self, name: &'static str, remark: &str) {
        let lines = self.settings.entry(name).or_default();
        if lines.is_empty() {
            lines.push(format!("# {remark}"));
        }
    }

    /// Whether a line of a list is there.
    pub(crate) fn has(&self, name: &'static str, line: &str) -> bool {
        let lines = self.settings.get(name);
        lines.is_some_and(|lines| lines.iter().any(|there| there.eq_ignore_ascii_case(line)))
    }

    /// Whether something stands in a setting.
    pub(crate) fn has_any(&self, name: &'static str) -> bool {
        self.settings.contains_key(name)
    }

    /// Lists something for a person to do.
    pub(crate) fn note(&mut self, place: &str, what: impl Into<String>, advice: impl Into<String>) {
        self.untranslated.push(Untranslated {
            place: place.to_owned(),
            what: what.into(),
            advice: advice.into(),
        });
    }

    /// Lists something that nothing is to be done for.
    pub(crate) fn not_needed(&mut self, what: &str) {
        if !self.not_needed.iter().any(|there| there == what) {
            self.not_needed.push(what.to_owned());
        }
    }

    fn refuse(&mut self, name: &str, place: &str, line: &str, mistake: &Mistake) {
        let advice = format!("for {name}: {mistake}");
        self.note(place, line, advice);
    }

    /// What must be one alone in its file.
    fn key(&self, name: &'static str, line: &str) -> Result<String, Mistake> {
        let table = Table::ALL.into_iter().find(|table| table.name() == name);
        if let Some(table) = table {
            return entry_key(table, line);
        }
        let setting =
            find(name).ok_or_else(|| Mistake::new("no such setting", "see control(5)"))?;
        if line.trim().is_empty() || line.chars().any(char::is_control) || line.len() > LINE_LIMIT {
            return Err(Mistake::new(
                "not a line of text",
                "write it by hand, without control characters",
            ));
        }
        if line.starts_with('#') && setting.kind != Kind::Text {
            return Err(Mistake::new("it would be a comment", "write it by hand"));
        }
        setting.kind.check_line(line)?;
        Ok(line.to_ascii_lowercase())
    }
}
