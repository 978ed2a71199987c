//! Events of a message's life: what clean appends to a journal. FORMAT.md, "Events".
//!
//! Each event stands in one line and means the same whatever stands beside it, so that a line that was lost takes no other
//! with it. Readers skip events that they do not know and keys that they do not know.

use stafette_text::{Line, parse_words};
use stafette_wire::QueueId;

use crate::attempt::Attempt;
use crate::limit::{FORWARDS_LIMIT, LINE_LIMIT, VALUE_LIMIT};
use crate::{numbers, stamp};

/// What a child was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChildKind {
    /// A report of failure: the recipients are reported.
    Failed,
    /// A warning that it is late: the recipients are warned.
    Delayed,
    /// A report of success: the recipients are reported.
    Delivered,
}

impl ChildKind {
    const ALL: [Self; 3] = [Self::Failed, Self::Delayed, Self::Delivered];

    const fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
        }
    }
}

/// One event. `at` is when it happened, in Unix seconds; `to` are numbers of recipients in the envelope, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An attempt ended.
    Attempt(Attempt),
    /// When to try again.
    Due {
        /// When this was decided.
        at: i64,
        /// Not before this time.
        next: i64,
        /// For whom; empty for all.
        to: Vec<u32>,
    },
    /// The message goes on to others, as children: recording this publishes them, and the recipients are delivered.
    Forwarded {
        /// When.
        at: i64,
        /// The children, at most [`FORWARDS_LIMIT`].
        ids: Vec<QueueId>,
        /// What it went by: `alias`, `list` or `local`.
        relay: String,
        /// For whom.
        to: Vec<u32>,
    },
    /// A child came into being: recording this publishes it.
    Child {
        /// When.
        at: i64,
        /// Its name.
        id: QueueId,
        /// What it was made for.
        kind: ChildKind,
        /// Whom it is about.
        to: Vec<u32>,
    },
    /// No report is owed about these recipients, for the reason given.
    Settled {
        /// When.
        at: i64,
        /// Whom.
        to: Vec<u32>,
        /// Why, in words.
        reason: String,
    },
    /// The operator holds the message. Its place says whether it is held; this tells the story.
    Held {
        /// When.
        at: i64,
        /// The operator's user id.
        by: u32,
    },
    /// The operator let it go again.
    Released {
        /// When.
        at: i64,
        /// The operator's user id.
        by: u32,
    },
}

/// An event has more recipients than fit a line: tell of them in several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

impl std::fmt::Display for TooLong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "event over {LINE_LIMIT} octets")
    }
}

impl std::error::Error for TooLong {}

impl Event {
    /// The words of the event's line. Texts that are too long are cut; too many recipients are an error.
    ///
    /// # Errors
    /// [`TooLong`]; recipients with numbers below 1,000 always fit.
    pub fn encode(&self) -> Result<Vec<u8>, TooLong> {
        let words = self.line().into_string().into_bytes();
        if words.len() > LINE_LIMIT {
            Err(TooLong)
        } else {
            Ok(words)
        }
    }

    /// The children that recording this publishes.
    #[must_use]
    pub fn children(&self) -> &[QueueId] {
        match self {
            Self::Forwarded { ids, .. } => ids,
            Self::Child { id, .. } => std::slice::from_ref(id),
            _ => &[],
        }
    }

    fn line(&self) -> Line {
        match self {
            Self::Attempt(attempt) => attempt.line(),
            Self::Due { at, next, to } => {
                let mut line = begin("due", *at);
                line.field("next", stamp::encode(*next));
                if !to.is_empty() {
                    line.field("to", numbers::encode(to));
                }
                line
            }
            Self::Forwarded { at, ids, relay, to } => {
                let ids: Vec<&str> = ids.iter().map(QueueId::as_str).collect();
                let mut line = begin("forwarded", *at);
                line.field("ids", ids.join(","))
                    .field("to", numbers::encode(to))
                    .field_within("relay", relay, VALUE_LIMIT);
                line
            }
            Self::Child { at, id, kind, to } => {
                let mut line = begin("child", *at);
                line.field("id", id.as_str())
                    .field("kind", kind.word())
                    .field("to", numbers::encode(to));
                line
            }
            Self::Settled { at, to, reason } => {
                let mut line = begin("settled", *at);
                line.field("to", numbers::encode(to))
                    .field_within("reason", reason, VALUE_LIMIT);
                line
            }
            Self::Held { at, by } => by_whom("held", *at, *by),
            Self::Released { at, by } => by_whom("released", *at, *by),
        }
    }

