//! The answers of the other programs, and the replies that follow from them.

use stafette_addr::Mailbox;

use super::{Checked, Session, State};
use crate::data::ContentFault;
use crate::reply::Reply;
use crate::status::Status;

/// Whether a message can be taken.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailVerdict {
    /// It can.
    Accept,
    /// The disk is nearly full.
    DiskFull,
    /// The queue does not answer.
    QueueUnavailable,
    /// Something else, as the reply says.
    Refuse(Reply),
}

/// Whether a recipient is one for us.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RcptVerdict {
    /// It is, under this address.
    Accept(Mailbox),
    /// The domain is ours and knows no such user.
    UnknownUser,
    /// The domain is not ours, and the client may not send elsewhere through us.
    RelayDenied,
    /// The account database does not answer.
    AccountsUnavailable,
    /// Something else, as the reply says.
    Refuse(Reply),
}

/// What became of a content.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContentVerdict {
    /// It is in the queue under this ID.
    Queued(String),
    /// It was read and thrown away, as the operator wishes.
    Discarded,
    /// It has a bare CR or LF.
    Faulty(ContentFault),
    /// It is larger than we take.
    TooLarge,
    /// It has passed too many hosts.
    Loops,
    /// The disk is nearly full.
    DiskFull,
    /// The queue does not answer.
    QueueUnavailable,
    /// Something else, as the reply says.
    Refuse(Reply),
}

impl Session {
    /// Takes the answer to [`super::Step::OpenMail`].
    pub fn mail_answered(&mut self, verdict: MailVerdict) -> Reply {
        let reply = match verdict {
            MailVerdict::Accept if self.state == State::Opening => {
                self.state = State::Open;
                return Reply::new(250, Status::success(1, 0), "sender ok");
            }
            MailVerdict::Accept => super::sequence("no MAIL is waiting"),
            MailVerdict::DiskFull => disk_full(),
            MailVerdict::QueueUnavailable => queue_unavailable(),
            MailVerdict::Refuse(reply) => reply,
        };
        self.reset(State::Void);
        reply
    }

    /// Takes the answer to [`super::Step::CheckRecipient`].
    pub fn rcpt_answered(&mut self, verdict: RcptVerdict) -> Checked {
        let params = self.pending.take();
        if self.state == State::Asking {
            self.state = State::Open;
        }
        let reply = match (verdict, params) {
            (RcptVerdict::Accept(mailbox), Some(params)) => {
                let add = self
                    .recipients
                    .insert(mailbox.clone())
                    .then_some((mailbox, params));
                let reply = Reply::new(250, Status::success(1, 5), "recipient ok");
                return Checked { reply, add };
            }
            (refused, _) => rcpt_refusal(refused),
        };
        Checked { reply, add: None }
    }

    /// Says that a chunk that is not the last was read without fault.
    pub fn chunk_read(&mut self) -> Reply {
        if let State::Chunk { total, last: false } = self.state {
            self.state = State::BetweenChunks { total };
            return Reply::new(250, Status::success(0, 0), format!("{total} octets so far"));
        }
        self.reset(State::Void);
        super::sequence("no chunk is waiting")
    }

    /// Takes the answer to what was read after DATA or BDAT. The transaction is over, whatever it is.
    pub fn content_answered(&mut self, verdict: ContentVerdict) -> Reply {
        // More chunks of a message that was refused before its last may be on their way.
        let more = matches!(self.state, State::Chunk { last: false, .. });
        self.reset(if more { State::Void } else { State::Idle });
        match verdict {
            ContentVerdict::Queued(id) => {
                Reply::new(250, Status::success(0, 0), format!("queued as {id}"))
            }
            // No ID is named, since there is none; the words say no more, or the sender would try another way.
            ContentVerdict::Discarded => Reply::new(250, Status::success(0, 0), "message accepted"),
            ContentVerdict::Faulty(ContentFault::BareCr) => Reply::new(
                550,
                Status::permanent(5, 2),
                "bare CR in message, lines end with CRLF",
            ),
            ContentVerdict::Faulty(ContentFault::BareLf) => Reply::new(
                550,
                Status::permanent(5, 2),
                "bare LF in message, lines end with CRLF",
            ),
            ContentVerdict::TooLarge => too_large(),
            ContentVerdict::Loops => Reply::new(
                554,
                Status::permanent(4, 6),
                "too many hops, this message is looping",
            ),
            ContentVerdict::DiskFull => disk_full(),
            ContentVerdict::QueueUnavailable => queue_unavailable(),
            ContentVerdict::Refuse(reply) => reply,
        }
    }
}

/// The reply to a recipient that is not accepted.
pub(super) fn rcpt_refusal(verdict: RcptVerdict) -> Reply {
    match verdict {
        RcptVerdict::Accept(_) => super::sequence("no RCPT is waiting"),
        RcptVerdict::UnknownUser => Reply::new(550, Status::permanent(1, 1), "no such user here"),
        RcptVerdict::RelayDenied => Reply::new(550, Status::permanent(7, 1), "relaying denied"),
        RcptVerdict::AccountsUnavailable => Reply::new(
            451,
            Status::transient(3, 0),
            "cannot check this recipient now, try again later",
        ),
        RcptVerdict::Refuse(reply) => reply,
    }
}

/// RFC 6531 section 3.5.
pub(super) fn needs_smtputf8() -> Reply {
    Reply::new(553, Status::permanent(6, 7), "this address needs SMTPUTF8")
}

/// RFC 1870 section 6.
pub(super) fn too_large() -> Reply {
    Reply::new(
        552,
        Status::permanent(3, 4),
        "message larger than this host takes",
    )
}

fn disk_full() -> Reply {
    Reply::new(
        452,
        Status::transient(3, 1),
        "not enough disk space, try again later",
    )
}

fn queue_unavailable() -> Reply {
    Reply::new(
        451,
        Status::transient(3, 0),
        "queue not available, try again later",
    )
}
