//! Aliases and virtual addresses, followed to their fixed point.
//!
//! Each address comes out once. An alias's own name, `\name` and what no table knows any more are mailboxes; programs and files of
//! an alias stay together, as one target that means just them. A way that comes back to where it was is left out and named in the
//! decisions; if nothing else is left, the address is refused.

use std::collections::HashSet;
use std::path::Path;

use stafette_addr::{Domain, Mailbox};
use stafette_table::target::{Address, Item, parse_list};
use stafette_table::{Entry, Table};
use stafette_wire::envelope::Expanded;
use stafette_wire::users::Target;

use crate::hop::{Bang, Place};
use crate::resolution::LOOP;
use crate::walk::{Stop, Walk, Who, is_always_there, lines_of, names};
use crate::{Decision, What};

/// Aliases in aliases, lists in lists.
pub const DEPTH_LIMIT: usize = 50;
/// Targets, those that came up twice included.
pub const ADDRESS_LIMIT: usize = 100_000;
/// Targets that are followed while others wait for their answers.
const FAST_LIMIT: usize = 64;
/// Accounts that are asked for before an expansion is taken to reach somebody.
const ASKED_LIMIT: usize = 1000;

/// An expansion under way.
#[derive(Debug)]
pub(crate) struct Expansion<'w, 'a> {
    walk: &'w mut Walk<'a>,
    top: &'w Mailbox,
    here: Domain,
    targets: Vec<Target>,
    seen: HashSet<String>,
    /// From the top to where it is now, each with a letter for its kind in front.
    path: Vec<String>,
    count: usize,
    first_loop: Option<String>,
    owner: Option<String>,
    is_thrown_away: bool,
}

/// Where some targets stand.
#[derive(Debug, Clone, Copy)]
struct Source<'m> {
    /// The address that stood for them.
    mailbox: &'m Mailbox,
    /// The alias they belong to; none for virtual addresses and lists in files.
    alias: Option<&'m str>,
    /// Nothing else stands for anything beside it.
    is_only: bool,
}

impl<'w, 'a> Expansion<'w, 'a> {
    fn new(walk: &'w mut Walk<'a>, top: &'w Mailbox) -> Self {
        let here = walk.decisive.here(top.domain()).clone();
        Self {
            walk,
            top,
            here,
            targets: Vec::new(),
            seen: HashSet::new(),
            path: Vec::new(),
            count: 0,
            first_loop: None,
            owner: None,
            is_thrown_away: false,
        }
    }

    /// What an alias stands for.
    pub(crate) fn of_alias(
        walk: &'w mut Walk<'a>,
        top: &'w Mailbox,
        key: &str,
        items: &[Item],
    ) -> Result<What, Stop> {
        let mut expansion = Self::new(walk, top);
        expansion.owner = expansion.walk.owner(key)?;
        let id = alias_id(top);
        expansion.seen.insert(id.clone());
        expansion.path.push(id);
        expansion.items(
            Source {
                mailbox: top,
                alias: Some(key),
                is_only: items.len() == 1,
            },
            items,
        )?;
        expansion.finish()
    }

    /// What a virtual address stands for.
    pub(crate) fn of_virtual(
        walk: &'w mut Walk<'a>,
        top: &'w Mailbox,
        items: &[Item],
    ) -> Result<What, Stop> {
        let mut expansion = Self::new(walk, top);
        let id = virtual_id(top);
        expansion.seen.insert(id.clone());
        expansion.path.push(id);
        expansion.items(
            Source {
                mailbox: top,
                alias: None,
                is_only: items.len() == 1,
            },
            items,
        )?;
        expansion.finish()
    }

    fn items(&mut self, source: Source<'_>, items: &[Item]) -> Result<(), Stop> {
        for item in items {
            match item {
                Item::Address(address) if is_own(source, address, self.walk) => {
                    self.mailbox(&own_mailbox(source, address, &self.here))?;
                }
                Item::Address(address) => {
                    let mailbox = address.mailbox(&self.here);
                    self.address(&mailbox, address.domain.is_some(), source.is_only)?;
                }
                Item::Own(address) => self.mailbox(&address.mailbox(&self.here))?,
                Item::Include(path) => self.include(source, path)?,
                Item::File(path) if path.as_os_str() == "/dev/null" => self.is_thrown_away = true,
                Item::Error(reply) if self.path.len() == 1 => return Err(reply.clone().into()),
                Item::Program(_) | Item::File(_) | Item::Error(_) => {}
            }
        }
        let refuses = |item: &Item| matches!(item, Item::Error(_));
        if source.alias.is_some() && (!lines_of(items).is_empty() || items.iter().any(refuses)) {
            let mailbox = Mailbox::new(source.mailbox.local().clone(), self.here.clone());
            let id = format!("l:{}", lower(&mailbox));
            self.target(id, mailbox, Expanded::Lines)?;
        }
        Ok(())
    }

