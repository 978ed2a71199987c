//! A small world around the scheduler: users, local, remote, clean and queue as the test wants them, and a clock that is moved.

use std::collections::HashMap;

use stafette_addr::{Domain, Mailbox, ReversePath};
use stafette_control::DomainSet;
use stafette_log::Event as LogEvent;
use stafette_queue_layout::{Envelope, Event, Journal, Place, RecipientState, Standing};
use stafette_wire::QueueId;
use stafette_wire::clean::Then;
use stafette_wire::delivery::{Content, Fate, Host, Job as WireJob};
use stafette_wire::envelope::{Body, Expanded, Notify, Recipient, Sender};
use stafette_wire::operator::FromSend;
use stafette_wire::submission::Origin;
use stafette_wire::users::Target;

use super::super::*;
use super::said::{hop, outcome, write_event};
use crate::effect::ReportOrder;
use crate::forward::ForwardOrder;
use crate::lines::Limits;
use crate::message::Loaded;
use crate::search::Search;
use crate::stage::Answer;

/// Unix time at which each test begins.
pub(super) const START: i64 = 1_700_000_000;

pub(super) fn mailbox(text: &str) -> Mailbox {
    Mailbox::parse(text.as_bytes()).unwrap()
}

pub(super) fn policy() -> Policy {
    Policy {
        lifetime: 432_000,
        bounce_lifetime: 86_400,
        delay_warning: None,
        softbounce: false,
        recipient_limit: 100,
        limits: Limits {
            initial: 5,
            remote: 20,
        },
        deferred: crate::policy::Deferral::Nothing,
        logs_as_qmail: false,
        paused: DomainSet::default(),
        me: Domain::parse(b"me.example").unwrap(),
        bounce_from: mailbox("MAILER-DAEMON@me.example"),
        double_bounce_to: mailbox("postmaster@me.example"),
    }
}

/// What the programs around say and keep.
pub(super) struct World {
    pub(super) scheduler: Scheduler,
    pub(super) now: i64,
    /// The queue on the disk: what a reader would find.
    pub(super) disk: HashMap<Key, Journal>,
    pub(super) place: HashMap<Key, Place>,
    /// Jobs given to a parent and not answered.
    pub(super) jobs: Vec<(Channel, WireJob)>,
    pub(super) acknowledged: Vec<u64>,
    pub(super) reports: Vec<ReportOrder>,
    pub(super) forwards: Vec<ForwardOrder>,
    /// What recipients stand for.
    pub(super) aliases: HashMap<String, Alias>,
    /// The reverse-path that users wants for what goes on from here to other hosts.
    pub(super) rewritten: Option<&'static str>,
    /// What users was asked: the recipient, what was decided before, and the reverse-path if it goes on from here.
    pub(super) lookups: Vec<(String, Expanded, Option<String>)>,
    /// Lines of qmail's log.
    pub(super) raw: Vec<String>,
    pub(super) searches: Vec<Search>,
    pub(super) logs: Vec<(LogEvent, String)>,
    pub(super) answers: Vec<FromSend>,
    pub(super) records: Vec<(Key, Vec<Event>, Then)>,
    pub(super) finds: usize,
    pub(super) loads: usize,
    /// clean answers nothing but refusals.
    pub(super) is_disk_full: bool,
    /// clean answers nothing.
    pub(super) is_clean_away: bool,
    /// Children that no parent names yet.
    pub(super) unnamed: Vec<Key>,
    /// users does not know these.
    pub(super) unknown: Vec<String>,
    next: u64,
}

impl World {
    pub(super) fn new(policy: Policy) -> Self {
        let mut world = Self {
            scheduler: Scheduler::new(policy, 7, 1),
            now: START,
            disk: HashMap::new(),
            place: HashMap::new(),
            jobs: Vec::new(),
            acknowledged: Vec::new(),
            reports: Vec::new(),
            forwards: Vec::new(),
            aliases: HashMap::new(),
            rewritten: None,
            lookups: Vec::new(),
            raw: Vec::new(),
            searches: Vec::new(),
            logs: Vec::new(),
            answers: Vec::new(),
            records: Vec::new(),
            finds: 0,
            loads: 0,
            is_disk_full: false,
            is_clean_away: false,
            unnamed: Vec::new(),
            unknown: Vec::new(),
            next: 0,
        };
        world.scheduler.set_time(world.micros());
        world.scheduler.settled();
        world.scheduler.users_up();
        for channel in Channel::BOTH {
            world.up(channel);
        }
        world
    }

