//! `stafette check --permissions`: holds the installed tree against init/manifest, path by path.
//!
//! Compared are type, owner, group, mode with its set-id bits, and where a link leads. What belongs to one supervisor may be absent; beside
//! the programs nothing else may lie. The list is the one that the installer and the package are made from.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use stafette_sys::user;

use crate::failure::{Failure, PROBLEMS};

const MANIFEST: &str = include_str!("../../../init/manifest");

/// The directory of the programs.
const PROGRAMS: &str = "/usr/libexec/stafette";

/// What the variables of the manifest stand for in an installation.
const TOPS: [(&str, &str); 8] = [
    ("$ETC", "/etc/stafette"),
    ("$SPOOL", "/var/spool/stafette"),
    ("$RUN", "/run/stafette"),
    ("$LOG", "/var/log/stafette"),
    ("$LIBEXEC", PROGRAMS),
    ("$SHARE", "/usr/share/stafette"),
    ("$MAN", "/usr/share/man"),
    ("$SERVICE", "/var/lib/stafette/service"),
];

/// A line of the manifest.
#[derive(Debug)]
struct Entry<'a> {
    /// Whether it must be there under any supervisor.
    always: bool,
    path: String,
    kind: &'a str,
    owner: &'a str,
    group: &'a str,
    mode: &'a str,
    from: &'a str,
}

/// Checks the installation below `root`, which is `/` but for a tree that is being packed.
pub(crate) fn check(root: &Path, out: &mut impl Write) -> Result<ExitCode, Failure> {
    let mut ids = Ids::default();
    let mut problems = Vec::new();
    let entries: Vec<_> = MANIFEST.lines().filter_map(parse).collect();
    for entry in &entries {
        problems.extend(check_entry(root, entry, &mut ids)?);
    }
    problems.extend(strangers(root, &entries));
    for problem in &problems {
        writeln!(out, "{problem}")?;
    }
    match problems.len() {
        0 => writeln!(out, "no problems")?,
        1 => writeln!(out, "1 problem")?,
        count => writeln!(out, "{count} problems")?,
    }
    Ok(if problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(PROBLEMS)
    })
}

/// A line, unless it is a comment.
fn parse(line: &str) -> Option<Entry<'_>> {
    let mut words = line.split_ascii_whitespace();
    let when = words.next().filter(|word| !word.starts_with('#'))?;
    let (path, kind, owner, group, mode) = (
        words.next()?,
        words.next()?,
        words.next()?,
        words.next()?,
        words.next()?,
    );
    let top = path.split('/').next().unwrap_or_default();
    let path = match TOPS.iter().find(|(name, _)| *name == top) {
        Some((name, place)) => path.replacen(name, place, 1),
        None => path.to_owned(),
    };
    Some(Entry {
        always: when == "all",
        path,
        kind,
        owner,
        group,
        mode,
        from: words.next().unwrap_or_default(),
    })
}