    /// An address that may stand for others.
    fn address(
        &mut self,
        mailbox: &Mailbox,
        may_be_virtual: bool,
        is_only: bool,
    ) -> Result<(), Stop> {
        self.count()?;
        if may_be_virtual && let Some((items, entry)) = self.walk.virtual_targets(mailbox)? {
            let id = virtual_id(mailbox);
            // A line that leads to itself means what stands behind the virtusertable.
            if self.path.last() != Some(&id) {
                let is_only = is_only && items.len() == 1;
                let source = Source {
                    mailbox,
                    alias: None,
                    is_only,
                };
                let text = entry.value.clone();
                return self.enter(id, source, &items, Table::Virtusertable, &entry, text);
            }
        }
        match self.walk.place(mailbox)? {
            Place::Ours { .. } if Bang::parse(mailbox.local()).is_none() => {
                self.local(mailbox, is_only)
            }
            _ => self.mailbox(mailbox),
        }
    }

    /// A local-part of ours.
    fn local(&mut self, mailbox: &Mailbox, is_only: bool) -> Result<(), Stop> {
        let names = names(mailbox.local());
        let count = names.len();
        for (name, at) in names.into_iter().zip(1..) {
            let named = Mailbox::new(name, mailbox.domain().clone());
            if let Some((key, entry)) = self.walk.alias(named.local())? {
                let id = alias_id(&named);
                if self.is_done(&id) {
                    return Ok(());
                }
                let items = self.walk.items(&entry)?;
                if is_only && self.owner.is_none() {
                    self.owner = self.walk.owner(&key)?;
                }
                let source = Source {
                    mailbox: &named,
                    alias: Some(&key),
                    is_only: is_only && items.len() == 1,
                };
                let text = format!("{key}: {}", entry.value);
                return self.enter(id, source, &items, Table::Aliases, &entry, text);
            }
            if at < count && self.has_account(&named)? {
                return self.mailbox(&named);
            }
        }
        self.mailbox(mailbox)
    }

    /// Goes one deeper.
    fn enter(
        &mut self,
        id: String,
        source: Source<'_>,
        items: &[Item],
        table: Table,
        entry: &Entry,
        text: String,
    ) -> Result<(), Stop> {
        if let Some(at) = self.path.iter().position(|each| *each == id) {
            self.found_loop(at, &id, entry, table);
            return Ok(());
        }
        if !self.seen.insert(id.clone()) {
            return Ok(());
        }
        if self.path.len() >= DEPTH_LIMIT {
            let top = self.top;
            return Err(Stop::later(format!(
                "{top}: aliases nest more than {DEPTH_LIMIT} deep"
            )));
        }
        self.note(table, entry, text);
        self.path.push(id);
        let done = self.items(source, items);
        self.path.pop();
        done
    }

    fn include(&mut self, source: Source<'_>, path: &Path) -> Result<(), Stop> {
        let name = format!(":include:{}", path.display());
        let id = format!("i{name}");
        self.count()?;
        if self.is_done(&id) {
            return Ok(());
        }
        let tables = &self.walk.directory.tables;
        let entry = tables
            .include(path)
            .map_err(Stop::later)?
            .ok_or_else(|| Stop::later(format!("{name} is not among the compiled aliases")))?;
        let items = parse_list(entry.value.as_bytes())
            .map_err(|mistake| Stop::later(format!("{name}: {mistake}")))?;
        let source = Source {
            alias: None,
            is_only: false,
            ..source
        };
        let text = format!("{name}: {} targets", items.len());
        self.enter(id, source, &items, Table::Aliases, &entry, text)
    }

    /// Whether nothing new can come of this: then a long list is not even read again. The first loop is still to be told.
    fn is_done(&self, id: &String) -> bool {
        self.seen.contains(id) && (self.first_loop.is_some() || !self.path.contains(id))
    }

    fn found_loop(&mut self, at: usize, id: &str, entry: &Entry, table: Table) {
        let way = self.path.iter().skip(at).map(String::as_str).chain([id]);
        let names: Vec<&str> = way.map(|id| id.get(1..).unwrap_or_default()).collect();
        let text = format!("{LOOP}{}", names.join(" -> "));
        self.note(table, entry, text.clone());
        self.first_loop.get_or_insert(text);
    }

    fn note(&mut self, table: Table, entry: &Entry, text: String) {
        // The first few tell enough; a list of lists has thousands.
        const NOTED: usize = 200;
        if self.walk.decided.len() < NOTED {
            let text = text.chars().take(500).collect();
            self.walk.note(table, entry, text);
        }
    }

    /// An address that stands for nothing else any more.
    fn mailbox(&mut self, mailbox: &Mailbox) -> Result<(), Stop> {
        let id = if self.walk.is_ours(mailbox.domain()) {
            format!("m:{}", lower(mailbox))
        } else {
            let domain = crate::lists::key(mailbox.domain());
            format!("m:{}@{domain}", mailbox.local())
        };
        self.target(id, mailbox.clone(), Expanded::Mailbox)
    }

