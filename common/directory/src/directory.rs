//! Everything that decides, read once and again when it changes.

use std::path::PathBuf;
use std::sync::Arc;

use stafette_addr::{Domain, LocalPart, Mailbox};
use stafette_control::{Accounts, Instance, Settings};
use stafette_table::access::{self, Action};
use stafette_table::{Entry, Table, Tables};
use stafette_wire::envelope::Expanded;

use crate::settings::{Decisive, Stamps};
use crate::walk::{Stop, Walk, Who};
use crate::{Decision, Line, Resolution, What};

/// The tables, lists and accounts of an instance. A copy is cheap, and shares what is large.
#[derive(Debug, Clone)]
pub struct Directory {
    pub(crate) tables: Tables,
    pub(crate) decisive: Result<Arc<Decisive>, String>,
    pub(crate) accounts: Arc<Accounts>,
    /// The home of the alias user.
    pub(crate) alias_home: PathBuf,
    stamps: Stamps,
}

impl Directory {
    /// Reads everything. What cannot be read makes answers "later"; what is wrong is among the problems of `settings` afterwards.
    #[must_use]
    pub fn load(instance: &Instance, settings: &Settings) -> Self {
        Self::with_tables(Tables::open(instance), instance, settings)
    }

    fn with_tables(tables: Tables, instance: &Instance, settings: &Settings) -> Self {
        // The stamps come first: a change while the files are read is noticed at the next refresh.
        let stamps = Stamps::look(settings);
        Self {
            tables,
            decisive: Decisive::read(settings).map(Arc::new),
            accounts: Arc::new(Accounts::load(settings)),
            alias_home: instance.alias_home(),
            stamps,
        }
    }

    /// Reads again what has changed; tells whether anything had. What cannot be read any more leaves in force what was read before.
    /// Costs a stat of each file if nothing changed; call it once a second at most.
    pub fn refresh(&mut self, settings: &Settings) -> bool {
        let mut has_changed = self.tables.refresh_now();
        let stamps = Stamps::look(settings);
        if stamps != self.stamps || self.decisive.is_err() {
            self.stamps = stamps;
            match Decisive::read(settings) {
                Err(_) if self.decisive.is_ok() => {}
                read => {
                    self.decisive = read.map(Arc::new);
                    has_changed = true;
                }
            }
        }
        // Copied only while a look-up under way still has the old ones.
        has_changed |= Arc::make_mut(&mut self.accounts).refresh(settings);
        has_changed
    }

    /// The tables.
    #[must_use]
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// What becomes of mail for `mailbox`. May wait for the account database of the system.
    pub fn resolve(&self, mailbox: &Mailbox, expanded: Expanded) -> Resolution {
        self.walk(mailbox, Who::All, |walk| walk.top(mailbox, expanded))
            .unwrap_or_else(|| later(mailbox))
    }

    /// The same without waiting: none if the account database of the system must be asked, or the answer is long.
    #[must_use]
    pub fn resolve_fast(&self, mailbox: &Mailbox, expanded: Expanded) -> Option<Resolution> {
        self.walk(mailbox, Who::Assigned, |walk| walk.top(mailbox, expanded))
    }

    /// What becomes of it if its domain is ours, whatever the lists say: for a domain whose best exchanger we are.
    pub fn resolve_as_ours(&self, mailbox: &Mailbox) -> Resolution {
        self.walk(mailbox, Who::All, |walk| walk.local(mailbox, Expanded::No))
            .unwrap_or_else(|| later(mailbox))
    }

    /// What an address of a virtual domain is called in the mail and the environment of the account that it belongs to, as in qmail:
    /// `PREPEND-local@domain`.
    #[must_use]
    pub fn virtual_name(&self, mailbox: &Mailbox) -> Option<Mailbox> {
        let decisive = self.decisive.as_ref().ok()?;
        if decisive.locals.find(mailbox.domain()).is_some() {
            return None;
        }
        let prepend = &decisive.virtual_user(mailbox)?.value;
        let name = format!("{prepend}-{}", mailbox.local().as_str());
        let local = LocalPart::from_unquoted(name.as_bytes()).ok()?;
        Some(Mailbox::new(local, mailbox.domain().clone()))
    }

