//! Recipients that stand for others: who gets what, the order for the children, and what follows when they are made.
//!
//! A recipient is delivered when the parent's journal names its children, in one line (`Event::Forwarded`). Until then
//! it is pending, and children that were made are nobody's: so whoever dies, others get the message once.

use std::collections::{BTreeMap, HashMap, HashSet};

use stafette_addr::{Mailbox, ReversePath};
use stafette_queue_layout::{FORWARDS_LIMIT, MAX_RECIPIENTS, Standing, Verdict};
use stafette_wire::delivery::{Bytes, Forward, Outcome};
use stafette_wire::envelope::{Expanded, Notify, Recipient};
use stafette_wire::users::Target;

use super::Scheduler;
use super::conclude::Judged;
use crate::effect::Effect;
use crate::forward::{self, ForwardOrder, Part};
use crate::schedule::Channel;
use crate::stage::{ALIAS, Forwarding, Job, LIST, LOCAL, Open};

/// Recipients of the parent in one order: so many fit the line that names the children.
const ORDER_RECIPIENTS: usize = 500;
/// `Delivered-To` fields of one child at most.
const FIELDS: usize = 20;
/// Octets of ORCPT (RFC 3461 section 4.2).
const ORCPT_LIMIT: usize = 500;

/// Targets of one order, unless one recipient alone has more: their children fit the line that names them, even in two kinds.
const ORDER_TARGETS: usize = (FORWARDS_LIMIT - 2) * MAX_RECIPIENTS;

/// A recipient and what it stands for, those of one owner.
type Member = (u32, Vec<Target>);
/// A recipient and what it stands for.
pub(super) type Expansion = (u32, Vec<Target>, Option<ReversePath>);

/// The recipients of children under collection, each once.
#[derive(Default)]
struct Union {
    recipients: Vec<Recipient>,
    places: HashMap<(Mailbox, Expanded), usize>,
}

impl Union {
    fn add(&mut self, recipient: Recipient) {
        let known = (recipient.mailbox.clone(), recipient.expanded);
        let place = self.places.get(&known).copied();
        match place.and_then(|place| self.recipients.get_mut(place)) {
            Some(before) => before.notify = merged(before.notify, recipient.notify),
            None => {
                self.places.insert(known, self.recipients.len());
                self.recipients.push(recipient);
            }
        }
    }
}

/// What either wanted; without NOTIFY that is failures and delays (RFC 3461 section 4.1).
fn merged(one: Option<Notify>, other: Option<Notify>) -> Option<Notify> {
    let default = Notify {
        success: false,
        failure: true,
        delay: true,
    };
    if one.is_none() && other.is_none() {
        return None;
    }
    let (one, other) = (one.unwrap_or(default), other.unwrap_or(default));
    Some(Notify {
        success: one.success || other.success,
        failure: one.failure || other.failure,
        delay: one.delay || other.delay,
    })
}

/// What a child's recipient inherits (RFC 3461 section 5.2.7): all if it is the only one, all but SUCCESS if it is one of several.
fn inherited(parent: &Recipient, is_only: bool) -> (Option<Notify>, Option<Bytes>) {
    let notify = parent.notify.map(|notify| Notify {
        success: notify.success && is_only,
        ..notify
    });
    let orcpt = parent.orcpt.clone().or_else(|| {
        let kind = if parent.mailbox.needs_smtputf8() {
            "utf-8"
        } else {
            "rfc822"
        };
        let text = format!("{kind};{}", parent.mailbox);
        (text.len() <= ORCPT_LIMIT).then(|| Bytes(text.into_bytes()))
    });
    (notify, orcpt)
}