    fn target(&mut self, id: String, mailbox: Mailbox, expanded: Expanded) -> Result<(), Stop> {
        self.count()?;
        if self.seen.insert(id) {
            self.targets.push(Target { mailbox, expanded });
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), Stop> {
        self.count += 1;
        if self.walk.who == Who::Assigned && self.count > FAST_LIMIT {
            return Err(Stop::MustAsk);
        }
        // Each is counted when it is met and when it comes out.
        if self.count > 2 * ADDRESS_LIMIT || self.targets.len() > ADDRESS_LIMIT {
            let top = self.top;
            return Err(Stop::later(format!(
                "{top} stands for more than {ADDRESS_LIMIT} addresses"
            )));
        }
        Ok(())
    }

    fn finish(mut self) -> Result<What, Stop> {
        if self.targets.is_empty() {
            return Ok(self.nothing());
        }
        let is_own =
            |target: &Target| target.expanded == Expanded::Mailbox && target.mailbox == *self.top;
        if let [target] = self.targets.as_slice()
            && self.owner.is_none()
            && is_own(target)
        {
            return self.walk.by_domain(self.top, Expanded::Mailbox);
        }
        if !self.reaches_somebody()? {
            return Ok(What::NoSuchUser);
        }
        let owner = self.owner.and_then(|owner| {
            let local = stafette_addr::LocalPart::from_unquoted(owner.as_bytes()).ok()?;
            Some(Mailbox::new(local, self.here.clone()))
        });
        Ok(What::Expand {
            targets: self.targets,
            owner,
        })
    }

    fn nothing(&self) -> What {
        if self.is_thrown_away {
            return What::Expand {
                targets: Vec::new(),
                owner: None,
            };
        }
        let (status, text) = match &self.first_loop {
            Some(text) => ("5.4.6", text.clone()),
            None => ("5.1.1", "the alias stands for nobody".to_owned()),
        };
        What::Refused {
            code: 550,
            status: status.to_owned(),
            // A reply is ASCII.
            text: text
                .chars()
                .map(|sign| if matches!(sign, ' '..='~') { sign } else { '?' })
                .take(400)
                .collect(),
        }
    }

    /// Whether at least one target is not known to be nobody. Those that can be told without asking come first.
    fn reaches_somebody(&mut self) -> Result<bool, Stop> {
        let targets = std::mem::take(&mut self.targets);
        let answer = self.reaches(&targets);
        self.targets = targets;
        answer
    }

    fn reaches(&mut self, targets: &[Target]) -> Result<bool, Stop> {
        let mut unclear = Vec::new();
        for target in targets {
            if target.expanded == Expanded::Lines {
                return Ok(true);
            }
            match self.walk.place(&target.mailbox)? {
                Place::Others { .. } | Place::OursAs { .. } => return Ok(true),
                Place::Ours { .. } | Place::Virtual { .. } => unclear.push(target),
            }
            let local = target.mailbox.local();
            if is_always_there(local) || Bang::parse(local).is_some() {
                return Ok(true);
            }
            if unclear.len() > ASKED_LIMIT {
                return Ok(true);
            }
        }
        for target in unclear {
            if self.has_account(&target.mailbox)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether an address of ours is somebody's, without a note.
    fn has_account(&mut self, mailbox: &Mailbox) -> Result<bool, Stop> {
        let noted: Vec<Decision> = std::mem::take(&mut self.walk.decided);
        let answer = self.walk.by_domain(mailbox, Expanded::Mailbox);
        self.walk.decided = noted;
        match answer? {
            What::Later(reason) => Err(Stop::later(reason)),
            // Mail of last resort is nobody's account.
            What::NoSuchUser | What::Lines { .. } => Ok(false),
            _ => Ok(true),
        }
    }
}

fn lower(mailbox: &Mailbox) -> String {
    mailbox.local().as_str().to_lowercase()
}

fn alias_id(mailbox: &Mailbox) -> String {
    format!("a{}", lower(mailbox))
}

fn virtual_id(mailbox: &Mailbox) -> String {
    format!(
        "v{}@{}",
        lower(mailbox),
        crate::lists::key(mailbox.domain())
    )
}

/// Whether an alias names itself.
fn is_own(source: Source<'_>, address: &Address, walk: &Walk<'_>) -> bool {
    let is_here = |domain: &Domain| walk.is_ours(domain);
    source
        .alias
        .is_some_and(|key| address.local.as_str().to_lowercase() == key)
        && address.domain.as_ref().is_none_or(is_here)
}

/// The mailbox that an alias means by its own name: the one that was written to, with its extension.
fn own_mailbox(source: Source<'_>, address: &Address, here: &Domain) -> Mailbox {
    let key = address.local.as_str().to_lowercase();
    let written = lower(source.mailbox);
    let rest = written.strip_prefix(&key);
    if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('+')) {
        source.mailbox.clone()
    } else {
        address.mailbox(here)
    }
}
