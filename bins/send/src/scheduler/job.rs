//! Jobs: given to the parents of the channels, found again after they or we died.

use std::sync::Arc;

use stafette_addr::ReversePath;
use stafette_queue_layout::Verdict;
use stafette_wire::delivery::{Job as WireJob, JobRecipient, NextHop, Running};

use super::Scheduler;
use super::conclude::{Judged, Way};
use crate::effect::Effect;
use crate::key::Key;
use crate::line::Entry;
use crate::lines::Slot;
use crate::schedule::Channel;
use crate::stage::{Job, Open, Stage};
use crate::verp;

/// Octets of a job's packet; a packet may have more (`stafette_wire::MAX_PACKET`).
const JOB_OCTETS: usize = 100_000;
/// Octets of a recipient in a packet besides its words.
const RECIPIENT_OCTETS: usize = 24;

impl Scheduler {
    /// Gives out jobs as long as channels and lines have room.
    pub(super) fn start_jobs(&mut self) {
        if self.is_stopping {
            return;
        }
        for channel in Channel::BOTH {
            while let Some((slot, entry)) = self.lines.next(channel, self.now) {
                self.start_entry(slot, entry);
            }
        }
    }

    fn start_entry(&mut self, slot: Slot, entry: Entry) {
        let key = entry.key;
        match self.live.get_mut(&key) {
            Some(Stage::Open(open)) if open.round == entry.round => {
                open.on_lines = open.on_lines.saturating_sub(1);
                if let Some(mut open) = self.take(key) {
                    self.start_job(key, &mut open, slot, entry);
                    self.give_back(key, open);
                    self.advance(key);
                }
            }
            Some(stage @ Stage::Parked(_)) => {
                if let Stage::Parked(parked) = *stage
                    && parked.round == entry.round
                {
                    let mut parked = parked;
                    parked.entries = parked.entries.saturating_sub(1);
                    *stage = Stage::Reloading {
                        parked,
                        wants: vec![(slot, entry)],
                    };
                    self.wanted.push_back(key);
                    // The readers get it at once, whatever else waits.
                    self.pump_loads();
                } else {
                    self.lines.release(slot);
                }
            }
            Some(Stage::Reloading { parked, wants }) if parked.round == entry.round => {
                parked.entries = parked.entries.saturating_sub(1);
                wants.push((slot, entry));
            }
            // The message went another way meanwhile.
            _ => self.lines.release(slot),
        }
    }

    /// Makes a job of an entry whose slot is taken; what does not fit it goes back to the end of the line.
    pub(super) fn start_job(&mut self, key: Key, open: &mut Open, slot: Slot, entry: Entry) {
        let Some((hop, line)) = self
            .lines
            .get(slot.line)
            .map(|line| (line.hop.clone(), Arc::clone(&line.name)))
        else {
            return;
        };
        let channel = if hop.is_none() {
            Channel::Local
        } else {
            Channel::Remote
        };
        if added_octets(open) > JOB_OCTETS {
            self.lines.release(slot);
            return self.refuse_entry(key, open, channel, &entry);
        }
        let (now, later) = self.divide(key, open, channel, &entry);
        if !later.is_empty() {
            match self.lines.dead_until(slot.line, self.now) {
                // The host died while the message was read: nothing that joins its line now would be woken.
                Some(until) => open.postpone(until),
                None => {
                    open.on_lines += 1;
                    let rest = Entry {
                        recipients: later.into(),
                        ..entry.clone()
                    };
                    self.lines.push(slot.line, slot.class, rest);
                }
            }
        }
        let sender = entry.sender;
        if now.is_empty() || open.wish.is_some() || self.is_stopping {
            if !now.is_empty() {
                open.postpone(self.now);
            }
            self.lines.release(slot);
            return;
        }
        let number = self.next_job;
        self.next_job = number.wrapping_add(1);
        open.in_jobs += 1;
        self.effects.push(Effect::Start {
            channel,
            job: Box::new(wire_job(number, open, &now, hop, sender.as_deref())),
            file: open.message.file.clone(),
        });
        let job = Job {
            channel,
            key,
            slot: Some(slot),
            recipients: now,
            started: self.micros,
            line,
            sender,
        };
        self.qmail_start(key, open, channel, &job.recipients);
        self.jobs.insert(number, job);
    }

    /// No packet has room for the fields that were added to the message.
    fn refuse_entry(&mut self, key: Key, open: &mut Open, channel: Channel, entry: &Entry) {
        let judged = entry
            .recipients
            .iter()
            .map(|index| {
                let words = "the header fields added here are too long";
                Judged::ours(*index, Verdict::Failed, "5.3.4", words)
            })
            .collect();
        self.conclude(key, open, judged, &Way::none(channel));
    }

