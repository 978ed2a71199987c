//! Everything that decides an answer, read again when its files change.
//!
//! Files are looked at once a second at most, when somebody asks. What cannot be read leaves in force what was read before;
//! if there is nothing before, the answer is "later".

use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stafette_addr::Mailbox;
use stafette_control::{Accounts, Lookup, Settings};
use stafette_wire::users::FromUsers;

use crate::domains::{Domains, FILES, Whose};

/// How old what was read may be.
const FRESH: Duration = Duration::from_secs(1);

/// Changes when a file is changed or replaced.
type Stamp = Option<(u64, u64, u64, i64, i64, i64, i64)>;

/// The rules in force.
#[derive(Debug)]
pub(crate) struct Rules {
    settings: Settings,
    stamps: Vec<Stamp>,
    domains: Result<Domains, String>,
    accounts: Arc<Accounts>,
    looked_at: Instant,
}

/// What can be said about an address at once.
#[derive(Debug)]
pub(crate) enum Answer {
    /// All.
    Now(FromUsers),
    /// The account database of the system must be asked, by these rules.
    Ask(Arc<Accounts>),
}

impl Rules {
    /// Reads everything.
    pub(crate) fn load(settings: Settings) -> Self {
        let stamps = stamps(&settings);
        let domains = Domains::read(&settings);
        let accounts = Arc::new(Accounts::load(&settings));
        settings.log_problems();
        Self {
            settings,
            stamps,
            domains,
            accounts,
            looked_at: Instant::now(),
        }
    }

    /// Says whose `mailbox` is.
    pub(crate) fn answer(&mut self, seq: u32, mailbox: &Mailbox) -> Answer {
        if self.looked_at.elapsed() > FRESH {
            self.refresh();
        }
        let domains = match &self.domains {
            Ok(domains) => domains,
            Err(reason) => {
                let reason = reason.clone();
                return Answer::Now(FromUsers::Later { seq, reason });
            }
        };
        match domains.whose(mailbox.domain()) {
            Whose::Others { in_rcpthosts } => Answer::Now(FromUsers::Remote { seq, in_rcpthosts }),
            Whose::Ours => match self.accounts.lookup_assigned(mailbox.local()) {
                Some(lookup) => Answer::Now(packet(seq, lookup)),
                None => Answer::Ask(Arc::clone(&self.accounts)),
            },
        }
    }

    fn refresh(&mut self) {
        self.looked_at = Instant::now();
        let stamps = stamps(&self.settings);
        if stamps != self.stamps || self.domains.is_err() {
            self.stamps = stamps;
            match Domains::read(&self.settings) {
                Err(_) if self.domains.is_ok() => {}
                read => self.domains = read,
            }
        }
        // A copy is made only where a look-up under way still has the old one.
        Arc::make_mut(&mut self.accounts).refresh(&self.settings);
        self.settings.log_problems();
    }
}

/// An account as an answer.
pub(crate) fn packet(seq: u32, lookup: Lookup) -> FromUsers {
    match lookup {
        Lookup::Found(account) => FromUsers::Local {
            seq,
            account: account.key().to_owned(),
        },
        Lookup::NoSuchUser => FromUsers::NoSuchUser { seq },
        Lookup::Later(reason) => FromUsers::Later { seq, reason },
    }
}

fn stamps(settings: &Settings) -> Vec<Stamp> {
    let directory = settings.control().directory();
    let stamp = |name: &&str| {
        let data = std::fs::metadata(directory.join(name)).ok()?;
        Some((
            data.dev(),
            data.ino(),
            data.size(),
            data.mtime(),
            data.mtime_nsec(),
            data.ctime(),
            data.ctime_nsec(),
        ))
    };
    FILES.iter().map(stamp).collect()
}

#[cfg(test)]
mod tests;
