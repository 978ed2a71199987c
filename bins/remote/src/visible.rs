//! What other hosts see in place of the addresses of this one: masquerading and the genericstable, as in sendmail.
//!
//! An entry of the genericstable wins; else a domain of `masqueradedomains` becomes the visible one, but for the exceptions. A host that
//! has one relay for everything (a null client) is masqueraded as /etc/mailname by itself, and its reverse-paths too.
//!
//! A worker looks at the files before a job, once a second at most, so that changes count without a restart. What cannot be read
//! (any more) leaves in force what was read before; a table that is there and not compiled makes the job wait.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use stafette_addr::{Domain, Mailbox, ReversePath};
use stafette_control::{Control, DomainSet, Instance, Settings};
use stafette_message::rewrite::Scope;
use stafette_table::mailer::{self, Mailer};
use stafette_table::{Table, Tables, generic};
use stafette_wire::delivery::Protocol;

/// Between two looks at the files.
const EVERY: Duration = Duration::from_secs(1);

/// The settings that say what is visible.
const FILES: [&str; 9] = [
    "masquerade",
    "masqueradedomains",
    "masqueradeexceptions",
    "allmasquerade",
    "masqueradeenvelope",
    "locals",
    "local-host-names",
    "smtproutes",
    "me",
];

/// A file as it was when it was looked at.
type Stamp = Option<(u64, u64, i64, i64)>;

/// What is known of the settings and the tables.
#[derive(Debug, Clone)]
pub(crate) struct Visible {
    instance: Instance,
    me: Domain,
    mailname: Option<Domain>,
    tables: Tables,
    stamps: Vec<Stamp>,
    looked: Instant,
    rules: Rules,
}

/// The settings, read.
#[derive(Debug, Clone, Default)]
struct Rules {
    name: Option<Domain>,
    /// None where they are the local ones.
    domains: Option<DomainSet>,
    locals: DomainSet,
    /// Our own name where no list of local domains says otherwise. It is kept from the start, since it may come from files of the
    /// system that are out of reach by now.
    own: Option<Domain>,
    exceptions: Vec<String>,
    recipients: bool,
    envelope: bool,
}

impl Visible {
    /// Reads them for the first time.
    pub(crate) fn read(instance: &Instance, settings: &Settings) -> Self {
        let me = settings.me();
        let mailname = instance.is_installed().then(mailname).flatten();
        let tables = Tables::open(instance);
        Self {
            rules: Rules::read(settings, &me, mailname.as_ref(), &tables),
            stamps: stamps(instance),
            instance: instance.clone(),
            looked: Instant::now(),
            me,
            mailname,
            tables,
        }
    }

    /// Looks whether anything is different by now.
    pub(crate) fn refresh(&mut self) {
        if self.looked.elapsed() < EVERY {
            return;
        }
        self.looked = Instant::now();
        let stamps = stamps(&self.instance);
        if !self.tables.refresh() && stamps == self.stamps {
            return;
        }
        let settings = self.instance.settings();
        let rules = Rules::read(&settings, &self.me, self.mailname.as_ref(), &self.tables);
        if settings.unreadable().is_none() {
            self.rules = rules;
            self.stamps = stamps;
        }
    }

    /// Whether messages that go out in this way may have other addresses than they have in the queue. LMTP is final delivery,
    /// and nothing is visible there to other hosts.
    pub(crate) fn is_needed(&self, protocol: Protocol) -> bool {
        protocol == Protocol::Smtp
            && (self.rules.name.is_some() || self.tables.is_there(Table::Genericstable))
    }

    /// Whose addresses in the header section change.
    pub(crate) fn scope(&self) -> Scope {
        if self.rules.recipients {
            Scope::All
        } else {
            Scope::Senders
        }
    }

    /// The reverse-path for other hosts. An address of SRS stays: only we can turn it back.
    pub(crate) fn reverse_path(
        &self,
        from: &ReversePath,
        utf8: bool,
    ) -> Result<ReversePath, String> {
        let Some(mailbox) = from.mailbox().filter(|_| self.rules.envelope) else {
            return Ok(from.clone());
        };
        if is_srs(mailbox) {
            return Ok(from.clone());
        }
        let new = self.outside(mailbox, utf8)?;
        Ok(new.map_or_else(|| from.clone(), ReversePath::Mailbox))
    }