    /// The same queue, a new life of send.
    pub(super) fn restart(&mut self) {
        let policy = self.scheduler.policy.clone();
        self.scheduler = Scheduler::new(policy, 7, 1_000_000);
        self.scheduler.set_time(self.micros());
        self.scheduler.settled();
        self.scheduler.users_up();
        self.jobs.clear();
    }

    pub(super) fn up(&mut self, channel: Channel) {
        self.scheduler.hello(channel, 40, Vec::new());
        self.scheduler.parent_up(channel);
    }

    fn micros(&self) -> u64 {
        u64::try_from(self.now).unwrap() * 1_000_000
    }

    /// Puts a message on the disk.
    pub(super) fn write(&mut self, from: &str, to: &[&str]) -> Key {
        self.next += 1;
        let milliseconds = u64::try_from(self.now).unwrap() * 1000 + self.next;
        let key = Key::from(QueueId::new(milliseconds, [0; 9]));
        let recipients: Vec<Recipient> = to
            .iter()
            .map(|to| Recipient {
                mailbox: mailbox(to),
                notify: None,
                orcpt: None,
                expanded: Expanded::No,
            })
            .collect();
        let states = recipients
            .iter()
            .map(|_| RecipientState {
                standing: Standing::Pending,
                attempts: 0,
                last: None,
                due: 0,
                reported: false,
                warned: false,
            })
            .collect();
        let envelope = Envelope {
            arrived: self.now,
            origin: Origin {
                protocol: "ESMTP".into(),
                helo: b"client"[..].into(),
                address: None,
                name: b""[..].into(),
            },
            uid: None,
            parent: None,
            sender: Sender {
                from: ReversePath::parse(from.as_bytes()).unwrap(),
                body: Body::SevenBit,
                smtputf8: false,
                ret: None,
                envid: None,
                verp: false,
            },
            recipients,
            add: Vec::new(),
        };
        let journal = Journal {
            envelope,
            states,
            children: Vec::new(),
            skipped: 0,
            unknown: 0,
        };
        self.disk.insert(key, journal);
        self.place.insert(key, Place::New);
        key
    }

    /// Puts a message on the disk and tells send.
    pub(super) fn arrive(&mut self, from: &str, to: &[&str]) -> Key {
        let key = self.write(from, to);
        self.scheduler.arrived(key);
        self.settle();
        key
    }

    pub(super) fn notify(&mut self, key: Key, notify: Notify) {
        for recipient in &mut self.disk.get_mut(&key).unwrap().envelope.recipients {
            recipient.notify = Some(notify);
        }
    }

    pub(super) fn pass(&mut self, seconds: i64) {
        self.now += seconds;
        self.scheduler.set_time(self.micros());
        self.settle();
    }

    /// Moves to the next moment for which the scheduler wants to be woken.
    pub(super) fn pass_to_wake(&mut self) -> i64 {
        let wake = self.scheduler.next_wake().unwrap();
        let seconds = wake - self.now;
        self.pass(seconds.max(0));
        seconds
    }

    /// Does everything the scheduler wants, but for jobs and reports, until it wants nothing more.
    pub(super) fn settle(&mut self) {
        loop {
            let effects = self.scheduler.run();
            if effects.is_empty() {
                return;
            }
            for effect in effects {
                self.act(effect);
            }
        }
    }

