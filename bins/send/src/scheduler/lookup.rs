//! Questions to users: in what order, how many at once, and how much of the answers is held in memory.

use std::collections::{HashMap, VecDeque};

use stafette_addr::ReversePath;
use stafette_wire::users::Target;

use super::Scheduler;
use crate::effect::Effect;
use crate::key::Key;
use crate::line::Class;
use crate::stage::{Answer, Stage};

/// Questions that users has at once.
const ASKED_LIMIT: usize = 256;
/// For so many others one recipient stands at most.
const TARGET_LIMIT: usize = 100_000;
/// So many of them are held in memory, all messages together, and those of a few answers that are under way.
const HELD_LIMIT: usize = 4 * TARGET_LIMIT;
/// Seconds after which a recipient is looked up for whom there was no room.
const CROWD_STEP: i64 = 1;

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
    /// Targets of answers that come in several packets; none where there was no room for them.
    partial: HashMap<u32, Option<Vec<Target>>>,
    /// Targets in those.
    arriving: usize,
    /// Targets in answers about messages of which other answers are missing.
    answered: usize,
    /// Targets in children that are being made.
    ordered: HashMap<u64, usize>,
}

impl Questions {
    /// Whether there is no room for further targets besides `own`.
    fn is_crowded(&self, own: usize) -> bool {
        let held = self.arriving + self.answered + self.ordered.values().sum::<usize>();
        held.saturating_sub(own) > HELD_LIMIT
    }

    /// Children for so many are being made.
    pub(super) fn order(&mut self, number: u64, targets: usize) {
        self.ordered.insert(number, targets);
    }

    /// They were made, or not.
    pub(super) fn end_order(&mut self, number: u64) {
        self.ordered.remove(&number);
    }

    /// These answers are of no use any more, or used.
    pub(super) fn forget(&mut self, answers: &[(u32, Answer)]) {
        let targets: usize = answers.iter().map(|(_, answer)| targets(answer)).sum();
        self.answered = self.answered.saturating_sub(targets);
    }

    fn queue(&mut self, class: Class) -> &mut VecDeque<Question> {
        match class {
            Class::Letter => &mut self.letters,
            Class::Bulk => &mut self.bulk,
        }
    }
}

fn targets(answer: &Answer) -> usize {
    match answer {
        Answer::Expand { targets, .. } => targets.len(),
        _ => 0,
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
        self.route.arriving = 0;
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
            if self.route.is_crowded(0) {
                self.leave_unasked(question);
                continue;
            }
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
        let before = match self.route.partial.remove(&seq) {
            Some(before) => before,
            None => Some(Vec::new()),
        };
        let own = before.as_ref().map_or(0, Vec::len);
        self.route.arriving = self.route.arriving.saturating_sub(own);
        let mut all = before.filter(|_| !self.route.is_crowded(0));
        if let Some(all) = &mut all {
            // What is beyond the limit is not kept; one more says that there is too much.
            let room = (TARGET_LIMIT + 1).saturating_sub(all.len());
            all.extend(targets.into_iter().take(room));
        }
        if !is_last {
            self.route.arriving += all.as_ref().map_or(0, Vec::len);
            self.route.partial.insert(seq, all);
            return;
        }
        let Some(targets) = all else {
            if let Some((_, question)) = self.route.asked.remove(&seq) {
                self.leave_unasked(question);
            }
            return;
        };
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
        self.route.answered += targets(&answer);
        open.routed.push((question.index, answer));
        self.answered(question.key);
    }

    /// There is no room for what it may stand for: its recipient waits for the next round, which comes soon.
    fn leave_unasked(&mut self, question: Question) {
        let Some(Stage::Open(open)) = self.live.get_mut(&question.key) else {
            return;
        };
        if open.round == question.round && open.lookups > 0 {
            open.postpone(self.now.saturating_add(CROWD_STEP));
            self.answered(question.key);
        }
    }

    /// One question less is open about a message.
    fn answered(&mut self, key: Key) {
        let Some(mut open) = self.take(key) else {
            return;
        };
        open.lookups = open.lookups.saturating_sub(1);
        if open.lookups > 0 {
            return self.give_back(key, open);
        }
        self.dispatch(key, &mut open);
        self.give_back(key, open);
        self.advance(key);
    }
}
