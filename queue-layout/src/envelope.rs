//! The envelope of a message and its lines. FORMAT.md, "The envelope".

use std::net::IpAddr;

use stafette_addr::{Mailbox, ReversePath};
use stafette_text::Line;
use stafette_wire::QueueId;
use stafette_wire::envelope::{Body, Bytes, Expanded, Notify, Recipient, Ret, Sender};
use stafette_wire::submission::Origin;

use crate::event::{Fields, begin};
use crate::limit::{ENVELOPE_LIMIT, MAX_RECIPIENTS};
use crate::{Damage, line, number};

/// Everything that is fixed about a message when it is accepted, but for its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// When it arrived, Unix seconds.
    pub arrived: i64,
    /// Where it came from.
    pub origin: Origin,
    /// Who injected it, if it came from a user of this machine.
    pub uid: Option<u32>,
    /// The message that it is a child of.
    pub parent: Option<QueueId>,
    /// The sender's side.
    pub sender: Sender,
    /// The recipients; an event names them by their place here.
    pub recipients: Vec<Recipient>,
    /// Header fields to put before the content, each whole, folded, without its last line end.
    pub add: Vec<Bytes>,
}

impl Envelope {
    /// The journal that a message is born with: an empty line, the lines of the envelope, and its end.
    /// `None` if a part is over a limit.
    pub(crate) fn encode(&self) -> Option<Vec<u8>> {
        if self.recipients.is_empty() || self.recipients.len() > MAX_RECIPIENTS {
            return None;
        }
        let mut out = vec![b'\n'];
        let mut count = 0u64;
        let mut put = |words: &Line| {
            count += 1;
            line::push(&mut out, words.as_str().as_bytes())
        };
        put(&self.arrived())?;
        put(&self.from())?;
        for recipient in &self.recipients {
            put(&to(recipient))?;
        }
        for field in &self.add {
            put(Line::new("add").field("field", &field.0))?;
        }
        let mut end = Line::new("end");
        end.field("lines", count.to_string());
        line::push(&mut out, end.as_str().as_bytes())?;
        (out.len() <= ENVELOPE_LIMIT).then_some(out)
    }

    fn arrived(&self) -> Line {
        let mut line = begin("arrived", self.arrived);
        line.field("protocol", &self.origin.protocol);
        if !self.origin.helo.0.is_empty() {
            line.field("helo", &self.origin.helo.0);
        }
        if let Some(address) = self.origin.address {
            line.field("address", address.to_string());
        }
        if !self.origin.name.0.is_empty() {
            line.field("name", &self.origin.name.0);
        }
        if let Some(uid) = self.uid {
            line.field("uid", uid.to_string());
        }
        if let Some(parent) = self.parent {
            line.field("parent", parent.as_str());
        }
        line
    }

    fn from(&self) -> Line {
        let mut line = Line::new("from");
        line.field("path", self.sender.from.as_str());
        line.field(
            "body",
            match self.sender.body {
                Body::SevenBit => "7bit",
                Body::EightBit => "8bit",
            },
        );
        if self.sender.smtputf8 {
            line.field("smtputf8", "yes");
        }
        match self.sender.ret {
            Some(Ret::Full) => _ = line.field("ret", "full"),
            Some(Ret::Headers) => _ = line.field("ret", "headers"),
            None => {}
        }
        if let Some(envid) = &self.sender.envid {
            line.field("envid", &envid.0);
        }
        if self.sender.verp {
            line.field("verp", "yes");
        }
        line
    }
}

fn to(recipient: &Recipient) -> Line {
    let mut line = Line::new("to");
    line.field("path", recipient.mailbox.as_str());
    if let Some(notify) = recipient.notify {
        line.field("notify", notify.to_text());
    }
    if let Some(orcpt) = &recipient.orcpt {
        line.field("orcpt", &orcpt.0);
    }
    match recipient.expanded {
        Expanded::No => {}
        Expanded::Mailbox => _ = line.field("expanded", "mailbox"),
        Expanded::Lines => _ = line.field("expanded", "lines"),
    }
    line
}

/// An envelope that is being read, line by line.
#[derive(Default)]
pub(crate) struct Partial {
    arrived: Option<(i64, Origin, Option<u32>, Option<QueueId>)>,
    sender: Option<Sender>,
    recipients: Vec<Recipient>,
    add: Vec<Bytes>,
    lines: u64,
    octets: usize,
}