/// Mailboxes that get this very message, or have it by now, whichever try it was: they are in no child besides. `others` are
/// recipients of this round who do not.
fn direct(open: &Open, others: &HashSet<u32>) -> HashSet<Mailbox> {
    let recipients = open.message.journal.recipients();
    recipients
        .filter(|(index, recipient, state)| {
            let went_on = |relay: &str| relay == ALIAS || relay == LIST;
            let is_direct = match state.standing {
                Standing::Pending => !open
                    .forwarding
                    .iter()
                    .any(|forwarding| went_on(forwarding.relay) && forwarding.to.contains(index)),
                Standing::Delivered => {
                    let last = state.last.as_ref();
                    !last.is_some_and(|last| went_on(&last.relay))
                }
                Standing::Failed => false,
            };
            is_direct && recipient.expanded != Expanded::Lines && !others.contains(index)
        })
        .map(|(_, recipient, _)| recipient.mailbox.clone())
        .collect()
}

/// Splits what goes on by one owner so that each part fits one order: those it names, and the children that they need.
fn orders(members: Vec<Member>) -> Vec<Vec<Member>> {
    let mut orders: Vec<Vec<Member>> = Vec::new();
    let mut count = 0usize;
    for member in members {
        count = count.saturating_add(member.1.len());
        match orders.last_mut() {
            Some(order) if count <= ORDER_TARGETS && order.len() < ORDER_RECIPIENTS => {
                order.push(member);
            }
            _ => {
                count = member.1.len();
                orders.push(vec![member]);
            }
        }
    }
    orders
}

impl Scheduler {
    /// Expands recipients; `others` are those of this round who do not get this very message. What needs no child goes into `judged`.
    pub(super) fn expand(
        &mut self,
        open: &mut Open,
        expansions: Vec<Expansion>,
        others: &HashSet<u32>,
        judged: &mut Vec<Judged>,
    ) {
        if expansions.is_empty() {
            return;
        }
        let direct = &direct(open, others);
        let mut groups: BTreeMap<Option<String>, (Option<ReversePath>, Vec<_>)> = BTreeMap::new();
        for (index, targets, owner) in expansions {
            if targets.is_empty() {
                let words = "discarded, as its alias says";
                judged.push(Judged::ours(index, Verdict::Delivered, "2.0.0", words));
                continue;
            }
            let name = owner.as_ref().map(|owner| owner.as_str().to_owned());
            let group = groups.entry(name).or_insert((owner, Vec::new()));
            group.1.push((index, targets));
        }
        for (owner, members) in groups.into_values() {
            for some in orders(members) {
                self.expand_some(open, owner.as_ref(), &some, direct, judged);
            }
        }
    }

