//! The settings with types and defaults, each read from its file when it is asked for.
//!
//! A program asks for what it needs, before it confines itself, and then logs what was wrong ([`Settings::log_problems`]). A getter never
//! fails: of a wrong value the default counts, of a list the good lines. A file that is there but cannot be read counts as not there, and its
//! problem says so; a program for which that would be dangerous asks [`Settings::unreadable`] and stops.

use crate::control::{Control, Line};
use crate::domain_set::{DomainSet, parse_pattern};
use crate::hostname::default_me;
use crate::network::{Networks, parse_network};
use crate::problem::{Mistake, Problem};
use crate::route::{Routes, parse_route};
use crate::setting::{find, parse_choice, parse_host, parse_local_part};
use crate::value::{parse_address, parse_ascii, parse_flag, parse_number};
use stafette_addr::{Domain, LocalPart, Mailbox};
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The settings of an instance, and what was found wrong with those that were asked for.
#[derive(Debug)]
pub struct Settings {
    control: Control,
    problems: Mutex<Vec<Problem>>,
}

/// One getter for each setting of a plain kind.
macro_rules! getters {
    ($($of:ident -> $type:ty { $($name:ident $help:literal)* })*) => {
        impl Settings {
            $($(#[doc = $help] #[must_use] pub fn $name(&self) -> $type { self.$of(stringify!($name)) })*)*
        }
    };
}

getters! {
    number -> u64 {
        maxrecipients "The most recipients of one message."
        maxbadcommands "Wrong commands that end a session."
        maxcommands "Commands that end a session."
        maxhops "Hops that make a loop."
        concurrencyincoming "The most SMTP sessions."
        concurrencyperclient "The most SMTP sessions from one address."
        minfree "Free bytes below which no mail is taken."
        injectconnections "The most messages that users hand in at once."
        injectperuser "The most messages that one user hands in at once."
        concurrencylocal "The most local deliveries at once."
        concurrencyremote "The most connections to other hosts."
        destinationconcurrency "The most connections to one destination."
        recipientlimit "The most recipients in one transaction."
    }
    seconds -> Duration {
        timeoutcommand "For a command of a client."
        timeoutdata "For a stretch of a client's message."
        timeoutconnect "For a connection to one address."
        timeoutremote "For a reply of another host."
        injecttimeout "For a stretch of a user's message."
        timeoutprogram "For a program of a user or an alias."
        queuelifetime "Age at which a recipient fails."
        bouncelifetime "Age at which a recipient of a report fails."
    }
    flag -> bool {
        softbounce "Whether permanent failures count as temporary."
        systemusers "Whether accounts of the system get mail."
        bestmxislocal "Whether mail for a domain whose best exchanger we are is delivered here."
        srs "Whether forwards to other hosts go out under our address."
        allmasquerade "Whether addresses of recipients are masqueraded."
    }
    host -> Domain {
        helohost "Our name in EHLO."
        bouncehost "The host of reports."
        doublebouncehost "The host that gets undeliverable reports."
        defaultdomain "Completes host names without a dot."
        defaulthost "Completes addresses without a host."
        srsdomain "The domain of SRS addresses."
    }
    local_part -> LocalPart {
        bouncefrom "The local-part of reports."
        doublebounceto "The local-part that gets undeliverable reports."
    }
    addresses -> Vec<SocketAddr> {
        smtplisten "Addresses to listen on."
        nameservers "Name servers; none means those of resolv.conf."
    }
    domains -> DomainSet {
        paused "Domains whose mail waits."
    }
}

impl Settings {
    /// The settings that `control` reads.
    #[must_use]
    pub fn new(control: Control) -> Self {
        Self {
            control,
            problems: Mutex::default(),
        }
    }

    /// The reader behind.
    #[must_use]
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The name of this host; never an address literal unless the file says so.
    #[must_use]
    pub fn me(&self) -> Domain {
        self.one("me", parse_host).unwrap_or_else(default_me)
    }

    /// The text of the greeting, printable ASCII.
    #[must_use]
    pub fn smtpgreeting(&self) -> String {
        self.one("smtpgreeting", parse_ascii).unwrap_or_else(|| {
            let me = self.me();
            me.to_ascii().unwrap_or_else(|| me.as_str().to_owned())
        })
    }

    /// The domains whose mail is delivered here: locals (or me) and local-host-names.
    #[must_use]
    pub fn locals(&self) -> DomainSet {
        let locals = self
            .list("locals")
            .map(|lines| self.each("locals", lines, parse_pattern));
        let me = || {
            vec![crate::domain_set::Pattern::Exact(crate::domain_set::key(
                &self.me(),
            ))]
        };
        locals
            .unwrap_or_else(me)
            .into_iter()
            .chain(self.patterns("local-host-names"))
            .collect()
    }

    /// The domains for which mail is passed on for anybody: rcpthosts and relay-domains.
    #[must_use]
    pub fn rcpthosts(&self) -> DomainSet {
        self.patterns("rcpthosts")
            .into_iter()
            .chain(self.patterns("relay-domains"))
            .collect()
    }

    /// The clients that may send anywhere.
    #[must_use]
    pub fn relayclients(&self) -> Networks {
        let lines = self.list("relayclients").unwrap_or_default();
        self.each("relayclients", lines, parse_network)
            .into_iter()
            .collect()
    }

    /// The lines of `virtualdomains`.
    #[must_use]
    pub fn virtualdomains(&self) -> Vec<Line> {
        self.list("virtualdomains").unwrap_or_default()
    }

    /// The user as whom programs and files of aliases run.
    #[must_use]
    pub fn aliasuser(&self) -> String {
        self.one("aliasuser", parse_ascii)
            .unwrap_or_else(|| default_text("aliasuser").to_owned())
    }

    /// The domain that other hosts see, if one was named.
    #[must_use]
    pub fn masquerade(&self) -> Option<Domain> {
        self.one("masquerade", parse_host)
    }

    /// The domains that are replaced by it.
    #[must_use]
    pub fn masqueradedomains(&self) -> DomainSet {
        match self.list("masqueradedomains") {
            Some(lines) => self
                .each("masqueradedomains", lines, parse_pattern)
                .into_iter()
                .collect(),
            None => self.locals(),
        }
    }

    /// Local-parts and addresses that are not replaced.
    #[must_use]
    pub fn masqueradeexceptions(&self) -> Vec<String> {
        self.words_of("masqueradeexceptions").unwrap_or_default()
    }

    /// Whether the reverse-path is masqueraded, if that was said.
    #[must_use]
    pub fn masqueradeenvelope(&self) -> Option<bool> {
        self.one("masqueradeenvelope", parse_flag)
    }

    /// What waits until somebody says `sendmail -q`: `no`, `remote` or `all`.
    #[must_use]
    pub fn deferred(&self) -> &'static str {
        self.one("deferred", |text| {
            parse_choice(text, &["no", "remote", "all"])
        })
        .unwrap_or("no")
    }

    /// Whether send logs in the lines of qmail-send.
    #[must_use]
    pub fn logs_as_qmail(&self) -> bool {
        self.one("logformat", |text| {
            parse_choice(text, &["stafette", "qmail"])
        }) == Some("qmail")
    }

    /// The words of `privacy`, in lower case.
    #[must_use]
    pub fn privacy(&self) -> Vec<String> {
        let words = self.words_of("privacy");
        let default = || default_text("privacy").lines().map(str::to_owned).collect();
        let words: Vec<String> = words.unwrap_or_else(default);
        words.iter().map(|word| word.to_ascii_lowercase()).collect()
    }

    /// The group whose members may list and flush the queue.
    #[must_use]
    pub fn operators(&self) -> Option<String> {
        self.one("operators", parse_ascii)
    }

    /// Users who may name another sender without a warning.
    #[must_use]
    pub fn trustedusers(&self) -> Vec<String> {
        self.words_of("trustedusers").unwrap_or_default()
    }

    /// The words of all lines of a list, separated by blanks and commas.
    fn words_of(&self, name: &str) -> Option<Vec<String>> {
        let lines = self.list(name)?;
        let words = lines.iter().flat_map(|line| {
            line.text
                .split(|sign: char| sign == ',' || sign.is_ascii_whitespace())
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
        });
        Some(words.collect())
    }

    /// The largest message; `u64::MAX` if any size is taken.
    #[must_use]
    pub fn databytes(&self) -> u64 {
        no_limit_at_nought(self.number("databytes"))
    }

    /// The largest message from a user; `u64::MAX` if any size is taken.
    #[must_use]
    pub fn injectbytes(&self) -> u64 {
        let own = self.one("injectbytes", |text| parse_number(text, 0, u64::MAX));
        own.map_or_else(|| self.databytes(), no_limit_at_nought)
    }

    /// The smallest user id of an account of the system that gets mail.
    #[must_use]
    pub fn minuid(&self) -> u32 {
        u32::try_from(self.number("minuid")).unwrap_or(u32::MAX)
    }

    /// The age at which the sender is warned; `None` for never.
    #[must_use]
    pub fn delaywarning(&self) -> Option<Duration> {
        Some(self.seconds("delaywarning")).filter(|age| !age.is_zero())
    }

    /// Where mail goes that its owner has said nothing about.
    #[must_use]
    pub fn defaultdelivery(&self) -> String {
        self.one("defaultdelivery", |text| Ok(text.to_owned()))
            .unwrap_or_else(|| default_text("defaultdelivery").to_owned())
    }

    /// The sender's address of reports, for their header.
    #[must_use]
    pub fn bounce_mailbox(&self) -> Mailbox {
        Mailbox::new(self.bouncefrom(), self.bouncehost())
    }

    /// Who gets reports that could not be delivered.
    #[must_use]
    pub fn doublebounce_mailbox(&self) -> Mailbox {
        Mailbox::new(self.doublebounceto(), self.doublebouncehost())
    }

    /// The relays.
    #[must_use]
    pub fn smtproutes(&self) -> Routes {
        let mut routes = Routes::default();
        for line in self.list("smtproutes").unwrap_or_default() {
            let added = parse_route(&line.text).and_then(|(domain, route)| {
                let is_new = routes.add(domain, route);
                is_new.then_some(()).ok_or_else(|| {
                    Mistake::new(
                        "a second route for this domain",
                        "remove it: the first counts",
                    )
                })
            });
            if let Err(mistake) = added {
                self.note(mistake.at("smtproutes", line.number));
            }
        }
        routes
    }

    /// Where log lines go.
    #[must_use]
    pub fn logto(&self) -> stafette_log::Sink {
        match self.one("logto", |text| parse_choice(text, &["stderr", "syslog"])) {
            Some("syslog") => stafette_log::Sink::Syslog,
            _ => stafette_log::Sink::Stderr,
        }
    }

    /// What was wrong with the settings asked for so far; it is forgotten here.
    #[must_use]
    pub fn take_problems(&self) -> Vec<Problem> {
        std::mem::take(&mut *self.problems.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Logs what was wrong with the settings asked for so far.
    pub fn log_problems(&self) {
        self.take_problems().iter().for_each(Problem::log);
    }

    /// The first file asked for that is there and could not be read, unless its problem was taken already.
    #[must_use]
    pub fn unreadable(&self) -> Option<Problem> {
        let problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        problems
            .iter()
            .find(|problem| problem.is_unreadable)
            .cloned()
    }

    /// Remembers a problem, once.
    pub(crate) fn note(&self, problem: Problem) {
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }

    /// The lines of a file, or `None` if it is not there or cannot be read.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<Line>> {
        self.control
            .lines_with(name, |problem| self.note(problem))
            .unwrap_or_else(|problem| {
                self.note(problem);
                None
            })
    }

    /// The good ones of some lines.
    fn each<T>(
        &self,
        name: &str,
        lines: Vec<Line>,
        parse: impl Fn(&str) -> Result<T, Mistake>,
    ) -> Vec<T> {
        lines
            .iter()
            .filter_map(|line| {
                parse(&line.text)
                    .map_err(|mistake| self.note(mistake.at(name, line.number)))
                    .ok()
            })
            .collect()
    }

    /// The one value of a file, or `None` if it is not there or wrong.
    fn one<T>(&self, name: &str, parse: impl Fn(&str) -> Result<T, Mistake>) -> Option<T> {
        let lines = self.list(name)?;
        let (first, rest) = lines.split_first()?;
        if let Some(second) = rest.first() {
            self.note(
                Mistake::new("more than one value", "leave one: the first counts")
                    .at(name, second.number),
            );
        }
        parse(&first.text)
            .map_err(|mistake| self.note(mistake.at(name, first.number)))
            .ok()
    }

    fn number(&self, name: &str) -> u64 {
        let (min, max) = find(name).map_or((0, u64::MAX), crate::Setting::bounds);
        self.one(name, |text| parse_number(text, min, max))
            .or_else(|| parse_number(default_text(name), min, max).ok())
            .unwrap_or(min)
    }

    fn seconds(&self, name: &str) -> Duration {
        Duration::from_secs(self.number(name))
    }

    fn flag(&self, name: &str) -> bool {
        self.one(name, parse_flag)
            .or_else(|| parse_flag(default_text(name)).ok())
            .unwrap_or(false)
    }

    fn host(&self, name: &str) -> Domain {
        self.one(name, parse_host).unwrap_or_else(|| self.me())
    }

    fn local_part(&self, name: &str) -> LocalPart {
        self.one(name, parse_local_part)
            .or_else(|| parse_local_part(default_text(name)).ok())
            .unwrap_or_else(LocalPart::postmaster)
    }

    fn patterns(&self, name: &str) -> Vec<crate::domain_set::Pattern> {
        self.each(name, self.list(name).unwrap_or_default(), parse_pattern)
    }

    fn domains(&self, name: &str) -> DomainSet {
        self.patterns(name).into_iter().collect()
    }

    fn addresses(&self, name: &str) -> Vec<SocketAddr> {
        let port = match find(name).map(|setting| setting.kind) {
            Some(crate::Kind::Addresses { port }) => port,
            _ => 0,
        };
        let parse = |text: &str| parse_address(text, port);
        match self.list(name) {
            Some(lines) => self.each(name, lines, parse),
            None => default_text(name)
                .lines()
                .filter_map(|line| parse(line).ok())
                .collect(),
        }
    }
}

/// The default of a setting as text.
fn default_text(name: &str) -> &'static str {
    find(name).map_or("", crate::Setting::default_text)
}

/// A size of which 0 means any.
fn no_limit_at_nought(bytes: u64) -> u64 {
    if bytes == 0 { u64::MAX } else { bytes }
}

#[cfg(test)]
mod tests;