impl Partial {
    /// Takes one sound line; gives the envelope when it was its end.
    pub(crate) fn take(&mut self, words: &str) -> Result<Option<Envelope>, Damage> {
        let fields = Fields::parse(words).ok_or(Damage::EnvelopeLine)?;
        if fields.first() == "end" {
            return self.end(&fields).map(Some);
        }
        self.lines += 1;
        self.octets = self.octets.saturating_add(words.len());
        if self.octets > ENVELOPE_LIMIT || self.recipients.len() > MAX_RECIPIENTS {
            return Err(Damage::EnvelopeTooLarge);
        }
        let twice = match fields.first() {
            "arrived" => {
                let arrived = arrived(&fields).ok_or(Damage::EnvelopeLine)?;
                self.arrived.replace(arrived).is_some()
            }
            "from" => {
                let sender = sender(&fields).ok_or(Damage::EnvelopeLine)?;
                self.sender.replace(sender).is_some()
            }
            "to" => {
                let recipient = recipient(&fields).ok_or(Damage::EnvelopeLine)?;
                self.recipients.push(recipient);
                false
            }
            "add" => {
                let field = fields.value("field").ok_or(Damage::EnvelopeLine)?;
                self.add.push(Bytes::from(field));
                false
            }
            _ => false,
        };
        if twice {
            return Err(Damage::EnvelopeParts);
        }
        Ok(None)
    }

    fn end(&mut self, fields: &Fields<'_>) -> Result<Envelope, Damage> {
        let lines = fields.value("lines").and_then(number::decimal);
        if lines.ok_or(Damage::EnvelopeLine)? != self.lines {
            return Err(Damage::EnvelopeTorn);
        }
        let Self {
            arrived,
            sender,
            recipients,
            add,
            ..
        } = std::mem::take(self);
        let (arrived, origin, uid, parent) = arrived.ok_or(Damage::EnvelopeParts)?;
        if recipients.is_empty() || recipients.len() > MAX_RECIPIENTS {
            return Err(Damage::EnvelopeParts);
        }
        Ok(Envelope {
            arrived,
            origin,
            uid,
            parent,
            sender: sender.ok_or(Damage::EnvelopeParts)?,
            recipients,
            add,
        })
    }
}

fn arrived(fields: &Fields<'_>) -> Option<(i64, Origin, Option<u32>, Option<QueueId>)> {
    let bytes = |key| Bytes::from(fields.value(key).unwrap_or_default());
    let address = match fields.value("address") {
        Some(text) => Some(str::from_utf8(text).ok()?.parse::<IpAddr>().ok()?),
        None => None,
    };
    let uid = match fields.value("uid") {
        Some(_) => Some(fields.number("uid")?),
        None => None,
    };
    let parent = match fields.value("parent") {
        Some(text) => Some(QueueId::parse(text)?),
        None => None,
    };
    let origin = Origin {
        protocol: fields.text("protocol")?,
        helo: bytes("helo"),
        address,
        name: bytes("name"),
    };
    Some((fields.time("at")?, origin, uid, parent))
}

fn sender(fields: &Fields<'_>) -> Option<Sender> {
    let from = match fields.value("path")? {
        b"" => ReversePath::Null,
        path => ReversePath::Mailbox(Mailbox::parse(path).ok()?),
    };
    let body = match fields.value("body")? {
        b"7bit" => Body::SevenBit,
        b"8bit" => Body::EightBit,
        _ => return None,
    };
    let ret = match fields.value("ret") {
        None => None,
        Some(b"full") => Some(Ret::Full),
        Some(b"headers") => Some(Ret::Headers),
        Some(_) => return None,
    };
    Some(Sender {
        from,
        body,
        smtputf8: fields.flag("smtputf8"),
        ret,
        envid: fields.value("envid").map(Bytes::from),
        verp: fields.flag("verp"),
    })
}

fn recipient(fields: &Fields<'_>) -> Option<Recipient> {
    let notify = match fields.value("notify") {
        Some(text) => Some(Notify::parse(text)?),
        None => None,
    };
    let expanded = match fields.value("expanded") {
        None => Expanded::No,
        Some(b"mailbox") => Expanded::Mailbox,
        Some(b"lines") => Expanded::Lines,
        Some(_) => return None,
    };
    Some(Recipient {
        mailbox: Mailbox::parse(fields.value("path")?).ok()?,
        notify,
        orcpt: fields.value("orcpt").map(Bytes::from),
        expanded,
    })
}
