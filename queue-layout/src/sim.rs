//! A disk in memory that loses power, or fails, at the operation that a test chooses.
//!
//! It keeps two images: what programs see, and what is on the platter. A change to the first waits until a flush covers it;
//! [`SimDisk::crashes`] gives the disks that could be found after a loss of power now: with none of the waiting changes, all, each
//! prefix, each one missing, each one alone, and with each write torn. It grants nothing that a file system does not promise:
//! a file's flush says nothing about its name, a directory's flush covers only what came into it or was removed from it, and what a
//! failed flush should have covered of a file is not covered by a later one either. (Names are journaled: a later flush of the
//! directory that succeeds covers what came before it.)

mod change;
mod crash;
mod file;
mod image;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Access, Disk, Place, Status};
use change::Change;
pub use crash::Breadth;
pub use file::SimFile;
use image::{Image, Inode};

/// A defect of the disk, for tests that must notice it: a flush that says yes and does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// Flushes of files.
    Flush,
    /// Flushes of this directory, or of a directory below it.
    SyncDir(&'static str),
    /// The flush with this number, of a file or a directory, counted from 1.
    Nth(u64),
}

/// The disk. Clones are handles on the same one.
#[derive(Debug, Clone)]
pub struct SimDisk(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    live: Image,
    durable: Image,
    pending: Vec<Pending>,
    operations: u64,
    flushes: u64,
    crash_at: Option<u64>,
    crash_after: Option<u64>,
    fail_at: Option<(u64, i32)>,
    is_dead: bool,
    flaw: Option<Flaw>,
    clock: i64,
    user: u32,
    next_inode: Inode,
    next_handle: u64,
    /// Who holds the lock of a file.
    locks: std::collections::BTreeMap<Inode, u64>,
}

/// A change that no flush covered yet.
#[derive(Debug, Clone)]
struct Pending {
    change: Change,
    /// A flush that should have covered it failed.
    is_stuck: bool,
}

/// What the chosen operation does.
enum Turn {
    /// It is done.
    Go,
    /// It fails with this error.
    Fail(io::Error),
}

impl Default for SimDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl SimDisk {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        let mut image = Image::default();
        for place in Place::ALL {
            image.directories.insert(place.name().to_owned());
        }
        Self::of(image, 0)
    }

    fn of(image: Image, clock: i64) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            next_inode: image.next_inode(),
            live: image.clone(),
            durable: image,
            clock,
            ..Inner::default()
        })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Power goes at the operation with this number, counted from 1, before it does anything.
    pub fn crash_at(&self, operation: u64) {
        self.inner().crash_at = Some(operation);
    }

    /// Power goes when the operation with this number is done, before anybody hears of it.
    pub fn crash_after(&self, operation: u64) {
        self.inner().crash_after = Some(operation);
    }

    /// The operation with this number fails with this error of the system; the disk lives on.
    pub fn fail_at(&self, operation: u64, error: i32) {
        self.inner().fail_at = Some((operation, error));
    }

    /// From now on the disk has this defect.
    pub fn set_flaw(&self, flaw: Option<Flaw>) {
        self.inner().flaw = flaw;
    }

    /// Operations so far that could change something.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.inner().operations
    }

    /// Flushes so far.
    #[must_use]
    pub fn flushes(&self) -> u64 {
        self.inner().flushes
    }

    /// Whether power is gone.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.inner().is_dead
    }

    /// Sets the time that changes leave in files.
    pub fn set_clock(&self, time: i64) {
        self.inner().clock = time;
    }

    /// Sets who owns files that are created from now on.
    pub fn set_user(&self, user: u32) {
        self.inner().user = user;
    }

    /// What programs see in a file.
    #[must_use]
    pub fn read(&self, path: &str) -> Option<Vec<u8>> {
        let inner = self.inner();
        inner.live.file(path).map(|(_, file)| file.data.clone())
    }

    /// Puts a file there, durably, as if it always had been.
    pub fn put(&self, path: &str, data: &[u8]) {
        let mut inner = self.inner();
        let inode = inner.take_inode();
        let (clock, user) = (inner.clock, inner.user);
        for change in [
            Change::create(path, inode, clock, user),
            Change::write(inode, 0, data),
        ] {
            inner.live.apply(&change, clock);
            inner.durable.apply(&change, clock);
        }
    }

    /// All files that programs see, by path.
    #[must_use]
    pub fn contents(&self) -> std::collections::BTreeMap<String, Vec<u8>> {
        let inner = self.inner();
        let data = |inode| inner.live.files.get(inode).map(|file| file.data.clone());
        let named = inner.live.names.iter();
        named
            .map(|(path, inode)| (path.clone(), data(inode).unwrap_or_default()))
            .collect()
    }

    /// The paths of all files that programs see.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        self.inner().live.names.keys().cloned().collect()
    }
}

