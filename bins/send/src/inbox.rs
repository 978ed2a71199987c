//! What threads tell the event loop: a channel, and a descriptor that wakes it.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use stafette_queue_layout::Found;
use stafette_sys::eventfd::Wake;

use crate::forward::Forwarded;
use crate::key::Key;
use crate::lister::Listed;
use crate::scheduler::{Reading, Reported};

/// News from a thread.
#[derive(Debug)]
pub(crate) enum News {
    /// A message was read, or not.
    Loaded(Key, Reading),
    /// A report was queued, or not.
    Reported(Key, Reported),
    /// A message goes on to others, or not; with the order's number.
    Forwarded(Key, u64, Forwarded),
    /// Whether a user may list and flush where others may not.
    Member(u32, bool),
    /// A scan came upon these.
    Scanned(Vec<Found>),
    /// A scan is over.
    ScanEnded {
        /// Everything was read.
        is_complete: bool,
        /// Messages found.
        count: u64,
        /// How long it took.
        seconds: u64,
        /// What went wrong.
        problem: String,
    },
    /// These have a recipient at a domain that was asked for.
    Matched(Vec<Key>),
    /// A listing wants the messages behind this one.
    More(u64, Option<Key>),
    /// A listing is over.
    Listed(Listed),
}

/// Where a thread puts its news.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    sender: Sender<News>,
    wake: Arc<Wake>,
}

impl Post {
    /// Tells the loop. When the loop is gone nobody listens, and the thread ends soon.
    pub(crate) fn tell(&self, news: News) {
        if self.sender.send(news).is_ok() {
            // A wake that fails leaves the news for the next wake.
            self.wake.wake().unwrap_or(());
        }
    }
}

/// The loop's end.
#[derive(Debug)]
pub(crate) struct Inbox {
    receiver: Receiver<News>,
    post: Post,
}

impl Inbox {
    /// An empty inbox.
    ///
    /// # Errors
    /// The kernel gave no descriptor.
    pub(crate) fn new() -> io::Result<Self> {
        let (sender, receiver) = channel();
        let wake = Arc::new(Wake::new()?);
        Ok(Self {
            receiver,
            post: Post { sender, wake },
        })
    }

    /// A handle for a thread.
    pub(crate) fn post(&self) -> Post {
        self.post.clone()
    }

    /// What becomes readable when there is news.
    pub(crate) fn wake(&self) -> &Wake {
        &self.post.wake
    }

    /// All news there is now.
    pub(crate) fn take(&self) -> Vec<News> {
        self.post.wake.clear().unwrap_or(false);
        self.receiver.try_iter().collect()
    }
}
