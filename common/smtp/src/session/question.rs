//! VRFY, EXPN and ETRN: what a client asks besides sending mail. None of them touches a transaction.

use stafette_addr::{Domain, Mailbox};

use super::{RcptVerdict, Session, Step, answer, sequence};
use crate::command::{CommandError, parse_question};
use crate::reply::Reply;
use crate::status::Status;

/// How many ETRN of one session are obeyed: each costs other programs some work.
const FLUSHES_MAX: u32 = 10;

/// Whether the waiting mail of a domain is tried now.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlushVerdict {
    /// It is.
    Started,
    /// The domain is none that we keep mail for.
    NotAllowed,
    /// Not now: somebody does not answer.
    Unavailable,
    /// Something else, as the reply says.
    Refuse(Reply),
}

impl Session {
    /// RFC 5321 section 3.5.3: where it is not offered, VRFY neither confirms nor denies.
    pub(super) fn vrfy(&mut self, argument: &str) -> Step {
        if self.offer.vrfy {
            self.question(argument, Step::Verify)
        } else {
            Step::Reply(neither())
        }
    }

    pub(super) fn expn(&mut self, argument: &str) -> Step {
        if self.offer.expn {
            self.question(argument, Step::Expand)
        } else {
            self.not_available()
        }
    }

    fn question(&mut self, argument: &str, step: fn(Mailbox) -> Step) -> Step {
        let Ok(here) = Domain::parse(self.offer.host.as_bytes()) else {
            return Step::Reply(neither());
        };
        let asked = parse_question(argument, &here).map(|path| path.mailbox(&here));
        match asked {
            Ok(Some(mailbox)) if mailbox.needs_smtputf8() => Step::Reply(answer::needs_smtputf8()),
            Ok(Some(mailbox)) => step(mailbox),
            Ok(None) => Step::Reply(neither()),
            Err(error) => self.mistake(error.into()),
        }
    }

    /// Takes the answer to [`Step::Verify`] (RFC 5321 section 3.5.1).
    pub fn verified(&mut self, verdict: RcptVerdict) -> Reply {
        match verdict {
            RcptVerdict::Accept(mailbox) => {
                Reply::new(250, Status::success(1, 5), format!("<{mailbox}>"))
            }
            other => unverified(other),
        }
    }

    /// Takes the answer to [`Step::Expand`]. What a name stands for is not shown: it is the mail of others that would be learned from it, and
    /// a list may be long; RFC 5321 section 3.5.2 has 252 for "exists, and not expanded".
    pub fn expanded(&mut self, verdict: RcptVerdict) -> Reply {
        match verdict {
            RcptVerdict::Accept(_) => Reply::new(
                252,
                Status::success(1, 5),
                "there is such a name; what it stands for is not shown",
            ),
            other => unverified(other),
        }
    }

    /// RFC 1985 section 5.3. `@domain` asks for the hosts below as well, of which only mail for the domain itself is tried.
    pub(super) fn etrn(&mut self, argument: &str) -> Step {
        if !self.offer.etrn {
            return self.not_available();
        }
        if !self.extended {
            return self.mistake(sequence("EHLO first"));
        }
        if self.in_transaction() {
            return self.mistake(sequence("not within a transaction"));
        }
        if argument.starts_with('#') {
            return Step::Reply(Reply::new(
                459,
                Status::transient(5, 4),
                "no queue has a name here",
            ));
        }
        let name = argument.strip_prefix('@').unwrap_or(argument);
        match Domain::parse(name.as_bytes()) {
            Ok(domain) if !domain.is_literal() => self.flush(domain),
            _ => self.mistake(CommandError::ETRN_SYNTAX.into()),
        }
    }

    fn flush(&mut self, domain: Domain) -> Step {
        self.flushes = self.flushes.saturating_add(1);
        if self.flushes > FLUSHES_MAX {
            return Step::Reply(Reply::new(
                458,
                Status::transient(7, 0),
                "too many ETRN in one session",
            ));
        }
        Step::Flush(domain)
    }

    /// Takes the answer to [`Step::Flush`] (RFC 1985 section 5.3).
    pub fn flushed(&mut self, verdict: FlushVerdict) -> Reply {
        match verdict {
            FlushVerdict::Started => Reply::new(250, Status::success(0, 0), "ok, queueing started"),
            FlushVerdict::NotAllowed => Reply::new(
                459,
                Status::transient(7, 1),
                "not allowed: no mail is kept here for this domain",
            ),
            FlushVerdict::Unavailable => Reply::new(
                458,
                Status::transient(3, 0),
                "unable to queue messages now, try again later",
            ),
            FlushVerdict::Refuse(reply) => reply,
        }
    }

    pub(super) fn not_available(&mut self) -> Step {
        self.mistake(Reply::new(
            502,
            Status::permanent(5, 1),
            "command not available here",
        ))
    }
}

fn unverified(verdict: RcptVerdict) -> Reply {
    match verdict {
        RcptVerdict::RelayDenied | RcptVerdict::AccountsUnavailable => neither(),
        other => answer::rcpt_refusal(other),
    }
}

fn neither() -> Reply {
    Reply::new(
        252,
        Status::success(0, 0),
        "not verified here, send the message and see",
    )
}

#[cfg(test)]
mod tests;
