//! Delivery into one mbox, a batch at a time under one lock, flushed before anything is called delivered.
//!
//! Locking is what Debian policy section 11.6 asks for: fcntl(2) first, then the dot-lock, neither waited for while the
//! other is held; what is taken is tried again from the start, for a bounded time. A mailbox that a mail reader has
//! replaced meanwhile is opened anew. It must be a regular file of the recipient; a missing one is made, 0600, or 0660
//! with group mail in the system's spool. Symbolic links are followed only outside the spool and only if the recipient
//! owns them.
//!
//! A letter that cannot be written whole is cut off again. A crash between the flush and our record of it leads to a second copy
//! at the next attempt, and one in the middle of a letter leaves the front of it: an mbox has no means against either.

mod lock;

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use stafette_addr::ReversePath;
use stafette_sys::fs;

use crate::from_line::{FromQuoter, from_line};
use crate::letter::{Letter, Source};
use crate::verdict::Verdict;
use lock::{DotLock, Taken};

/// Octets collected before they are written.
const PIECE: usize = 64 * 1024;

/// Where mail is appended, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Mailbox<'a> {
    /// The file.
    pub path: &'a Path,
    /// The recipient's user id.
    pub uid: u32,
    /// The group of a mailbox in the system's spool; none elsewhere.
    pub spool_group: Option<u32>,
    /// How long to wait for locks.
    pub patience: Duration,
}

/// A mailbox, open and locked both ways. Dropping it gives the locks back.
struct Locked {
    file: File,
    // Removed when dropped, before the file with its other lock is closed.
    _dot: DotLock,
}

/// Appends all letters, each with its own verdict, in their order.
pub fn deliver<S: Source>(
    mailbox: &Mailbox<'_>,
    letters: &[(&Letter<S>, &ReversePath)],
) -> Vec<Verdict> {
    let all = |verdict: Verdict| vec![verdict; letters.len()];
    let mut locked = match take(mailbox) {
        Ok(locked) => locked,
        Err(verdict) => return all(verdict),
    };
    let before = match locked.file.metadata() {
        Ok(metadata) => metadata.len(),
        Err(error) => return all(Verdict::unable("examine", mailbox.path, &error)),
    };
    let verdicts: Vec<Verdict> = letters
        .iter()
        .map(|(letter, from)| append(&mut locked.file, letter, from, mailbox.path))
        .collect();
    match flush(&locked.file, before == 0, mailbox.path) {
        Ok(()) => verdicts,
        Err(error) => {
            cut_off(&locked.file, before);
            let verdict = Verdict::unable("flush", mailbox.path, &error);
            let undone = |each: Verdict| {
                if each.is_delivered() {
                    verdict.clone()
                } else {
                    each
                }
            };
            verdicts.into_iter().map(undone).collect()
        }
    }
}