fn check_entry(root: &Path, entry: &Entry<'_>, ids: &mut Ids) -> Result<Vec<String>, Failure> {
    let path = below(root, &entry.path);
    let shown = path.display();
    let data = match fs::symlink_metadata(&path) {
        Ok(data) => data,
        Err(error) if error.kind() == ErrorKind::NotFound && entry.always => {
            return Ok(vec![format!("{shown}: missing")]);
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Ok(vec![format!("{shown}: unable to look: {error}")]),
    };
    if kind(&data) != entry.kind {
        let wanted = match entry.kind {
            "d" => "a directory",
            "l" => "a symbolic link",
            _ => "a file",
        };
        return Ok(vec![format!("{shown}: not {wanted}")]);
    }
    let mut problems = Vec::new();
    for (what, name, is) in [
        ("user", entry.owner, data.uid()),
        ("group", entry.group, data.gid()),
    ] {
        match ids.number(what, name)? {
            None => problems.push(format!("{shown}: there is no {what} {name}")),
            Some(wanted) if wanted != is => {
                let command = if what == "user" { "chown" } else { "chgrp" };
                problems.push(format!("{shown}: belongs to {what} {is}; {command} {name}"));
            }
            Some(_) => {}
        }
    }
    if entry.kind == "l" {
        let leads = fs::read_link(&path).unwrap_or_default();
        if leads != Path::new(entry.from) {
            problems.push(format!(
                "{shown}: leads to {}, not to {}",
                leads.display(),
                entry.from
            ));
        }
    } else if u32::from_str_radix(entry.mode, 8).ok() != Some(data.mode() & 0o7777) {
        problems.push(format!(
            "{shown}: mode {:04o}; chmod {}",
            data.mode() & 0o7777,
            entry.mode
        ));
    }
    Ok(problems)
}

/// What lies beside the programs and is none of them.
fn strangers(root: &Path, entries: &[Entry<'_>]) -> Vec<String> {
    let Ok(directory) = fs::read_dir(below(root, PROGRAMS)) else {
        return Vec::new();
    };
    let known: Vec<_> = entries
        .iter()
        .map(|entry| below(root, &entry.path))
        .collect();
    let mut found: Vec<_> = directory
        .filter_map(Result::ok)
        .map(|file| file.path())
        .filter(|path| !known.contains(path))
        .map(|path| format!("{}: not in the manifest", path.display()))
        .collect();
    found.sort();
    found
}

fn below(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

fn kind(data: &Metadata) -> &'static str {
    if data.is_symlink() {
        "l"
    } else if data.is_dir() {
        "d"
    } else if data.is_file() {
        "f"
    } else {
        "other"
    }
}

/// Numbers of users and groups, each asked for once.
#[derive(Default)]
struct Ids(HashMap<(&'static str, String), Option<u32>>);

impl Ids {
    fn number(&mut self, what: &'static str, name: &str) -> Result<Option<u32>, Failure> {
        let key = (what, name.to_owned());
        if let Some(known) = self.0.get(&key) {
            return Ok(*known);
        }
        let number = look_up(what, name)
            .map_err(|error| Failure::system(&format!("look up {what} {name}"), &error))?;
        self.0.insert(key, number);
        Ok(number)
    }
}

fn look_up(what: &str, name: &str) -> io::Result<Option<u32>> {
    if what == "group" {
        return user::group_by_name(name);
    }
    Ok(user::by_name(name)?.map(|account| account.uid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_manifest_is_understood() {
        let lines = MANIFEST
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        for line in lines {
            let entry = parse(line).expect(line);
            assert!(entry.path.starts_with('/'), "{line}");
            assert!(["d", "f", "l"].contains(&entry.kind), "{line}");
            let mode = u32::from_str_radix(entry.mode, 8);
            assert_eq!(mode.is_err(), entry.kind == "l", "{line}");
            assert_eq!(entry.from.is_empty(), entry.kind == "d", "{line}");
        }
    }

    #[test]
    fn one_program_alone_is_set_id_and_only_to_the_group_of_drop() {
        let is_set_id = |entry: &Entry<'_>| {
            entry.kind == "f"
                && u32::from_str_radix(entry.mode, 8).is_ok_and(|mode| mode & 0o6000 != 0)
        };
        let found: Vec<_> = MANIFEST
            .lines()
            .filter_map(parse)
            .filter(is_set_id)
            .collect();
        let [queue] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert!(queue.path.ends_with("/stafette-queue") && queue.mode == "2755");
        let drop: Vec<_> = MANIFEST
            .lines()
            .filter_map(parse)
            .filter(|entry| entry.group == queue.group && entry.path != queue.path)
            .collect();
        assert_eq!(drop.len(), 1, "{drop:?}");
        assert!(
            drop.iter()
                .all(|entry| entry.path.ends_with("/queue/drop") && entry.mode == "3730")
        );
    }

    #[test]
    fn an_empty_tree_lacks_everything_that_is_always_there() {
        let root = tempfile::tempdir().expect("a folder");
        let mut out = Vec::new();
        let code = check(root.path(), &mut out).expect("an answer");
        let out = String::from_utf8_lossy(&out).into_owned();
        assert_ne!(code, ExitCode::SUCCESS);
        assert!(out.contains("/usr/sbin/sendmail: missing\n"), "{out}");
        assert!(!out.contains("systemd"), "{out}");
    }
}
