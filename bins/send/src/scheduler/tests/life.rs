//! Lives of messages with every kind of accident: in the end all mail is where it belongs, and nothing was done twice.

use proptest::prelude::*;

use super::*;
use crate::forward::Forwarded;
use stafette_wire::delivery::{Forward, Running};
use stafette_wire::envelope::Expanded;

#[derive(Debug, Clone)]
enum Happening {
    Arrive(u8),
    End(u8, u8),
    Report(bool),
    Forward(u8),
    Pass(u16),
    UsersGo,
    UsersCome,
    SendDies,
    ParentLost(bool),
    ParentDies(bool),
    CleanGoes,
    CleanComes,
    DiskFills,
    DiskEmpties,
    Hold(u8),
    Release(u8),
}

fn happening() -> impl Strategy<Value = Happening> {
    use Happening::*;
    prop_oneof![
        4 => (0u8..6).prop_map(Arrive),
        8 => (any::<u8>(), 0u8..7).prop_map(|(which, fate)| End(which, fate)),
        2 => any::<bool>().prop_map(Report),
        3 => (0u8..4).prop_map(Forward),
        4 => (0u16..5000).prop_map(Pass),
        1 => Just(UsersGo),
        1 => Just(UsersCome),
        1 => Just(SendDies),
        1 => any::<bool>().prop_map(ParentLost),
        1 => any::<bool>().prop_map(ParentDies),
        1 => Just(CleanGoes),
        1 => Just(CleanComes),
        1 => Just(DiskFills),
        1 => Just(DiskEmpties),
        1 => any::<u8>().prop_map(Hold),
        1 => any::<u8>().prop_map(Release),
    ]
}

/// The world, and parents that keep outcomes until they are acknowledged, as real ones do.
struct Life {
    world: World,
    kept: Vec<(Channel, Outcome)>,
    delivered: Vec<(QueueId, u32)>,
    keys: Vec<Key>,
    /// Messages, and recipients of theirs, that children that exist were made for.
    forwarded: Vec<(QueueId, u32)>,
}

impl Life {
    fn new() -> Self {
        let mut world = World::new(policy());
        let to = [
            ("x@far.example", Expanded::Mailbox),
            ("team@me.example", Expanded::Lines),
            ("jim@me.example", Expanded::Mailbox),
        ];
        world.alias("team@me.example", &to, None);
        world.alias("list@me.example", &to, Some("owner-list@me.example"));
        Self {
            world,
            forwarded: Vec::new(),
            kept: Vec::new(),
            delivered: Vec::new(),
            keys: Vec::new(),
        }
    }

    fn check(&mut self) {
        let acknowledged = std::mem::take(&mut self.world.acknowledged);
        self.kept
            .retain(|(_, kept)| !acknowledged.contains(&kept.job));
        let mut under_way: Vec<(QueueId, u32)> = self
            .world
            .jobs
            .iter()
            .flat_map(|(_, job)| job.recipients.iter().map(|each| (job.id, each.index)))
            .collect();
        let count = under_way.len();
        under_way.sort();
        under_way.dedup();
        assert_eq!(under_way.len(), count, "a recipient is in two jobs at once");
        for pair in &under_way {
            assert!(
                !self.delivered.contains(pair),
                "{pair:?} is tried after it was reached"
            );
        }
    }

    fn end(&mut self, which: u8, fate: u8) {
        if self.world.jobs.is_empty() {
            return;
        }
        let at = usize::from(which) % self.world.jobs.len();
        let (channel, job) = self.world.jobs.remove(at);
        let goes_on = fate == 6;
        let (fate, host) = match fate {
            0 | 1 => (Fate::Delivered, Host::Alive),
            2 => (Fate::Deferred, Host::Alive),
            3 => (Fate::Failed, Host::Alive),
            4 => (Fate::Cut, Host::Unknown),
            6 => (Fate::Delivered, Host::Unknown),
            _ => (Fate::Deferred, Host::Dead),
        };
        let host = if channel == Channel::Local {
            Host::Unknown
        } else {
            host
        };
        let goes_on = goes_on && channel == Channel::Local;
        let outcome = Outcome {
            forward: goes_on.then(|| Forward {
                from: job.from.clone(),
                verp: false,
                to: vec![mailbox("z@near.example")],
            }),
            ..outcome(&job, fate, host)
        };
        // Who has it go on has it when that is queued.
        if fate == Fate::Delivered && !goes_on {
            self.delivered
                .extend(job.recipients.iter().map(|each| (job.id, each.index)));
        }
        self.kept.push((channel, outcome.clone()));
        self.world.scheduler.outcome(channel, outcome);
    }