    fn expand_some(
        &mut self,
        open: &mut Open,
        owner: Option<&ReversePath>,
        members: &[Member],
        direct: &HashSet<Mailbox>,
        judged: &mut Vec<Judged>,
    ) {
        let (mut own, mut others) = (Union::default(), Union::default());
        let (mut to, mut settled, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for (index, _) in members {
            names.extend(open.message.recipient(*index).map(|it| it.mailbox.clone()));
        }
        let own_names: HashSet<Mailbox> = names.iter().cloned().collect();
        for (index, targets) in members {
            let Some(parent) = open.message.recipient(*index) else {
                continue;
            };
            to.push(*index);
            let is_only = targets.len() == 1;
            for target in targets {
                let is_mailbox = target.expanded == Expanded::Mailbox;
                if owner.is_none() && is_mailbox && direct.contains(&target.mailbox) {
                    continue;
                }
                let (notify, orcpt) = match owner {
                    Some(_) => (None, None),
                    None => inherited(parent, is_only),
                };
                if is_only && notify.is_some_and(|notify| notify.success) {
                    settled.push(*index);
                }
                let recipient = Recipient {
                    mailbox: target.mailbox.clone(),
                    notify,
                    orcpt,
                    expanded: target.expanded,
                };
                // What an alias means by its own name must not look as if it had been there before.
                if own_names.contains(&target.mailbox) {
                    own.add(recipient);
                } else {
                    others.add(recipient);
                }
            }
        }
        names.truncate(FIELDS);
        let mut parts: Vec<Part> = Vec::new();
        for (union, fields) in [(own, Vec::new()), (others, names)] {
            parts.extend(union.recipients.chunks(MAX_RECIPIENTS).map(|some| Part {
                recipients: some.to_vec(),
                delivered_to: fields.clone(),
            }));
        }
        if parts.is_empty() || parts.len() > FORWARDS_LIMIT {
            let (verdict, status, words) = if parts.is_empty() {
                let words = "those it stands for get the message anyway";
                (Verdict::Delivered, "2.0.0", words)
            } else {
                (Verdict::Deferred, "4.5.3", "it stands for too many")
            };
            judged.extend(
                to.into_iter()
                    .map(|index| Judged::ours(index, verdict, status, words)),
            );
            return;
        }
        let from = owner.unwrap_or(&open.message.journal.envelope.sender.from);
        let order = Ordered {
            sender: (from.clone(), false),
            relay: if owner.is_some() { LIST } else { ALIAS },
            settled,
            outcome: None,
            parts,
            to,
        };
        self.order_forward(open, order);
    }

    /// local delivered to a recipient who has the message go on to others. That is one thing: it counts when the child is named.
    pub(super) fn forward_outcome(
        &mut self,
        open: &mut Open,
        outcome: &Outcome,
        forward: &Forward,
        job: Option<&Job>,
    ) {
        let acknowledged = (Channel::Local, outcome.job);
        let index = outcome
            .results
            .first()
            .map_or(u32::MAX, |result| result.index);
        if open.is_forwarding(index) {
            // It was told again, and is acknowledged when that is done.
            return;
        }
        let is_given = job.is_none_or(|job| job.recipients.contains(&index));
        let parent = open.message.recipient(index).cloned();
        let (Some(parent), true) = (
            parent,
            is_given && open.message.is_due(index, self.now, true),
        ) else {
            open.acks.push(acknowledged);
            return;
        };
        open.cuts = 0;
        let is_same = forward.from == open.message.journal.envelope.sender.from;
        let mut union = Union::default();
        for mailbox in &forward.to {
            let (notify, orcpt) = if is_same {
                inherited(&parent, false)
            } else {
                (None, None)
            };
            union.add(Recipient {
                mailbox: mailbox.clone(),
                notify,
                orcpt,
                expanded: Expanded::No,
            });
        }
        let order = Ordered {
            sender: (forward.from.clone(), forward.verp),
            relay: LOCAL,
            settled: Vec::new(),
            outcome: Some((Box::new(outcome.clone()), job.map(|job| job.started))),
            parts: vec![Part {
                recipients: union.recipients,
                delivered_to: vec![parent.mailbox],
            }],
            to: vec![index],
        };
        self.order_forward(open, order);
    }

    fn order_forward(&mut self, open: &mut Open, ordered: Ordered) {
        let number = self.next_forward;
        self.next_forward = number.wrapping_add(1);
        let (from, verp) = ordered.sender;
        let count = ordered.parts.iter().map(|part| part.recipients.len()).sum();
        self.route.order(number, count);
        open.forwarding.push(Forwarding {
            number,
            to: ordered.to.clone(),
            relay: ordered.relay,
            settled: ordered.settled,
            from: from.as_str().to_owned(),
            count,
            outcome: ordered.outcome,
        });
        self.effects.push(Effect::Forward(Box::new(ForwardOrder {
            message: open.message.clone(),
            number,
            protocol: forward::protocol(&open.message, &self.policy),
            to: ordered.to,
            sender: forward::sender(&open.message, from, verp),
            parts: ordered.parts,
        })));
    }
}

/// What an order is made of.
struct Ordered {
    /// Reverse-path, and whether it is one for each recipient.
    sender: (ReversePath, bool),
    relay: &'static str,
    settled: Vec<u32>,
    outcome: Option<(Box<Outcome>, Option<u64>)>,
    parts: Vec<Part>,
    to: Vec<u32>,
}
