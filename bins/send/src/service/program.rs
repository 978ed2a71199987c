//! The programs that send talks to: what they say, and what their coming and going means.

use std::io;
use std::time::{Duration, Instant};

use stafette_log::{Event as LogEvent, event};
use stafette_wire::Packet;
use stafette_wire::clean::{FromClean, ToClean};
use stafette_wire::delivery::FromDelivery;
use stafette_wire::submission::{FromQueue, ToQueue};
use stafette_wire::users::FromUsers;

use super::{PROGRAMS, Service};
use crate::link::Link;
use crate::schedule::Channel;
use crate::stage::Answer;

/// Packets of one program that are taken before others are heard.
const TURN: usize = 256;
/// A parent that announced more outcomes than it tells is taken for one that has told all after so long a silence.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program at the other end of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    Queue,
    Users,
    Local,
    Remote,
    Clean,
}

impl Program {
    pub(super) const ALL: [Self; 5] = [
        Self::Queue,
        Self::Users,
        Self::Local,
        Self::Remote,
        Self::Clean,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Users => "users",
            Self::Local => "local",
            Self::Remote => "remote",
            Self::Clean => "clean",
        }
    }

    pub(super) fn token(self) -> u64 {
        PROGRAMS
            + match self {
                Self::Queue => 0,
                Self::Users => 1,
                Self::Local => 2,
                Self::Remote => 3,
                Self::Clean => 4,
            }
    }

    pub(super) fn of(token: u64) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|program| program.token() == token)
    }

    pub(super) fn of_channel(channel: Channel) -> Self {
        match channel {
            Channel::Local => Self::Local,
            Channel::Remote => Self::Remote,
        }
    }
}

/// How far a parent has told what happened before we came.
#[derive(Debug, Default)]
pub(super) struct Parent {
    /// Outcomes that it announced and that have not come.
    awaited: Option<u32>,
    /// When it last told something.
    since: Option<Instant>,
    is_ready: bool,
}

impl Parent {
    /// How long to wait for it at most.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        let since = self.since.filter(|_| !self.is_ready)?;
        self.awaited?;
        Some((since + PATIENCE).saturating_duration_since(now))
    }

    fn has_told(&self) -> bool {
        !self.is_ready && self.awaited == Some(0)
    }

    fn is_late(&self) -> bool {
        let is_silent = self.since.is_some_and(|since| since.elapsed() >= PATIENCE);
        !self.is_ready && self.awaited.is_some() && is_silent
    }
}

impl Service {
    pub(super) fn link(&mut self, program: Program) -> &mut Link {
        let [queue, users, local, remote, clean] = &mut self.links;
        match program {
            Program::Queue => queue,
            Program::Users => users,
            Program::Local => local,
            Program::Remote => remote,
            Program::Clean => clean,
        }
    }

    fn parent(&mut self, channel: Channel) -> &mut Parent {
        let [local, remote] = &mut self.parents;
        match channel {
            Channel::Local => local,
            Channel::Remote => remote,
        }
    }

    /// Connects what is not connected and due to be tried.
    pub(super) fn connect(&mut self) {
        if self.stopping.is_some() {
            return;
        }
        for program in Program::ALL {
            let [queue, users, local, remote, clean] = &mut self.links;
            let link = match program {
                Program::Queue => queue,
                Program::Users => users,
                Program::Local => local,
                Program::Remote => remote,
                Program::Clean => clean,
            };
            if link.connect(&self.poller) {
                self.came(program);
            }
        }
    }

    fn came(&mut self, program: Program) {
        match program {
            Program::Queue => {
                self.say(program, ToQueue::Subscribe {}.encode());
                // It answers with an Overflow: what arrived while we did not listen was told to nobody.
            }
            Program::Users => self.scheduler.users_up(),
            Program::Local => *self.parent(Channel::Local) = Parent::default(),
            Program::Remote => *self.parent(Channel::Remote) = Parent::default(),
            Program::Clean => {
                // It answers when it has done what it was asked for on earlier connections.
                self.say(program, ToClean::Ping {}.encode());
                self.scheduler.clean_up();
            }
        }
    }

    /// The connection is lost, or is given up.
    pub(super) fn went(&mut self, program: Program) {
        self.link(program).drop_connection();
        match program {
            Program::Queue | Program::Clean => {}
            Program::Users => self.scheduler.users_down(),
            Program::Local => self.parent_went(Channel::Local),
            Program::Remote => self.parent_went(Channel::Remote),
        }
    }

    fn parent_went(&mut self, channel: Channel) {
        *self.parent(channel) = Parent::default();
        self.scheduler.parent_down(channel);
    }

    pub(super) fn say(&mut self, program: Program, packet: Vec<u8>) {
        if self.link(program).send(packet, None).is_err() {
            self.went(program);
        }
    }

