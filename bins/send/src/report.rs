//! From what the scheduler knows of recipients to a report that can be queued.

use std::os::unix::fs::FileExt;

use stafette_addr::Mailbox;
use stafette_message::dsn::{
    self, Action, Audience, Composed, Diagnostic, FULL_LIMIT, HEADER_LIMIT, Original, Recipient,
    Report,
};
use stafette_queue_layout::Standing;
use stafette_wire::envelope::Ret;

use crate::effect::ReportOrder;
use crate::message::{Loaded, Owed};
use crate::policy::Policy;
use crate::stage::ALIAS;
use crate::verp;

/// Our names in reports.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    /// Our host.
    pub(crate) host: String,
    /// Whom reports are from.
    pub(crate) from: Mailbox,
    /// Who gets reports about reports.
    pub(crate) postmaster: Mailbox,
}

impl Identity {
    /// As the settings have it.
    pub(crate) fn of(policy: &Policy) -> Self {
        Self {
            host: policy.host(),
            from: policy.bounce_from.clone(),
            postmaster: policy.double_bounce_to.clone(),
        }
    }
}

/// Who gets the report: the sender, at the recipient's own address of it if it has such, or the postmaster if there is none.
pub(crate) fn addressee(order: &ReportOrder, identity: &Identity) -> Mailbox {
    let sender = &order.message.journal.envelope.sender;
    let only = match order.to.as_slice() {
        [only] => order.message.recipient(*only).filter(|_| sender.verp),
        _ => None,
    };
    let from = match only {
        Some(recipient) => verp::reverse_path(&sender.from, &recipient.mailbox),
        None => sender.from.clone(),
    };
    from.mailbox()
        .filter(|_| !order.is_double)
        .unwrap_or(&identity.postmaster)
        .clone()
}

/// What of the original goes into the report.
#[derive(Debug)]
pub(crate) struct Given {
    is_full: bool,
    bytes: Vec<u8>,
}

/// Reads what is given back: the added fields and the content, all of it if the sender wants that and it is not too long.
///
/// # Errors
/// The disk's.
pub(crate) fn read_original(order: &ReportOrder) -> std::io::Result<Given> {
    let message = &order.message;
    let envelope = &message.journal.envelope;
    let mut bytes = Vec::new();
    for field in &envelope.add {
        bytes.extend_from_slice(&field.0);
        bytes.push(b'\n');
    }
    let added = bytes.len();
    let wants_full = order.kind == Owed::Failure && envelope.sender.ret == Some(Ret::Full);
    let octets = usize::try_from(message.content.octets).unwrap_or(usize::MAX);
    let is_full = wants_full && octets.saturating_add(added) <= FULL_LIMIT;
    let count = if is_full {
        octets
    } else {
        octets.min(HEADER_LIMIT)
    };
    bytes.resize(added.saturating_add(count), 0);
    if let Some(file) = &message.file {
        let file = std::fs::File::from(file.try_clone()?);
        let room = bytes.get_mut(added..).unwrap_or_default();
        file.read_exact_at(room, message.content.offset)?;
    }
    Ok(Given { is_full, bytes })
}

/// Writes the report.
pub(crate) fn compose(
    order: &ReportOrder,
    identity: &Identity,
    original: &Given,
    now: i64,
    chance: u64,
    message_id: &str,
) -> Composed {
    let message = &order.message;
    let envelope = &message.journal.envelope;
    let recipients: Vec<Recipient<'_>> = order
        .to
        .iter()
        .filter_map(|index| recipient(order, message, *index))
        .collect();
    let id = message.key.id();
    dsn::compose(&Report {
        reporting_mta: &identity.host,
        from: &identity.from,
        to: &addressee(order, identity),
        audience: if order.is_double {
            Audience::Postmaster
        } else {
            Audience::Sender
        },
        now,
        message_id,
        chance,
        queue_id: id.as_str(),
        envelope_id: envelope
            .sender
            .envid
            .as_ref()
            .map(|envid| envid.0.as_slice()),
        arrived: message.arrived(),
        recipients: &recipients,
        original: if original.is_full {
            Original::Full(&original.bytes)
        } else {
            Original::Headers(&original.bytes)
        },
    })
}

/// `host[address]:port` and `[address]:port` are another host; anything else is a way of delivering here.
fn remote_host(relay: &str) -> Option<&str> {
    let (host, _) = relay.rsplit_once('[')?;
    if host.is_empty() {
        relay.rsplit_once(':').map(|(literal, _)| literal)
    } else {
        Some(host)
    }
}

fn recipient<'a>(order: &ReportOrder, message: &'a Loaded, index: u32) -> Option<Recipient<'a>> {
    let recipient = message.recipient(index)?;
    let state = message.state(index)?;
    let last = state.last.as_ref();
    let remote = last.and_then(|last| remote_host(&last.relay));
    let action = match (order.kind, state.standing) {
        (Owed::Success, _) if remote.is_some() => Action::Relayed,
        (Owed::Success, _) if last.is_some_and(|last| last.relay == ALIAS) => Action::Expanded,
        (Owed::Success, _) => Action::Delivered,
        (Owed::Delay, Standing::Pending) => Action::Delayed,
        _ => Action::Failed,
    };
    Some(Recipient {
        mailbox: &recipient.mailbox,
        original: recipient.orcpt.as_ref().map(|orcpt| orcpt.0.as_slice()),
        action,
        status: last.map_or("", |last| last.status.as_str()),
        remote,
        diagnostic: last.map(|last| Diagnostic {
            from_peer: last.from_peer,
            words: &last.reply,
        }),
        last_attempt: last.map(|last| last.at),
        retry_until: Some(order.expiry),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_names_another_host_and_a_way_of_delivery_does_not() {
        assert_eq!(remote_host("mx.example[192.0.2.1]:25"), Some("mx.example"));
        assert_eq!(
            remote_host("mx.example[2001:db8::1]:25"),
            Some("mx.example")
        );
        assert_eq!(remote_host("[192.0.2.1]:25"), Some("[192.0.2.1]"));
        assert_eq!(remote_host("[2001:db8::1]:25"), Some("[2001:db8::1]"));
        assert_eq!(remote_host("lmtp:/run/dovecot/lmtp"), None);
        assert_eq!(remote_host("local"), None);
        assert_eq!(remote_host(""), None);
    }
}
