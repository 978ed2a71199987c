//! What `stafette check` says about the settings: file by file, line by line, what is wrong and what would be right.

use crate::account::Accounts;
use crate::control::Control;
use crate::problem::{Mistake, Problem};
use crate::setting::{Kind, Setting, find};
use crate::setting_list::SETTINGS;
use crate::settings::Settings;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;

/// Everything that is wrong with the settings, ordered by file and line. Changes nothing.
#[must_use]
pub fn check(control: &Control) -> Vec<Problem> {
    let settings = Settings::new(control.clone());
    for name in file_names(control, &settings) {
        match find(&name) {
            Some(setting) => check_file(&settings, setting),
            None => settings.note(unknown(&name)),
        }
    }
    check_name(&settings);
    check_accounts(&settings);
    let mut problems = settings.take_problems();
    problems.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    problems
}

/// The files that are there, relative to the directory, two levels deep.
fn file_names(control: &Control, settings: &Settings) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let note = |path: &str, error: &std::io::Error| {
        let mut problem = Mistake::new(
            format!("unable to read the directory: {error}"),
            "without it every setting has its default",
        )
        .at(path, 0);
        problem.is_unreadable = error.kind() != std::io::ErrorKind::NotFound;
        settings.note(problem);
    };
    let entries = |path: &str| -> std::io::Result<Vec<(String, bool)>> {
        let entries = std::fs::read_dir(control.directory().join(path))?;
        let named = entries.flatten().map(|entry| {
            let is_directory = entry.path().is_dir();
            (
                entry.file_name().to_string_lossy().into_owned(),
                is_directory,
            )
        });
        Ok(named.filter(|(name, _)| !name.starts_with('.')).collect())
    };
    let top = entries("").unwrap_or_else(|error| {
        note(".", &error);
        Vec::new()
    });
    for (name, is_directory) in top {
        let is_table_directory = is_directory
            && SETTINGS
                .iter()
                .any(|setting| setting.name.starts_with(&format!("{name}/")));
        if !is_table_directory {
            names.insert(name);
            continue;
        }
        match entries(&name) {
            Ok(below) => names.extend(below.into_iter().map(|(file, _)| format!("{name}/{file}"))),
            Err(error) => note(&name, &error),
        }
    }
    names
}

fn check_file(settings: &Settings, setting: &Setting) {
    check_mode(settings, setting.name);
    match setting.kind {
        // Read as a whole: by the accounts below, and with its own look at lines that stand twice.
        Kind::Table => return,
        Kind::Routes => {
            drop(settings.smtproutes());
            return;
        }
        _ => {}
    }
    let lines = settings.list(setting.name).unwrap_or_default();
    for (index, line) in lines.iter().enumerate() {
        if index > 0 && !setting.kind.is_list() {
            settings.note(
                Mistake::new("more than one value", "leave one: the first counts")
                    .at(setting.name, line.number),
            );
        } else if let Err(mistake) = setting.kind.check_line(&line.text) {
            settings.note(mistake.at(setting.name, line.number));
        }
    }
    if lines.is_empty() && !setting.kind.is_list() {
        settings.note(
            Mistake::new("no value", "write one, or remove the file for the default")
                .at(setting.name, 0),
        );
    }
}

/// Whoever may write a setting decides over the mail.
fn check_mode(settings: &Settings, name: &str) {
    let Ok(data) = std::fs::metadata(settings.control().directory().join(name)) else {
        return;
    };
    if data.permissions().mode() & 0o002 != 0 {
        settings.note(
            Mistake::new("everybody may write to it", format!("chmod o-w {name}")).at(name, 0),
        );
    }
}

fn unknown(name: &str) -> Problem {
    let near = SETTINGS.iter().find(|setting| is_near(setting.name, name));
    let advice = near.map_or_else(
        || "nothing reads it; control(5) has the list".to_owned(),
        |setting| format!("nothing reads it; did you mean {}?", setting.name),
    );
    Mistake::new("unknown setting", advice).at(name, 0)
}

