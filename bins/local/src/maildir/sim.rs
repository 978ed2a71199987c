//! A Maildir in memory that crashes: at any operation, with any of a set of choices of what had reached the disk.
//!
//! What is flushed stays. Of the operations not yet flushed a crash keeps none, all, each prefix, all but one, or one alone, and
//! data that was kept may be torn. Renames are atomic, as journaled file systems have them; flushing a directory flushes
//! every operation that touches it, flushing a file its data and not its name.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};

use super::store::{Folder, Store};

/// A deliberate fault in the steps of a delivery, which the tests must notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutant {
    None,
    /// Files are not flushed before they get their name.
    NoFileFlush,
    /// new/ is not flushed before the answer.
    NoFolderFlush,
    /// Nobody looks into cur/.
    NoLookIntoCur,
    /// Nobody looks into new/ before the rename, and whatever has the name counts as the copy.
    NameIsProof,
    /// Renaming replaces.
    Replaces,
}

#[derive(Debug, Clone)]
enum Op {
    Create {
        name: String,
        inode: usize,
    },
    Data {
        inode: usize,
        bytes: Vec<u8>,
    },
    Rename {
        inode: usize,
        from: (Folder, String),
        to: (Folder, String),
    },
    Remove {
        name: String,
    },
}

#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    pub(super) names: BTreeMap<(u8, String), usize>,
    inodes: BTreeMap<usize, Vec<u8>>,
}

fn key(folder: Folder, name: &str) -> (u8, String) {
    (folder as u8, name.to_owned())
}

impl Tree {
    fn apply(&mut self, op: &Op, torn: bool) {
        match op {
            Op::Create { name, inode } => {
                self.names.insert(key(Folder::Tmp, name), *inode);
            }
            Op::Data { inode, bytes } => {
                let kept = if torn { bytes.len() / 2 } else { bytes.len() };
                self.inodes
                    .entry(*inode)
                    .or_default()
                    .extend(&bytes[..kept]);
            }
            Op::Rename { inode, from, to } => {
                self.names.remove(&key(from.0, &from.1));
                self.names.insert(key(to.0, &to.1), *inode);
            }
            Op::Remove { name } => {
                self.names.remove(&key(Folder::Tmp, name));
            }
        }
    }

    fn bytes(&self, inode: usize) -> &[u8] {
        self.inodes.get(&inode).map_or(&[], Vec::as_slice)
    }

    /// The files that a mail reader sees.
    pub(super) fn mail(&self) -> Vec<Vec<u8>> {
        let seen = |(folder, _): &(u8, String)| *folder != Folder::Tmp as u8;
        let mail = self.names.iter().filter(|(name, _)| seen(name));
        mail.map(|(_, inode)| self.bytes(*inode).to_vec()).collect()
    }
}

#[derive(Debug, Default)]
struct State {
    base: Tree,
    live: Tree,
    ops: Vec<(Op, bool)>,
    steps: usize,
}

/// When what happens, counted in operations.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Plan {
    pub(super) crash: Option<usize>,
    pub(super) reader: Option<usize>,
    pub(super) fault: Option<(usize, i32)>,
}

pub(super) struct Sim {
    state: RefCell<State>,
    plan: Plan,
    mutant: Mutant,
}

impl Sim {
    pub(super) fn new(base: Tree, plan: Plan, mutant: Mutant) -> Self {
        let live = base.clone();
        let state = State {
            base,
            live,
            ..State::default()
        };
        Self {
            state: RefCell::new(state),
            plan,
            mutant,
        }
    }

    pub(super) fn steps(&self) -> usize {
        self.state.borrow().steps
    }

    pub(super) fn has_crashed(&self) -> bool {
        self.plan.crash.is_some_and(|at| self.steps() > at)
    }

    fn step(&self) -> io::Result<()> {
        let step = self.steps();
        self.state.borrow_mut().steps += 1;
        if self.plan.crash.is_some_and(|at| step >= at) {
            return Err(io::Error::other("crashed"));
        }
        if self.plan.reader == Some(step) {
            self.read_mail();
        }
        match self.plan.fault {
            Some((at, number)) if at == step => Err(io::Error::from_raw_os_error(number)),
            _ => Ok(()),
        }
    }

    fn perform(&self, op: Op) {
        let mut state = self.state.borrow_mut();
        state.live.apply(&op, false);
        state.ops.push((op, false));
    }

    fn flush(&self, draft: usize) -> io::Result<()> {
        self.step()?;
        if self.mutant != Mutant::NoFileFlush {
            for (op, flushed) in &mut self.state.borrow_mut().ops {
                *flushed |= matches!(op, Op::Data { inode, .. } if *inode == draft);
            }
        }
        Ok(())
    }

