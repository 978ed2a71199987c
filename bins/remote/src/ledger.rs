//! What runs and what has ended, until `send` has it in the queue. Pure: no sockets, no time.

use std::collections::{BTreeMap, HashMap};

use stafette_wire::Packet;
use stafette_wire::QueueId;
use stafette_wire::delivery::{
    Bytes, Delays, Fate, FromDelivery, Host, Job, Outcome, RecipientOutcome, Running,
};

/// Octets of one `Hello` packet that are filled at most.
const HELLO: usize = 60 * 1024;
/// Octets of a running job in it, beside its recipients.
const FRAME: usize = 64;

/// What must be known of a job while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Brief {
    /// Its number.
    pub(crate) job: u64,
    /// The message.
    pub(crate) id: QueueId,
    /// The recipients' numbers.
    pub(crate) recipients: Vec<u32>,
    /// The destination's line.
    pub(crate) line: String,
    /// Octets of content.
    pub(crate) octets: u64,
}

impl Brief {
    pub(crate) fn of(job: &Job) -> Self {
        Self {
            job: job.job,
            id: job.id,
            recipients: job.recipients.iter().map(|each| each.index).collect(),
            line: job
                .next_hop
                .as_ref()
                .map_or_else(String::new, |hop| hop.line.clone()),
            octets: job.content.octets,
        }
    }

    /// An outcome that no worker reported.
    pub(crate) fn outcome(&self, fate: Fate, status: &str, words: &str) -> Outcome {
        let result = |index: &u32| RecipientOutcome {
            index: *index,
            fate,
            status: status.to_owned(),
            reply: Bytes::from(words),
            from_peer: false,
        };
        Outcome {
            job: self.job,
            id: self.id,
            results: self.recipients.iter().map(result).collect(),
            relay: String::new(),
            host: Host::Unknown,
            forward: None,
            peer_reports: false,
            delays: Delays {
                connect: 0,
                transfer: 0,
            },
            damaged: false,
        }
    }

    /// Whether a worker's outcome is about this job and all its recipients, each once: a worker that a peer took over cannot
    /// report on other people's mail.
    pub(crate) fn fits(&self, outcome: &Outcome) -> bool {
        let mut reported: Vec<u32> = outcome.results.iter().map(|each| each.index).collect();
        let mut wanted = self.recipients.clone();
        reported.sort_unstable();
        wanted.sort_unstable();
        outcome.job == self.job && outcome.id == self.id && reported == wanted
    }
}

/// All jobs taken and not yet acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    running: HashMap<u64, Brief>,
    /// By the order in which they ended: the job, and its outcome as a packet.
    ended: BTreeMap<u64, (u64, Vec<u8>)>,
    order: HashMap<u64, u64>,
    next: u64,
}

impl Ledger {
    /// Takes a job in. False if it is known already: then it is not started a second time.
    pub(crate) fn begin(&mut self, brief: Brief) -> bool {
        let known = self.running.contains_key(&brief.job) || self.order.contains_key(&brief.job);
        if !known {
            self.running.insert(brief.job, brief);
        }
        !known
    }

    /// What is known of a running job.
    pub(crate) fn brief(&self, job: u64) -> Option<&Brief> {
        self.running.get(&job)
    }

    /// A running job has ended.
    pub(crate) fn end(&mut self, outcome: Outcome) {
        let job = outcome.job;
        if self.running.remove(&job).is_some() {
            let number = self.next;
            self.next = self.next.saturating_add(1);
            self.order.insert(job, number);
            self.ended
                .insert(number, (job, FromDelivery::Outcome { outcome }.encode()));
        }
    }

    /// The outcome is recorded.
    pub(crate) fn acknowledge(&mut self, job: u64) {
        if let Some(number) = self.order.remove(&job) {
            self.ended.remove(&number);
        }
    }

    /// The first outcome that is not acknowledged from `number` on, with its own number.
    pub(crate) fn outcome_from(&self, number: u64) -> Option<(u64, &[u8])> {
        let (number, (_, packet)) = self.ended.range(number..).next()?;
        Some((*number, packet))
    }

    /// How many outcomes are not acknowledged.
    pub(crate) fn unacknowledged(&self) -> usize {
        self.ended.len()
    }

