//! The text of main.cf: `name = value`, lines that go on, `$name`.

use std::collections::{BTreeMap, BTreeSet};

use crate::import::Imported;
use crate::import::files::{Files, named};

/// Values longer than this are cut: nothing that a person writes is.
const LIMIT: usize = 256 * 1024;
/// `$name` within `$name` so deep.
const DEPTH: usize = 10;

/// What main.cf says.
#[derive(Debug, Default)]
pub(super) struct Conf {
    entries: BTreeMap<String, (String, String)>,
    /// What was asked for: the rest is listed.
    used: BTreeSet<String>,
    /// The name of the host, if it is not set.
    host: String,
    /// What is put behind names without a domain.
    pub(super) origin: String,
}

impl Conf {
    pub(super) fn read(files: &dyn Files, out: &mut Imported) -> Self {
        let mut conf = Self::default();
        for line in named(files, out, "main.cf", "main.cf", true) {
            let Some((name, value)) = line.text.split_once('=') else {
                out.note(
                    &line.place,
                    line.text,
                    "not a setting; Postfix would say so too",
                );
                continue;
            };
            let value = (line.place.clone(), value.trim().to_owned());
            if let Some((place, _)) = conf.entries.insert(name.trim().to_owned(), value) {
                let what = format!("{}: stands again at {}", name.trim(), line.place);
                out.note(&place, what, "the last one counts, as for Postfix");
            }
        }
        if !conf.is_set("myhostname") {
            let name = ["/etc/hostname", "/etc/mailname"].iter().find_map(|path| {
                let bytes = files.read(path).ok()??;
                let text = String::from_utf8(bytes).ok()?;
                let name = text.lines().next()?.trim().to_owned();
                name.contains('.').then_some(name)
            });
            conf.host = name.unwrap_or_else(|| "localhost".to_owned());
        }
        conf
    }

    /// Whether main.cf says it.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// Where it stands, or would.
    pub(super) fn place(&self, name: &str) -> String {
        self.entries
            .get(name)
            .map_or_else(|| "main.cf".to_owned(), |(place, _)| place.clone())
    }

    /// The value, with what it names put in; it counts as understood.
    pub(super) fn get(&mut self, name: &str) -> String {
        self.used.insert(name.to_owned());
        let mut value = String::new();
        self.put(name, 0, &mut value);
        value.trim().to_owned()
    }

    /// The parameters that nobody asked for, with their places and values as they stand.
    pub(super) fn rest(&self) -> Vec<(String, String, String)> {
        let rest = self.entries.iter();
        rest.filter(|(name, _)| !self.used.contains(*name))
            .map(|(name, (place, value))| (name.clone(), place.clone(), value.clone()))
            .collect()
    }

    /// The names that begin and end so.
    pub(super) fn names(&self, begin: &str, end: &str) -> Vec<String> {
        let names = self.entries.keys();
        names
            .filter(|name| name.starts_with(begin) && name.ends_with(end))
            .cloned()
            .collect()
    }

    fn put(&self, name: &str, depth: usize, out: &mut String) {
        if let Some((_, value)) = self.entries.get(name) {
            return self.expand(value, depth, out);
        }
        match name {
            "myhostname" => out.push_str(&self.host),
            "mydomain" => {
                let mut host = String::new();
                self.put("myhostname", depth + 1, &mut host);
                out.push_str(host.split_once('.').map_or("localdomain", |(_, rest)| rest));
            }
            _ => self.expand(default(name), depth, out),
        }
    }

    fn expand(&self, value: &str, depth: usize, out: &mut String) {
        let mut rest = value;
        while let Some((before, behind)) = rest.split_once('$') {
            out.push_str(before);
            if out.len() > LIMIT || depth > DEPTH {
                return;
            }
            if let Some(behind) = behind.strip_prefix('$') {
                out.push('$');
                rest = behind;
                continue;
            }
            let (name, after) = name(behind);
            // `${name?text}` is the text if the name has a value, `${name:text}` if it has none.
            match name.split_once(['?', ':']) {
                None => self.put(name.trim(), depth + 1, out),
                Some((name, text)) => {
                    let mut value = String::new();
                    self.put(name.trim(), depth + 1, &mut value);
                    let is_if = behind.contains(&format!("{name}?"));
                    if is_if != value.is_empty() {
                        let text = text.trim().trim_matches(['{', '}']);
                        self.expand(text, depth + 1, out);
                    }
                }
            }
            rest = after;
        }
        out.push_str(rest);
        let end = (0..=LIMIT.min(out.len())).rev();
        let end = end.into_iter().find(|at| out.is_char_boundary(*at));
        out.truncate(end.unwrap_or_default());
    }
}

/// What stands behind a dollar sign: the name, and what follows it.
fn name(text: &str) -> (&str, &str) {
    for (open, close) in [('{', '}'), ('(', ')')] {
        if let Some(inner) = text.strip_prefix(open) {
            let mut depth = 1;
            for (at, sign) in inner.char_indices() {
                if sign == open {
                    depth += 1;
                } else if sign == close {
                    depth -= 1;
                }
                if depth == 0 {
                    let (name, rest) = inner.split_at_checked(at).unwrap_or((inner, ""));
                    return (name, rest.strip_prefix(close).unwrap_or(rest));
                }
            }
            return (inner, "");
        }
    }
    let end = text
        .find(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_')
        .unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// What counts without a line in main.cf, where it matters here.
fn default(name: &str) -> &'static str {
    match name {
        "myorigin" => "$myhostname",
        "mydestination" => "$myhostname, localhost.$mydomain, localhost",
        "alias_maps" => "hash:/etc/aliases",
        "alias_database" => "hash:/etc/aliases",
        "config_directory" => "/etc/postfix",
        "queue_directory" => "/var/spool/postfix",
        "data_directory" => "/var/lib/postfix",
        "default_database_type" => "hash",
        "mail_name" => "Postfix",
        "inet_interfaces" | "inet_protocols" => "all",
        "virtual_alias_domains" => "$virtual_alias_maps",
        "virtual_mailbox_domains" => "$virtual_mailbox_maps",
        "virtual_transport" => "virtual",
        "masquerade_classes" => "envelope_sender, header_sender, header_recipient",
        _ => "",
    }
}

/// The words of a list: blanks and commas part them, braces hold them together.
pub(super) fn words(value: &str) -> Vec<String> {
    let mut depth = 0_usize;
    value
        .split(|sign: char| {
            match sign {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && [' ', '\t', ',', '\r', '\n'].contains(&sign)
        })
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}
