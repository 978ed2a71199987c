//! Everything that decides an answer, read again when its files change.
//!
//! Files are looked at once a second at most, when somebody asks. What cannot be read leaves in force what was read before;
//! if there is nothing before, the answer is "later".

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stafette_addr::Domain;
use stafette_control::{Instance, Settings};
use stafette_directory::Directory;
use stafette_log::{Event, event};
use stafette_users::srs::{Secret, Srs};
use stafette_wire::users::FromUsers;

use crate::answer::{Asked, Knowledge};
use crate::exchanger::Exchangers;
use crate::{needs, secret};

/// How old what was read may be.
const FRESH: Duration = Duration::from_secs(1);

/// The rules in force.
#[derive(Debug)]
pub(crate) struct Rules {
    settings: Settings,
    knowledge: Arc<Knowledge>,
    spool: PathBuf,
    secrets: Vec<Secret>,
    /// What srs and srsdomain said.
    forwards: (bool, Domain),
    looked_at: Instant,
}

/// What can be said about an address at once.
#[derive(Debug)]
pub(crate) enum Answer {
    /// All.
    Now(Vec<FromUsers>),
    /// It may take a while, by these rules.
    Ask(Arc<Knowledge>),
}

impl Rules {
    /// Reads everything, and makes the secret of SRS if there is none.
    pub(crate) fn load(instance: &Instance) -> Self {
        let settings = instance.settings();
        let directory = Directory::load(instance, &settings);
        let spool = needs::own_directory(instance);
        let secrets = secrets(&spool);
        let forwards = (settings.srs(), settings.srsdomain());
        let knowledge = Knowledge {
            directory,
            signs: forwards.0,
            srs: Srs::new(forwards.1.clone(), secrets.clone()),
            has_secret: !secrets.is_empty(),
            exchangers: Arc::new(Exchangers::read(instance, &settings)),
        };
        settings.log_problems();
        Self {
            settings,
            knowledge: Arc::new(knowledge),
            spool,
            secrets,
            forwards,
            looked_at: Instant::now(),
        }
    }

    /// Answers at once if that can be done without waiting.
    pub(crate) fn answer(&mut self, asked: &Asked) -> Answer {
        if self.looked_at.elapsed() > FRESH {
            self.refresh();
        }
        match self.knowledge.answer_fast(asked) {
            Some(packets) => Answer::Now(packets),
            None => Answer::Ask(Arc::clone(&self.knowledge)),
        }
    }

    fn refresh(&mut self) {
        self.looked_at = Instant::now();
        // A copy is made only where a look-up under way still has the old one.
        let knowledge = Arc::make_mut(&mut self.knowledge);
        let has_changed = knowledge.directory.refresh(&self.settings);
        let forwards = (self.settings.srs(), self.settings.srsdomain());
        if self.secrets.is_empty() {
            // Quietly: that it is missing was said at the start.
            self.secrets = secret::load(&self.spool).unwrap_or_default();
        }
        if has_changed
            || forwards != self.forwards
            || self.secrets.is_empty() == knowledge.has_secret
        {
            knowledge.signs = forwards.0;
            knowledge.srs = Srs::new(forwards.1.clone(), self.secrets.clone());
            knowledge.has_secret = !self.secrets.is_empty();
            self.forwards = forwards;
        }
        self.settings.log_problems();
    }
}

fn secrets(spool: &std::path::Path) -> Vec<Secret> {
    secret::load(spool).unwrap_or_else(|error| {
        let problem = format!("no secret for SRS: {error}");
        let advice = "until there is one, forwards keep their senders";
        let fields: [(&str, &[u8]); 2] = [
            ("problem", problem.as_bytes()),
            ("advice", advice.as_bytes()),
        ];
        event(Event::Error, None, &fields);
        Vec::new()
    })
}

#[cfg(test)]
mod tests;
