//! Who is in the group of operators, asked of the account database beside the event loop and remembered for a minute.

use std::collections::HashMap;
use std::io;
use std::time::{Duration, Instant};

use stafette_sys::user;

use crate::inbox::{News, Post};
use crate::pile::Pile;

/// So long an answer holds.
const HOLDS: Duration = Duration::from_secs(60);
/// Answers that are remembered.
const REMEMBERED: usize = 1_000;

/// Answers, and the thread that gets them.
#[derive(Debug)]
pub(crate) struct Members {
    known: HashMap<u32, (Instant, bool)>,
    questions: Pile<(u32, String)>,
}

impl Members {
    /// Starts the thread.
    ///
    /// # Errors
    /// The kernel gave none.
    pub(crate) fn start(post: &Post) -> io::Result<Self> {
        let questions = Pile::new();
        let post = post.clone();
        questions.serve(1, "accounts", move |(uid, group): (u32, String)| {
            // Without an answer nobody is an operator.
            let is_member = is_member(uid, &group).unwrap_or(false);
            post.tell(News::Member(uid, is_member));
        })?;
        Ok(Self {
            known: HashMap::new(),
            questions,
        })
    }

    /// Whether this user is in the group, if that is known.
    pub(crate) fn find(&self, uid: u32) -> Option<bool> {
        let (since, is_member) = self.known.get(&uid)?;
        (since.elapsed() < HOLDS).then_some(*is_member)
    }

    /// Asks; the answer comes as [`News::Member`].
    pub(crate) fn ask(&self, uid: u32, group: String) {
        self.questions.put((uid, group));
    }

    /// An answer came.
    pub(crate) fn note(&mut self, uid: u32, is_member: bool) {
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        self.known.insert(uid, (Instant::now(), is_member));
    }

    /// The settings were read again.
    pub(crate) fn forget(&mut self) {
        self.known.clear();
    }
}

fn is_member(uid: u32, group: &str) -> io::Result<bool> {
    let Some(gid) = user::group_by_name(group)? else {
        return Ok(false);
    };
    match user::by_uid(uid)? {
        Some(account) => Ok(account.groups()?.contains(&gid)),
        None => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_in_its_own_group_and_in_none_that_does_not_exist() {
        assert!(is_member(0, "root").unwrap());
        assert!(!is_member(0, "no-such-group-here").unwrap());
        assert!(!is_member(u32::MAX - 7, "root").unwrap());
    }
}