    /// A parent says what it knows to a send that has just connected.
    fn reconnect(&mut self, channel: Channel) {
        let running: Vec<Running> = self
            .world
            .jobs
            .iter()
            .filter(|(of, _)| *of == channel)
            .map(|(_, job)| Running {
                job: job.job,
                id: job.id,
                recipients: job.recipients.iter().map(|each| each.index).collect(),
            })
            .collect();
        self.world.scheduler.hello(channel, 40, running);
        for (_, outcome) in self.kept.iter().filter(|(of, _)| *of == channel) {
            self.world.scheduler.outcome(channel, outcome.clone());
        }
        self.world.scheduler.parent_up(channel);
    }

    /// What was to be passed on first is queued, or not, or loops.
    fn forward(&mut self, what: u8) {
        if self.world.forwards.is_empty() {
            return;
        }
        if what > 1 {
            self.keys.extend(self.world.queue_forward());
            return;
        }
        let order = self.world.forwards.remove(0);
        let forwarded = match what {
            0 => Forwarded::Later("full".into()),
            _ => Forwarded::Looped(vec![order.to[0]]),
        };
        let key = order.message.key;
        self.world.scheduler.forwarded(key, order.number, forwarded);
    }

    /// Each recipient that goes on does so once: no other record names children for it.
    fn check_forwards(&mut self) {
        for (key, events, _) in std::mem::take(&mut self.world.records) {
            for event in events {
                let Event::Forwarded { to, ids, .. } = event else {
                    continue;
                };
                assert!(!ids.is_empty());
                for index in to {
                    let pair = (key.id(), index);
                    assert!(!self.forwarded.contains(&pair), "{pair:?} goes on twice");
                    assert!(
                        !self.delivered.contains(&pair),
                        "{pair:?} has it and it goes on"
                    );
                    self.forwarded.push(pair);
                }
            }
        }
    }

    fn restart(&mut self) {
        let jobs = std::mem::take(&mut self.world.jobs);
        let next = self.world.scheduler.next_job + 1_000_000;
        self.world.restart();
        self.world.scheduler.next_job = next;
        self.world.jobs = jobs;
        self.world.reports.clear();
        self.world.forwards.clear();
        let mut found: Vec<(Key, Place)> = self
            .world
            .disk
            .keys()
            .map(|key| (*key, self.world.place[key]))
            .collect();
        found.sort_by_key(|(key, _)| *key);
        for (key, place) in found {
            // A child that no parent names is in tmp/ and is not seen.
            if !self.world.unnamed.contains(&key) {
                self.world.scheduler.seen(key, place, 0);
            }
        }
        for channel in Channel::BOTH {
            self.reconnect(channel);
        }
        self.world.scheduler.clean_up();
    }

