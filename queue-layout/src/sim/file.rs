//! An open file of the disk in memory.

use std::io;

use super::image::{Content, Inode};
use super::{Change, Flaw, SimDisk, Turn};
use crate::{DiskFile, Status};

/// An open file.
#[derive(Debug)]
pub struct SimFile {
    disk: SimDisk,
    inode: Inode,
    handle: u64,
}

impl SimFile {
    pub(super) fn open(disk: &SimDisk, inode: Inode) -> Self {
        let mut inner = disk.inner();
        inner.next_handle += 1;
        Self {
            disk: disk.clone(),
            inode,
            handle: inner.next_handle,
        }
    }

    /// Looks at the file, which lives as long as it is open.
    fn with<T>(&self, look: impl FnOnce(&Content) -> T) -> io::Result<T> {
        let inner = self.disk.inner();
        inner.check_alive()?;
        inner
            .live
            .files
            .get(&self.inode)
            .map(look)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        let mut inner = self.disk.inner();
        if inner.locks.get(&self.inode) == Some(&self.handle) {
            inner.locks.remove(&self.inode);
        }
    }
}

fn position(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(io::Error::other)
}

impl DiskFile for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let offset = position(offset)?;
        self.with(|content| {
            let rest = content.data.get(offset..).unwrap_or_default();
            let count = rest.len().min(buffer.len());
            buffer
                .iter_mut()
                .zip(rest)
                .for_each(|(to, from)| *to = *from);
            count
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let offset = position(offset)?;
        let mut inner = self.disk.inner();
        match inner.turn()? {
            Turn::Go => inner.change(Change::write(self.inode, offset, bytes)),
            Turn::Fail(error) => {
                // A part arrived before the error.
                let part = bytes.get(..bytes.len() / 2).unwrap_or_default();
                inner.change(Change::write(self.inode, offset, part))?;
                Err(error)
            }
        }
    }

    fn status(&self) -> io::Result<Status> {
        self.with(|content| content.status(self.inode))
    }

    fn flush(&self) -> io::Result<()> {
        let mut inner = self.disk.inner();
        if inner.flaw == Some(Flaw::Flush) {
            inner.step()?;
            return inner.end();
        }
        inner.flush(|change| change.inode() == Some(self.inode))
    }

    fn start_writeback(&self) {}

    fn preallocate(&self, _: u64, _: u64) -> io::Result<()> {
        let mut inner = self.disk.inner();
        inner.step()?;
        inner.end()
    }

    fn truncate(&self, octets: u64) -> io::Result<()> {
        let octets = position(octets)?;
        let mut inner = self.disk.inner();
        inner.step()?;
        inner.change(Change::Truncate {
            inode: self.inode,
            octets,
        })
    }

    fn set_modified(&self, time: i64) {
        if let Some(content) = self.disk.inner().live.files.get_mut(&self.inode) {
            content.modified = time;
        }
    }

    fn try_lock(&self) -> io::Result<bool> {
        let mut inner = self.disk.inner();
        inner.check_alive()?;
        Ok(*inner.locks.entry(self.inode).or_insert(self.handle) == self.handle)
    }
}
