//! One job: an open session or the way to the hosts of its destination, and the outcome in the end.

use std::borrow::Cow;
use std::fs::File;
use std::time::{Duration, Instant};

use stafette_dns::{Client, Own, Route, Trouble};
use stafette_message::rewrite::rewrite;
use stafette_smtp::Status;
use stafette_sys::random;
use stafette_wire::delivery::{Delays, Fate, Host, Job, NextHop, Outcome, Protocol};

use crate::content::{Buffers, Damage, Outgoing};
use crate::deadline::Deadline;
use crate::place::Place;
use crate::session::{Manners, Session};
use crate::transaction::{Ended, fill, send};
use crate::verdict::Verdict;
use crate::visible::Visible;

/// The longest that looking up and connecting may take, all hosts and addresses together.
const WAY_LIMIT: Duration = Duration::from_secs(600);
/// Sessions that may break over one job before it is left for later.
const MOST_SESSIONS: u32 = 3;

/// What a worker keeps from job to job.
#[derive(Debug)]
pub(crate) struct Traveller {
    /// Asks resolve.
    pub(crate) dns: Client,
    /// Who we are, so that mail does not loop.
    pub(crate) own: Own,
    /// How we behave.
    pub(crate) manners: Manners,
    /// What other hosts see.
    pub(crate) visible: Visible,
    /// The session that is open, if one is.
    pub(crate) session: Option<Session>,
    /// Room for content.
    pub(crate) buffers: Buffers,
}

/// A job under way.
struct Attempt<'a> {
    job: Cow<'a, Job>,
    verdicts: Vec<Option<Verdict>>,
    /// What to say of those whom nobody judges in the end.
    excuse: Option<Verdict>,
    relay: String,
    host: Host,
    peer_reports: bool,
    damaged: bool,
    broken: u32,
    started: Instant,
    connecting: Duration,
}

/// Does the job.
pub(crate) fn run(traveller: &mut Traveller, job: &Job, file: &File) -> Outcome {
    let mut attempt = Attempt {
        job: Cow::Borrowed(job),
        verdicts: vec![None; job.recipients.len()],
        excuse: None,
        relay: String::new(),
        host: Host::Unknown,
        peer_reports: false,
        damaged: false,
        broken: 0,
        started: Instant::now(),
        connecting: Duration::ZERO,
    };
    let mut buffers = std::mem::take(&mut traveller.buffers);
    match Outgoing::new(file, &job.content, &job.add, &mut buffers) {
        Ok(mut outgoing) => match attempt.dress(&mut traveller.visible, &mut outgoing) {
            Ok(()) => attempt.travel(traveller, &mut outgoing),
            Err(damage) => attempt.give_up(&damage),
        },
        Err(damage) => attempt.give_up(&damage),
    }
    traveller.buffers = buffers;
    attempt.outcome()
}

