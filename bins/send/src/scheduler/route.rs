//! Where recipients go: users is asked about each of them at each attempt.

use std::collections::{BTreeMap, HashMap, VecDeque};

use stafette_queue_layout::Verdict;
use stafette_wire::delivery::NextHop;

use super::Scheduler;
use super::conclude::{Judged, Way};
use crate::effect::Effect;
use crate::key::Key;
use crate::line::{Class, Entry};
use crate::schedule::Channel;
use crate::stage::{Answer, Open, Stage};

/// Questions that users has at once.
const ASKED_LIMIT: usize = 256;
/// Seconds after which mail to a paused domain is looked at again.
const PAUSE_STEP: i64 = 300;

#[derive(Debug, Clone, Copy)]
struct Question {
    key: Key,
    round: u32,
    index: u32,
}

/// Questions to users.
#[derive(Debug, Default)]
pub(super) struct Questions {
    letters: VecDeque<Question>,
    bulk: VecDeque<Question>,
    asked: HashMap<u32, (Class, Question)>,
    next: u32,
    is_up: bool,
}

impl Questions {
    fn queue(&mut self, class: Class) -> &mut VecDeque<Question> {
        match class {
            Class::Letter => &mut self.letters,
            Class::Bulk => &mut self.bulk,
        }
    }
}

impl Scheduler {
    /// Queues questions about recipients of a message.
    pub(super) fn ask(&mut self, key: Key, round: u32, class: Class, indexes: Vec<u32>) {
        self.route
            .queue(class)
            .extend(
                indexes
                    .into_iter()
                    .map(|index| Question { key, round, index }),
            );
    }

    /// users can be asked.
    pub(crate) fn users_up(&mut self) {
        self.route.is_up = true;
    }

    /// users is gone: what it was asked is asked again.
    pub(crate) fn users_down(&mut self) {
        self.route.is_up = false;
        for (_, (class, question)) in std::mem::take(&mut self.route.asked) {
            self.route.queue(class).push_front(question);
        }
    }

    /// Asks as much as users may have at once; letters first.
    pub(super) fn pump_lookups(&mut self) {
        while self.route.is_up && self.route.asked.len() < ASKED_LIMIT {
            let (class, question) = match self.route.letters.pop_front() {
                Some(question) => (Class::Letter, question),
                None => match self.route.bulk.pop_front() {
                    Some(question) => (Class::Bulk, question),
                    None => return,
                },
            };
            let Some(Stage::Open(open)) = self.live.get(&question.key) else {
                continue;
            };
            if open.round != question.round {
                continue;
            }
            let Some(recipient) = open.message.recipient(question.index) else {
                continue;
            };
            let mailbox = recipient.mailbox.clone();
            let seq = self.route.next;
            self.route.next = seq.wrapping_add(1);
            self.route.asked.insert(seq, (class, question));
            self.effects.push(Effect::Lookup { seq, mailbox });
        }
    }

    /// users answered.
    pub(crate) fn routed(&mut self, seq: u32, answer: Answer) {
        let Some((_, question)) = self.route.asked.remove(&seq) else {
            return;
        };
        let Some(Stage::Open(open)) = self.live.get_mut(&question.key) else {
            return;
        };
        if open.round != question.round || open.lookups == 0 {
            return;
        }
        open.routed.push((question.index, answer));
        open.lookups -= 1;
        if open.lookups > 0 {
            return;
        }
        if let Some(mut open) = self.take(question.key) {
            self.dispatch(question.key, &mut open);
            self.give_back(question.key, open);
            self.advance(question.key);
        }
    }

    /// All recipients of the round are routed: onto the lines with them.
    fn dispatch(&mut self, key: Key, open: &mut Open) {
        let mut mailboxes: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        let mut hosts: BTreeMap<String, (NextHop, Vec<u32>)> = BTreeMap::new();
        let mut refused = Vec::new();
        for (index, answer) in std::mem::take(&mut open.routed) {
            let Some(recipient) = open.message.recipient(index) else {
                continue;
            };
            let domain = recipient.mailbox.domain();
            if self.policy.paused.contains(domain) {
                if !self.give_up(open, index, "mail to this domain was paused", &mut refused) {
                    open.postpone(self.now.saturating_add(PAUSE_STEP));
                }
                continue;
            }
            match answer {
                Answer::Local(account) => mailboxes.entry(account).or_default().push(index),
                Answer::Remote => {
                    let hop = self.policy.next_hop(domain);
                    let entry = hosts.entry(hop.line.clone()).or_insert((hop, Vec::new()));
                    entry.1.push(index);
                }
                Answer::NoSuchUser => refused.push(Judged::ours(
                    index,
                    Verdict::Failed,
                    "5.1.1",
                    "no mailbox of that name here",
                )),
                Answer::Later(reason) => refused.push(Judged::ours(
                    index,
                    Verdict::Deferred,
                    "4.3.0",
                    &format!("unable to look up the account: {reason}"),
                )),
            }
        }
        for (account, indexes) in mailboxes {
            self.put_on_line(key, open, &account, None, indexes, &mut refused);
        }
        for (line, (hop, indexes)) in hosts {
            self.put_on_line(key, open, &line, Some(&hop), indexes, &mut refused);
        }
        self.conclude(key, open, refused, &Way::none(Channel::Local));
    }

    /// Puts recipients on a line; if it is dead they wait elsewhere, or fail when their time is over.
    fn put_on_line(
        &mut self,
        key: Key,
        open: &mut Open,
        name: &str,
        hop: Option<&NextHop>,
        mut indexes: Vec<u32>,
        refused: &mut Vec<Judged>,
    ) {
        let id = self.lines.open(name, hop);
        if let Some(until) = self.lines.dead_until(id, self.now) {
            for index in indexes {
                if !self.give_up(open, index, "the host did not answer", refused) {
                    open.postpone(until);
                }
            }
            return;
        }
        indexes.sort_unstable();
        let entry = Entry {
            key,
            round: open.round,
            since: self.micros,
            recipients: indexes.into(),
        };
        open.on_lines += 1;
        self.lines.push(id, open.class, entry);
    }

    /// If the lifetime is over, the recipient fails without a further attempt, with the last reason.
    fn give_up(&self, open: &Open, index: u32, reason: &str, refused: &mut Vec<Judged>) -> bool {
        if self.now < open.message.expiry(&self.policy) || self.policy.softbounce {
            return false;
        }
        let last = open
            .message
            .state(index)
            .and_then(|state| state.last.as_ref());
        refused.push(last.map_or_else(
            || Judged::ours(index, Verdict::Deferred, "4.4.7", reason),
            |last| Judged {
                index,
                verdict: Verdict::Deferred,
                status: last.status.clone(),
                reply: last.reply.clone(),
                from_peer: last.from_peer,
            },
        ));
        true
    }
}