fn take(mailbox: &Mailbox<'_>) -> Result<Locked, Verdict> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(20);
    loop {
        let file = open(mailbox)?;
        if let Some(locked) = lock_both(file, mailbox)? {
            return Ok(locked);
        }
        if start.elapsed() + pause > mailbox.patience {
            let words = format!(
                "the mailbox {} is locked by another program",
                mailbox.path.display()
            );
            return Err(Verdict::deferred("4.2.0", words));
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

/// Both locks, or none if one of them is not free or the file is not the mailbox any more.
fn lock_both(file: File, mailbox: &Mailbox<'_>) -> Result<Option<Locked>, Verdict> {
    let unable = |error: &io::Error| Verdict::unable("lock", mailbox.path, error);
    if !fs::try_lock_record(&file).map_err(|error| unable(&error))? {
        return Ok(None);
    }
    let dot = match DotLock::try_take(mailbox.path).map_err(|error| unable(&error))? {
        Taken::Ours(dot) => dot,
        Taken::Theirs => return Ok(None),
    };
    let opened = file.metadata().map_err(|error| unable(&error))?;
    let named = std::fs::metadata(mailbox.path);
    let is_same =
        named.is_ok_and(|named| (named.dev(), named.ino()) == (opened.dev(), opened.ino()));
    Ok(is_same.then_some(Locked { file, _dot: dot }))
}

fn open(mailbox: &Mailbox<'_>) -> Result<File, Verdict> {
    let path = mailbox.path;
    let opened = match fs::append_nofollow(path, None) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create(mailbox).and_then(|()| fs::append_nofollow(path, None))
        }
        Err(error) if mailbox.spool_group.is_none() && is_own_link(path, mailbox.uid) => {
            File::options()
                .read(true)
                .append(true)
                .open(path)
                .map_err(|_| error)
        }
        other => other,
    };
    let file = opened.map_err(|error| Verdict::unable("open the mailbox", path, &error))?;
    let metadata = file
        .metadata()
        .map_err(|error| Verdict::unable("examine", path, &error))?;
    if !metadata.is_file() {
        return Err(Verdict::deferred(
            "4.2.0",
            format!("{} is not a regular file", path.display()),
        ));
    }
    if metadata.uid() != mailbox.uid {
        let words = format!(
            "{} is owned by user {}, not by the recipient",
            path.display(),
            metadata.uid()
        );
        return Err(Verdict::deferred("4.7.0", words));
    }
    Ok(file)
}

fn is_own_link(path: &Path, uid: u32) -> bool {
    std::fs::symlink_metadata(path)
        .is_ok_and(|metadata| metadata.is_symlink() && metadata.uid() == uid)
}

/// Makes the mailbox; one that somebody else has made meanwhile is as good.
fn create(mailbox: &Mailbox<'_>) -> io::Result<()> {
    let file = match fs::create_new(mailbox.path, 0o600) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        result => result?,
    };
    // The spool directory hands its group on; where it does not, the group is none of ours to let in.
    if mailbox.spool_group == Some(file.metadata()?.gid()) {
        file.set_permissions(std::fs::Permissions::from_mode(0o660))?;
    }
    Ok(())
}

fn append<S: Source>(
    file: &mut File,
    letter: &Letter<S>,
    from: &ReversePath,
    path: &Path,
) -> Verdict {
    let before = match file.metadata() {
        Ok(metadata) => metadata.len(),
        Err(error) => return Verdict::unable("examine", path, &error),
    };
    let mut quoter = FromQuoter::new();
    let mut out = Vec::with_capacity(PIECE + PIECE / 4);
    let begun = blank_line_missing(file, before).map(|missing| {
        out.extend_from_slice(missing);
        out.extend_from_slice(&from_line(from, stafette_sys::clock::now()));
    });
    let written = match begun {
        Err(error) => return Verdict::unable("read", path, &error),
        Ok(()) => letter.pieces(|piece| {
            for part in piece.chunks(PIECE) {
                quoter.feed(part, &mut out);
                if out.len() >= PIECE {
                    file.write_all(&out)?;
                    out.clear();
                }
            }
            Ok(())
        }),
    };
    let finished = match written {
        Ok(()) => {
            quoter.finish(&mut out);
            file.write_all(&out)
                .map_err(|error| Verdict::unable("write", path, &error))
        }
        Err(broken) => Err(broken.verdict(path)),
    };
    match finished {
        Ok(()) => Verdict::delivered("delivered to"),
        Err(verdict) => {
            cut_off(file, before);
            verdict
        }
    }
}

/// What must stand before a separator, if a crash or another program has left the last message without its end.
fn blank_line_missing(file: &File, length: u64) -> io::Result<&'static [u8]> {
    let mut end = [b'\n'; 2];
    let start = length.saturating_sub(2);
    let count = usize::try_from(length - start).unwrap_or(0);
    file.read_exact_at(end.get_mut(2 - count..).unwrap_or_default(), start)?;
    Ok(match end {
        [b'\n', b'\n'] => b"",
        [_, b'\n'] => b"\n",
        _ => b"\n\n",
    })
}

/// Back to the former length. If not even that can be done, the reader finds the front of a message.
fn cut_off(file: &File, length: u64) {
    file.set_len(length)
        .and_then(|()| file.sync_all())
        .unwrap_or(());
}

fn flush(file: &File, is_new: bool, path: &Path) -> io::Result<()> {
    file.sync_data()?;
    if !is_new {
        return Ok(());
    }
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match fs::sync_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => fs::sync_file_system(file),
        result => result,
    }
}

#[cfg(test)]
mod tests;
