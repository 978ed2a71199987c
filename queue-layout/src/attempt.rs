//! The event that an attempt ended.

use stafette_text::Line;
use stafette_wire::QueueId;
use stafette_wire::delivery::Fate;

use crate::event::{Fields, begin};
use crate::limit::{REPLY_LIMIT, VALUE_LIMIT};
use crate::numbers;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It is where it should be.
    Delivered,
    /// Not now.
    Deferred,
    /// Never.
    Failed,
}

impl Verdict {
    const ALL: [Self; 3] = [Self::Delivered, Self::Deferred, Self::Failed];

    /// The verdict of an outcome; none if the attempt was cut short, which is no attempt.
    #[must_use]
    pub fn of(fate: Fate) -> Option<Self> {
        match fate {
            Fate::Delivered => Some(Self::Delivered),
            Fate::Deferred => Some(Self::Deferred),
            Fate::Failed => Some(Self::Failed),
            Fate::Cut => None,
        }
    }

    /// As the journal has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Deferred => "deferred",
            Self::Failed => "failed",
        }
    }
}

/// An attempt for some recipients that ended alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When it ended, Unix seconds.
    pub at: i64,
    /// How it ended.
    pub verdict: Verdict,
    /// Numbers of the recipients in the envelope, from 0.
    pub to: Vec<u32>,
    /// `host[address]:port`, `local`, or empty if no host was reached.
    pub relay: String,
    /// Enhanced status code such as `4.4.1`.
    pub status: String,
    /// The peer's own words, or ours if no peer spoke.
    pub reply: Vec<u8>,
    /// The words are an SMTP reply of the peer.
    pub from_peer: bool,
    /// The peer reports success itself (RFC 3461 section 6.2.1).
    pub peer_reports: bool,
}

impl Attempt {
    /// The attempt that [`Event::Forwarded`](crate::Event::Forwarded) is: the recipients `to` are delivered, by way of these children.
    #[must_use]
    pub fn forwarded(at: i64, ids: &[QueueId], relay: String, to: Vec<u32>) -> Self {
        let names: Vec<&str> = ids.iter().map(QueueId::as_str).collect();
        Self {
            at,
            verdict: Verdict::Delivered,
            to,
            relay,
            status: "2.0.0".to_owned(),
            reply: format!("passed on as {}", names.join(",")).into_bytes(),
            from_peer: false,
            peer_reports: false,
        }
    }

    pub(crate) fn line(&self) -> Line {
        let mut line = begin(self.verdict.word(), self.at);
        line.field("to", numbers::encode(&self.to))
            .field_within("status", &self.status, 16)
            .field_within("relay", &self.relay, VALUE_LIMIT)
            .field_within("reply", &self.reply, REPLY_LIMIT);
        if self.from_peer {
            line.field("peer", "yes");
        }
        if self.peer_reports {
            line.field("dsn", "yes");
        }
        line
    }

    pub(crate) fn parse(fields: &Fields<'_>) -> Option<Self> {
        Some(Self {
            at: fields.time("at")?,
            verdict: *Verdict::ALL
                .iter()
                .find(|verdict| verdict.word() == fields.first())?,
            to: numbers::parse(fields.value("to")?)?,
            relay: fields.text("relay")?,
            status: fields.text("status")?,
            reply: fields.value("reply")?.to_vec(),
            from_peer: fields.flag("peer"),
            peer_reports: fields.flag("dsn"),
        })
    }
}
