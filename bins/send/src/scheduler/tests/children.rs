//! What the threads that queue children do, in little.

use super::super::*;
use super::world::World;
use crate::forward::Forwarded;

impl World {
    /// Queues the report that was ordered first.
    pub(super) fn queue_report(&mut self) -> (Key, Vec<u32>) {
        let order = self.reports.remove(0);
        let to = if order.is_double {
            "postmaster@me.example".to_owned()
        } else {
            order
                .message
                .journal
                .envelope
                .sender
                .from
                .as_str()
                .to_owned()
        };
        let child = self.write("", &[&to]);
        self.disk.get_mut(&child).unwrap().envelope.parent = Some(order.message.key.id());
        if order.is_double {
            self.disk.get_mut(&child).unwrap().envelope.origin.protocol =
                crate::message::DOUBLE_BOUNCE.into();
        }
        self.unnamed.push(child);
        self.scheduler.reported(
            order.message.key,
            Reported::Queued {
                child,
                kind: order.kind,
                to: order.to.clone(),
                mailbox: to,
                is_double: order.is_double,
            },
        );
        self.settle();
        (child, order.to)
    }

    /// Queues what was to be passed on first; the children.
    pub(super) fn queue_forward(&mut self) -> Vec<Key> {
        let order = self.forwards.remove(0);
        let mut children = Vec::new();
        for part in &order.parts {
            let child = self.write(order.sender.from.as_str(), &["nobody@me.example"]);
            let journal = self.disk.get_mut(&child).unwrap();
            journal.envelope.recipients = part.recipients.clone();
            journal.states = vec![journal.states[0].clone(); part.recipients.len()];
            journal.envelope.parent = Some(order.message.key.id());
            journal.envelope.origin.protocol = order.protocol.into();
            journal.envelope.sender = order.sender.clone();
            self.unnamed.push(child);
            children.push(child);
        }
        self.scheduler.forwarded(
            order.message.key,
            order.number,
            Forwarded::Queued(children.clone()),
        );
        self.settle();
        children
    }
}
