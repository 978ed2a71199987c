//! The reader: all tables, mapped, and looked at again when they are replaced.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stafette_control::Instance;

use crate::compiled::{self, Compiled, Stamp};
use crate::source::Source;
use crate::{Table, key};

/// Between two looks at the files.
const EVERY: Duration = Duration::from_secs(1);

/// What a table says of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The right side, on one line.
    pub value: String,
    /// Where it begins in the text file.
    pub line: usize,
}

/// All tables of an instance. A copy shares what is mapped.
#[derive(Debug, Clone)]
pub struct Tables {
    instance: Instance,
    looked: Instant,
    states: [State; 5],
}

#[derive(Debug, Clone)]
struct State {
    source: Source,
    is_there: bool,
    stamp: Option<Stamp>,
    compiled: Result<Arc<Compiled>, String>,
}

impl Tables {
    /// Maps what is there. What is not, is looked for again by [`Tables::refresh`].
    #[must_use]
    pub fn open(instance: &Instance) -> Self {
        Self {
            instance: instance.clone(),
            looked: Instant::now(),
            states: Table::ALL.map(|table| State::open(instance, table, None)),
        }
    }

    /// Looks, at most once a second, whether a text file came or went and whether a compiled table was replaced, and maps the new one.
    /// Tells whether anything is different. Where looking is not permitted (any more), all stays as it is.
    pub fn refresh(&mut self) -> bool {
        if self.looked.elapsed() < EVERY {
            return false;
        }
        self.refresh_now()
    }

    /// The same, whenever the last look was.
    pub fn refresh_now(&mut self) -> bool {
        self.looked = Instant::now();
        let mut is_different = false;
        for (table, state) in Table::ALL.into_iter().zip(&mut self.states) {
            let path = self.instance.tables().join(table.compiled_name());
            let stamp = compiled::stamp(&path);
            if is_forbidden(&stamp) {
                continue;
            }
            let source = Source::find(&self.instance, table);
            let is_there = stamp.is_ok() || is_there(&source, state.is_there);
            let is_same = stamp.ok() == state.stamp && (state.stamp.is_some() || !is_there);
            if is_same && is_there == state.is_there && source == state.source {
                continue;
            }
            let new = State::open(&self.instance, table, Some(state.is_there));
            is_different |= new.stamp != state.stamp
                || new.is_there != state.is_there
                || new.source != state.source;
            *state = new;
        }
        is_different
    }

    fn state(&self, table: Table) -> Option<&State> {
        self.states.get(table.index())
    }

    /// Whether the table has a text file, or a compiled one that was not removed yet; without them it is empty.
    #[must_use]
    pub fn is_there(&self, table: Table) -> bool {
        self.state(table).is_some_and(|state| state.is_there)
    }

    /// The text file as an operator writes it: `aliases`, or `/etc/aliases`.
    #[must_use]
    pub fn file_name(&self, table: Table) -> String {
        self.state(table).map_or_else(
            || table.name().to_owned(),
            |state| state.source.name.clone(),
        )
    }

    /// What the table says of `key`; upper and lower case are the same. The key `:include:/FILE` of aliases gives the targets of that
    /// file, one a line.
    ///
    /// # Errors
    /// Why that cannot be said now: there is a text file and no usable compiled table yet, or a list could not be read.
    pub fn get(&self, table: Table, key: &str) -> Result<Option<Entry>, String> {
        let Some(state) = self.state(table).filter(|state| state.is_there) else {
            return Ok(None);
        };
        if key.contains('\0') {
            return Ok(None);
        }
        let is_list = key.starts_with(compiled::INCLUDE);
        let key = if is_list {
            key.to_owned()
        } else {
            key.to_lowercase()
        };
        let compiled = state.compiled.as_ref().map_err(Clone::clone)?;
        let Some(value) = compiled.text(&key)? else {
            return Ok(None);
        };
        if let Some(reason) = value.strip_prefix(compiled::UNREADABLE) {
            return Err(format!("{key}: {reason}"));
        }
        let line = compiled
            .text(&key::line_key(&key))?
            .and_then(|line| line.parse().ok())
            .unwrap_or(0);
        Ok(Some(Entry { value, line }))
    }

    /// The targets that an `:include:` file lists, as text for [`crate::target::parse_list`]; none if no alias names that file.
    ///
    /// # Errors
    /// As [`Tables::get`].
    pub fn include(&self, path: &std::path::Path) -> Result<Option<Entry>, String> {
        self.get(Table::Aliases, &compiled::include_key(path))
    }

    /// Whether the compiler left this note.
    pub(crate) fn has_note(&self, table: Table, note: &str) -> Result<bool, String> {
        match self.state(table).filter(|state| state.is_there) {
            None => Ok(false),
            Some(state) => {
                let compiled = state.compiled.as_ref().map_err(Clone::clone)?;
                Ok(compiled.text(note)?.is_some())
            }
        }
    }
}

fn is_forbidden(stamp: &io::Result<Stamp>) -> bool {
    matches!(stamp, Err(error) if error.kind() == io::ErrorKind::PermissionDenied)
}

/// A text file that cannot be looked at counts as before.
fn is_there(source: &Source, before: bool) -> bool {
    match std::fs::metadata(&source.path) {
        Ok(_) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // A link that leads nowhere is there all the same: something was meant.
            std::fs::symlink_metadata(&source.path).is_ok()
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => false,
        Err(_) => before,
    }
}

impl State {
    fn open(instance: &Instance, table: Table, before: Option<bool>) -> Self {
        let source = Source::find(instance, table);
        let path: PathBuf = instance.tables().join(table.compiled_name());
        // A file that nobody lets us look at at all is taken to be there: then the compiled table decides.
        let opened = Compiled::open(&path);
        // Editors take a text away for a moment: the compiled table stays in force until the compiler has removed it.
        let is_there = compiled::stamp(&path).is_ok() || is_there(&source, before.unwrap_or(true));
        let (stamp, compiled) = match opened {
            Ok((compiled, stamp)) => (Some(stamp), Ok(Arc::new(compiled))),
            Err(error) => {
                let reason = if error.kind() == io::ErrorKind::NotFound {
                    format!("{} is not compiled yet", source.name)
                } else {
                    format!("unable to read {}: {error}", path.display())
                };
                (compiled::stamp(&path).ok(), Err(reason))
            }
        };
        Self {
            source,
            is_there,
            stamp,
            compiled,
        }
    }
}

#[cfg(test)]
mod tests;
