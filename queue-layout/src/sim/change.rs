//! One change to a disk that a crash may take back.

use super::image::Inode;

/// A change.
#[derive(Debug, Clone)]
pub(super) enum Change {
    /// A file came into being, empty.
    Create {
        path: String,
        inode: Inode,
        time: i64,
        owner: u32,
    },
    /// A file got another name.
    Rename { inode: Inode, to: String },
    /// A name of a file went.
    Remove { path: String, inode: Inode },
    /// A directory came into being.
    MakeDir { path: String },
    /// Bytes were written.
    Write {
        inode: Inode,
        offset: usize,
        bytes: Vec<u8>,
    },
    /// A file was cut.
    Truncate { inode: Inode, octets: usize },
}

impl Change {
    pub(super) fn create(path: &str, inode: Inode, time: i64, owner: u32) -> Self {
        Self::Create {
            path: path.to_owned(),
            inode,
            time,
            owner,
        }
    }

    pub(super) fn write(inode: Inode, offset: usize, bytes: &[u8]) -> Self {
        Self::Write {
            inode,
            offset,
            bytes: bytes.to_vec(),
        }
    }

    /// The directory whose flush covers this change; none if a file's does.
    pub(super) fn directory(&self) -> Option<&str> {
        let path = match self {
            Self::Create { path, .. } | Self::Remove { path, .. } | Self::MakeDir { path } => path,
            Self::Rename { to, .. } => to,
            Self::Write { .. } | Self::Truncate { .. } => return None,
        };
        Some(path.rsplit_once('/').map_or("", |(directory, _)| directory))
    }

    /// The file whose flush covers this change.
    pub(super) fn inode(&self) -> Option<Inode> {
        match self {
            Self::Write { inode, .. } | Self::Truncate { inode, .. } => Some(*inode),
            _ => None,
        }
    }

    /// Whether this change, once durable, leaves nothing of an `earlier` one.
    pub(super) fn takes_back(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            (
                Self::Truncate { inode, octets },
                Self::Write {
                    inode: written,
                    offset,
                    ..
                },
            ) => inode == written && offset >= octets,
            _ => false,
        }
    }

    /// The ways in which a loss of power can tear this change.
    pub(super) fn torn(&self) -> Vec<Self> {
        let Self::Write {
            inode,
            offset,
            bytes,
        } = self
        else {
            return Vec::new();
        };
        let mut torn = Vec::new();
        for kept in [0, 1, bytes.len() / 2, bytes.len().saturating_sub(1)] {
            let part = bytes.get(..kept).unwrap_or_default();
            let mut zeros = part.to_vec();
            zeros.resize(bytes.len(), 0);
            torn.push(Self::write(*inode, *offset, &zeros));
            if kept > 0 {
                torn.push(Self::write(*inode, *offset, part));
            }
            // The end arrived and the beginning did not.
            let mut end = vec![0; kept];
            end.extend_from_slice(bytes.get(kept..).unwrap_or_default());
            torn.push(Self::write(*inode, *offset, &end));
        }
        torn
    }
}
