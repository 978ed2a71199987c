//! Delivery into one Maildir, a batch at a time, so that no crash loses a copy or makes a second one.
//!
//! In this order, for all letters of the batch at each step: written under unique names in tmp/, flushed, renamed to their final names in new/ (never replacing), the directory new/ flushed once. Only then are
//! they delivered. A crash before the last step leaves files in tmp/, which mail readers remove after 36 hours as the
//! Maildir specification says, or copies in new/ of which nobody was told yet: the next attempt makes the same name
//! ([`Stem`]), finds the copy, and calls it delivered only if length and checksum agree; otherwise the letter goes
//! under another name.
//!
//! # An earlier copy
//! In new/ it is found by the rename that does not replace. But a mail reader may have moved it to cur/ and added flags,
//! and a name made on another day may end otherwise; then only reading both directories finds it, which for a letter
//! that was never tried before is work for nothing. [`Addressed::may_be_there`] says whether it can have been tried
//! (`tried.rs` has the argument); only then are the directories read, once for the whole batch.
//! A copy that is found was perhaps not flushed where it is now, so the directory that has it is flushed as well.

mod copy;
pub mod disk;
pub mod store;

use std::io;
use std::path::Path;

use crate::letter::{Letter, Source};
use crate::name::{self, Stem};
use crate::verdict::Verdict;
use copy::Copies;
use store::{Folder, Store};

/// Other names that are tried when the usual one is taken by something else.
const TURNS: u32 = 16;

/// Words of a verdict, to be followed by the name of the mailbox.
const DELIVERED: &str = "delivered to";
const THERE: &str = "it was already in";

/// A letter for this Maildir.
#[derive(Debug)]
pub struct Addressed<'a, S> {
    /// It.
    pub letter: &'a Letter<S>,
    /// What its file's name begins with.
    pub stem: Stem,
    /// Whether an earlier attempt for the same recipient may have left a copy.
    pub may_be_there: bool,
}

/// What makes names in tmp/ unique, and ours recognisable.
#[derive(Debug)]
pub struct Namer {
    host: String,
    pid: u32,
    count: u64,
    /// Drawn once: the count keeps the names of this process apart.
    chance: Option<u64>,
}

impl Namer {
    /// For this process on `host`.
    #[must_use]
    pub fn new(host: &str, pid: u32) -> Self {
        Self {
            host: name::host_part(host),
            pid,
            count: 0,
            chance: None,
        }
    }

    fn temporary(&mut self) -> io::Result<String> {
        self.count += 1;
        let seconds = stafette_sys::clock::now();
        let chance = match self.chance {
            Some(chance) => chance,
            None => *self.chance.insert(stafette_sys::random::number()?),
        };
        Ok(name::temporary(
            seconds, self.pid, self.count, chance, &self.host,
        ))
    }
}

