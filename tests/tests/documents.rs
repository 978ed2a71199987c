//! The documents say what is there: links, manual pages, the table of standards, the list of past holes.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use stafette_tests::{skip, tree};

/// Sections of every program's manual page.
const SECTIONS: [&str; 5] = ["NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "SECURITY"];

/// Every function that is a test, and every fuzz target.
fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in tree::files("", ".rs") {
        for line in tree::read(&file).lines() {
            let function = line
                .trim_start()
                .strip_prefix("fn ")
                .and_then(|rest| rest.split(['(', '<']).next());
            names.extend(function.map(str::to_owned));
        }
    }
    for target in tree::files("tests/fuzz/fuzz_targets", ".rs") {
        names.extend(
            target
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned()),
        );
    }
    names
}

/// What stands between backticks in a text.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Whether a quoted word is the name of a test: a sentence in small letters.
fn is_sentence(word: &str) -> bool {
    let is_name = word
        .bytes()
        .all(|byte| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit());
    is_name && word.matches('_').count() >= 2
}

fn missing_tests(document: &str) -> Vec<String> {
    let tests = tests();
    let text = tree::read(&tree::root().join(document));
    quoted(&text)
        .filter(|word| is_sentence(word) && !tests.contains(*word))
        .map(|word| format!("{document}: there is no test {word}"))
        .collect()
}

#[test]
fn every_test_that_the_list_of_past_holes_names_is_there() {
    tree::none(&missing_tests("tests/compliance/past-bugs.md"));
}

#[test]
fn every_test_that_the_table_of_standards_names_is_there() {
    tree::none(&missing_tests("tests/compliance/rfc-status.md"));
}

/// The rows of the table of standards: numbers, status, shown by.
fn standards() -> Vec<(Vec<u32>, String, String)> {
    let text = tree::read(&tree::root().join("tests/compliance/rfc-status.md"));
    let rows = text
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains(|c: char| c.is_ascii_digit()));
    rows.map(|row| {
        let mut cells = row
            .trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().to_owned());
        let mut next = || cells.next().unwrap_or_default();
        let numbers = next()
            .split(", ")
            .filter_map(|number| number.parse().ok())
            .collect();
        let _subject = next();
        (numbers, next(), next())
    })
    .collect()
}

#[test]
fn each_standard_has_a_status_and_no_two_rows() {
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for (numbers, status, _) in standards() {
        if !["yes", "partial", "no"].contains(&status.as_str()) {
            wrong.push(format!("RFC {numbers:?} has the status {status:?}"));
        }
        wrong.extend(
            numbers
                .into_iter()
                .filter(|number| !seen.insert(*number))
                .map(|number| format!("RFC {number} stands twice")),
        );
    }
    tree::none(&wrong);
}

#[test]
fn every_standard_that_the_source_cites_stands_in_the_table() {
    let listed: BTreeSet<u32> = standards()
        .into_iter()
        .flat_map(|(numbers, ..)| numbers)
        .collect();
    let mut wrong = BTreeSet::new();
    for ending in [".rs", ".8", ".5", ".md"] {
        for file in tree::files("", ending) {
            for cited in citations(&tree::read(&file)) {
                if !listed.contains(&cited) {
                    wrong.insert(format!(
                        "{} cites RFC {cited}, which is not in rfc-status.md",
                        tree::name(&file)
                    ));
                }
            }
        }
    }
    tree::none(&wrong.into_iter().collect::<Vec<_>>());
}

/// The numbers behind `RFC `.
fn citations(text: &str) -> Vec<u32> {
    let behind = text.split("RFC ").skip(1);
    behind
        .filter_map(|rest| {
            let end = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            rest.get(..end)?.parse().ok()
        })
        .collect()
}

#[test]
fn every_link_of_a_document_leads_to_a_file() {
    let mut wrong = Vec::new();
    for file in tree::files("", ".md") {
        let folder = file.parent().expect("a folder");
        for link in links(&tree::read(&file)) {
            let target = link.split('#').next().unwrap_or_default();
            let is_elsewhere = target.contains("://") || target.starts_with("mailto:");
            if !target.is_empty() && !is_elsewhere && !folder.join(target).exists() {
                wrong.push(format!(
                    "{} links to {target}, which is not there",
                    tree::name(&file)
                ));
            }
        }
    }
    tree::none(&wrong);
}

/// The targets of `[words](target)`.
fn links(text: &str) -> Vec<String> {
    let behind = text.split("](").skip(1);
    behind
        .filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()))
        .collect()
}

#[test]
fn every_file_that_the_documents_name_is_there() {
    const DOCUMENTS: [&str; 5] = [
        "README.md",
        "ARCHITECTURE.md",
        "SECURITY.md",
        "CONTRIBUTING.md",
        "tests/compliance/past-bugs.md",
    ];
    let mut wrong = Vec::new();
    for document in DOCUMENTS {
        for word in quoted(&tree::read(&tree::root().join(document))) {
            if let Some(path) = own_path(word).filter(|path| !is_there(path)) {
                wrong.push(format!("{document} names {path}, which is not there"));
            }
        }
    }
    tree::none(&wrong);
}

