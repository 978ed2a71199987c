//! What a server does about each command, and what it says: one SMTP session as a state machine.
//!
//! The caller owns the socket and asks the other programs. It gives each line to [`Session::line`] and does what the [`Step`] says;
//! where a step asks a question, the answer goes back by the method that the step names, which gives the reply. The session holds
//! no content and at most [`Offer::recipients`] recipients; after an error it is as a new one, but for its counts.
//!
//! Whenever [`Session::in_transaction`] is false after a step, whatever the caller has under way for a message is void.

mod answer;
mod offer;
mod question;
mod step;

use std::collections::HashSet;

pub use answer::{ContentVerdict, MailVerdict, RcptVerdict};
pub use offer::Offer;
pub use question::FlushVerdict;
use stafette_addr::Mailbox;
pub use step::{Checked, Mail, Recipient, Step};

use crate::command::{ClientName, Command, CommandError, RcptParams, parse_command_at};
use crate::line::{LineFault, LineRead};
use crate::reply::Reply;
use crate::status::Status;

/// One session.
#[derive(Debug)]
pub struct Session {
    offer: Offer,
    client: Option<ClientName>,
    extended: bool,
    state: State,
    smtputf8: bool,
    recipients: HashSet<Mailbox>,
    pending: Option<RcptParams>,
    commands: u32,
    wrong: u32,
    flushes: u32,
}

/// Where the session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No transaction.
    Idle,
    /// No transaction any more: the rest of a refused one may still be on its way, and is no mistake of the client.
    Void,
    /// The caller was asked about MAIL.
    Opening,
    /// Behind MAIL.
    Open,
    /// The caller was asked about RCPT.
    Asking,
    /// Reading DATA.
    Data,
    /// Reading a chunk; this many octets were announced so far.
    Chunk { total: u64, last: bool },
    /// Between two chunks.
    BetweenChunks { total: u64 },
}

impl Session {
    /// A session before its greeting.
    #[must_use]
    pub fn new(offer: Offer) -> Self {
        Self {
            offer,
            client: None,
            extended: false,
            state: State::Idle,
            smtputf8: false,
            recipients: HashSet::new(),
            pending: None,
            commands: 0,
            wrong: 0,
            flushes: 0,
        }
    }

    /// What to say first (RFC 5321 section 3.1).
    #[must_use]
    pub fn greeting(&self) -> Reply {
        Reply::plain(
            220,
            vec![format!("{} ESMTP Stafette", self.offer.host).into()],
        )
    }

    /// What the client calls itself.
    #[must_use]
    pub fn client_name(&self) -> Option<&ClientName> {
        self.client.as_ref()
    }

