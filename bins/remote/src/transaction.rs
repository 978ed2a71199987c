//! One message over one session: MAIL, RCPT, DATA, the content, and a verdict for each recipient.
//!
//! With PIPELINING (RFC 2920) the commands go in batches and the replies are read in their order; without, one by one. Every verdict is
//! made from a reply of this transaction. What was not judged when the session is lost stays without verdict, so that another host can
//! be tried, but for recipients whose final dot was sent: the peer may have the message, so this attempt is over for them.
//! With LMTP (RFC 2033) all is the same, but that each accepted recipient gets a reply of its own after the final dot.

use std::collections::VecDeque;

use stafette_smtp::client::{mail_line, rcpt_line};
use stafette_smtp::{PeerReply, Status};
use stafette_wire::delivery::Job;

use crate::commands::{Asked, params};
use crate::content::{Damage, Outgoing};
use crate::peer::{Cause, Lost};
use crate::session::Session;
use crate::stage::Stage;
use crate::verdict::Verdict;

/// Commands sent in one go: their replies must fit the buffers on the way back, or both sides would wait (RFC 2920 section 3.1).
const BATCH: usize = 102;

/// Verdicts by the position of the recipient in the job; none where nobody has judged.
pub(crate) type Verdicts = [Option<Verdict>];

/// How a transaction ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Every recipient has its verdict. The session can take the next message, or is of no use any more.
    Judged {
        /// Whether it can.
        usable: bool,
    },
    /// The session is lost, and some recipients have no verdict.
    Lost {
        /// What to say of it.
        lost: Lost,
        /// The peer answered MAIL: it took notice of this message.
        noticed: bool,
    },
    /// The content is not what was accepted, or cannot be read; nothing was delivered, and the session is lost.
    Damaged(Damage),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    Reset,
    Mail,
    Rcpt(usize),
    Data,
}

impl Command {
    fn stage(self) -> Stage {
        match self {
            Self::Reset => Stage::Reset,
            Self::Mail => Stage::Mail,
            Self::Rcpt(_) => Stage::Rcpt,
            Self::Data => Stage::Data,
        }
    }
}

/// A transaction under way.
struct Transaction<'a> {
    session: &'a mut Session,
    verdicts: &'a mut Verdicts,
    accepted: VecDeque<usize>,
    mail: Option<PeerReply>,
    data: Option<PeerReply>,
}

/// Sends the message to those recipients of `job` that have no verdict yet.
pub(crate) fn send(
    session: &mut Session,
    job: &Job,
    outgoing: &mut Outgoing<'_>,
    verdicts: &mut Verdicts,
) -> Ended {
    let commands = commands(session, job, outgoing, verdicts);
    let mut transaction = Transaction {
        session,
        verdicts,
        accepted: VecDeque::new(),
        mail: None,
        data: None,
    };
    if commands.is_empty() {
        return Ended::Judged { usable: true };
    }
    if let Err(lost) = transaction.talk(commands) {
        return transaction.lost(lost);
    }
    transaction.conclude(outgoing)
}

/// The commands with their lines. Recipients for which the peer lacks what the message needs get their verdict here.
fn commands(
    session: &Session,
    job: &Job,
    outgoing: &Outgoing<'_>,
    verdicts: &mut Verdicts,
) -> VecDeque<(Command, Vec<u8>)> {
    let asked = Asked::new(job, outgoing);
    let offered = &session.offered;
    let open: Vec<usize> = verdicts
        .iter()
        .enumerate()
        .filter_map(|(position, verdict)| verdict.is_none().then_some(position))
        .collect();
    let recipients = || {
        open.iter()
            .filter_map(|position| job.recipients.get(*position))
    };
    let envelope = asked.envelope(recipients());
    let mut commands = VecDeque::with_capacity(open.len().saturating_add(3));
    let lacking = |lack: stafette_smtp::client::Lack| {
        Verdict::failed(lack.status(), &format!("{}: {lack}", session.relay))
    };
    let mail = match mail_line(offered, &envelope) {
        Ok(line) => line,
        Err(lack) => {
            fill(verdicts, &lacking(lack));
            return commands;
        }
    };
    for (position, to) in open.iter().zip(recipients()) {
        match rcpt_line(offered, &envelope, &to.recipient.mailbox, &params(to)) {
            Ok(line) => commands.push_back((Command::Rcpt(*position), line)),
            Err(lack) => {
                if let Some(verdict) = verdicts.get_mut(*position) {
                    *verdict = Some(lacking(lack));
                }
            }
        }
    }
    if commands.is_empty() {
        return commands;
    }
    commands.push_front((Command::Mail, mail));
    if session.is_dirty {
        commands.push_front((Command::Reset, b"RSET\r\n".to_vec()));
    }
    commands.push_back((Command::Data, b"DATA\r\n".to_vec()));
    commands
}