    pub(super) fn flush_links(&mut self) {
        for program in Program::ALL {
            let [queue, users, local, remote, clean] = &mut self.links;
            let link = match program {
                Program::Queue => queue,
                Program::Users => users,
                Program::Local => local,
                Program::Remote => remote,
                Program::Clean => clean,
            };
            if link.flush(&self.poller).is_err() {
                self.went(program);
            }
        }
    }

    /// Takes what a program says.
    pub(super) fn hear(&mut self, program: Program) {
        let mut buffer = std::mem::take(&mut self.buffer);
        for _ in 0..TURN {
            let heard = match self.link(program).receive(&mut buffer) {
                Ok(None) => break,
                Ok(Some(packet)) => self.take_packet(program, packet),
                Err(_) => {
                    self.went(program);
                    break;
                }
            };
            if let Err(problem) = heard {
                self.blame(program, &problem);
                self.went(program);
                break;
            }
        }
        self.buffer = buffer;
    }

    fn blame(&mut self, program: Program, problem: &io::Error) {
        let path = self.link(program).path().display().to_string();
        let problem = problem.to_string();
        let fields: [(&str, &[u8]); 3] = [
            ("program", program.name().as_bytes()),
            ("path", path.as_bytes()),
            ("problem", problem.as_bytes()),
        ];
        event(LogEvent::PeerMisbehaved, None, &fields);
    }

    fn take_packet(&mut self, program: Program, packet: &[u8]) -> io::Result<()> {
        match program {
            Program::Queue => self.take_arrival(FromQueue::decode(packet).map_err(bad)?),
            Program::Users => self.take_answer(FromUsers::decode(packet).map_err(bad)?),
            Program::Local => {
                self.take_delivery(Channel::Local, FromDelivery::decode(packet).map_err(bad)?);
            }
            Program::Remote => {
                self.take_delivery(Channel::Remote, FromDelivery::decode(packet).map_err(bad)?);
            }
            Program::Clean => self.take_record(FromClean::decode(packet).map_err(bad)?),
        }
        Ok(())
    }

    fn take_arrival(&mut self, packet: FromQueue) {
        match packet {
            FromQueue::Arrived { id } => self.scheduler.arrived(id.into()),
            FromQueue::Overflow {} => self.scans.want(),
            FromQueue::Go {}
            | FromQueue::Queued { .. }
            | FromQueue::Refused { .. }
            | FromQueue::Pong {} => {}
        }
    }

    fn take_answer(&mut self, packet: FromUsers) {
        match packet {
            FromUsers::Local { seq, account } => {
                self.scheduler.routed(seq, Answer::Local(account));
            }
            FromUsers::Remote {
                seq,
                next_hop: hop,
                sender,
            } => self.scheduler.routed(seq, Answer::Remote { hop, sender }),
            FromUsers::Expand {
                seq,
                targets,
                owner,
                more,
            } => self.scheduler.expanded(seq, targets, owner, !more),
            FromUsers::Refused {
                seq,
                code,
                status,
                text,
            } => self
                .scheduler
                .routed(seq, Answer::Refused { code, status, text }),
            // Answers to smtpd.
            FromUsers::Accepted { .. } | FromUsers::Discard { .. } | FromUsers::NotOurs { .. } => {}
            FromUsers::NoSuchUser { seq } => self.scheduler.routed(seq, Answer::NoSuchUser),
            FromUsers::Later { seq, reason } => {
                self.scheduler.routed(seq, Answer::Later(reason));
            }
            FromUsers::Pong {} => {}
        }
    }

    fn take_delivery(&mut self, channel: Channel, packet: FromDelivery) {
        match packet {
            FromDelivery::Hello {
                running,
                last,
                ended,
                concurrency,
            } => {
                self.scheduler.hello(channel, concurrency, running);
                let parent = self.parent(channel);
                if last {
                    parent.awaited = Some(ended);
                    parent.since = Some(Instant::now());
                }
            }
            FromDelivery::Outcome { outcome } => {
                self.scheduler.outcome(channel, outcome);
                let parent = self.parent(channel);
                parent.awaited = parent.awaited.map(|awaited| awaited.saturating_sub(1));
                parent.since = Some(Instant::now());
            }
            FromDelivery::Pong {} => {}
        }
    }

    /// Parents that have told all get jobs.
    pub(super) fn look_at_parents(&mut self) {
        for channel in Channel::BOTH {
            if self.parent(channel).is_late() {
                // It may have been us who did not listen.
                self.hear(Program::of_channel(channel));
            }
            if self.parent(channel).has_told() || self.parent(channel).is_late() {
                self.parent(channel).is_ready = true;
                self.scheduler.parent_up(channel);
            }
        }
    }

    fn take_record(&mut self, packet: FromClean) {
        match packet {
            FromClean::Recorded { seq } => self.scheduler.recorded(seq),
            FromClean::Refused {
                seq,
                missing,
                reason,
            } => self.scheduler.refused(seq, missing, &reason),
            FromClean::Pong {} => self.scheduler.settled(),
        }
    }
}

fn bad(error: stafette_wire::WireError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