    /// The protocol, as a trace field has it (RFC 5321 section 4.4, RFC 6531 section 4.3).
    #[must_use]
    pub fn protocol(&self) -> &'static str {
        match (self.extended, self.smtputf8) {
            (_, true) => "UTF8SMTP",
            (true, false) => "ESMTP",
            (false, false) => "SMTP",
        }
    }

    /// Whether there is a transaction: from the acceptance of MAIL to its end, whatever that is.
    #[must_use]
    pub fn in_transaction(&self) -> bool {
        !matches!(self.state, State::Idle | State::Void | State::Opening)
    }

    /// How many different recipients the transaction has.
    #[must_use]
    pub fn recipients(&self) -> usize {
        self.recipients.len()
    }

    /// How many lines were read, and how many of them were wrong.
    #[must_use]
    pub fn counts(&self) -> (u32, u32) {
        (self.commands, self.wrong)
    }

    /// Says what to do about a line.
    pub fn line(&mut self, line: LineRead<'_>) -> Step {
        self.commands = self.commands.saturating_add(1);
        if self.commands > self.offer.commands {
            return self.hang_up("too many commands");
        }
        let parsed = match line {
            LineRead::Line(line) => parse_command_at(line, self.offer.qualify.as_ref()),
            LineRead::Fault(LineFault::TooLong) => Err(CommandError::LINE_TOO_LONG),
            LineRead::Fault(LineFault::BareCr | LineFault::BareLf) => {
                Err(CommandError::BARE_LINE_END)
            }
        };
        match parsed {
            Ok(command) => self.obey(command),
            Err(CommandError::OTHER_PROTOCOL) => {
                self.reset(State::Idle);
                Step::Close(CommandError::OTHER_PROTOCOL.into())
            }
            Err(error) => self.mistake(error.into()),
        }
    }

    fn obey(&mut self, command: Command) -> Step {
        match command {
            Command::Helo(name) => self.hello(name, false),
            Command::Ehlo(name) => self.hello(name, true),
            Command::Mail { from, params } => self.mail(Mail { from, params }),
            Command::Rcpt { to, params } => self.rcpt(Recipient { to, params }),
            Command::Data => self.data(),
            Command::Bdat { size, last } => self.bdat(size, last),
            Command::Rset => {
                self.reset(State::Idle);
                Step::Reply(Reply::new(250, Status::success(0, 0), "reset"))
            }
            Command::Noop => Step::Reply(Reply::new(250, Status::success(0, 0), "ok")),
            Command::Quit => {
                self.reset(State::Idle);
                let bye = format!("{} bye", self.offer.host);
                Step::Close(Reply::new(221, Status::success(0, 0), bye))
            }
            Command::Vrfy(asked) => self.vrfy(&asked),
            Command::Expn(asked) => self.expn(&asked),
            Command::Etrn(node) => self.etrn(&node),
            Command::Help => Step::Reply(Reply::new(
                214,
                Status::success(0, 0),
                "HELO EHLO MAIL RCPT DATA BDAT RSET NOOP VRFY EXPN ETRN HELP QUIT, see RFC 5321",
            )),
            Command::Starttls | Command::Auth { .. } => self.not_available(),
        }
    }

    fn hello(&mut self, name: ClientName, extended: bool) -> Step {
        self.reset(State::Idle); // RFC 5321 section 4.1.4
        self.client = Some(name);
        self.extended = extended;
        Step::Reply(Reply::plain(
            250,
            if extended {
                self.offer.ehlo_lines()
            } else {
                vec![self.offer.host.clone().into()]
            },
        ))
    }

    fn mail(&mut self, mail: Mail) -> Step {
        if self.client.is_none() {
            return self.mistake(sequence("HELO or EHLO first"));
        }
        if self.in_transaction() {
            return self.mistake(sequence("there is a transaction already"));
        }
        self.reset(State::Void); // what follows a refused MAIL is no mistake
        if mail.params.auth.is_some() {
            return self.mistake(CommandError::PARAM_UNKNOWN.into()); // RFC 4954 section 5: only where AUTH is offered
        }
        if mail.from.needs_smtputf8() && !mail.params.smtputf8 {
            // RFC 6531 section 3.5
            return Step::Reply(answer::needs_smtputf8());
        }
        if self.offer.is_too_large(mail.params.size.unwrap_or(0)) {
            return Step::Reply(answer::too_large());
        }
        self.smtputf8 = mail.params.smtputf8;
        self.state = State::Opening;
        Step::OpenMail(mail)
    }

    fn rcpt(&mut self, recipient: Recipient) -> Step {
        if !matches!(self.state, State::Open) {
            return self.mistake(sequence("MAIL first"));
        }
        if recipient.to.needs_smtputf8() && !self.smtputf8 {
            return Step::Reply(answer::needs_smtputf8());
        }
        if self.recipients.len() >= self.offer.recipients {
            // RFC 5321 section 4.5.3.1.10
            return Step::Reply(Reply::new(
                452,
                Status::transient(5, 3),
                "too many recipients, send the rest in another message",
            ));
        }
        self.pending = Some(recipient.params.clone());
        self.state = State::Asking;
        Step::CheckRecipient(recipient)
    }

    fn data(&mut self) -> Step {
        match self.state {
            State::Open if self.recipients.is_empty() => no_recipients(),
            State::Open => {
                self.state = State::Data;
                Step::ReadData(Reply::plain(
                    354,
                    vec!["go ahead, end with CRLF.CRLF".into()],
                ))
            }
            State::BetweenChunks { .. } => {
                self.mistake(sequence("the message has begun with BDAT"))
            }
            _ => self.mistake(sequence("MAIL and RCPT first")),
        }
    }

    /// RFC 3030 section 2: the octets come whatever we say, so what is refused must still be read.
    fn bdat(&mut self, size: u64, last: bool) -> Step {
        let refusal = match self.state {
            State::Open if self.recipients.is_empty() => no_recipients(),
            State::Open => return self.chunk(0, size, last),
            State::BetweenChunks { total } => return self.chunk(total, size, last),
            _ => self.mistake(sequence("MAIL and RCPT first")),
        };
        match refusal {
            Step::Reply(reply) => Step::SkipChunk { size, reply },
            other => other,
        }
    }

    fn chunk(&mut self, before: u64, size: u64, last: bool) -> Step {
        let total = before.saturating_add(size);
        if self.offer.is_too_large(total) {
            self.reset(State::Void);
            return Step::SkipChunk {
                size,
                reply: answer::too_large(),
            };
        }
        self.state = State::Chunk { total, last };
        Step::ReadChunk { size, last }
    }

    /// Counts a mistake, unless it is the tail of a transaction that we refused.
    fn mistake(&mut self, reply: Reply) -> Step {
        if !matches!(self.state, State::Void) || reply.code != 503 {
            self.wrong = self.wrong.saturating_add(1);
        }
        if self.wrong > self.offer.wrong_commands {
            return self.hang_up("too many errors");
        }
        Step::Reply(reply)
    }

    fn hang_up(&mut self, text: &str) -> Step {
        self.reset(State::Idle);
        Step::Close(Reply::closing(
            &self.offer.host,
            Status::transient(7, 0),
            text,
        ))
    }

    /// Forgets the transaction.
    fn reset(&mut self, state: State) {
        self.state = state;
        self.smtputf8 = false;
        self.recipients = HashSet::new();
        self.pending = None;
    }
}

/// RFC 5321 section 3.3. The transaction stays, so that another recipient may be named.
fn no_recipients() -> Step {
    Step::Reply(Reply::new(
        554,
        Status::permanent(5, 1),
        "no valid recipients",
    ))
}

fn sequence(text: &'static str) -> Reply {
    Reply::new(503, Status::permanent(5, 1), text)
}

#[cfg(test)]
mod tests;