/// Gives `verdict` to all that have none.
pub(crate) fn fill(verdicts: &mut Verdicts, verdict: &Verdict) {
    for open in verdicts.iter_mut().filter(|each| each.is_none()) {
        *open = Some(verdict.clone());
    }
}

impl Transaction<'_> {
    /// Sends the commands and takes the replies, up to the one to DATA.
    fn talk(&mut self, mut commands: VecDeque<(Command, Vec<u8>)>) -> Result<(), Lost> {
        let batch = if self.session.offered.pipelining {
            BATCH
        } else {
            1
        };
        let mut lines = Vec::new();
        while let Some((next, _)) = commands.front() {
            if self.is_pointless(*next) {
                return Ok(());
            }
            lines.clear();
            let count = batch.min(commands.len());
            let sent: Vec<Command> = commands
                .drain(..count)
                .map(|(command, line)| {
                    lines.extend_from_slice(&line);
                    command
                })
                .collect();
            let stage = sent.first().map_or(Stage::Mail, |first| first.stage());
            self.session.peer.check_in_step(stage)?;
            self.session.peer.write(&lines, stage)?;
            for command in sent {
                let reply = self.session.peer.reply(command.stage())?;
                self.take(command, reply)?;
            }
        }
        Ok(())
    }

    /// Whether what was said so far makes the command useless.
    fn is_pointless(&self, next: Command) -> bool {
        match next {
            Command::Reset | Command::Mail => false,
            Command::Rcpt(_) => !self.is_mail_accepted(),
            Command::Data => !self.is_mail_accepted() || self.accepted.is_empty(),
        }
    }

    fn is_mail_accepted(&self) -> bool {
        self.mail.as_ref().is_some_and(PeerReply::is_positive)
    }

    fn take(&mut self, command: Command, reply: PeerReply) -> Result<(), Lost> {
        match command {
            Command::Reset if reply.is_positive() => self.session.is_dirty = false,
            Command::Reset => {
                let problem = format!("peer refuses RSET with {}", reply.code);
                return Err(Lost {
                    stage: Stage::Reset,
                    cause: Cause::Misbehaved(problem),
                });
            }
            Command::Mail => {
                self.session.is_dirty = reply.is_positive();
                self.mail = Some(reply);
            }
            // After a refused MAIL what is said about recipients and DATA only repeats that.
            Command::Rcpt(_) if !self.is_mail_accepted() => {}
            Command::Rcpt(position) if reply.is_positive() => self.accepted.push_back(position),
            Command::Rcpt(position) => {
                let verdict = if self.is_too_many(&reply) {
                    Verdict::deferral(&reply)
                } else {
                    Verdict::refusal(&reply)
                };
                self.set(position, verdict);
            }
            Command::Data => self.data = Some(reply),
        }
        Ok(())
    }

    /// RFC 5321 section 4.5.3.1.10: 552 may mean "too many recipients", and is then to be taken as 452.
    fn is_too_many(&self, reply: &PeerReply) -> bool {
        let says_so = reply
            .status
            .is_none_or(|status| status == Status::permanent(5, 3));
        reply.code == 552 && says_so && !self.accepted.is_empty()
    }

    fn set(&mut self, position: usize, verdict: Verdict) {
        if let Some(open) = self.verdicts.get_mut(position) {
            *open = Some(verdict);
        }
    }

    /// After the replies: sends the content if somebody wants it.
    fn conclude(mut self, outgoing: &mut Outgoing<'_>) -> Ended {
        let invited = self.data.as_ref().is_some_and(|reply| reply.code == 354);
        if let Some(refusal) = self.mail.take().filter(|mail| !mail.is_positive()) {
            fill(self.verdicts, &Verdict::refusal(&refusal));
            // Invited all the same, by a peer that is lost count of: nothing that is said there may become a message.
            return Ended::Judged { usable: !invited };
        }
        if self.accepted.is_empty() {
            // LMTP forbids 354 here, and would answer the lone dot with nothing.
            return Ended::Judged {
                usable: !invited || !self.session.is_lmtp() && self.send_lone_dot(),
            };
        }
        match self.data.take() {
            Some(reply) if reply.code != 354 => {
                self.judge(&Verdict::refusal(&reply));
                Ended::Judged { usable: true }
            }
            _ => match self.send_content(outgoing) {
                Ok(usable) => Ended::Judged { usable },
                Err(ended) => ended,
            },
        }
    }

    /// RFC 2920 section 3.1: DATA was accepted although no recipient was; a dot alone ends it. Whether the session is in order again.
    fn send_lone_dot(&mut self) -> bool {
        let peer = &mut self.session.peer;
        peer.check_in_step(Stage::Data).is_ok()
            && peer.write(b".\r\n", Stage::Dot).is_ok()
            && peer.reply(Stage::Dot).is_ok()
    }

    /// Gives the verdict to the recipients that the peer accepted.
    fn judge(&mut self, verdict: &Verdict) {
        for position in std::mem::take(&mut self.accepted) {
            self.set(position, verdict.clone());
        }
    }

    /// Sends the content. Whether the session is in order after it.
    fn send_content(&mut self, outgoing: &mut Outgoing<'_>) -> Result<bool, Ended> {
        outgoing.rewind().map_err(Ended::Damaged)?;
        if let Err(lost) = self.session.peer.check_in_step(Stage::Data) {
            return Err(self.lost(lost));
        }
        loop {
            match outgoing.next() {
                Ok(Some(piece)) => {
                    if let Err(lost) = self.session.peer.write(piece, Stage::Block) {
                        return self.cut_short(lost);
                    }
                }
                Ok(None) => break,
                Err(damage) => return Err(Ended::Damaged(damage)),
            }
        }
        Ok(self.take_final_replies())
    }

    /// The replies after the final dot: one, or with LMTP one for each accepted recipient, in the order of RCPT. Whether the session
    /// is in order after them.
    fn take_final_replies(&mut self) -> bool {
        let count = if self.session.is_lmtp() {
            self.accepted.len()
        } else {
            1
        };
        for _ in 0..count {
            match self.session.peer.reply(Stage::Dot) {
                Ok(reply) if self.session.is_lmtp() => {
                    if let Some(position) = self.accepted.pop_front() {
                        self.set(position, Verdict::final_reply(&reply));
                    }
                }
                Ok(reply) => self.judge(&Verdict::final_reply(&reply)),
                // The peer may have the message: no other host is tried, so that one attempt makes one copy at most.
                Err(lost) => {
                    let verdict = Verdict::lost(&lost, &self.session.relay);
                    self.judge(&verdict);
                    return false;
                }
            }
        }
        self.session.is_dirty = false;
        true
    }

    /// The connection broke before the final dot was out. What the peer said before it closed is its verdict, unless it said yes.
    fn cut_short(&mut self, lost: Lost) -> Result<bool, Ended> {
        if matches!(lost.cause, Cause::TimedOut) {
            return Err(self.lost(lost));
        }
        match self.session.peer.reply(Stage::Block) {
            // With LMTP it would be about the first recipient alone.
            Ok(reply) if !self.session.is_lmtp() && !reply.is_positive() && reply.code != 354 => {
                self.judge(&Verdict::refusal(&reply));
                Ok(false)
            }
            Err(Lost {
                stage,
                cause: Cause::Closing(reply),
            }) => Err(self.lost(Lost {
                stage,
                cause: Cause::Closing(reply),
            })),
            _ => Err(self.lost(lost)),
        }
    }

    fn lost(&self, lost: Lost) -> Ended {
        Ended::Lost {
            lost,
            noticed: self.mail.is_some(),
        }
    }
}
