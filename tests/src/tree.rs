//! The files of the checkout, for tests that read them.

use std::path::{Path, PathBuf};

/// The checkout.
#[must_use]
pub fn root() -> PathBuf {
    crate::instance::root()
}

/// All files with this ending below the checkout or a directory of it, without what was built, made or fetched.
#[must_use]
pub fn files(below: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(&root().join(below), ending, &mut found);
    assert!(!found.is_empty(), "no file {ending} below {below:?}");
    found.sort();
    found
}

fn walk(directory: &Path, ending: &str, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("a directory of the checkout") {
        let path = entry.expect("an entry of the checkout").path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            if !name.starts_with('.') && !["target", "var"].contains(&name.as_str()) {
                walk(&path, ending, into);
            }
        } else if name.ends_with(ending) {
            into.push(path);
        }
    }
}

/// A file's text.
#[must_use]
pub fn read(path: &Path) -> String {
    let text = std::fs::read_to_string(path);
    assert!(text.is_ok(), "{}: {text:?}", path.display());
    text.unwrap_or_default()
}

/// A file's name as seen from the checkout.
#[must_use]
pub fn name(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}

/// The test's verdict on a list of complaints.
pub fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}
