//! The text of one table as records, and everything that is wrong with it.

use std::collections::HashMap;
use std::path::PathBuf;

use stafette_addr::LocalPart;
use stafette_control::{Mistake, Problem};

use crate::line::{Blank, lines};
use crate::target::{Item, parse_list};
use crate::{Table, access, generic, key, mailer, virtual_user};

/// More problems of one table are counted, not told.
const PROBLEM_LIMIT: usize = 100;

/// One record of the compiled table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) line: usize,
}

/// What a text says.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    pub(crate) records: Vec<Record>,
    /// Lines that are wrong: the text does not replace the table in force.
    pub(crate) errors: Problems,
    /// What is odd, and harmless.
    pub(crate) warnings: Problems,
    /// Lists that right sides name, with the line where each stands first.
    pub(crate) includes: Vec<(PathBuf, usize)>,
    /// Clients are named by host or domain.
    pub(crate) has_connect_names: bool,
}

/// Problems, not more than anybody would read.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    told: Vec<Problem>,
    untold: usize,
}

impl Problems {
    pub(crate) fn push(&mut self, problem: Problem) {
        if self.told.len() < PROBLEM_LIMIT {
            self.told.push(problem);
        } else {
            self.untold += 1;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// All that are told, and how many are not.
    pub(crate) fn finish(mut self, file: &str) -> Vec<Problem> {
        if self.untold > 0 {
            let message = format!("{} more lines like these", self.untold);
            self.told
                .push(Mistake::new(message, "repair the first ones").at(file, 0));
        }
        self.told
    }
}

/// Reads the text of `table`, whose file is called `file`.
pub(crate) fn parse(table: Table, file: &str, text: &[u8]) -> Parsed {
    let mut parsed = Parsed::default();
    let mut first: HashMap<String, usize> = HashMap::new();
    let blank = if table == Table::Aliases {
        Blank::Continues
    } else {
        Blank::IsNothing
    };
    for line in lines(text, blank) {
        let record = line
            .text
            .and_then(|text| record(table, &text, line.number, &mut parsed));
        match record {
            Err(mistake) => parsed.errors.push(mistake.at(file, line.number)),
            Ok(record) => {
                if let Some(before) = first.get(&record.key) {
                    let message = format!("{} stands in line {before} already", record.key);
                    let advice = "the first one counts: remove one of the two";
                    let mistake = Mistake::new(message, advice);
                    parsed.warnings.push(mistake.at(file, line.number));
                    continue;
                }
                first.insert(record.key.clone(), line.number);
                parsed.records.push(record);
            }
        }
    }
    parsed
}

pub(crate) fn record(
    table: Table,
    text: &str,
    line: usize,
    parsed: &mut Parsed,
) -> Result<Record, Mistake> {
    let (key, value) = match table {
        Table::Aliases => split_alias(text)?,
        _ => split_entry(text)?,
    };
    let key = match table {
        Table::Aliases => alias_key(key)?,
        Table::Virtusertable => virtual_user::compiled_key(key)?,
        Table::Access => access::compiled_key(key)?,
        Table::Mailertable => mailer::compiled_key(key)?,
        Table::Genericstable => generic::compiled_key(key)?,
    };
    match table {
        Table::Aliases => {
            let items = parse_list(value.as_bytes())?;
            if items.is_empty() {
                return Err(Mistake::new(
                    "an alias for nothing",
                    "write a target behind the colon; /dev/null throws mail away",
                ));
            }
            for item in items {
                if let Item::Include(path) = item {
                    parsed.includes.push((path, line));
                }
            }
        }
        Table::Virtusertable => drop(virtual_user::parse(value)?),
        Table::Access => {
            drop(access::parse(value)?);
            parsed.has_connect_names |= access::is_connect_name(&key);
        }
        Table::Mailertable => drop(mailer::parse(value)?),
        Table::Genericstable => drop(generic::parse(value)?),
    }
    let value = value.to_owned();
    Ok(Record { key, value, line })
}

/// `name: list`; a colon in quotes is part of the name.
fn split_alias(text: &str) -> Result<(&str, &str), Mistake> {
    let mut in_quotes = false;
    let mut signs = text.char_indices();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '\\' => drop(signs.next()),
            '"' => in_quotes = !in_quotes,
            ':' if !in_quotes => {
                let (name, rest) = text.split_at_checked(at).unwrap_or((text, ""));
                let list = rest.strip_prefix(':').unwrap_or(rest);
                return Ok((name.trim(), list.trim()));
            }
            _ => {}
        }
    }
    Err(Mistake::new(
        "no colon behind the name",
        "write NAME: TARGET, TARGET; a line that goes on begins with a blank",
    ))
}

fn alias_key(name: &str) -> Result<String, Mistake> {
    let name = name.strip_prefix('\\').unwrap_or(name);
    let found = key::local_part(name).or_else(|| {
        let inner = name.strip_prefix('"')?.strip_suffix('"')?;
        let local = LocalPart::from_unquoted(inner.as_bytes()).ok()?;
        Some(key::lower_local(&local))
    });
    found.ok_or_else(|| {
        Mistake::new(
            format!("not a name: {name}"),
            "write a local-part, without a domain; odd signs stand in double quotes",
        )
    })
}

/// `key value`, with blanks between.
fn split_entry(text: &str) -> Result<(&str, &str), Mistake> {
    let (key, value) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    let value = value.trim();
    if value.is_empty() {
        return Err(Mistake::new(
            "nothing behind the key",
            "write KEY, a blank, and what it means",
        ));
    }
    Ok((key, value))
}

#[cfg(test)]
mod tests;
