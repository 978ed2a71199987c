//! Reading a Maildir as a mail reader would.

use std::path::{Path, PathBuf};

/// Files in new/ and cur/, sorted by name.
#[must_use]
pub fn files(maildir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = ["new", "cur"]
        .iter()
        .filter_map(|sub| std::fs::read_dir(maildir.join(sub)).ok())
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    files.sort();
    files
}

/// The messages in it.
#[must_use]
pub fn messages(maildir: &Path) -> Vec<Vec<u8>> {
    files(maildir)
        .iter()
        .filter_map(|file| std::fs::read(file).ok())
        .collect()
}

/// A delivered message apart: the lines of its header section (unfolded not), and the body.
#[must_use]
pub fn split(message: &[u8]) -> (String, Vec<u8>) {
    let end = message
        .windows(2)
        .position(|two| two == b"\n\n")
        .map_or(message.len(), |at| at + 2);
    let (head, body) = message.split_at(end);
    (String::from_utf8_lossy(head).into_owned(), body.to_vec())
}
