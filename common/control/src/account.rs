//! Accounts: who a local-part belongs to, by users/assign first and then, if `systemusers` says so, by the accounts of the system.
//!
//! "Nobody has that name" is said only when everything that could know was asked and answered; whatever cannot be read means later.
//! Accounts of the system with a user id below `minuid`, root and nobody get no mail of their own: theirs goes to an alias. Whether a
//! home directory is there is not asked here.

use crate::assign::{Assign, Assigned, parse_assign};
use crate::control::Control;
use crate::settings::Settings;
use stafette_addr::LocalPart;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

/// The files that decide; when one of them changes, all are read again.
const FILES: &[&str] = &["users/assign", "systemusers", "minuid"];

/// Longer names are no accounts of the system (useradd(8)).
const NAME_LIMIT: usize = 32;

/// An address is split into user and extension in at most so many places, so that an address full of hyphens costs little.
const SPLIT_LIMIT: usize = 8;

/// The account that has the rest of the 16-bit ids' names, by its usual name and ids.
const NOBODY: (&str, [u32; 2]) = ("nobody", [65_534, 65_535]);

/// Who gets the mail of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user's name.
    pub name: String,
    /// User id, never 0.
    pub uid: u32,
    /// Group id, never 0.
    pub gid: u32,
    /// Home directory, absolute. Whether it exists is not known.
    pub home: PathBuf,
    /// What stands between `.qmail` and the extension: `-`, or nothing.
    pub dash: String,
    /// The rest of the address behind the user, as a stranger wrote it, in lower case: it may hold slashes and dots.
    pub ext: String,
}

impl Account {
    /// What mail for this account is lined up by: equal keys, one user.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.name
    }
}

/// Whose an address is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Lookup {
    /// This account's.
    Found(Account),
    /// Nobody's, for certain.
    NoSuchUser,
    /// That cannot be said now, for this reason.
    Later(String),
}

/// What decides whose an address is, read from the settings.
#[derive(Debug, Clone)]
pub struct Accounts {
    assign: Result<Assign, String>,
    systemusers: bool,
    minuid: u32,
    stamps: Vec<Option<Stamp>>,
}

/// Changes when a file is changed or replaced: device, inode, size, time of change of content and of inode.
type Stamp = (u64, u64, u64, (i64, i64), (i64, i64));

impl Accounts {
    /// Reads what decides. What is wrong with it is among the problems of `settings` afterwards.
    #[must_use]
    pub fn load(settings: &Settings) -> Self {
        // The stamps come first: a change while the files are read is noticed at the next refresh.
        let stamps = stamps(settings.control());
        let assign = match settings.control().read("users/assign") {
            Ok(None) => Ok(Assign::absent()),
            Ok(Some(bytes)) => Ok(parse_assign(&bytes, |line, mistake| {
                settings.note(mistake.at("users/assign", line));
            })),
            Err(problem) => {
                let reason = problem.to_string();
                settings.note(problem);
                Err(reason)
            }
        };
        Self {
            assign,
            systemusers: settings.systemusers(),
            minuid: settings.minuid(),
            stamps,
        }
    }

    /// Reads everything again if a file has changed; tells whether one had. Costs a stat of each file if not.
    pub fn refresh(&mut self, settings: &Settings) -> bool {
        let has_changed = self.stamps != stamps(settings.control());
        if has_changed {
            *self = Self::load(settings);
        }
        has_changed
    }

    /// Whose `local` is. May wait for the account database of the system.
    pub fn lookup(&self, local: &LocalPart) -> Lookup {
        self.lookup_with(local.as_str(), stafette_sys::user::by_name)
    }

    fn lookup_with(
        &self,
        local: &str,
        by_name: impl Fn(&str) -> io::Result<Option<stafette_sys::user::Account>>,
    ) -> Lookup {
        let local = local.to_ascii_lowercase();
        self.assigned(&local)
            .unwrap_or_else(|| self.lookup_system(&local, by_name))
    }

    /// Whose `local` is, if that can be said without the account database of the system. Never waits.
    #[must_use]
    pub fn lookup_assigned(&self, local: &LocalPart) -> Option<Lookup> {
        self.assigned(&local.as_str().to_ascii_lowercase())
    }

    fn assigned(&self, local: &str) -> Option<Lookup> {
        let assigned = match &self.assign {
            Ok(assign) => assign.find(local),
            Err(reason) => Assigned::Unclear(reason.clone()),
        };
        match assigned {
            Assigned::To(account) => Some(Lookup::Found(account)),
            Assigned::Unclear(reason) => Some(Lookup::Later(reason)),
            Assigned::Nobody if self.systemusers => None,
            Assigned::Nobody => Some(Lookup::NoSuchUser),
        }
    }

    /// The account of the system whose name is `local` up to its end, or up to a `-` or `+`, the longest name first.
    fn lookup_system(
        &self,
        local: &str,
        by_name: impl Fn(&str) -> io::Result<Option<stafette_sys::user::Account>>,
    ) -> Lookup {
        for (name, ext) in splits(local) {
            match by_name(name) {
                Ok(None) => {}
                Ok(Some(found)) if self.may_get_mail(&found) => {
                    let dash = if ext.is_some() { "-" } else { "" };
                    let ext = ext.unwrap_or_default().to_owned();
                    let stafette_sys::user::Account {
                        name,
                        uid,
                        gid,
                        home,
                        ..
                    } = found;
                    return Lookup::Found(Account {
                        name,
                        uid,
                        gid,
                        home,
                        dash: dash.to_owned(),
                        ext,
                    });
                }
                Ok(Some(_)) => return Lookup::NoSuchUser,
                Err(error) => {
                    return Lookup::Later(format!("unable to look up user {name}: {error}"));
                }
            }
        }
        Lookup::NoSuchUser
    }

    fn may_get_mail(&self, account: &stafette_sys::user::Account) -> bool {
        account.uid >= self.minuid.max(1)
            && account.uid != u32::MAX
            && account.gid != 0
            && account.gid != u32::MAX
            && account.name != NOBODY.0
            && !NOBODY.1.contains(&account.uid)
            && account.home.is_absolute()
    }
}

/// The ways to read `local` as a name and an extension, the longest name first; only what can be a name of an account.
fn splits(local: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let places: Vec<usize> = local
        .match_indices(['-', '+'])
        .map(|(at, _)| at)
        .take(SPLIT_LIMIT)
        .collect();
    let split = move |at: usize| Some((local.get(..at)?, Some(local.get(at + 1..)?)));
    let all = std::iter::once((local, None)).chain(places.into_iter().rev().filter_map(split));
    all.filter(|(name, _)| is_account_name(name))
}

fn is_account_name(name: &str) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=NAME_LIMIT).contains(&name.len())
        && !name.starts_with(['-', '.'])
        && name.bytes().all(is_sign)
}

fn stamps(control: &Control) -> Vec<Option<Stamp>> {
    let stamp = |name: &&str| {
        let data = std::fs::metadata(control.directory().join(name)).ok()?;
        Some((
            data.dev(),
            data.ino(),
            data.size(),
            (data.mtime(), data.mtime_nsec()),
            (data.ctime(), data.ctime_nsec()),
        ))
    };
    FILES.iter().map(stamp).collect()
}

#[cfg(test)]
mod tests;