/// Whether one is the other with one sign added, left out or changed, two neighbours swapped, or in other case.
fn is_near(a: &str, b: &str) -> bool {
    let (a, b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
    let front = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    let back = a
        .bytes()
        .rev()
        .zip(b.bytes().rev())
        .take_while(|(x, y)| x == y)
        .count();
    let (longer, shorter) = (a.len().max(b.len()), a.len().min(b.len()));
    let is_one_edit = longer - shorter <= 1 && front + back + 1 >= longer;
    let is_swap = longer == shorter && front + back + 2 == longer && {
        let (x, y) = (
            a.as_bytes().get(front..front + 2),
            b.as_bytes().get(front..front + 2),
        );
        x.zip(y).is_some_and(|(x, y)| x.iter().eq(y.iter().rev()))
    };
    is_one_edit || is_swap
}

fn check_name(settings: &Settings) {
    let me = settings.me();
    if !me.as_str().contains('.') {
        let message = format!("this host is called {me}, which is no full name");
        settings.note(
            Mistake::new(
                message,
                "write the host's full name into it; other hosts may refuse a short one",
            )
            .at("me", 0),
        );
    }
}

/// Reads the accounts. Whether somebody gets the mail that every host must take is known only with the aliases, and asked by
/// `stafette_directory::check`.
fn check_accounts(settings: &Settings) {
    drop(Accounts::load(settings));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Folder;

    const EVERYBODY: &str = "+:demo:1001:1001:/srv/demo:-::\n.\n";

    fn found(folder: &Folder) -> Vec<(String, usize)> {
        check(&folder.control())
            .into_iter()
            .map(|problem| (problem.file, problem.line))
            .collect()
    }

    #[test]
    fn a_good_directory_has_no_problems() {
        let folder = Folder::new()
            .with("me", "mail.example.org")
            .with("users/assign", EVERYBODY)
            .with("smtproutes", ":relay.example")
            .with(".git", "");
        assert_eq!(check(&folder.control()), []);
    }

    #[test]
    fn each_wrong_line_is_named_with_its_file() {
        let folder = Folder::new()
            .with("me", "mail.example.org")
            .with("users/assign", "oops\n+:demo:1001:1001:/srv/demo:-::\n")
            .with("relayclients", "10.0.0.0/8\n10.0.0.1/8\n")
            .with("smtproutes", "example.org:a\nexample.org:b\nx\n")
            .with("databytes", "")
            .with("logto", "stderr\nsyslog\n");
        let expected = [
            ("databytes", 0),
            ("logto", 2),
            ("relayclients", 2),
            ("smtproutes", 2),
            ("smtproutes", 3),
            ("users/assign", 0),
            ("users/assign", 1),
        ];
        assert_eq!(
            found(&folder),
            expected.map(|(file, line)| (file.to_owned(), line))
        );
    }

    #[test]
    fn an_unknown_file_is_named_and_a_near_name_proposed() {
        let folder = Folder::new()
            .with("me", "mail.example.org")
            .with("users/assign", EVERYBODY)
            .with("lcoals", "x")
            .with("notes", "x")
            .with("users/asign", "x");
        let problems: Vec<_> = check(&folder.control())
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            problems,
            [
                "lcoals: unknown setting; nothing reads it; did you mean locals?",
                "notes: unknown setting; nothing reads it; control(5) has the list",
                "users/asign: unknown setting; nothing reads it; did you mean users/assign?",
            ]
        );
    }

    #[test]
    fn a_host_with_a_short_name_hears_of_it() {
        let folder = Folder::new()
            .with("me", "mail")
            .with("users/assign", EVERYBODY);
        assert_eq!(found(&folder), [("me".to_owned(), 0)]);
    }

    #[test]
    fn a_directory_that_is_not_there_is_said() {
        assert!(
            check(&Control::new("/nonexistent/etc"))
                .iter()
                .any(|problem| problem.file == ".")
        );
    }

    #[test]
    fn near_is_one_slip_of_the_finger() {
        assert!(
            is_near("locals", "local")
                && is_near("locals", "Locals")
                && is_near("locals", "lcoals")
                && is_near("locals", "lokals")
        );
        assert!(
            !is_near("locals", "lists") && !is_near("me", "minuid") && !is_near("locals", "lkosla")
        );
    }
}
