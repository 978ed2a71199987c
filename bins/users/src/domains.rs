//! Which domains are ours, and which we pass mail on for.

use stafette_addr::Domain;
use stafette_control::{DomainSet, Settings};

/// The files that decide.
pub(crate) const FILES: [&str; 5] = [
    "me",
    "locals",
    "local-host-names",
    "rcpthosts",
    "relay-domains",
];

/// The two sets.
#[derive(Debug, Clone)]
pub(crate) struct Domains {
    locals: DomainSet,
    rcpthosts: DomainSet,
}

/// Whose a domain is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Mail for it is delivered here.
    Ours,
    /// Mail for it goes elsewhere.
    Others {
        /// Anybody may send to it through us.
        in_rcpthosts: bool,
    },
}

impl Domains {
    /// Reads them.
    ///
    /// # Errors
    /// A file is there and cannot be read: to take it for an empty one would refuse mail for our own domains.
    pub(crate) fn read(settings: &Settings) -> Result<Self, String> {
        settings.log_problems();
        let domains = Self {
            locals: settings.locals(),
            rcpthosts: settings.rcpthosts(),
        };
        let unreadable = settings.unreadable();
        settings.log_problems();
        match unreadable {
            Some(problem) => Err(problem.to_string()),
            None => Ok(domains),
        }
    }

    /// Whose `domain` is; names compare without case and in any spelling, address literals as addresses.
    pub(crate) fn whose(&self, domain: &Domain) -> Whose {
        if self.locals.contains(domain) {
            Whose::Ours
        } else {
            Whose::Others {
                in_rcpthosts: self.rcpthosts.contains(domain),
            }
        }
    }
}