    pub(super) fn act(&mut self, effect: Effect) {
        match effect {
            Effect::Load(key) => {
                self.loads += 1;
                let reading = self.read(key);
                self.scheduler.loaded(key, reading);
            }
            Effect::Lookup {
                seq,
                mailbox,
                expanded,
                forwarded,
            } => {
                let from = forwarded.map(|from| from.as_str().to_owned());
                let is_forwarded = from.is_some();
                self.lookups
                    .push((mailbox.as_str().to_owned(), expanded, from));
                if expanded == Expanded::No
                    && let Some((targets, owner)) = self.aliases.get(mailbox.as_str()).cloned()
                {
                    let owner = owner.map(|owner| ReversePath::parse(owner.as_bytes()).unwrap());
                    return self.scheduler.expanded(seq, targets, owner, true);
                }
                let answer = if self.unknown.iter().any(|name| name == mailbox.as_str()) {
                    Answer::NoSuchUser
                } else if mailbox.domain().as_str() == "me.example" {
                    Answer::Local(mailbox.local().as_str().to_owned())
                } else {
                    let sender = self.rewritten.filter(|_| is_forwarded);
                    Answer::Remote {
                        hop: hop(mailbox.domain().as_str()),
                        sender: sender.map(|path| ReversePath::parse(path.as_bytes()).unwrap()),
                    }
                };
                self.scheduler.routed(seq, answer);
            }
            Effect::Start { channel, job, .. } => self.jobs.push((channel, *job)),
            Effect::Acknowledge { job, .. } => self.acknowledged.push(job),
            Effect::Record {
                seq,
                id,
                events,
                then,
            } => self.record(seq, id.into(), &events, then),
            Effect::Report(order) => self.reports.push(*order),
            Effect::Forward(order) => self.forwards.push(*order),
            Effect::Raw(line) => self.raw.push(line),
            Effect::Find(search) => {
                self.finds += 1;
                self.searches.push(search);
            }
            Effect::Answer { packet, .. } => self.answers.push(packet),
            Effect::Log { event, fields, .. } => {
                let words: Vec<String> = fields
                    .0
                    .iter()
                    .map(|(key, value)| format!("{key}={}", String::from_utf8_lossy(value)))
                    .collect();
                self.logs.push((event, words.join(" ")));
            }
        }
    }

    fn read(&self, key: Key) -> Reading {
        match self.disk.get(&key) {
            Some(journal) => Reading::Message(Box::new(Loaded {
                key,
                place: self.place.get(&key).copied().unwrap(),
                content: Content {
                    offset: 128,
                    octets: 10,
                    crc32: 0,
                    crlf_octets: 11,
                },
                journal: journal.clone(),
                file: None,
            })),
            None => Reading::Missing,
        }
    }

    fn record(&mut self, seq: u64, key: Key, events: &[stafette_wire::clean::Bytes], then: Then) {
        if self.is_clean_away {
            return;
        }
        if self.is_disk_full {
            return self
                .scheduler
                .refused(seq, false, "no space left on device");
        }
        let events: Vec<Event> = events
            .iter()
            .map(|words| Event::parse(&words.0).unwrap())
            .collect();
        let Some(journal) = self.disk.get_mut(&key) else {
            return self.scheduler.refused(seq, true, "no such file");
        };
        for event in &events {
            self.unnamed
                .retain(|child| !event.children().contains(&child.id()));
            write_event(journal, event);
        }
        match then {
            Then::Remove => {
                self.disk.remove(&key);
            }
            Then::Keep | Then::Release => {
                self.place.insert(key, Place::Cur);
            }
            Then::Hold => {
                self.place.insert(key, Place::Hold);
            }
            Then::Bad => {
                self.disk.remove(&key);
                self.place.insert(key, Place::Bad);
            }
        }
        self.records.push((key, events, then));
        self.scheduler.recorded(seq);
    }

    /// Ends a job, all its recipients alike.
    pub(super) fn end(&mut self, index: usize, fate: Fate, host: Host) {
        let (channel, job) = self.jobs.remove(index);
        let outcome = outcome(&job, fate, host);
        self.scheduler.outcome(channel, outcome);
        self.settle();
    }

    /// Ends all jobs there are.
    pub(super) fn end_all(&mut self, fate: Fate, host: Host) {
        for _ in 0..self.jobs.len() {
            self.end(0, fate, host);
        }
    }

    /// Makes an address stand for others.
    pub(super) fn alias(&mut self, name: &str, to: &[(&str, Expanded)], owner: Option<&str>) {
        let targets = to.iter().map(|(to, expanded)| Target {
            mailbox: mailbox(to),
            expanded: *expanded,
        });
        let alias = (targets.collect(), owner.map(str::to_owned));
        self.aliases.insert(name.to_owned(), alias);
    }

    pub(super) fn logged(&self, event: LogEvent) -> usize {
        self.logs
            .iter()
            .filter(|(found, _)| *found == event)
            .count()
    }
}

/// What an address stands for, and the reverse-path from then on.
type Alias = (Vec<Target>, Option<String>);