    /// What an address is outside, if it is another one there; `utf8` says whether the message may ask for SMTPUTF8 on its account.
    pub(crate) fn outside(&self, mailbox: &Mailbox, utf8: bool) -> Result<Option<Mailbox>, String> {
        let domain = mailbox.domain();
        let is_ours = self.rules.is_local(domain) || self.rules.is_replaced(domain);
        let new = match generic::find(&self.tables, mailbox, is_ours)? {
            Some((new, entry)) if entry.value.contains('@') => Some(new),
            Some((new, _)) => self.rules.masqueraded(&new).or(Some(new)),
            None => self.rules.masqueraded(mailbox),
        };
        let new = new.map(|new| new.with_ascii_domain());
        Ok(new.filter(|new| utf8 || mailbox.needs_smtputf8() || !new.needs_smtputf8()))
    }
}

impl Rules {
    fn read(settings: &Settings, me: &Domain, mailname: Option<&Domain>, tables: &Tables) -> Self {
        let is_null_client = has_relay_for_all(settings, tables);
        let has = |name| matches!(settings.control().lines(name), Ok(Some(_)));
        let by_default = mailname.filter(|name| is_null_client && *name != me);
        Self {
            name: settings.masquerade().or_else(|| by_default.cloned()),
            domains: has("masqueradedomains").then(|| settings.masqueradedomains()),
            locals: settings.locals(),
            own: (!has("locals")).then(|| me.clone()),
            exceptions: settings
                .masqueradeexceptions()
                .iter()
                .map(|word| word.to_lowercase())
                .collect(),
            recipients: settings.allmasquerade(),
            envelope: settings.masqueradeenvelope().unwrap_or(is_null_client),
        }
    }

    fn is_local(&self, domain: &Domain) -> bool {
        self.own.as_ref() == Some(domain) || self.locals.contains(domain)
    }

    fn is_replaced(&self, domain: &Domain) -> bool {
        match &self.domains {
            Some(domains) => domains.contains(domain),
            None => self.is_local(domain),
        }
    }

    fn masqueraded(&self, mailbox: &Mailbox) -> Option<Mailbox> {
        let name = self.name.as_ref()?;
        let is_meant = self.is_replaced(mailbox.domain()) && !self.is_exception(mailbox);
        is_meant.then(|| Mailbox::new(mailbox.local().clone(), name.clone()))
    }

    fn is_exception(&self, mailbox: &Mailbox) -> bool {
        let (local, whole) = (
            mailbox.local().as_str().to_lowercase(),
            mailbox.as_str().to_lowercase(),
        );
        let mut words = self.exceptions.iter();
        words.any(|word| *word == local || *word == whole)
    }
}

/// Whether all mail goes to one relay, unless another line says something else of its domain.
fn has_relay_for_all(settings: &Settings, tables: &Tables) -> bool {
    let routed = || {
        let routes = settings.smtproutes();
        routes.rest().is_some_and(|route| route.relay.is_some())
    };
    match tables.get(Table::Mailertable, ".") {
        Ok(Some(entry)) => matches!(
            mailer::parse(&entry.value),
            Ok(Mailer::Smtp { host: Some(_), .. })
        ),
        Ok(None) | Err(_) => routed(),
    }
}

/// The name that Debian's policy wants in addresses of this machine.
fn mailname() -> Option<Domain> {
    let line = Control::new("/etc").line("mailname").ok().flatten()?;
    Domain::parse(line.as_bytes()).ok()
}

/// What of the file system must be in reach for this.
pub(crate) fn paths(instance: &Instance) -> Vec<PathBuf> {
    vec![instance.etc.clone(), instance.tables()]
}

fn is_srs(mailbox: &Mailbox) -> bool {
    let head = mailbox.local().as_str().as_bytes().get(..5);
    head.is_some_and(|head| {
        let tag = head.get(..4).unwrap_or_default();
        (tag.eq_ignore_ascii_case(b"SRS0") || tag.eq_ignore_ascii_case(b"SRS1"))
            && head.last().is_some_and(|sign| b"=+-".contains(sign))
    })
}

fn stamps(instance: &Instance) -> Vec<Stamp> {
    let stamp = |name| {
        let file = std::fs::metadata(instance.etc.join(name)).ok()?;
        Some((file.ino(), file.size(), file.ctime(), file.ctime_nsec()))
    };
    FILES.into_iter().map(stamp).collect()
}

#[cfg(test)]
mod tests;