    /// Whether mail for the domain is delivered here, by the lists and the virtusertable alone.
    ///
    /// # Errors
    /// Why that cannot be said now.
    pub fn is_ours(&self, domain: &Domain) -> Result<bool, String> {
        let decisive = self.decisive.as_ref().map_err(Clone::clone)?;
        let is_virtual = |value: &String| !value.is_empty();
        Ok(decisive.locals.find(domain).is_some()
            || decisive
                .virtual_domains
                .find(domain)
                .is_some_and(|listed| is_virtual(&listed.value))
            || stafette_table::virtual_user::has_catch_all(&self.tables, domain)?)
    }

    /// Whether the DNS is to be asked if we are the best exchanger of the domain (`bestmxislocal`), when it is neither ours by the
    /// lists nor routed by a table.
    #[must_use]
    pub fn asks_for_best_exchanger(&self, domain: &Domain) -> bool {
        let Ok(decisive) = &self.decisive else {
            return false;
        };
        decisive.best_exchanger_counts
            && !domain.is_literal()
            && decisive.locals.find(domain).is_none()
            && decisive
                .routes
                .find(domain)
                .is_none_or(|route| route.value.relay.is_none())
            && matches!(stafette_table::mailer::find(&self.tables, domain), Ok(None))
    }

    /// What access says of this recipient (`To:`), and where.
    ///
    /// # Errors
    /// Why that cannot be said now.
    pub fn access_to(&self, mailbox: &Mailbox) -> Result<Option<(Action, Decision)>, String> {
        let found = access::to(&self.tables, mailbox)?;
        Ok(found.map(|(action, entry)| {
            let text = format!("{mailbox} {}", entry.value);
            (action, self.decision(Table::Access, &entry, text))
        }))
    }

    /// The domain that names of this host have in addresses: `me` if that is ours, else none is known to be better.
    ///
    /// # Errors
    /// Why that cannot be said now.
    pub fn me(&self) -> Result<&Domain, String> {
        self.decisive
            .as_ref()
            .map(|decisive| &decisive.me)
            .map_err(Clone::clone)
    }

    /// The Maildir for mail that nobody else gets; with the slash at its end it is one.
    pub(crate) fn last_resort(&self) -> PathBuf {
        self.alias_home.join("Maildir/")
    }

    pub(crate) fn is_last_resort(&self, lines: &[Line]) -> bool {
        matches!(lines, [Line::File(path)] if *path == self.last_resort())
    }

    pub(crate) fn decision(&self, table: Table, entry: &Entry, text: String) -> Decision {
        Decision {
            file: self.tables.file_name(table),
            line: entry.line,
            text,
        }
    }

    fn walk(
        &self,
        mailbox: &Mailbox,
        who: Who,
        go: impl FnOnce(&mut Walk<'_>) -> Result<What, Stop>,
    ) -> Option<Resolution> {
        let decisive = match &self.decisive {
            Ok(decisive) => decisive,
            Err(reason) => {
                return Some(Resolution {
                    mailbox: mailbox.clone(),
                    what: What::Later(reason.clone()),
                    decided: Vec::new(),
                });
            }
        };
        let mut walk = Walk {
            directory: self,
            decisive,
            who,
            decided: Vec::new(),
        };
        let what = match go(&mut walk) {
            Ok(what) => what,
            Err(Stop::Said(what)) => what,
            Err(Stop::MustAsk) => return None,
        };
        Some(Resolution {
            mailbox: mailbox.clone(),
            what,
            decided: walk.decided,
        })
    }
}

/// Never said: a walk that may ask does not stop for want of asking.
fn later(mailbox: &Mailbox) -> Resolution {
    Resolution {
        mailbox: mailbox.clone(),
        what: What::Later("the account database was not asked".to_owned()),
        decided: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
