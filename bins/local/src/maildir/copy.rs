//! Looks for a copy that an earlier attempt left in new/ or cur/.
//!
//! new/ is read before cur/, because readers move files in that direction only: whatever is moved meanwhile is seen
//! at least once. A reader that changes flags renames within cur/, which may hide a name from whoever reads
//! the directory at that moment; so what is not found at first is looked for once more.

use std::io;

use super::Addressed;
use super::store::{Folder, Store};
use crate::name::Stem;

/// Readings of the directories before a letter counts as not there.
const READINGS: u32 = 2;

/// Times that a copy may be moved away while it is being read.
const MOVES: u32 = 8;

/// The names of possible earlier copies, collected in one reading for all letters of a batch.
#[derive(Debug)]
pub(super) struct Copies {
    stems: Vec<Stem>,
    found: io::Result<Vec<(Folder, Vec<u8>)>>,
}

impl Copies {
    /// Reads the directories if any letter may be there already.
    pub(super) fn read<T: Store, S>(store: &T, letters: &[Addressed<'_, S>]) -> Self {
        let stems: Vec<Stem> = letters
            .iter()
            .filter(|letter| letter.may_be_there)
            .map(|letter| letter.stem.clone())
            .collect();
        let found = if stems.is_empty() {
            Ok(Vec::new())
        } else {
            (0..READINGS).try_fold(Vec::new(), |found, _| list(store, &stems, found))
        };
        Self { stems, found }
    }

    /// The directory in which a copy of this letter is, equal in length and checksum.
    ///
    /// # Errors
    /// The directories could not be read: nothing is known.
    pub(super) fn find<T: Store>(
        &mut self,
        store: &T,
        stem: &Stem,
        size: u64,
        crc: u32,
    ) -> io::Result<Option<Folder>> {
        // A file that is gone when it is read was moved by a reader: the directories are read once more.
        for _ in 0..MOVES {
            let mut moved = false;
            for (folder, name) in self.names()?.iter().filter(|(_, name)| stem.is_of(name)) {
                match store.digest(*folder, name, size)? {
                    Some(digest) if digest == (size, crc) => return Ok(Some(*folder)),
                    Some(_) => {}
                    None => moved = true,
                }
            }
            if !moved {
                return Ok(None);
            }
            self.found = list(store, &self.stems, Vec::new());
        }
        Err(io::Error::other("a mail reader moves it again and again"))
    }

    fn names(&self) -> io::Result<&[(Folder, Vec<u8>)]> {
        match &self.found {
            Ok(names) => Ok(names),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        }
    }
}

fn list<T: Store>(
    store: &T,
    stems: &[Stem],
    mut found: Vec<(Folder, Vec<u8>)>,
) -> io::Result<Vec<(Folder, Vec<u8>)>> {
    for folder in [Folder::New, Folder::Cur] {
        store.names(folder, &mut |name| {
            let is_wanted = stems.iter().any(|stem| stem.is_of(name));
            if is_wanted
                && !found
                    .iter()
                    .any(|(place, known)| *place == folder && known == name)
            {
                found.push((folder, name.to_vec()));
            }
        })?;
    }
    Ok(found)
}

/// Whether a file is there and equal. One that cannot be read is not known to be.
pub(super) fn is_same<T: Store>(
    store: &T,
    folder: Folder,
    name: &[u8],
    size: u64,
    crc: u32,
) -> bool {
    matches!(store.digest(folder, name, size), Ok(Some(digest)) if digest == (size, crc))
}
