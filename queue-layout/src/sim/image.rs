//! The state of a disk at one moment.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::change::Change;
use crate::Status;

/// The number of a file.
pub(super) type Inode = u64;

/// A file.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Content {
    pub(super) data: Vec<u8>,
    pub(super) modified: i64,
    pub(super) owner: u32,
}

impl Content {
    pub(super) fn status(&self, inode: Inode) -> Status {
        Status {
            is_file: true,
            octets: u64::try_from(self.data.len()).unwrap_or(u64::MAX),
            modified: self.modified,
            owner: self.owner,
            identity: (1, inode),
            names: 1,
        }
    }
}

/// Names, directories and files.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Image {
    pub(super) names: BTreeMap<String, Inode>,
    pub(super) directories: BTreeSet<String>,
    pub(super) files: BTreeMap<Inode, Content>,
}

impl Image {
    pub(super) fn file(&self, path: &str) -> Option<(Inode, &Content)> {
        let inode = *self.names.get(path)?;
        Some((inode, self.files.get(&inode)?))
    }

    pub(super) fn exists(&self, path: &str) -> bool {
        self.names.contains_key(path) || self.directories.contains(path)
    }

    pub(super) fn next_inode(&self) -> Inode {
        self.files.keys().next_back().copied().unwrap_or(0)
    }

    pub(super) fn check_parent(&self, path: &str) -> io::Result<()> {
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        if parent.is_empty() || self.directories.contains(parent) {
            Ok(())
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    pub(super) fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        if !self.directories.contains(directory) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let prefix = format!("{directory}/");
        let name = |path: &String| {
            let name = path.strip_prefix(&prefix)?;
            (!name.contains('/')).then(|| name.to_owned())
        };
        let names = self.names.keys().filter_map(name);
        Ok(names
            .chain(self.directories.iter().filter_map(name))
            .collect())
    }

    /// Applies a change, also when one before it was lost: what it cannot apply to is left as it is.
    pub(super) fn apply(&mut self, change: &Change, clock: i64) {
        match change {
            Change::Create {
                path,
                inode,
                time,
                owner,
            } => {
                let content = self.files.entry(*inode).or_default();
                content.modified = *time;
                content.owner = *owner;
                self.names.insert(path.clone(), *inode);
            }
            Change::Rename { inode, to } => {
                // A rename is atomic: whatever name the file had, it has only this one now.
                self.names.retain(|_, named| named != inode);
                self.files.entry(*inode).or_default();
                self.names.insert(to.clone(), *inode);
            }
            Change::Remove { path, inode } => {
                if self.names.get(path) == Some(inode) {
                    self.names.remove(path);
                }
            }
            Change::MakeDir { path } => _ = self.directories.insert(path.clone()),
            Change::Write {
                inode,
                offset,
                bytes,
            } => {
                let content = self.files.entry(*inode).or_default();
                let end = offset.saturating_add(bytes.len());
                if content.data.len() < end {
                    content.data.resize(end, 0);
                }
                let room = content.data.get_mut(*offset..end).unwrap_or_default();
                room.copy_from_slice(bytes);
                content.modified = clock;
            }
            Change::Truncate { inode, octets } => {
                let content = self.files.entry(*inode).or_default();
                content.data.resize(*octets, 0);
            }
        }
    }

    /// Forgets files without a name, and names in directories that are not there.
    pub(super) fn tidy(&mut self) {
        let directories = &self.directories;
        self.names.retain(|path, _| {
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            parent.is_empty() || directories.contains(parent)
        });
        let named: BTreeSet<Inode> = self.names.values().copied().collect();
        self.files.retain(|inode, _| named.contains(inode));
    }
}