/// How far a letter got.
enum Stage<D> {
    /// In tmp/ under `name`.
    Written {
        name: String,
        draft: D,
        size: u64,
        crc: u32,
    },
    /// In new/, or an earlier copy is: delivered once the directory is flushed.
    There(&'static str),
    /// At its end.
    Ended(Verdict),
}

/// Delivers all letters, each with its own verdict, in their order.
pub fn deliver<T: Store, S: Source>(
    store: &T,
    namer: &mut Namer,
    letters: &[Addressed<'_, S>],
) -> Vec<Verdict> {
    let mut stages: Vec<_> = letters
        .iter()
        .map(|letter| write(store, namer, letter.letter))
        .collect();
    flush_all(store, &mut stages);
    let mut copies = Copies::read(store, letters);
    let mut touched = Touched::default();
    for (stage, letter) in stages.iter_mut().zip(letters) {
        publish(store, namer, stage, letter, &mut copies, &mut touched);
    }
    let flushed = touched.flush(store);
    stages
        .into_iter()
        .map(|stage| conclude(stage, &flushed))
        .collect()
}

fn write<T: Store, S: Source>(store: &T, namer: &mut Namer, letter: &Letter<S>) -> Stage<T::Draft> {
    let (name, mut draft) = match create(store, namer) {
        Ok(created) => created,
        Err((name, error)) => {
            return Stage::Ended(Verdict::unable("create", Path::new(&name), &error));
        }
    };
    let mut hasher = crc32fast::Hasher::new();
    let mut size = 0u64;
    let written = letter.pieces(|piece| {
        hasher.update(piece);
        size += piece.len() as u64;
        store.write(&mut draft, piece)
    });
    match written {
        Ok(()) => Stage::Written {
            name,
            draft,
            size,
            crc: hasher.finalize(),
        },
        Err(broken) => {
            discard(store, &name);
            Stage::Ended(broken.verdict(&Folder::Tmp.path(&name)))
        }
    }
}

/// Creates a file in tmp/. A name that is taken after all is not used, and another one tried once.
fn create<T: Store>(
    store: &T,
    namer: &mut Namer,
) -> Result<(String, T::Draft), (String, io::Error)> {
    let mut last = (
        String::from("tmp"),
        io::Error::from(io::ErrorKind::AlreadyExists),
    );
    for _ in 0..2 {
        let name = namer
            .temporary()
            .map_err(|error| (String::from("a unique name"), error))?;
        match store.create(&name) {
            Ok(draft) => return Ok((name, draft)),
            Err(error) => last = (Folder::Tmp.path(&name).display().to_string(), error),
        }
        if last.1.kind() != io::ErrorKind::AlreadyExists {
            break;
        }
    }
    Err(last)
}

fn flush_all<T: Store>(store: &T, stages: &mut [Stage<T::Draft>]) {
    let drafts: Vec<&T::Draft> = stages
        .iter()
        .filter_map(|stage| match stage {
            Stage::Written { draft, .. } => Some(draft),
            _ => None,
        })
        .collect();
    let mut results = store.flush_all(&drafts).into_iter();
    for stage in stages {
        if let Stage::Written { name, .. } = stage {
            let result = results
                .next()
                .unwrap_or_else(|| Err(io::ErrorKind::Other.into()));
            if let Err(error) = result {
                let verdict = Verdict::unable("flush", &Folder::Tmp.path(name), &error);
                discard(store, name);
                *stage = Stage::Ended(verdict);
            }
        }
    }
}

/// Which directories must be flushed before anything is called delivered.
#[derive(Default)]
struct Touched {
    new: bool,
    cur: bool,
}

impl Touched {
    fn add(&mut self, folder: Folder) {
        match folder {
            Folder::New => self.new = true,
            Folder::Cur => self.cur = true,
            Folder::Tmp => {}
        }
    }

    fn flush<T: Store>(&self, store: &T) -> Result<(), Verdict> {
        for (touched, folder) in [(self.new, Folder::New), (self.cur, Folder::Cur)] {
            if touched {
                store
                    .flush_folder(folder)
                    .map_err(|error| Verdict::unable("flush", &folder.path(""), &error))?;
            }
        }
        Ok(())
    }
}

fn publish<T: Store, S: Source>(
    store: &T,
    namer: &Namer,
    stage: &mut Stage<T::Draft>,
    letter: &Addressed<'_, S>,
    copies: &mut Copies,
    touched: &mut Touched,
) {
    let Stage::Written {
        name, size, crc, ..
    } = stage
    else {
        return;
    };
    let (size, crc) = (*size, *crc);
    if letter.may_be_there {
        match copies.find(store, &letter.stem, size, crc) {
            Ok(Some(folder)) => {
                touched.add(folder);
                discard(store, name);
                *stage = Stage::There(THERE);
                return;
            }
            Ok(None) => {}
            Err(error) => {
                discard(store, name);
                let verdict =
                    Verdict::unable("look for an earlier copy in", Path::new("cur"), &error);
                *stage = Stage::Ended(verdict);
                return;
            }
        }
    }
    for turn in 0..TURNS {
        let final_name = letter.stem.name(turn, &namer.host, size);
        match store.publish(name, &final_name) {
            Ok(()) => {
                touched.add(Folder::New);
                *stage = Stage::There(DELIVERED);
                return;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if copy::is_same(store, Folder::New, final_name.as_bytes(), size, crc) {
                    touched.add(Folder::New);
                    discard(store, name);
                    *stage = Stage::There(THERE);
                    return;
                }
            }
            Err(error) => {
                let verdict =
                    Verdict::unable("rename into", &Folder::New.path(&final_name), &error);
                discard(store, name);
                *stage = Stage::Ended(verdict);
                return;
            }
        }
    }
    discard(store, name);
    *stage = Stage::Ended(Verdict::deferred(
        "4.3.0",
        "all names in new/ are taken by other files",
    ));
}

fn conclude<D>(stage: Stage<D>, flushed: &Result<(), Verdict>) -> Verdict {
    match (stage, flushed) {
        (Stage::There(words), Ok(())) => Verdict::delivered(words),
        (Stage::There(_), Err(verdict)) => verdict.clone(),
        (Stage::Ended(verdict), _) => verdict,
        // Every letter that was written was published or ended.
        (Stage::Written { .. }, _) => Verdict::cut("it was not finished"),
    }
}

/// Removes a file from tmp/. One that stays harms nobody, and readers remove it one day.
fn discard<T: Store>(store: &T, name: &str) {
    store.remove_draft(name).unwrap_or(());
}

#[cfg(test)]
mod sim;
#[cfg(test)]
mod tests;
