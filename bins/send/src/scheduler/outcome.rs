//! Outcomes: the slot is free, something was learned of the destination, and the message gets what was found about its recipients.

use stafette_log::Event as LogEvent;
use stafette_queue_layout::Verdict;
use stafette_wire::delivery::Outcome;

use super::Scheduler;
use super::conclude::{Judged, Way};
use crate::effect::{Effect, Fields};
use crate::key::Key;
use crate::line::Entry;
use crate::lines::{LineId, News};
use crate::schedule::Channel;
use crate::stage::{Job, Open, Orphan, Stage};

/// So many deaths of our own programs in a row are answered at once; then there is a pause.
const CUTS: u32 = 5;
/// The pause in seconds.
const CUT_PAUSE: i64 = 10;

impl Scheduler {
    /// A job ended.
    pub(crate) fn outcome(&mut self, channel: Channel, outcome: Outcome) {
        let job = match self.jobs.get(&outcome.job) {
            Some(job) if job.channel == channel => self.jobs.remove(&outcome.job),
            _ => None,
        };
        let key = job
            .as_ref()
            .map_or_else(|| outcome.id.into(), |job| job.key);
        if let Some(job) = &job {
            self.end_slot(job, &outcome);
            if job.slot.is_none() {
                self.disown(channel, key, outcome.job);
            }
        }
        let Some(mut open) = self.take(key) else {
            self.adopt_outcome(channel, key, outcome);
            return;
        };
        if job.is_some() {
            open.in_jobs = open.in_jobs.saturating_sub(1);
        }
        self.apply_outcome(&mut open, channel, &outcome, job.as_ref());
        self.give_back(key, open);
        self.advance(key);
    }

    /// Its message is not in memory: it is read, and then the outcome counts.
    fn adopt_outcome(&mut self, channel: Channel, key: Key, outcome: Outcome) {
        let orphans = self.orphans.entry(key).or_default();
        if !orphans
            .iter()
            .any(|orphan| orphan.outcome.job == outcome.job)
        {
            orphans.push(Orphan { channel, outcome });
        }
        self.want(key);
    }

    /// Frees the job's slot, and notes what was learned of the destination.
    fn end_slot(&mut self, job: &Job, outcome: &Outcome) {
        let Some(slot) = job.slot else {
            return;
        };
        let delivered = outcome
            .results
            .iter()
            .any(|result| Verdict::of(result.fate) == Some(Verdict::Delivered));
        self.lines.note(slot.line, outcome, self.now);
        match self.lines.end(slot, outcome.host, delivered, self.now) {
            News::Nothing => {}
            News::Revived { seconds } => self.log(
                LogEvent::DestinationAlive,
                None,
                Fields::default()
                    .with("destination", job.line.as_bytes())
                    .some("relay", &outcome.relay)
                    .number("seconds", seconds),
            ),
            News::Died { until, count } => {
                let reply = outcome.results.first().map(|result| &result.reply.0);
                self.log(
                    LogEvent::DestinationDead,
                    None,
                    Fields::default()
                        .with("destination", job.line.as_bytes())
                        .some("relay", &outcome.relay)
                        .with("until", stafette_message::date::rfc3339(until))
                        .number("count", count)
                        .some("reply", reply.map_or(&b""[..], |reply| reply)),
                );
                self.postpone_line(slot.line, until);
            }
        }
    }

    /// What waits on a dead line waits elsewhere until its pause is over.
    fn postpone_line(&mut self, line: LineId, until: i64) {
        for entry in self.lines.drain(line) {
            self.postpone_entry(&entry, until);
        }
    }

    pub(super) fn postpone_entry(&mut self, entry: &Entry, until: i64) {
        let least = |before: Option<i64>| Some(before.map_or(until, |before| before.min(until)));
        match self.live.get_mut(&entry.key) {
            Some(Stage::Open(open)) if open.round == entry.round => {
                open.on_lines = open.on_lines.saturating_sub(1);
                open.postpone(until);
                self.advance(entry.key);
            }
            Some(Stage::Reloading { parked, .. }) if parked.round == entry.round => {
                parked.entries = parked.entries.saturating_sub(1);
                parked.postponed = least(parked.postponed);
            }
            Some(Stage::Parked(parked)) if parked.round == entry.round => {
                parked.entries = parked.entries.saturating_sub(1);
                parked.postponed = least(parked.postponed);
                if parked.entries == 0 {
                    let due = parked.postponed.unwrap_or(until);
                    self.live.remove(&entry.key);
                    self.waiting.insert(entry.key, due);
                }
            }
            _ => {}
        }
    }

