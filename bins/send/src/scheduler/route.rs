//! Where recipients go: users is asked about each of them at each attempt.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use stafette_addr::{Mailbox, ReversePath};
use stafette_queue_layout::Verdict;
use stafette_wire::delivery::NextHop;

use super::Scheduler;
use super::conclude::{Judged, Way};
use super::expand::Expansion;
use crate::key::Key;
use crate::line::Entry;
use crate::policy::Deferral;
use crate::schedule::Channel;
use crate::stage::{Answer, Open};

/// Seconds after which mail to a paused domain is looked at again.
const PAUSE_STEP: i64 = 300;
/// Seconds after which mail that waits for a flush is looked at again.
const DEFERRED_STEP: i64 = 3600;
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

impl Scheduler {
    /// All recipients of the round are routed: onto the lines with them.
    pub(super) fn dispatch(&mut self, key: Key, open: &mut Open) {
        let mut ways = Ways::default();
        self.route.forget(&open.routed);
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