    /// Reads the words of a line. `None` for anything but an event of this version.
    #[must_use]
    pub fn parse(words: &[u8]) -> Option<Self> {
        if words.len() > LINE_LIMIT {
            return None;
        }
        let fields = Fields::parse(str::from_utf8(words).ok()?)?;
        let at = fields.time("at")?;
        Some(match fields.first() {
            "delivered" | "deferred" | "failed" => Self::Attempt(Attempt::parse(&fields)?),
            "due" => Self::Due {
                at,
                next: fields.time("next")?,
                to: match fields.value("to") {
                    Some(to) => numbers::parse(to)?,
                    None => Vec::new(),
                },
            },
            "forwarded" => Self::Forwarded {
                at,
                ids: names(fields.value("ids")?)?,
                relay: fields.text("relay")?,
                to: numbers::parse(fields.value("to")?)?,
            },
            "child" => Self::Child {
                at,
                id: QueueId::parse(fields.value("id")?)?,
                kind: *ChildKind::ALL
                    .iter()
                    .find(|kind| fields.value("kind") == Some(kind.word().as_bytes()))?,
                to: numbers::parse(fields.value("to")?)?,
            },
            "settled" => Self::Settled {
                at,
                to: numbers::parse(fields.value("to")?)?,
                reason: fields.text("reason")?,
            },
            "held" => Self::Held {
                at,
                by: fields.number("by")?,
            },
            "released" => Self::Released {
                at,
                by: fields.number("by")?,
            },
            _ => return None,
        })
    }
}

/// Names of children, separated by commas.
fn names(text: &[u8]) -> Option<Vec<QueueId>> {
    let names: Option<Vec<QueueId>> = text
        .split(|byte| *byte == b',')
        .map(QueueId::parse)
        .collect();
    names.filter(|names| names.len() <= FORWARDS_LIMIT)
}

/// A line that begins with `word at=TIME`.
pub(crate) fn begin(word: &str, at: i64) -> Line {
    let mut line = Line::new(word);
    line.field("at", stamp::encode(at));
    line
}

fn by_whom(word: &str, at: i64, by: u32) -> Line {
    let mut line = begin(word, at);
    line.field("by", by.to_string());
    line
}

/// The words of a line, by key.
pub(crate) struct Fields<'a>(Vec<stafette_text::Word<'a>>);

impl<'a> Fields<'a> {
    pub(crate) fn parse(line: &'a str) -> Option<Self> {
        parse_words(line).map(Self)
    }

    /// The first word, empty if it is a field.
    pub(crate) fn first(&self) -> &str {
        match self.0.first() {
            Some(("", word)) => str::from_utf8(word).unwrap_or_default(),
            _ => "",
        }
    }

    pub(crate) fn value(&self, key: &str) -> Option<&[u8]> {
        let found = self.0.iter().find(|(name, _)| *name == key);
        found.map(|(_, value)| value.as_ref())
    }

    pub(crate) fn text(&self, key: &str) -> Option<String> {
        Some(String::from_utf8_lossy(self.value(key)?).into_owned())
    }

    pub(crate) fn time(&self, key: &str) -> Option<i64> {
        stamp::parse(self.value(key)?)
    }

    pub(crate) fn number(&self, key: &str) -> Option<u32> {
        u32::try_from(crate::number::decimal(self.value(key)?)?).ok()
    }

    /// Whether `key=yes` stands there.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.value(key) == Some(b"yes")
    }
}

#[cfg(test)]
mod tests;