    /// A mail reader sees what is in new/ and moves it to cur/.
    pub(super) fn read_mail(&self) {
        let live = self.state.borrow().live.clone();
        for ((folder, name), inode) in live.names {
            if folder == Folder::New as u8 {
                let (from, to) = (
                    (Folder::New, name.clone()),
                    (Folder::Cur, format!("{name}:2,S")),
                );
                self.perform(Op::Rename { inode, from, to });
            }
        }
    }

    /// What a killed process leaves: everything, since the kernel lives on.
    pub(super) fn live(&self) -> Tree {
        self.state.borrow().live.clone()
    }

    /// All that a loss of power may leave.
    pub(super) fn after_power_failure(&self) -> Vec<Tree> {
        let state = self.state.borrow();
        let open = state.ops.iter().filter(|(_, flushed)| !flushed).count();
        let mut choices: Vec<Vec<bool>> = (0..=open)
            .map(|end| (0..open).map(|at| at < end).collect())
            .collect();
        for one in 0..open {
            choices.push((0..open).map(|at| at != one).collect());
            choices.push((0..open).map(|at| at == one).collect());
        }
        let mut trees = Vec::new();
        for choice in choices {
            for torn in [false, true] {
                let mut tree = state.base.clone();
                let mut kept = choice.iter();
                for (op, flushed) in &state.ops {
                    if *flushed {
                        tree.apply(op, false);
                    } else if kept.next() == Some(&true) {
                        tree.apply(op, torn);
                    }
                }
                trees.push(tree);
            }
        }
        trees
    }
}

impl Store for Sim {
    type Draft = usize;

    fn create(&self, name: &str) -> io::Result<usize> {
        self.step()?;
        let inode =
            self.state.borrow().ops.len() + 1000 * (1 + self.state.borrow().base.inodes.len());
        self.perform(Op::Create {
            name: name.to_owned(),
            inode,
        });
        Ok(inode)
    }

    fn write(&self, draft: &mut usize, bytes: &[u8]) -> io::Result<()> {
        self.step()?;
        self.perform(Op::Data {
            inode: *draft,
            bytes: bytes.to_vec(),
        });
        Ok(())
    }

    fn flush_all(&self, drafts: &[&usize]) -> Vec<io::Result<()>> {
        drafts.iter().map(|draft| self.flush(**draft)).collect()
    }

    fn publish(&self, draft: &str, name: &str) -> io::Result<()> {
        self.step()?;
        let live = self.live();
        if live.names.contains_key(&key(Folder::New, name)) && self.mutant != Mutant::Replaces {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let inode = *live
            .names
            .get(&key(Folder::Tmp, draft))
            .ok_or(ErrorKind::NotFound)?;
        let (from, to) = (
            (Folder::Tmp, draft.to_owned()),
            (Folder::New, name.to_owned()),
        );
        self.perform(Op::Rename { inode, from, to });
        Ok(())
    }

    fn flush_folder(&self, folder: Folder) -> io::Result<()> {
        self.step()?;
        if self.mutant != Mutant::NoFolderFlush {
            for (op, flushed) in &mut self.state.borrow_mut().ops {
                *flushed |= match op {
                    Op::Create { .. } | Op::Remove { .. } => folder == Folder::Tmp,
                    Op::Rename { from, to, .. } => from.0 == folder || to.0 == folder,
                    Op::Data { .. } => false,
                };
            }
        }
        Ok(())
    }

    fn remove_draft(&self, name: &str) -> io::Result<()> {
        self.step()?;
        self.perform(Op::Remove {
            name: name.to_owned(),
        });
        Ok(())
    }

    fn names(&self, folder: Folder, visit: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        self.step()?;
        if self.mutant == Mutant::NoLookIntoCur && folder == Folder::Cur {
            return Ok(());
        }
        for (place, name) in self.live().names.keys() {
            if *place == folder as u8 {
                visit(name.as_bytes());
            }
        }
        Ok(())
    }

    fn digest(&self, folder: Folder, name: &[u8], size: u64) -> io::Result<Option<(u64, u32)>> {
        self.step()?;
        let live = self.live();
        let name = std::str::from_utf8(name).unwrap();
        let Some(inode) = live.names.get(&key(folder, name)) else {
            return Ok(None);
        };
        let bytes = live.bytes(*inode);
        if self.mutant == Mutant::NameIsProof {
            // The tests' letters all have the checksum that the caller compares with; only the length is looked at.
            return Ok(Some((size, super::tests::checksum_of(name))));
        }
        Ok(Some((bytes.len() as u64, crc32fast::hash(bytes))))
    }
}
