//! The settings that decide, with the line of each entry.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;

use stafette_addr::{Domain, Mailbox};
use stafette_control::{Pattern, Route, Settings, parse_pattern, parse_route};

use crate::Decision;
use crate::lists::{List, Listed, key};

/// The files that are read here.
const FILES: [&str; 9] = [
    "me",
    "locals",
    "local-host-names",
    "rcpthosts",
    "relay-domains",
    "virtualdomains",
    "smtproutes",
    "aliasuser",
    "bestmxislocal",
];

/// Changes when a file is changed or replaced.
type Stamp = Option<(u64, u64, u64, (i64, i64), (i64, i64))>;

/// How the files looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamps(Vec<Stamp>);

impl Stamps {
    pub(crate) fn look(settings: &Settings) -> Self {
        let directory = settings.control().directory();
        let stamp = |name: &&str| {
            let data = std::fs::metadata(directory.join(name)).ok()?;
            Some((
                data.dev(),
                data.ino(),
                data.size(),
                (data.mtime(), data.mtime_nsec()),
                (data.ctime(), data.ctime_nsec()),
            ))
        };
        Self(FILES.iter().map(stamp).collect())
    }
}

/// What was read of them.
#[derive(Debug)]
pub(crate) struct Decisive {
    pub(crate) me: Domain,
    pub(crate) locals: List<()>,
    pub(crate) rcpthosts: List<()>,
    /// By domain: the prepend, empty for an exception.
    pub(crate) virtual_domains: List<String>,
    /// By `user@domain` in lower case.
    pub(crate) virtual_users: HashMap<String, Listed<String>>,
    pub(crate) routes: List<Route>,
    pub(crate) alias_user: String,
    pub(crate) best_exchanger_counts: bool,
}

impl Decisive {
    /// Reads them; what is wrong with a line is noted by the settings' own reading.
    ///
    /// # Errors
    /// A file is there and cannot be read: to take it for an empty one would refuse mail for our own domains.
    pub(crate) fn read(settings: &Settings) -> Result<Self, String> {
        settings.log_problems();
        // The typed getters note what is wrong with each line.
        drop((
            settings.locals(),
            settings.rcpthosts(),
            settings.smtproutes(),
        ));
        let me = settings.me();
        let mut decisive = Self {
            locals: List::default(),
            rcpthosts: List::default(),
            virtual_domains: List::default(),
            virtual_users: HashMap::new(),
            routes: List::default(),
            alias_user: settings.aliasuser(),
            best_exchanger_counts: settings.bestmxislocal(),
            me,
        };
        let mut has_locals = false;
        each(settings, "locals", |decision| {
            has_locals = true;
            add(&mut decisive.locals, decision);
        })?;
        if !has_locals && !is_there(settings, "locals") {
            let text = decisive.me.to_string();
            let decision = Decision {
                file: "me".to_owned(),
                line: 1,
                text,
            };
            add(&mut decisive.locals, decision);
        }
        each(settings, "local-host-names", |decision| {
            add(&mut decisive.locals, decision);
        })?;
        for name in ["rcpthosts", "relay-domains"] {
            each(settings, name, |decision| {
                add(&mut decisive.rcpthosts, decision);
            })?;
        }
        each(settings, "virtualdomains", |decision| {
            decisive.add_virtual(decision);
        })?;
        each(settings, "smtproutes", |decision| {
            if let Ok((pattern, route)) = parse_route(&decision.text) {
                decisive.routes.add(pattern, decision, route);
            }
        })?;
        let unreadable = settings.unreadable();
        settings.log_problems();
        unreadable.map_or(Ok(decisive), |problem| Err(problem.to_string()))
    }

    /// `DOMAIN:PREPEND` or `USER@DOMAIN:PREPEND`, as in qmail-send(8). A wrong line counts for nothing.
    fn add_virtual(&mut self, decision: Decision) {
        let Some((name, prepend)) = split_virtual(&decision.text) else {
            return;
        };
        let prepend = prepend.to_owned();
        if name.is_empty() {
            self.virtual_domains.add(None, decision, prepend);
        } else if let Ok(mailbox) = Mailbox::parse(name.as_bytes()) {
            let value = prepend;
            self.virtual_users
                .entry(user_key(&mailbox))
                .or_insert(Listed { decision, value });
        } else if let Ok(pattern) = parse_pattern(name) {
            self.virtual_domains.add(Some(pattern), decision, prepend);
        }
    }

    /// The entry of virtualdomains that counts for `mailbox`, unless it is an exception.
    pub(crate) fn virtual_user(&self, mailbox: &Mailbox) -> Option<&Listed<String>> {
        self.virtual_users
            .get(&user_key(mailbox))
            .or_else(|| self.virtual_domains.find(mailbox.domain()))
            .filter(|listed| !listed.value.is_empty())
    }

    /// The domain for names without one: `me` if that is ours, else that of `near` if that is.
    pub(crate) fn here<'a>(&'a self, near: &'a Domain) -> &'a Domain {
        let is_ours = |domain: &Domain| self.locals.find(domain).is_some();
        if !is_ours(&self.me) && is_ours(near) {
            near
        } else {
            &self.me
        }
    }
}

/// Parts a line of virtualdomains at the first colon that is not inside the brackets of a literal.
pub(crate) fn split_virtual(text: &str) -> Option<(&str, &str)> {
    let behind = text.find(']').unwrap_or(0);
    let colon = behind + text.get(behind..)?.find(':')?;
    Some((
        text.get(..colon)?.trim_ascii(),
        text.get(colon + 1..)?.trim_ascii(),
    ))
}

fn user_key(mailbox: &Mailbox) -> String {
    let local = mailbox.local().as_str().to_lowercase();
    format!("{local}@{}", key(mailbox.domain()))
}

fn add(list: &mut List<()>, decision: Decision) {
    let pattern: Option<Pattern> = parse_pattern(&decision.text).ok();
    if pattern.is_some() {
        list.add(pattern, decision, ());
    }
}

fn is_there(settings: &Settings, name: &str) -> bool {
    settings.control().directory().join(name).exists()
}

fn each(settings: &Settings, name: &str, mut take: impl FnMut(Decision)) -> Result<(), String> {
    let lines = settings
        .control()
        .lines(name)
        .map_err(|problem| problem.to_string())?;
    for line in lines.unwrap_or_default() {
        take(Decision {
            file: name.to_owned(),
            line: line.number,
            text: line.text,
        });
    }
    Ok(())
}
