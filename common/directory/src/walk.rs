//! The way of one address through the tables.

use stafette_addr::{Domain, LocalPart, Mailbox};
use stafette_control::{Account, Lookup};
use stafette_table::target::{Item, parse_list};
use stafette_table::{Entry, Reply, Table, virtual_user};
use stafette_wire::envelope::Expanded;

use crate::directory::Directory;
use crate::expansion::Expansion;
use crate::hop::{Bang, Place};
use crate::settings::Decisive;
use crate::{Decision, Line, What};

/// Who may be asked for accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// users/assign alone, which never waits.
    Assigned,
    /// The accounts of the system, too.
    All,
}

/// Why a walk ends before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// This is the answer.
    Said(What),
    /// Only a walk that may wait can go on.
    MustAsk,
}

impl From<Reply> for Stop {
    fn from(reply: Reply) -> Self {
        Self::Said(refused(&reply))
    }
}

impl Stop {
    pub(crate) fn later(reason: impl Into<String>) -> Self {
        Self::Said(What::Later(reason.into()))
    }
}

/// Names that every host has: each stands for the next, and the last for the mail of last resort.
const CHAIN: [&str; 3] = ["mailer-daemon", "postmaster", "root"];

/// A walk under way.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) decisive: &'a Decisive,
    pub(crate) who: Who,
    pub(crate) decided: Vec<Decision>,
}

impl<'a> Walk<'a> {
    /// The whole way.
    pub(crate) fn top(&mut self, mailbox: &Mailbox, expanded: Expanded) -> Result<What, Stop> {
        match expanded {
            Expanded::Lines => return self.lines(mailbox),
            Expanded::Mailbox => {}
            Expanded::No => {
                if let Some((items, entry)) = self.virtual_targets(mailbox)? {
                    let text = entry.value.clone();
                    self.note(Table::Virtusertable, &entry, text);
                    return Expansion::of_virtual(self, mailbox, &items);
                }
            }
        }
        self.by_domain(mailbox, expanded)
    }

    /// The way behind the virtusertable.
    pub(crate) fn by_domain(
        &mut self,
        mailbox: &Mailbox,
        expanded: Expanded,
    ) -> Result<What, Stop> {
        match self.place(mailbox)? {
            Place::Ours { decision } => {
                self.decided.push(decision);
                self.local(mailbox, expanded)
            }
            Place::OursAs { decision, user } => {
                self.decided.push(decision);
                let mailbox = match LocalPart::from_unquoted(user.as_bytes()) {
                    Ok(local) => Mailbox::new(local, mailbox.domain().clone()),
                    Err(error) => return Err(Stop::later(format!("{user}: {error}"))),
                };
                self.local(&mailbox, expanded)
            }
            Place::Virtual { decision, prepend } => {
                let user = format!("{prepend}-{}", mailbox.local().as_str());
                self.decided.push(decision);
                let Ok(local) = LocalPart::from_unquoted(user.as_bytes()) else {
                    return Ok(What::NoSuchUser);
                };
                Ok(self
                    .account(&local)?
                    .map_or(What::NoSuchUser, What::Account))
            }
            Place::Others { decision, what } => {
                self.decided.extend(decision);
                Ok(what)
            }
        }
    }

    /// A local-part of ours.
    pub(crate) fn local(&mut self, mailbox: &Mailbox, expanded: Expanded) -> Result<What, Stop> {
        if let Some(bang) = Bang::parse(mailbox.local()) {
            return self.bang(&bang, mailbox);
        }
        for name in names(mailbox.local()) {
            let is_alias = expanded == Expanded::No;
            if is_alias && let Some((key, entry)) = self.alias(&name)? {
                return self.expand(mailbox, &key, &entry);
            }
            if let Some(account) = self.account(&name)? {
                return Ok(What::Account(account));
            }
        }
        if is_always_there(mailbox.local()) {
            return Ok(self.last_resort(mailbox.local()));
        }
        Ok(What::NoSuchUser)
    }

    fn expand(&mut self, mailbox: &Mailbox, key: &str, entry: &Entry) -> Result<What, Stop> {
        self.note_alias(key, entry);
        let items = self.items(entry)?;
        let is_line = |item: &Item| matches!(item, Item::Program(_) | Item::File(_));
        if !items.is_empty() && items.iter().all(is_line) && self.owner(key)?.is_none() {
            let lines = lines_of(&items);
            if !lines.is_empty() {
                return Ok(self.what_lines(key, lines));
            }
        }
        Expansion::of_alias(self, mailbox, key, &items)
    }

    /// The programs and files of one alias.
    fn lines(&mut self, mailbox: &Mailbox) -> Result<What, Stop> {
        let Some((key, entry)) = self.alias(mailbox.local())? else {
            return Ok(What::NoSuchUser);
        };
        self.note_alias(&key, &entry);
        let items = self.items(&entry)?;
        let lines = lines_of(&items);
        if !lines.is_empty() {
            return Ok(self.what_lines(&key, lines));
        }
        match items.into_iter().find_map(|item| match item {
            Item::Error(reply) => Some(reply),
            _ => None,
        }) {
            Some(reply) => Err(reply.into()),
            None => Ok(What::NoSuchUser),
        }
    }

    fn what_lines(&self, key: &str, lines: Vec<Line>) -> What {
        What::Lines {
            alias: key.to_owned(),
            user: self.decisive.alias_user.clone(),
            lines,
        }
    }

