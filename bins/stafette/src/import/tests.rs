//! Each system with settings as people have them.

mod others;
mod postfix;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Files that are only there for a test.
pub(super) struct Fake(BTreeMap<String, Vec<u8>>);

impl Fake {
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        let files = files.iter();
        Self(
            files
                .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
                .collect(),
        )
    }
}

impl Files for Fake {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(self.0.get(path).cloned())
    }

    fn list(&self, path: &str) -> Vec<String> {
        let names = self.0.keys();
        names
            .filter_map(|name| match path {
                "" => Some(name.as_str()),
                path => name.strip_prefix(path)?.strip_prefix('/'),
            })
            .filter(|name| !name.contains('/'))
            .map(str::to_owned)
            .collect()
    }
}

pub(super) fn read(system: System, files: &[(&str, &str)]) -> Imported {
    system.read(&Fake::new(files)).expect("settings")
}

/// The lines of a setting, with a bar between.
pub(super) fn setting(imported: &Imported, name: &str) -> String {
    let lines = imported.settings.get(name).cloned().unwrap_or_default();
    lines.join(" | ")
}

/// Whether something with this text is left to be done, at this place.
pub(super) fn is_noted(imported: &Imported, place: &str, text: &str) -> bool {
    let mut items = imported.untranslated.iter();
    items.any(|item| {
        item.place.starts_with(place) && format!("{} {}", item.what, item.advice).contains(text)
    })
}

#[test]
fn a_directory_without_the_system_is_none() {
    for system in System::value_variants() {
        assert!(
            system.read(&Fake::new(&[("x", "y")])).is_none(),
            "{system:?}"
        );
    }
}

#[test]
fn times_have_units() {
    assert_eq!(seconds("5d", 1), Some(432_000));
    assert_eq!(seconds("1h30m", 1), Some(5400));
    assert_eq!(seconds("4", 3600), Some(14_400));
    for wrong in [
        "",
        "d",
        "1y",
        "99999999999999999999d",
        "999999999999999999w",
    ] {
        assert_eq!(seconds(wrong, 1), None, "{wrong}");
    }
}

#[test]
fn a_copy_from_another_machine_brings_in_no_file_of_this_one() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = Folder::new(place.path(), "/etc/postfix");
    assert_eq!(folder.read("/etc/passwd"), Ok(None));
    assert!(!folder.reads_this_machine());
    let below = place.path().join("etc/postfix");
    std::fs::create_dir_all(&below).expect("directories");
    std::fs::copy("/etc/passwd", place.path().join("etc/aliases")).expect("a copy");
    let folder = Folder::new(&below, "/etc/postfix");
    assert!(
        folder
            .read("/etc/aliases")
            .is_ok_and(|found| found.is_some())
    );
    assert_eq!(folder.read("/etc/passwd"), Ok(None));
    assert!(Folder::new(Path::new("/etc/postfix"), "/etc/postfix").reads_this_machine());
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let place = tempfile::tempdir().expect("a folder");
    let file = std::fs::File::create(place.path().join("main.cf")).expect("a file");
    file.set_len(16 * 1024 * 1024 + 1).expect("its length");
    let folder = Folder::new(place.path(), "/etc/postfix");
    assert!(folder.read("main.cf").is_err());
    assert!(System::Postfix.read(&folder).is_none());
}

#[test]
fn what_is_printed_steers_no_terminal() {
    assert_eq!(plain("a\x1b[2J\nb"), "a?[2J?b");
}

const NAMES: [&str; 14] = [
    "main.cf",
    "master.cf",
    "/etc/aliases",
    "sendmail.mc",
    "sendmail.cf",
    "access",
    "virtusertable",
    "control/me",
    "control/smtproutes",
    "alias/.qmail-x",
    "update-exim4.conf.conf",
    "configure",
    "remotes",
    "msmtprc",
];

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(bytes: Vec<u8>, text in "(([a-z_]{1,8}|mydestination|relayhost|define|D[jSM]|host|account| |=|:|\\$|\\{|\\}|\\(|\\)|`|'|,|@|hash:|/|\\+|%|#|\\n){0,12}\n){0,6}") {
        for content in [bytes, text.clone().into_bytes(), format!("virtual_alias_maps = hash:/etc/aliases\n{text}").into_bytes()] {
            let files = Fake(NAMES.iter().map(|name| ((*name).to_owned(), content.clone())).collect());
            for system in System::value_variants() {
                if let Some(imported) = system.read(&files) {
                    for line in imported.settings.values().flatten() {
                        prop_assert!(!line.contains(['\n', '\0']));
                    }
                }
            }
        }
    }
}