    fn happen(&mut self, happening: &Happening) {
        match happening {
            Happening::Arrive(kind) => {
                let (from, to): (&str, &[&str]) = match kind {
                    0 => ("a@b.example", &["demo@me.example"]),
                    1 => (
                        "a@b.example",
                        &["x@far.example", "y@far.example", "demo@me.example"],
                    ),
                    2 => ("", &["x@near.example"]),
                    4 => ("a@b.example", &["team@me.example", "demo@me.example"]),
                    5 => (
                        "a@b.example",
                        &["list@me.example", "x@far.example", "team@me.example"],
                    ),
                    _ => ("a@b.example", &["x@far.example", "z@near.example"]),
                };
                let key = self.world.write(from, to);
                self.keys.push(key);
                self.world.scheduler.arrived(key);
            }
            Happening::End(which, fate) => self.end(*which, *fate),
            Happening::Report(works) => {
                if !self.world.reports.is_empty() {
                    if *works {
                        let (child, _) = self.world.queue_report();
                        self.keys.push(child);
                    } else {
                        let order = self.world.reports.remove(0);
                        let key = order.message.key;
                        self.world
                            .scheduler
                            .reported(key, Reported::Later("full".into()));
                    }
                }
            }
            Happening::Forward(what) => self.forward(*what),
            Happening::Pass(seconds) => self.world.pass(i64::from(*seconds)),
            Happening::UsersGo => self.world.scheduler.users_down(),
            Happening::UsersCome => self.world.scheduler.users_up(),
            Happening::SendDies => self.restart(),
            Happening::ParentLost(local) => {
                let channel = if *local {
                    Channel::Local
                } else {
                    Channel::Remote
                };
                self.world.scheduler.parent_down(channel);
                self.reconnect(channel);
            }
            Happening::ParentDies(local) => {
                let channel = if *local {
                    Channel::Local
                } else {
                    Channel::Remote
                };
                self.world.scheduler.parent_down(channel);
                self.world.jobs.retain(|(of, _)| *of != channel);
                // What it had not been told to forget may be done a second time: nobody can know.
                let lost: Vec<Outcome> = self
                    .kept
                    .extract_if(.., |(of, _)| *of == channel)
                    .map(|(_, outcome)| outcome)
                    .collect();
                self.delivered.retain(|(id, index)| {
                    !lost.iter().any(|outcome| {
                        outcome.id == *id && outcome.results.iter().any(|each| each.index == *index)
                    })
                });
                self.reconnect(channel);
            }
            Happening::CleanGoes => self.world.is_clean_away = true,
            Happening::CleanComes => {
                self.world.is_clean_away = false;
                self.world.scheduler.clean_up();
            }
            Happening::DiskFills => self.world.is_disk_full = true,
            Happening::DiskEmpties => self.world.is_disk_full = false,
            Happening::Hold(which) | Happening::Release(which) => {
                if !self.keys.is_empty() {
                    let key = self.keys[usize::from(*which) % self.keys.len()];
                    let deed = match happening {
                        Happening::Hold(_) => crate::stage::Deed::Hold,
                        _ => crate::stage::Deed::Release,
                    };
                    if !self.world.unnamed.contains(&key) {
                        self.world.scheduler.operate(1, 0, key.id(), deed);
                    }
                }
            }
        }
        self.world.settle();
        self.check();
        self.check_forwards();
    }

    /// All is well again, and time passes until nothing is left but what is held.
    fn heal(&mut self) {
        for happening in [
            Happening::DiskEmpties,
            Happening::CleanComes,
            Happening::UsersCome,
        ] {
            self.happen(&happening);
        }
        for _ in 0..5_000 {
            while !self.world.jobs.is_empty() {
                self.happen(&Happening::End(0, 0));
            }
            while !self.world.forwards.is_empty() {
                self.happen(&Happening::Forward(2));
            }
            while !self.world.reports.is_empty() {
                self.happen(&Happening::Report(true));
            }
            let is_over =
                self.world.scheduler.live.is_empty() && self.world.scheduler.waiting.len() == 0;
            if is_over {
                return;
            }
            match self.world.scheduler.next_wake() {
                Some(_) if self.world.jobs.is_empty() => {
                    self.world.pass_to_wake();
                    self.world.pass(1);
                }
                _ => self.world.pass(1),
            }
            self.check();
        }
        panic!("it does not end: {:?}", self.world.scheduler.live);
    }
}

proptest! {

    #[test]
    fn whatever_happens_mail_arrives_once_and_nothing_is_lost(
        happenings in proptest::collection::vec(happening(), 1..60)
    ) {
        let mut life = Life::new();
        for happening in &happenings {
            life.happen(happening);
        }
        life.heal();
        for (key, journal) in &life.world.disk {
            let is_held = life.world.place[key] == Place::Hold;
            prop_assert!(is_held || life.world.unnamed.contains(key), "{key:?} {journal:?}");
        }
        prop_assert!(life.kept.is_empty(), "outcomes were never acknowledged: {:?}", life.kept);
    }
}
