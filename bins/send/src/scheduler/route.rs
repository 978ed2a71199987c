//! Where recipients go: users is asked about each of them at each attempt.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use stafette_addr::{Mailbox, ReversePath};
use stafette_queue_layout::Verdict;
use stafette_wire::delivery::NextHop;
use stafette_wire::users::Target;

use super::Scheduler;
use super::conclude::{Judged, Way};
use super::expand::Expansion;
use crate::effect::Effect;
use crate::key::Key;
use crate::line::{Class, Entry};
use crate::policy::Deferral;
use crate::schedule::Channel;
use crate::stage::{Answer, Open, Stage};

/// Questions that users has at once.
const ASKED_LIMIT: usize = 256;
/// Seconds after which mail to a paused domain is looked at again.
const PAUSE_STEP: i64 = 300;
/// Seconds after which mail that waits for a flush is looked at again.
const DEFERRED_STEP: i64 = 3600;
/// For so many others one recipient stands at most.
const TARGET_LIMIT: usize = 100_000;

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
    /// Targets of answers that come in several packets.
    partial: HashMap<u32, Vec<Target>>,
}

/// Where to, the reverse-path to use there if not the message's own, and whom.
type AtHost = (NextHop, Option<ReversePath>, Vec<u32>);

/// Where the recipients of a round go.
#[derive(Default)]
struct Ways {
    accounts: BTreeMap<String, Vec<u32>>,
    /// By line and reverse-path.
    hosts: BTreeMap<(String, Option<String>), AtHost>,
    expansions: Vec<Expansion>,
    /// Recipients who will not get this very message: they stand for others, or are refused.
    not_direct: HashSet<u32>,
    judged: Vec<Judged>,
}

impl Ways {
    /// What the answer says of who gets this very message, whether it is tried now or not.
    fn note(&mut self, index: u32, answer: &Answer) {
        let is_refused = match answer {
            Answer::Expand { .. } | Answer::NoSuchUser => true,
            Answer::Refused { code, .. } => !matches!(code, 400..=499),
            Answer::Local(_) | Answer::Remote { .. } | Answer::Later(_) => false,
        };
        if is_refused {
            self.not_direct.insert(index);
        }
    }

    fn take(&mut self, index: u32, answer: Answer) {
        match answer {
            Answer::Local(account) => self.accounts.entry(account).or_default().push(index),
            Answer::Remote { hop, sender } => {
                let name = sender.as_ref().map(|sender| sender.as_str().to_owned());
                let entry = self.hosts.entry((hop.line.clone(), name));
                entry.or_insert((hop, sender, Vec::new())).2.push(index);
            }
            Answer::Expand { targets, owner } => self.expansions.push((index, targets, owner)),
            Answer::NoSuchUser => self.judge(
                index,
                Verdict::Failed,
                "5.1.1",
                "no mailbox of that name here",
            ),
            Answer::Refused { code, status, text } => {
                let verdict = match code {
                    400..=499 => Verdict::Deferred,
                    _ => Verdict::Failed,
                };
                self.judge(index, verdict, &status, &text);
            }
            Answer::Later(reason) => {
                let words = format!("unable to look up the account: {reason}");
                self.judge(index, Verdict::Deferred, "4.3.0", &words);
            }
        }
    }

    fn judge(&mut self, index: u32, verdict: Verdict, status: &str, words: &str) {
        self.judged
            .push(Judged::ours(index, verdict, status, words));
    }
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
        self.route.partial.clear();
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
            let (mailbox, expanded) = (recipient.mailbox.clone(), recipient.expanded);
            let forwarded = open.message.forwarded();
            let seq = self.route.next;
            self.route.next = seq.wrapping_add(1);
            self.route.asked.insert(seq, (class, question));
            self.effects.push(Effect::Lookup {
                seq,
                mailbox,
                expanded,
                forwarded,
            });
        }
    }

    /// users answered that a recipient stands for others: some of them, or the last.
    pub(crate) fn expanded(
        &mut self,
        seq: u32,
        targets: Vec<Target>,
        owner: Option<ReversePath>,
        is_last: bool,
    ) {
        if !self.route.asked.contains_key(&seq) {
            return;
        }
        let all = self.route.partial.entry(seq).or_default();
        // What is beyond the limit is not kept; one more says that there is too much.
        let room = (TARGET_LIMIT + 1).saturating_sub(all.len());
        all.extend(targets.into_iter().take(room));
        if !is_last {
            return;
        }
        let targets = self.route.partial.remove(&seq).unwrap_or_default();
        let answer = if targets.len() > TARGET_LIMIT {
            Answer::Refused {
                code: 450,
                status: "4.5.3".to_owned(),
                text: format!("it stands for more than {TARGET_LIMIT} others"),
            }
        } else {
            Answer::Expand { targets, owner }
        };
        self.routed(seq, answer);
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
        let mut ways = Ways::default();
        for (index, answer) in std::mem::take(&mut open.routed) {
            let Some(mailbox) = open.message.recipient(index).map(|it| it.mailbox.clone()) else {
                continue;
            };
            ways.note(index, &answer);
            let held_back = self.held_back(open, &mailbox, &answer);
            if let Some((reason, pause)) = held_back {
                if !self.give_up(open, index, reason, &mut ways.judged) {
                    open.postpone(self.now.saturating_add(pause));
                }
                continue;
            }
            ways.take(index, answer);
        }
        let Ways {
            accounts,
            hosts,
            expansions,
            not_direct,
            mut judged,
        } = ways;
        for (account, indexes) in accounts {
            let to = (indexes, None);
            self.put_on_line(key, open, &account, None, to, &mut judged);
        }
        for ((line, _), (hop, sender, indexes)) in hosts {
            let to = (indexes, sender.map(Arc::new));
            self.put_on_line(key, open, &line, Some(&hop), to, &mut judged);
        }
        self.expand(open, expansions, &not_direct, &mut judged);
        self.conclude(key, open, judged, &Way::none(Channel::Local));
    }

    /// Why a recipient is not tried now, and the seconds until it is looked at again.
    fn held_back(
        &self,
        open: &Open,
        mailbox: &Mailbox,
        answer: &Answer,
    ) -> Option<(&'static str, i64)> {
        let is_deferred = match self.policy.deferred {
            Deferral::Nothing => false,
            Deferral::Remote => matches!(answer, Answer::Remote { .. }),
            Deferral::All => true,
        };
        if self.policy.paused.contains(mailbox.domain()) {
            Some(("mail to this domain was paused", PAUSE_STEP))
        } else if is_deferred && !open.forced {
            Some((Deferral::REASON, DEFERRED_STEP))
        } else {
            None
        }
    }

    /// Puts recipients on a line; if it is dead they wait elsewhere, or fail when their time is over.
    fn put_on_line(
        &mut self,
        key: Key,
        open: &mut Open,
        name: &str,
        hop: Option<&NextHop>,
        to: (Vec<u32>, Option<Arc<ReversePath>>),
        refused: &mut Vec<Judged>,
    ) {
        let (mut indexes, sender) = to;
        let id = self.lines.open(name, hop);
        if open.forced {
            self.lines.forget_death_before(id, self.flushed);
        }
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
            sender,
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
