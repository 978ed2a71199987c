//! Opening and decoding queue files, beside the event loop.
//!
//! A file that cannot be decoded, whatever it does to the decoder, is damaged and stops nothing else.

use std::io;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use stafette_queue_layout::{Message, OpenError, RealDisk};

use crate::inbox::{News, Post};
use crate::key::Key;
use crate::message::Loaded;
use crate::pile::Pile;
use crate::scheduler::Reading;

/// Threads: one may wait for the disk while others find their files in memory.
const THREADS: usize = 3;

/// Starts the readers.
///
/// # Errors
/// The kernel gave no thread.
pub(crate) fn start(disk: &RealDisk, post: &Post) -> io::Result<Pile<Key>> {
    let pile = Pile::new();
    let (disk, post) = (disk.clone(), post.clone());
    pile.serve(THREADS, "reader", move |key| {
        post.tell(News::Loaded(key, read(&disk, key)));
    })?;
    Ok(pile)
}

/// Reads one message.
pub(crate) fn read(disk: &RealDisk, key: Key) -> Reading {
    match catch_unwind(AssertUnwindSafe(|| Message::open(disk, key.id()))) {
        Ok(Ok(message)) => Reading::Message(Box::new(loaded(key, message))),
        Ok(Err(OpenError::Missing)) => Reading::Missing,
        Ok(Err(OpenError::Damaged(damage))) => Reading::Damaged(damage.reason().to_owned()),
        Ok(Err(OpenError::Io(error))) => Reading::Later(error.to_string()),
        Err(_) => Reading::Damaged("the decoder failed over it".to_owned()),
    }
}

fn loaded(key: Key, message: Message<RealDisk>) -> Loaded {
    let (place, content) = (message.place, message.content());
    let (journal, file) = message.into_parts();
    Loaded {
        key,
        place,
        content,
        journal,
        file: Some(Arc::new(OwnedFd::from(file))),
    }
}
