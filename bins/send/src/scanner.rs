//! Walks through the queue, beside the event loop: for all messages there are, or for those that somebody looks for.
//!
//! A scan hands over a thousand names at a time and waits when the loop is behind, so its memory is bounded whatever the
//! queue holds.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;

use stafette_queue_layout::{Place, RealDisk, Scan};

use crate::inbox::{News, Post};
use crate::key::Key;
use crate::pile::Pile;
use crate::reader;
use crate::scheduler::Reading;
use crate::search::Search;

/// Names in one batch.
const BATCH: usize = 1_000;
/// Walks that wait for their turn: each reads the whole queue, and everybody may ask for some (ETRN).
const WALKS: usize = 16;
/// Batches that the loop has not seen yet.
const AHEAD: usize = 4;

/// What to walk for.
#[derive(Debug, PartialEq, Eq)]
enum Walk {
    All,
    For(Search),
}

/// The walking thread.
#[derive(Debug)]
pub(crate) struct Scanner {
    walks: Pile<Walk>,
    taken: Receiver<()>,
}

impl Scanner {
    /// Starts the thread.
    ///
    /// # Errors
    /// The kernel gave none.
    pub(crate) fn start(disk: &RealDisk, post: &Post) -> io::Result<Self> {
        let walks = Pile::new();
        let (ahead, taken) = sync_channel(AHEAD);
        let (disk, post) = (disk.clone(), post.clone());
        walks.serve(1, "scanner", move |walk| match walk {
            Walk::All => scan(&disk, &post, &ahead),
            Walk::For(wanted) => search(&disk, &post, &ahead, &wanted),
        })?;
        Ok(Self { walks, taken })
    }

    /// Walks through everything.
    pub(crate) fn scan(&self) {
        self.walks.put(Walk::All);
    }

    /// Walks through everything that is looked for, once for all who ask before it begins.
    pub(crate) fn search(&self, wanted: Search) {
        self.walks.put_once(Walk::For(wanted));
    }

    /// Whether so much is to be looked for that nobody should ask for more.
    pub(crate) fn is_full(&self) -> bool {
        self.walks.len() >= WALKS
    }

    /// The loop has dealt with a batch.
    pub(crate) fn took_batch(&self) {
        // Empty if the thread is gone.
        self.taken.try_recv().unwrap_or(());
    }
}

fn scan(disk: &RealDisk, post: &Post, ahead: &SyncSender<()>) {
    let since = Instant::now();
    let (mut count, mut problem) = (0u64, String::new());
    let mut batch = Vec::with_capacity(BATCH);
    let places = [Place::New, Place::Cur, Place::Hold, Place::Bad];
    for found in Scan::new(disk, &places) {
        match found {
            Ok(found) => {
                count += 1;
                batch.push(found);
                if batch.len() >= BATCH {
                    hand_over(post, ahead, News::Scanned(std::mem::take(&mut batch)));
                }
            }
            Err(error) => problem = error.to_string(),
        }
    }
    hand_over(post, ahead, News::Scanned(batch));
    post.tell(News::ScanEnded {
        is_complete: problem.is_empty(),
        count,
        seconds: since.elapsed().as_secs(),
        problem,
    });
}

fn search(disk: &RealDisk, post: &Post, ahead: &SyncSender<()>, wanted: &Search) {
    let mut batch = Vec::new();
    for found in Scan::new(disk, &[Place::New, Place::Cur]).flatten() {
        if wanted.excludes(found.id) {
            continue;
        }
        let Reading::Message(message) = reader::read(disk, found.id.into()) else {
            continue;
        };
        if wanted.matches(&message.journal) {
            batch.push(Key::from(found.id));
            if batch.len() >= BATCH {
                hand_over(post, ahead, News::Matched(std::mem::take(&mut batch)));
            }
        }
    }
    hand_over(post, ahead, News::Matched(batch));
}

fn hand_over(post: &Post, ahead: &SyncSender<()>, news: News) {
    // Fails only when the loop is gone.
    if ahead.send(()).is_ok() {
        post.tell(news);
    }
}
