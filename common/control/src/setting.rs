//! What a setting is: a name, a kind of value, a default, who reads it, and what it does.

use crate::domain_set::parse_pattern;
use crate::network::parse_network;
use crate::problem::Mistake;
use crate::route::parse_route;
use crate::setting_list::SETTINGS;
use crate::value::{parse_address, parse_ascii, parse_flag, parse_number};
use stafette_addr::{Domain, LocalPart};

/// One control file.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its file, below the directory of the settings.
    pub name: &'static str,
    /// What stands in it.
    pub kind: Kind,
    /// What counts if the file is not there.
    pub default: Default,
    /// The programs that read it, without `stafette-`.
    pub read_by: &'static [&'static str],
    /// What it does, for the manual.
    pub help: &'static str,
}

/// What a file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A line of printable ASCII.
    Line,
    /// A line of any text.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A domain.
    Host,
    /// A local-part.
    LocalPart,
    /// Yes or no.
    Flag,
    /// A number within bounds.
    Number {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// A time in seconds, within bounds.
    Seconds {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// A size in bytes.
    Bytes,
    /// A list of domains and suffixes.
    Domains,
    /// A list of networks.
    Networks,
    /// A list of routes.
    Routes,
    /// A list of addresses, with this port where none is said.
    Addresses {
        /// The port.
        port: u16,
    },
    /// A list of lines of any text.
    Lines,
    /// A table with a syntax of its own.
    Table,
}

/// What counts without a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Default {
    /// As if this stood in the file.
    Text(&'static str),
    /// What this other setting says.
    SameAs(&'static str),
    /// As if the file were empty.
    Empty,
    /// /etc/mailname, else this host's full name.
    HostName,
}

impl Setting {
    /// The bounds of a number, a time or a size.
    #[must_use]
    pub(crate) fn bounds(&self) -> (u64, u64) {
        match self.kind {
            Kind::Number { min, max } | Kind::Seconds { min, max } => (min, max),
            _ => (0, u64::MAX),
        }
    }

    /// The default as text; empty if it is not a text.
    #[must_use]
    pub fn default_text(&self) -> &'static str {
        match self.default {
            Default::Text(text) => text,
            _ => "",
        }
    }
}

impl Kind {
    /// Whether the file has any number of lines, each for itself.
    #[must_use]
    pub fn is_list(self) -> bool {
        matches!(
            self,
            Self::Domains
                | Self::Networks
                | Self::Routes
                | Self::Addresses { .. }
                | Self::Lines
                | Self::Table
        )
    }

    /// Says whether `text` may stand in a line of such a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_line(self, text: &str) -> Result<(), Mistake> {
        match self {
            Self::Line => parse_ascii(text).map(drop),
            Self::Text | Self::Lines | Self::Table => Ok(()),
            Self::Choice(words) => parse_choice(text, words).map(drop),
            Self::Host => parse_host(text).map(drop),
            Self::LocalPart => parse_local_part(text).map(drop),
            Self::Flag => parse_flag(text).map(drop),
            Self::Number { min, max } | Self::Seconds { min, max } => {
                parse_number(text, min, max).map(drop)
            }
            Self::Bytes => parse_number(text, 0, u64::MAX).map(drop),
            Self::Domains => parse_pattern(text).map(drop),
            Self::Networks => parse_network(text).map(drop),
            Self::Routes => parse_route(text).map(drop),
            Self::Addresses { port } => parse_address(text, port).map(drop),
        }
    }
}

/// The setting of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

pub(crate) fn parse_choice(
    text: &str,
    words: &'static [&'static str],
) -> Result<&'static str, Mistake> {
    let found = words.iter().find(|word| **word == text).copied();
    found.ok_or_else(|| Mistake::new("no such word", format!("write {}", words.join(" or "))))
}

pub(crate) fn parse_host(text: &str) -> Result<Domain, Mistake> {
    Domain::parse(text.as_bytes()).map_err(|error| {
        Mistake::new(
            format!("not a domain: {error}"),
            "write a name such as mail.example.org",
        )
    })
}

pub(crate) fn parse_local_part(text: &str) -> Result<LocalPart, Mistake> {
    LocalPart::parse(text.as_bytes()).map_err(|error| {
        Mistake::new(
            format!("not a local-part: {error}"),
            "write what stands before the @",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_stands_once_and_every_default_is_right() {
        for (index, setting) in SETTINGS.iter().enumerate() {
            assert!(
                !SETTINGS
                    .iter()
                    .skip(index + 1)
                    .any(|other| other.name == setting.name),
                "{} twice",
                setting.name
            );
            assert!(
                setting.help.ends_with('.') && !setting.read_by.is_empty(),
                "{}",
                setting.name
            );
            match setting.default {
                Default::Text(text) => {
                    for line in text.lines() {
                        assert_eq!(setting.kind.check_line(line), Ok(()), "{}", setting.name);
                    }
                }
                Default::SameAs(other) => assert!(find(other).is_some(), "{other}"),
                Default::Empty => assert!(
                    setting.kind.is_list() || setting.kind == Kind::Flag,
                    "{}",
                    setting.name
                ),
                Default::HostName => assert_eq!(setting.kind, Kind::Host),
            }
        }
    }

    #[test]
    fn only_stafettes_own_programs_read_settings() {
        const PROGRAMS: &[&str] = &[
            "smtpd", "inject", "queue", "send", "users", "local", "remote", "clean", "resolve",
            "tables", "all",
        ];
        for setting in SETTINGS {
            assert!(
                setting
                    .read_by
                    .iter()
                    .all(|program| PROGRAMS.contains(program)),
                "{}",
                setting.name
            );
        }
    }
}