impl Inner {
    fn take_inode(&mut self) -> Inode {
        self.next_inode += 1;
        self.next_inode
    }

    /// Counts an operation and decides what becomes of it.
    fn turn(&mut self) -> io::Result<Turn> {
        if !self.is_dead {
            self.operations += 1;
            self.is_dead = self.crash_at == Some(self.operations);
        }
        if self.is_dead {
            return Err(io::Error::other("power is gone"));
        }
        match self.fail_at {
            Some((at, error)) if at == self.operations => {
                Ok(Turn::Fail(io::Error::from_raw_os_error(error)))
            }
            _ => Ok(Turn::Go),
        }
    }

    /// Counts an operation that does all or nothing.
    fn step(&mut self) -> io::Result<()> {
        match self.turn()? {
            Turn::Go => Ok(()),
            Turn::Fail(error) => Err(error),
        }
    }

    fn change(&mut self, change: Change) -> io::Result<()> {
        self.live.apply(&change, self.clock);
        self.pending.push(Pending {
            change,
            is_stuck: false,
        });
        self.end()
    }

    /// Ends an operation that went well.
    fn end(&mut self) -> io::Result<()> {
        if self.crash_after == Some(self.operations) {
            self.is_dead = true;
        }
        self.check_alive()
    }

    /// Makes durable, in order, what waits and `covers` says; or, if the flush fails, makes sure that no later flush does.
    fn flush(&mut self, covers: impl Fn(&Change) -> bool) -> io::Result<()> {
        let turn = self.turn()?;
        self.flushes += 1;
        if self.flaw == Some(Flaw::Nth(self.flushes)) {
            return self.end();
        }
        let mut rest = Vec::new();
        for mut pending in std::mem::take(&mut self.pending) {
            let is_covered = covers(&pending.change);
            if is_covered && matches!(turn, Turn::Fail(_)) && pending.change.inode().is_some() {
                pending.is_stuck = true;
            }
            if is_covered && !pending.is_stuck {
                self.durable.apply(&pending.change, self.clock);
                rest.retain(|earlier: &Pending| !pending.change.takes_back(&earlier.change));
            } else {
                rest.push(pending);
            }
        }
        self.pending = rest;
        match turn {
            Turn::Go => self.end(),
            Turn::Fail(error) => Err(error),
        }
    }
}

impl Disk for SimDisk {
    type File = SimFile;
    type Names = std::vec::IntoIter<io::Result<String>>;

    fn create(&self, path: &str) -> io::Result<SimFile> {
        let mut inner = self.inner();
        inner.step()?;
        inner.live.check_parent(path)?;
        if inner.live.exists(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = inner.take_inode();
        let change = Change::create(path, inode, inner.clock, inner.user);
        inner.change(change)?;
        drop(inner);
        Ok(SimFile::open(self, inode))
    }

    fn open(&self, path: &str, _: Access) -> io::Result<SimFile> {
        let inner = self.inner();
        inner.check_alive()?;
        let (inode, _) = inner.live.file(path).ok_or(io::ErrorKind::NotFound)?;
        drop(inner);
        Ok(SimFile::open(self, inode))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut inner = self.inner();
        inner.step()?;
        let (inode, _) = inner.live.file(from).ok_or(io::ErrorKind::NotFound)?;
        inner.live.check_parent(to)?;
        if inner.live.exists(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        inner.change(Change::Rename {
            inode,
            to: to.to_owned(),
        })
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let mut inner = self.inner();
        inner.step()?;
        let (inode, _) = inner.live.file(path).ok_or(io::ErrorKind::NotFound)?;
        inner.change(Change::Remove {
            path: path.to_owned(),
            inode,
        })
    }

    fn make_dir(&self, path: &str) -> io::Result<()> {
        let mut inner = self.inner();
        inner.step()?;
        inner.live.check_parent(path)?;
        if inner.live.exists(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        inner.change(Change::MakeDir {
            path: path.to_owned(),
        })
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        let mut inner = self.inner();
        if !inner.live.directories.contains(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        if let Some(Flaw::SyncDir(name)) = inner.flaw
            && path.split('/').next() == Some(name)
        {
            inner.step()?;
            return inner.end();
        }
        inner.flush(|change| change.directory() == Some(path))
    }

    fn list(&self, path: &str) -> io::Result<Self::Names> {
        let inner = self.inner();
        inner.check_alive()?;
        let names: Vec<_> = inner.live.list(path)?.into_iter().map(Ok).collect();
        Ok(names.into_iter())
    }

    fn status(&self, path: &str) -> io::Result<Status> {
        let inner = self.inner();
        inner.check_alive()?;
        let (inode, file) = inner.live.file(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(file.status(inode))
    }
}

impl Inner {
    fn check_alive(&self) -> io::Result<()> {
        if self.is_dead {
            return Err(io::Error::other("power is gone"));
        }
        Ok(())
    }
}