/// The path that a quoted word begins with, if it is one of the checkout. NAME and * stand for many.
fn own_path(word: &str) -> Option<&str> {
    let path = word.split(' ').next()?.trim_start_matches("./");
    let (first, _) = path.split_once('/')?;
    let is_ours = ["bins", "common", "init", "queue-layout", "tests"].contains(&first);
    (is_ours && !path.contains("NAME") && !path.contains('*')).then_some(path)
}

/// Whether a file, or a test of that name, is there.
fn is_there(path: &str) -> bool {
    let test = path.replacen("tests/", "tests/tests/", 1) + ".rs";
    tree::root().join(path).exists() || tree::root().join(test).exists()
}

fn sections(page: &str) -> Vec<&str> {
    page.lines()
        .filter_map(|line| line.strip_prefix(".Sh "))
        .map(|name| name.trim_matches('"'))
        .collect()
}

#[test]
fn every_program_has_its_manual_page_beside_it_with_the_sections_that_people_look_for() {
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(tree::root().join("bins")).expect("bins/") {
        let folder = entry.expect("a program").path();
        let name = folder
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let Ok(page) = std::fs::read_to_string(folder.join(format!("{name}.8"))) else {
            wrong.push(format!("bins/{name} has no page {name}.8"));
            continue;
        };
        let title = match name.as_str() {
            "stafette" => ".Dt STAFETTE 8".to_owned(),
            name => format!(".Dt STAFETTE-{} 8", name.to_uppercase()),
        };
        if !page.lines().any(|line| line == title) {
            wrong.push(format!("bins/{name}/{name}.8 has no line {title}"));
        }
        let there = sections(&page);
        for section in SECTIONS {
            if !there.contains(&section) {
                wrong.push(format!("bins/{name}/{name}.8 has no section {section}"));
            }
        }
    }
    tree::none(&wrong);
}

/// All manual pages.
fn pages() -> Vec<std::path::PathBuf> {
    let mut pages = tree::files("bins", ".8");
    pages.extend(tree::files("common", ".5"));
    pages
}

#[test]
fn the_manual_pages_are_sound_for_mandoc() {
    if !skip::unless_installed("mandoc") {
        return;
    }
    let mut wrong = Vec::new();
    for page in pages() {
        let output = Command::new("mandoc")
            .args(["-Tlint", "-W", "warning"])
            .arg(&page)
            .output()
            .expect("mandoc");
        wrong.extend(complaints(&output.stdout));
    }
    tree::none(&wrong);
}

/// What mandoc says, but for what is a matter of taste or of the system that it runs on.
fn complaints(output: &[u8]) -> Vec<String> {
    let taste = ["new sentence, new line", "referenced manual not found"];
    let text = String::from_utf8_lossy(output);
    text.lines()
        .filter(|line| !taste.iter().any(|words| line.contains(words)))
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_page_refers_to_pages_that_are_there() {
    let mut wrong = Vec::new();
    let ours: BTreeSet<String> = pages()
        .iter()
        .map(|page| {
            page.file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    for page in pages() {
        for line in tree::read(&page).lines() {
            let Some(words) = line.strip_prefix(".Xr ") else {
                continue;
            };
            let mut words = words.split(' ');
            let (name, section) = (
                words.next().unwrap_or_default(),
                words.next().unwrap_or_default(),
            );
            let name = name.strip_prefix("stafette-").unwrap_or(name);
            if section == "8"
                && !ours.contains(&format!("{name}.{section}"))
                && !is_another_system_s(name)
            {
                wrong.push(format!(
                    "{} refers to {name}({section}), which is not there",
                    tree::name(&page)
                ));
            }
        }
    }
    tree::none(&wrong);
}

/// Pages of other packages that ours refer to.
fn is_another_system_s(name: &str) -> bool {
    [
        "tcpserver",
        "inetd",
        "qmail-queue",
        "systemd",
        "svscan",
        "sendmail",
    ]
    .contains(&name)
}

#[test]
fn the_trust_table_has_a_row_for_every_program() {
    let text = tree::read(&tree::root().join("SECURITY.md"));
    for entry in std::fs::read_dir(tree::root().join("bins")).expect("bins/") {
        let name = entry
            .expect("a program")
            .file_name()
            .to_string_lossy()
            .into_owned();
        let has_row = text.lines().any(|line| {
            line.strip_prefix("| ")
                .is_some_and(|row| row.split([' ', ',']).next() == Some(name.as_str()))
        });
        assert!(has_row, "SECURITY.md has no row for {name}");
    }
}

#[test]
fn the_packages_of_the_tests_stand_in_order() {
    let text = tree::read(Path::new(&tree::root().join("tests/packages")));
    let names: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(names.is_sorted(), "sort tests/packages");
}