    /// The recipients of this job, and those of later ones. Who was reached, or is in a job of a former life, is left out;
    /// who is at a paused domain waits.
    fn divide(
        &self,
        key: Key,
        open: &mut Open,
        channel: Channel,
        entry: &Entry,
    ) -> (Vec<u32>, Vec<u32>) {
        let limit = match channel {
            Channel::Local => 1,
            Channel::Remote if open.message.journal.envelope.sender.verp => 1,
            Channel::Remote => self.policy.recipient_limit.max(1),
        };
        let mut room = JOB_OCTETS.saturating_sub(added_octets(open));
        let adopted = self.adopted.get(&key);
        let (mut now, mut later) = (Vec::new(), Vec::new());
        for index in &entry.recipients {
            let is_adopted =
                adopted.is_some_and(|jobs| jobs.iter().any(|(_, busy)| busy.contains(index)));
            if is_adopted
                || open.is_forwarding(*index)
                || !open.message.is_due(*index, self.now, open.forced)
            {
                continue;
            }
            let Some(recipient) = open.message.recipient(*index) else {
                continue;
            };
            if self.policy.paused.contains(recipient.mailbox.domain()) {
                open.postpone(self.now.saturating_add(1));
                continue;
            }
            let octets = recipient.mailbox.as_str().len()
                + recipient.orcpt.as_ref().map_or(0, |orcpt| orcpt.0.len())
                + RECIPIENT_OCTETS;
            if now.is_empty() || now.len() < limit && octets <= room && later.is_empty() {
                room = room.saturating_sub(octets);
                now.push(*index);
            } else {
                later.push(*index);
            }
        }
        (now, later)
    }

    /// A parent tells what it still does.
    pub(crate) fn hello(&mut self, channel: Channel, concurrency: u32, running: Vec<Running>) {
        let numbers = running.iter().map(|job| job.job).collect::<Vec<_>>();
        self.parent(channel).told.extend(numbers);
        self.parent(channel).concurrency = concurrency;
        for job in running {
            if self.jobs.contains_key(&job.job) {
                continue;
            }
            let key = Key::from(job.id);
            self.adopted
                .entry(key)
                .or_default()
                .push((job.job, job.recipients.clone()));
            self.parent(channel).adopted += 1;
            if let Some(Stage::Open(open)) = self.live.get_mut(&key) {
                open.in_jobs += 1;
            }
            let adopted = Job {
                channel,
                key,
                slot: None,
                recipients: job.recipients,
                started: self.micros,
                line: channel.name().into(),
                sender: None,
            };
            self.jobs.insert(job.job, adopted);
        }
    }

    /// A parent has told everything, outcomes included: it can have jobs, and what it did not name is cut.
    pub(crate) fn parent_up(&mut self, channel: Channel) {
        let told = std::mem::take(&mut self.parent(channel).told);
        let mut lost: Vec<u64> = self
            .jobs
            .iter()
            .filter(|(number, job)| job.channel == channel && !told.contains(number))
            .map(|(number, _)| *number)
            .collect();
        lost.sort_unstable();
        for number in lost {
            self.cut(number);
        }
        self.parent(channel).is_ready = true;
        self.set_total(channel);
    }

    /// A parent is gone. Its jobs may still run: it says so when it is back.
    pub(crate) fn parent_down(&mut self, channel: Channel) {
        let parent = self.parent(channel);
        parent.is_ready = false;
        parent.told.clear();
        self.set_total(channel);
    }

    /// What of the parent's concurrency is ours to give.
    pub(super) fn set_total(&mut self, channel: Channel) {
        let parent = self.parent(channel);
        let total = if parent.is_ready {
            parent.concurrency.saturating_sub(parent.adopted)
        } else {
            0
        };
        let total = if self.is_stopping { 0 } else { total };
        self.lines.set_total(channel, total);
    }
}

/// Octets in a packet of the header fields that were added to the message.
fn added_octets(open: &Open) -> usize {
    let fields = &open.message.journal.envelope.add;
    fields.iter().map(|field| field.0.len() + 4).sum()
}

/// The reverse-path is `sender`, if another host needs that, else the message's own, or that of its one recipient.
fn wire_job(
    number: u64,
    open: &Open,
    recipients: &[u32],
    hop: Option<NextHop>,
    sender: Option<&ReversePath>,
) -> WireJob {
    let message = &open.message;
    let envelope = &message.journal.envelope;
    let only = match recipients {
        [only] if envelope.sender.verp => message.recipient(*only),
        _ => None,
    };
    let from = match (sender, only) {
        (Some(sender), _) => sender.clone(),
        (None, Some(recipient)) => verp::reverse_path(&envelope.sender.from, &recipient.mailbox),
        (None, None) => envelope.sender.from.clone(),
    };
    let recipients = recipients
        .iter()
        .filter_map(|index| {
            Some(JobRecipient {
                index: *index,
                recipient: message.recipient(*index)?.clone(),
            })
        })
        .collect();
    WireJob {
        job: number,
        id: message.key.id(),
        from,
        recipients,
        next_hop: hop,
        body: envelope.sender.body,
        smtputf8: envelope.sender.smtputf8,
        ret: envelope.sender.ret,
        envid: envelope.sender.envid.clone(),
        content: message.content.clone(),
        add: envelope.add.clone(),
    }
}