    /// Brings an outcome into its message. What was cut short goes to the front of its line.
    pub(super) fn apply_outcome(
        &mut self,
        open: &mut Open,
        channel: Channel,
        outcome: &Outcome,
        job: Option<&Job>,
    ) {
        let key = open.message.key;
        let is_delivered = outcome.results.len() == 1
            && outcome
                .results
                .iter()
                .all(|result| Verdict::of(result.fate) == Some(Verdict::Delivered));
        if let Some(forward) = &outcome.forward
            && channel == Channel::Local
            && !outcome.damaged
            && is_delivered
        {
            return self.forward_outcome(open, outcome, forward, job);
        }
        open.acks.push((channel, outcome.job));
        if outcome.damaged {
            return self.set_damaged_aside(open);
        }
        let mut cut: Vec<u32> = job.map_or_else(Vec::new, |job| job.recipients.clone());
        let mut judged = Vec::new();
        for result in &outcome.results {
            let Some(verdict) = Verdict::of(result.fate) else {
                continue;
            };
            // Nobody judges recipients that he was not given.
            if job.is_some_and(|job| !job.recipients.contains(&result.index)) {
                continue;
            }
            cut.retain(|index| *index != result.index);
            judged.push(Judged {
                index: result.index,
                verdict,
                status: result.status.clone(),
                reply: result.reply.0.clone(),
                from_peer: result.from_peer,
            });
        }
        let way = Way {
            channel,
            relay: &outcome.relay,
            peer_reports: outcome.peer_reports,
            started: job.map(|job| job.started),
            delays: outcome.delays.clone(),
        };
        if !judged.is_empty() {
            open.cuts = 0;
        }
        self.conclude(key, open, judged, &way);
        if let Some(job) = job
            && !cut.is_empty()
        {
            self.repeat(open, job, cut);
        }
    }

    /// Repeats what was cut short, at once, and with a pause if that goes on.
    pub(super) fn repeat(&mut self, open: &mut Open, job: &Job, recipients: Vec<u32>) {
        open.cuts = open.cuts.saturating_add(1);
        self.log(
            LogEvent::AttemptCut,
            Some(job.key),
            Fields::default()
                .with("channel", job.channel.name())
                .with("program", job.channel.name())
                .number("count", open.cuts),
        );
        match job.slot {
            Some(slot)
                if open.cuts < CUTS
                    && open.wish.is_none()
                    && self.lines.dead_until(slot.line, self.now).is_none() =>
            {
                open.on_lines += 1;
                let entry = Entry {
                    key: job.key,
                    round: open.round,
                    since: self.micros,
                    recipients: recipients.into(),
                    sender: job.sender.clone(),
                };
                self.lines.push_front(slot.line, slot.class, entry);
            }
            Some(_) => open.postpone(self.now.saturating_add(CUT_PAUSE)),
            None => open.postpone(self.now),
        }
    }

    /// The parent died with this job: it is repeated.
    pub(super) fn cut(&mut self, number: u64) {
        let Some(job) = self.jobs.remove(&number) else {
            return;
        };
        match job.slot {
            Some(slot) => self.lines.release(slot),
            None => self.disown(job.channel, job.key, number),
        }
        let Some(mut open) = self.take(job.key) else {
            return;
        };
        open.in_jobs = open.in_jobs.saturating_sub(1);
        let recipients = job.recipients.clone();
        self.repeat(&mut open, &job, recipients);
        self.give_back(job.key, open);
        self.advance(job.key);
    }

    /// A job of a former life is over.
    fn disown(&mut self, channel: Channel, key: Key, number: u64) {
        if let Some(jobs) = self.adopted.get_mut(&key) {
            jobs.retain(|(job, _)| *job != number);
            if jobs.is_empty() {
                self.adopted.remove(&key);
            }
        }
        let parent = self.parent(channel);
        parent.adopted = parent.adopted.saturating_sub(1);
        self.set_total(channel);
    }

    /// Tells the parents what is recorded.
    pub(super) fn acknowledge(&mut self, acks: Vec<(Channel, u64)>) {
        for (channel, job) in acks {
            self.effects.push(Effect::Acknowledge { channel, job });
        }
    }
}
