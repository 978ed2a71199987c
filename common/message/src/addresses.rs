//! Address lists as header fields hold them (RFC 5322 section 3.4, with the old forms of section 4.4).
//!
//! Groups, comments at any depth, quoted strings, routes, encoded words and folds are understood; every item of a list is read
//! alone, so that one bad item does not spoil the others. Memory is one item, work is linear in the input. An address may lack
//! its domain: the caller qualifies it, and [`Listed::end`] is the place where `@domain` would go.

use std::fmt;
use std::ops::Range;

use stafette_addr::{AddrError, Domain, LocalPart, Mailbox};

use crate::token::{Token, Tokens};

/// One address of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The part before the `@`.
    pub local: LocalPart,
    /// The part behind it, if there is one.
    pub domain: Option<Domain>,
    /// Where in the field's body the address begins, display names, routes and comments apart.
    pub start: usize,
    /// Where in the field's body the address ends, display names and comments apart.
    pub end: usize,
}

impl Listed {
    /// The mailbox, with `domain` for an address without one.
    #[must_use]
    pub fn qualified(self, domain: &Domain) -> Mailbox {
        Mailbox::new(self.local, self.domain.unwrap_or_else(|| domain.clone()))
    }
}

/// Why an item of a list is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListError {
    /// The syntax of the list is broken here.
    Syntax,
    /// It has the form of an address, but is none.
    Address(AddrError),
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax => f.write_str("not an address"),
            Self::Address(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ListError {}

/// Every address of a field's body, or of an argument that is written like one. Empty items and groups give nothing.
#[must_use]
pub fn addresses(body: &[u8]) -> Vec<Result<Listed, ListError>> {
    let mut list = Vec::new();
    let mut item = Item::default();
    for (token, place) in Tokens::new(body) {
        match token {
            Token::Comma if item.is_route() => {}
            Token::Comma | Token::Semicolon => item.finish(&mut list),
            Token::Colon if item.angle != Angle::Open => item = Item::default(),
            other => item.take(&other, place),
        }
    }
    item.finish(&mut list);
    list
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Angle {
    #[default]
    None,
    Open,
    Closed,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    #[default]
    Local,
    Domain,
    /// `@a,@b:` in front of an old address in angle brackets: dropped (RFC 5321 appendix C).
    Route,
}

/// The item being read.
#[derive(Debug, Default)]
struct Item {
    started: bool,
    angle: Angle,
    part: Part,
    local: Vec<u8>,
    domain: Vec<u8>,
    /// A word came last: another one makes a phrase of it.
    after_word: bool,
    /// What was read so far can only be a display name.
    phrase: bool,
    broken: bool,
    start: Option<usize>,
    end: usize,
}

impl Item {
    fn is_route(&self) -> bool {
        self.part == Part::Route
    }

    fn take(&mut self, token: &Token, place: Range<usize>) {
        self.started = true;
        match token {
            Token::Less => self.open(),
            Token::Greater => {
                self.broken |= self.angle != Angle::Open || self.is_route();
                self.angle = Angle::Closed;
            }
            _ if self.angle == Angle::Closed => self.broken = true,
            Token::At => self.at(),
            Token::Colon => {
                self.broken |= !self.is_route();
                self.part = Part::Local;
            }
            Token::Broken => self.broken = true,
            _ if self.is_route() => {}
            Token::Dot => self.word(b".", false, place),
            Token::Word(meant) => self.word(meant, true, place),
            Token::Literal(text) => {
                self.phrase |= self.part != Part::Domain || !self.domain.is_empty();
                self.word(text, true, place);
            }
            Token::Comma | Token::Semicolon => {}
        }
    }

    fn open(&mut self) {
        let again = self.angle != Angle::None;
        *self = Self {
            started: true,
            angle: Angle::Open,
            broken: again,
            ..Self::default()
        };
    }

    fn at(&mut self) {
        self.after_word = false;
        match self.part {
            Part::Local if self.angle == Angle::Open && self.local.is_empty() => {
                self.part = Part::Route;
            }
            Part::Local => self.part = Part::Domain,
            Part::Domain => self.phrase = true,
            Part::Route => {}
        }
    }

    fn word(&mut self, bytes: &[u8], is_word: bool, place: Range<usize>) {
        self.phrase |= is_word && self.after_word;
        self.after_word = is_word;
        self.start.get_or_insert(place.start);
        self.end = place.end;
        match self.part {
            Part::Local => self.local.extend_from_slice(bytes),
            _ => self.domain.extend_from_slice(bytes),
        }
    }

    fn finish(&mut self, list: &mut Vec<Result<Listed, ListError>>) {
        let item = std::mem::take(self);
        if !item.started {
            return;
        }
        if item.broken || item.phrase || item.angle == Angle::Open {
            list.push(Err(ListError::Syntax));
        } else {
            list.push(item.listed().map_err(ListError::Address));
        }
    }

    fn listed(self) -> Result<Listed, AddrError> {
        let domain = match self.part {
            Part::Domain => Some(Domain::parse(&self.domain)?),
            _ => None,
        };
        Ok(Listed {
            local: LocalPart::from_unquoted(&self.local)?,
            domain,
            start: self.start.unwrap_or(self.end),
            end: self.end,
        })
    }
}

#[cfg(test)]
mod tests;