impl Attempt<'_> {
    /// Puts visible addresses in place of those that only this host knows, in the header section and the reverse-path.
    fn dress(&mut self, visible: &mut Visible, outgoing: &mut Outgoing<'_>) -> Result<(), Damage> {
        visible.refresh();
        let protocol = self.job.next_hop.as_ref().map(|hop| hop.protocol);
        if !protocol.is_some_and(|protocol| visible.is_needed(protocol)) {
            return Ok(());
        }
        let utf8 = self.job.smtputf8;
        let from = visible.reverse_path(&self.job.from, utf8);
        let mut trouble = from.as_ref().err().cloned();
        outgoing.edit(|header| {
            rewrite(header, visible.scope(), |mailbox| {
                visible.outside(mailbox, utf8).unwrap_or_else(|error| {
                    trouble = Some(error);
                    None
                })
            })
        })?;
        if let Some(trouble) = trouble {
            let words = format!("the visible address is not known: {trouble}");
            let verdict = Verdict::deferred(Status::transient(3, 0), &words);
            fill(&mut self.verdicts, &verdict);
        }
        if let Ok(from) = from
            && from != self.job.from
        {
            self.job.to_mut().from = from;
        }
        Ok(())
    }

    fn travel(&mut self, traveller: &mut Traveller, outgoing: &mut Outgoing<'_>) {
        if self.is_done() {
            return;
        }
        let Some(hop) = self.job.next_hop.clone() else {
            self.excuse = Some(Verdict::deferred(
                Status::transient(3, 5),
                "job without a next hop",
            ));
            return;
        };
        if let Some(session) = traveller.session.take() {
            if session.is_fit_for(&hop) {
                traveller.session = self.transact(session, outgoing);
            } else {
                session.leave();
            }
        }
        if self.is_done() {
            return;
        }
        traveller.session = if hop.protocol == Protocol::LmtpUnix {
            self.enter(traveller, &hop, outgoing)
        } else {
            self.walk(traveller, &hop, outgoing)
        };
        traveller.dns.set_deadline(None);
    }

    /// Tries one host after the other, in the order of RFC 5321 section 5.1, until one judges. Gives back a session that can be kept.
    fn walk(
        &mut self,
        traveller: &mut Traveller,
        hop: &NextHop,
        outgoing: &mut Outgoing<'_>,
    ) -> Option<Session> {
        let deadline = Deadline::after(WAY_LIMIT);
        // What takes mail by LMTP is no relay, and may be this machine: nothing loops there.
        let nobody = Own::new(&[], Vec::new(), |_| false);
        let own = match hop.protocol {
            Protocol::Smtp => &traveller.own,
            Protocol::Lmtp | Protocol::LmtpUnix => &nobody,
        };
        let dns = &mut traveller.dns;
        dns.set_deadline(Instant::now().checked_add(WAY_LIMIT));
        let mut random = below;
        let mut begun = Instant::now();
        let mut route = Route::start(hop, dns, own, &mut random);
        while let Some(target) = route.next(dns, own, &mut random) {
            if deadline.is_over() || self.broken >= MOST_SESSIONS {
                break;
            }
            self.connecting = self.connecting.saturating_add(begun.elapsed());
            let place = Place::Host(target);
            let kept = self.visit(hop, &place, deadline.left(), &traveller.manners, outgoing);
            if self.is_done() {
                return kept;
            }
            begun = Instant::now();
        }
        self.connecting = self.connecting.saturating_add(begun.elapsed());
        if self.relay.is_empty() {
            self.no_way(route.trouble());
        }
        None
    }

    /// The only place there is: a socket of this machine.
    fn enter(
        &mut self,
        traveller: &Traveller,
        hop: &NextHop,
        outgoing: &mut Outgoing<'_>,
    ) -> Option<Session> {
        let place = Place::Socket(hop.host.clone().into());
        self.visit(hop, &place, WAY_LIMIT, &traveller.manners, outgoing)
    }

    /// Tries one place.
    fn visit(
        &mut self,
        hop: &NextHop,
        place: &Place,
        limit: Duration,
        manners: &Manners,
        outgoing: &mut Outgoing<'_>,
    ) -> Option<Session> {
        self.relay = place.to_string();
        let begun = Instant::now();
        let opened = Session::open(hop, place, limit, manners);
        self.connecting = self.connecting.saturating_add(begun.elapsed());
        match opened {
            Ok(session) => self.transact(session, outgoing),
            Err(verdict) => {
                self.mark_dead();
                self.excuse_with(verdict);
                None
            }
        }
    }

    /// Sends the message over the session and gives it back if it can take another.
    fn transact(&mut self, mut session: Session, outgoing: &mut Outgoing<'_>) -> Option<Session> {
        let reused = session.is_used();
        self.relay.clone_from(&session.relay);
        if let Err(damage) = outgoing.rewind() {
            self.give_up(&damage);
            return None;
        }
        match send(&mut session, &self.job, outgoing, &mut self.verdicts) {
            Ended::Judged { usable } => {
                let judged = |verdict: &Verdict| verdict.from_peer || verdict.fate == Fate::Failed;
                if self.verdicts.iter().flatten().any(judged) {
                    self.host = Host::Alive;
                } else {
                    self.mark_dead();
                }
                self.peer_reports = session.offered.dsn;
                let more = session.count_message();
                if usable && more {
                    return Some(session);
                }
                if usable {
                    session.leave();
                }
            }
            // The peer closed a session that it had no more use for: nothing is learned, and another one is opened.
            Ended::Lost { noticed: false, .. } if reused => self.relay.clear(),
            Ended::Lost { lost, .. } => {
                self.broken = self.broken.saturating_add(1);
                self.mark_dead();
                self.excuse_with(Verdict::lost(&lost, &session.relay));
            }
            Ended::Damaged(damage) => self.give_up(&damage),
        }
        None
    }

    fn is_done(&self) -> bool {
        self.verdicts.iter().all(Option::is_some)
    }

    fn mark_dead(&mut self) {
        if self.host == Host::Unknown {
            self.host = Host::Dead;
        }
    }

    /// What a peer said is better than what we found out ourselves; else the latest counts.
    fn excuse_with(&mut self, verdict: Verdict) {
        let better = self.excuse.as_ref().is_none_or(|old| !old.from_peer);
        if better || verdict.from_peer {
            self.excuse = Some(verdict);
        }
    }

    /// No host to try was found at all.
    fn no_way(&mut self, trouble: Trouble) {
        let status = |text: &str, otherwise| Status::parse(text.as_bytes()).unwrap_or(otherwise);
        self.excuse = Some(match trouble {
            Trouble::Defer {
                status: code,
                text,
                theirs,
            } => {
                if theirs {
                    self.mark_dead();
                }
                Verdict::deferred(status(code, Status::transient(4, 3)), &text)
            }
            Trouble::Fail { status: code, text } => {
                Verdict::failed(status(code, Status::permanent(4, 4)), &text)
            }
        });
    }

    /// The content cannot be sent, to nobody.
    fn give_up(&mut self, damage: &Damage) {
        let words = match damage {
            Damage::Checksum => {
                self.damaged = true;
                "the content in the queue is damaged".to_owned()
            }
            Damage::Unreadable(error) => {
                format!("unable to read the content in the queue: {error}")
            }
        };
        let verdict = Verdict::deferred(Status::transient(3, 0), &words);
        fill(&mut self.verdicts, &verdict);
    }

    fn outcome(mut self) -> Outcome {
        let excuse = self.excuse.take().unwrap_or_else(|| {
            Verdict::deferred(Status::transient(4, 1), "no host could be reached in time")
        });
        fill(&mut self.verdicts, &excuse);
        let count = self.verdicts.len();
        let recipients = self.job.recipients.iter();
        let results = recipients
            .zip(self.verdicts.into_iter().flatten())
            .map(|(recipient, verdict)| verdict.into_outcome(recipient.index, count))
            .collect();
        let whole = self.started.elapsed();
        Outcome {
            job: self.job.job,
            id: self.job.id,
            results,
            relay: self.relay,
            host: self.host,
            forward: None,
            peer_reports: self.peer_reports,
            delays: Delays {
                connect: millis(self.connecting),
                transfer: millis(whole.saturating_sub(self.connecting)),
            },
            damaged: self.damaged,
        }
    }
}

/// A random number below `count`. Without random numbers the first host is tried first, which is no reason to keep mail.
fn below(count: usize) -> usize {
    let number = random::number().unwrap_or(0);
    let count = u64::try_from(count).unwrap_or(1).max(1);
    usize::try_from(number.checked_rem(count).unwrap_or(0)).unwrap_or(0)
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
