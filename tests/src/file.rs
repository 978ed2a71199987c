//! Files that tests lay out.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Writes a file, and the directories above it that are missing.
pub fn put(path: &Path, content: impl AsRef<[u8]>) {
    if let Some(above) = path.parent() {
        std::fs::create_dir_all(above).expect("a directory");
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "a test's file needs no durability"
    )]
    std::fs::write(path, content).expect("a file");
}

/// Sets a file's mode.
pub fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("chmod");
}

/// Gives a file, or a link itself, to a user and their group.
pub fn give(path: &Path, uid: u32) {
    std::os::unix::fs::lchown(path, Some(uid), Some(uid)).expect("chown");
}

/// Writes a program for the shell.
pub fn script(path: &Path, text: &str) {
    put(path, format!("#!/bin/sh\n{text}\n"));
    mode(path, 0o755);
}

/// Makes a directory with this mode.
pub fn directory(path: &Path, bits: u32) {
    std::fs::create_dir_all(path).expect("a directory");
    mode(path, bits);
}

/// A file's text; empty if it is not there.
#[must_use]
pub fn read(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