    /// Mail that somebody must get and nobody is named for.
    fn last_resort(&mut self, local: &LocalPart) -> What {
        let mailbox = self.directory.last_resort();
        self.decided.push(Decision {
            file: self.directory.tables.file_name(Table::Aliases),
            line: 0,
            text: format!(
                "neither {local} nor root has an alias or an account: mail of last resort"
            ),
        });
        self.what_lines(&local.as_str().to_lowercase(), vec![Line::File(mailbox)])
    }

    pub(crate) fn virtual_targets(
        &self,
        mailbox: &Mailbox,
    ) -> Result<Option<(Vec<Item>, Entry)>, Stop> {
        virtual_user::find(&self.directory.tables, mailbox).map_err(Stop::later)
    }

    /// The alias of a name, with the key that fits: `joe+ext`, `joe+*` or `joe`.
    pub(crate) fn alias(&self, local: &LocalPart) -> Result<Option<(String, Entry)>, Stop> {
        let tables = &self.directory.tables;
        let name = local.as_str().to_lowercase();
        if !tables.is_there(Table::Aliases) || name.starts_with(':') {
            return Ok(None);
        }
        let plus = name.split_once('+').map(|(user, _)| user.to_owned());
        let keys = std::iter::once(name).chain(
            plus.into_iter()
                .filter(|user| !user.is_empty())
                .flat_map(|user| [format!("{user}+*"), user]),
        );
        for key in keys {
            if let Some(entry) = tables.get(Table::Aliases, &key).map_err(Stop::later)? {
                return Ok(Some((key, entry)));
            }
        }
        Ok(None)
    }

    /// `owner-NAME`, if there is that alias; the owner of an owner is `owner-owner`.
    pub(crate) fn owner(&self, key: &str) -> Result<Option<String>, Stop> {
        let owner = if key.starts_with("owner-") {
            "owner-owner".to_owned()
        } else {
            format!("owner-{key}")
        };
        let tables = &self.directory.tables;
        let entry = tables.get(Table::Aliases, &owner).map_err(Stop::later)?;
        Ok(entry.map(|_| owner).filter(|owner| owner != key))
    }

    pub(crate) fn items(&self, entry: &Entry) -> Result<Vec<Item>, Stop> {
        parse_list(entry.value.as_bytes()).map_err(|mistake| {
            let file = self.directory.tables.file_name(Table::Aliases);
            Stop::later(format!("{file}:{}: {mistake}", entry.line))
        })
    }

    /// Whose a name is; none if nobody's.
    pub(crate) fn account(&mut self, local: &LocalPart) -> Result<Option<Account>, Stop> {
        let accounts = &self.directory.accounts;
        let (lookup, file) = match accounts.lookup_assigned(local) {
            Some(lookup) => (lookup, "users/assign"),
            None if self.who == Who::All => (accounts.lookup(local), "accounts of the system"),
            None => return Err(Stop::MustAsk),
        };
        match lookup {
            Lookup::Found(account) => {
                self.decided.push(Decision {
                    file: file.to_owned(),
                    line: 0,
                    text: format!(
                        "{} (user id {}, home {})",
                        account.name,
                        account.uid,
                        account.home.display()
                    ),
                });
                Ok(Some(account))
            }
            Lookup::NoSuchUser => Ok(None),
            Lookup::Later(reason) => Err(Stop::later(reason)),
        }
    }

    /// Whether the domain's local-parts are looked up among aliases and accounts.
    pub(crate) fn is_ours(&self, domain: &Domain) -> bool {
        self.decisive.locals.find(domain).is_some()
    }

    pub(crate) fn note(&mut self, table: Table, entry: &Entry, text: String) {
        let decision = self.directory.decision(table, entry, text);
        self.decided.push(decision);
    }

    pub(crate) fn note_alias(&mut self, key: &str, entry: &Entry) {
        self.note(
            Table::Aliases,
            entry,
            format!("{key}: {}", shown(&entry.value)),
        );
    }
}

/// A right side that is not all of a large list.
fn shown(value: &str) -> String {
    const LIMIT: usize = 500;
    if value.len() <= LIMIT {
        return value.to_owned();
    }
    let mut text: String = value.chars().take(LIMIT).collect();
    text.push_str("...");
    text
}

/// The programs and files among some targets; `/dev/null` is none.
pub(crate) fn lines_of(items: &[Item]) -> Vec<Line> {
    let line = |item: &Item| match item {
        Item::Program(command) => Some(Line::Program(command.clone())),
        Item::File(path) if path.as_os_str() != "/dev/null" => Some(Line::File(path.clone())),
        _ => None,
    };
    items.iter().filter_map(line).collect()
}

/// The names that mail for `local` is for, one instead of the other.
pub(crate) fn names(local: &LocalPart) -> Vec<LocalPart> {
    let from = CHAIN
        .iter()
        .position(|name| local.as_str().eq_ignore_ascii_case(name));
    let rest = from.map_or(&[][..], |at| CHAIN.get(at + 1..).unwrap_or_default());
    let rest = rest
        .iter()
        .filter_map(|name| LocalPart::from_unquoted(name.as_bytes()).ok());
    std::iter::once(local.clone()).chain(rest).collect()
}

/// Whether a name has a place even if nobody was told of it.
pub(crate) fn is_always_there(local: &LocalPart) -> bool {
    CHAIN
        .iter()
        .any(|name| local.as_str().eq_ignore_ascii_case(name))
}

pub(crate) fn refused(reply: &Reply) -> What {
    What::Refused {
        code: reply.code,
        status: reply.status.clone(),
        text: reply.text.clone(),
    }
}