    /// Whether nothing runs and everything is acknowledged.
    pub(crate) fn is_idle(&self) -> bool {
        self.running.is_empty() && self.ended.is_empty()
    }

    /// The packets that greet a new connection.
    pub(crate) fn hello(&self, concurrency: u32) -> Vec<Vec<u8>> {
        let ended = u32::try_from(self.ended.len()).unwrap_or(u32::MAX);
        let mut packets = Vec::new();
        let mut page = Vec::new();
        let mut room = HELLO;
        for brief in self.running.values() {
            let size = brief
                .recipients
                .len()
                .saturating_mul(4)
                .saturating_add(FRAME);
            if size > room && !page.is_empty() {
                packets.push(hello(std::mem::take(&mut page), false, ended, concurrency));
                room = HELLO;
            }
            room = room.saturating_sub(size);
            page.push(Running {
                job: brief.job,
                id: brief.id,
                recipients: brief.recipients.clone(),
            });
        }
        packets.push(hello(page, true, ended, concurrency));
        packets
    }
}

fn hello(running: Vec<Running>, last: bool, ended: u32, concurrency: u32) -> Vec<u8> {
    FromDelivery::Hello {
        running,
        last,
        ended,
        concurrency,
    }
    .encode()
}

#[cfg(test)]
mod tests {
    use stafette_wire::MAX_PACKET;

    use super::*;

    fn brief(job: u64, recipients: u32) -> Brief {
        Brief {
            job,
            id: QueueId::from_number(u128::from(job)),
            recipients: (0..recipients).collect(),
            line: "example.org".to_owned(),
            octets: 100,
        }
    }

    fn running(packets: &[Vec<u8>]) -> Vec<u64> {
        let mut jobs = Vec::new();
        for (position, packet) in packets.iter().enumerate() {
            assert!(packet.len() <= MAX_PACKET);
            match FromDelivery::decode(packet).unwrap() {
                FromDelivery::Hello { running, last, .. } => {
                    assert_eq!(last, position == packets.len() - 1);
                    jobs.extend(running.iter().map(|each| each.job));
                }
                other => panic!("{other:?}"),
            }
        }
        jobs.sort_unstable();
        jobs
    }

    #[test]
    fn a_job_that_is_known_is_not_started_a_second_time() {
        let mut ledger = Ledger::default();
        assert!(ledger.begin(brief(1, 1)));
        assert!(!ledger.begin(brief(1, 1)));
        ledger.end(brief(1, 1).outcome(Fate::Delivered, "2.0.0", ""));
        assert!(!ledger.begin(brief(1, 1)));
        ledger.acknowledge(1);
        assert!(ledger.begin(brief(1, 1)));
    }

    #[test]
    fn an_outcome_is_kept_until_it_is_acknowledged() {
        let mut ledger = Ledger::default();
        for job in [1, 2] {
            ledger.begin(brief(job, 1));
            ledger.end(brief(job, 1).outcome(Fate::Cut, "4.3.0", "x"));
        }
        let (first, _) = ledger.outcome_from(0).unwrap();
        let (second, _) = ledger.outcome_from(first + 1).unwrap();
        assert!(ledger.outcome_from(second + 1).is_none());
        ledger.acknowledge(1);
        assert_eq!(ledger.outcome_from(0).unwrap().0, second);
        ledger.acknowledge(2);
        assert!(ledger.is_idle());
    }

    #[test]
    fn any_number_of_running_jobs_is_told_in_packets_that_fit() {
        let mut ledger = Ledger::default();
        assert!(running(&ledger.hello(5)).is_empty());
        for job in 0..2_000 {
            ledger.begin(brief(job, 100));
        }
        ledger.begin(brief(9_999, 30_000));
        let told = running(&ledger.hello(5));
        assert_eq!(told.len(), 2_001);
    }

    #[test]
    fn an_outcome_about_other_mail_does_not_fit() {
        let brief = brief(1, 2);
        let good = brief.outcome(Fate::Delivered, "2.0.0", "");
        assert!(brief.fits(&good));
        let mut other = good.clone();
        other.job = 2;
        assert!(!brief.fits(&other));
        let mut more = good.clone();
        more.results.push(more.results[0].clone());
        assert!(!brief.fits(&more));
        let mut fewer = good;
        fewer.results.pop();
        assert!(!brief.fits(&fewer));
    }
}
