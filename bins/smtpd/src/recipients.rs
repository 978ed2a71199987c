//! What users says about a recipient, turned into what the session may do.

use std::time::Duration;

use stafette_addr::Mailbox;
use stafette_control::Instance;
use stafette_smtp::Reply;
use stafette_sys::packet::Socket;
use stafette_wire::Packet;
use stafette_wire::users::{FromUsers, ToUsers};

use crate::access::table_reply;

/// How long an answer may take before the client is told to come again.
const LIMIT: Duration = Duration::from_secs(20);

/// The verdict on one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// We take responsibility for it.
    Accept,
    /// We say so, and throw its mail away.
    Discard,
    /// The domain is ours and nobody has that name: 550 5.1.1.
    NoSuchUser,
    /// Neither is it ours nor may the client relay: 550 5.7.1.
    NoRelay,
    /// The operator's tables refuse it, in these words.
    Refuse(Reply),
    /// Nobody knows now: 451 4.3.0. The text is for the log.
    Later(String),
}

/// A connection to users, made when it is first needed, and again when it broke.
#[derive(Default)]
pub(crate) struct Users {
    socket: Option<Socket>,
    seq: u32,
}

impl Users {
    /// Asks about one recipient.
    pub(crate) fn check(
        &mut self,
        instance: &Instance,
        mailbox: &Mailbox,
        may_relay: bool,
    ) -> Verdict {
        self.ask(instance, mailbox)
            .map_or_else(Verdict::Later, |answer| verdict(answer, may_relay))
    }

    fn ask(&mut self, instance: &Instance, mailbox: &Mailbox) -> Result<FromUsers, String> {
        // A connection that was idle may have died with the program behind it; a fresh one is worth one more try.
        let reused = self.socket.is_some();
        match self.ask_once(instance, mailbox) {
            Err(_) if reused => self.ask_once(instance, mailbox),
            other => other,
        }
    }

    fn ask_once(&mut self, instance: &Instance, mailbox: &Mailbox) -> Result<FromUsers, String> {
        let answer = self.exchange(instance, mailbox);
        if answer.is_err() {
            self.socket = None;
        }
        answer
    }

    fn exchange(&mut self, instance: &Instance, mailbox: &Mailbox) -> Result<FromUsers, String> {
        self.seq = self.seq.wrapping_add(1);
        let path = instance.socket("users");
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            format!("unable to {what} {}: {error}", path.display())
        };
        let socket = match &mut self.socket {
            Some(socket) => socket,
            none => none.insert(
                Socket::connect_timeout(&path, LIMIT)
                    .map_err(|error| failed("connect to", &error))?,
            ),
        };
        let question = ToUsers::Check {
            seq: self.seq,
            mailbox: mailbox.clone(),
        };
        socket
            .send(&question.encode(), &[])
            .map_err(|error| failed("ask", &error))?;
        let mut packet = [0; 4096];
        let (length, _) = socket
            .recv(&mut packet)
            .map_err(|error| failed("hear from", &error))?;
        let answer = FromUsers::decode(packet.get(..length).unwrap_or_default())
            .map_err(|error| failed("understand", &error))?;
        if seq_of(&answer) == Some(self.seq) {
            Ok(answer)
        } else {
            Err(failed("understand", &"an answer to another question"))
        }
    }
}

/// What an answer means for a client that may or may not relay.
fn verdict(answer: FromUsers, may_relay: bool) -> Verdict {
    match answer {
        FromUsers::Accepted { .. } => Verdict::Accept,
        FromUsers::Discard { .. } => Verdict::Discard,
        FromUsers::NotOurs { .. } if may_relay => Verdict::Accept,
        FromUsers::NotOurs { .. } => Verdict::NoRelay,
        FromUsers::NoSuchUser { .. } => Verdict::NoSuchUser,
        FromUsers::Refused {
            code, status, text, ..
        } => Verdict::Refuse(table_reply(code, &status, text)),
        FromUsers::Later { reason, .. } => Verdict::Later(reason),
        FromUsers::Local { .. }
        | FromUsers::Remote { .. }
        | FromUsers::Expand { .. }
        | FromUsers::Pong {} => Verdict::Later("users answered what it was not asked".to_owned()),
    }
}

fn seq_of(answer: &FromUsers) -> Option<u32> {
    match answer {
        FromUsers::Accepted { seq }
        | FromUsers::Discard { seq }
        | FromUsers::NotOurs { seq }
        | FromUsers::NoSuchUser { seq }
        | FromUsers::Refused { seq, .. }
        | FromUsers::Later { seq, .. } => Some(*seq),
        FromUsers::Local { .. }
        | FromUsers::Remote { .. }
        | FromUsers::Expand { .. }
        | FromUsers::Pong {} => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_may_relay_sends_elsewhere() {
        let elsewhere = || FromUsers::NotOurs { seq: 1 };
        assert_eq!(verdict(elsewhere(), false), Verdict::NoRelay);
        assert_eq!(verdict(elsewhere(), true), Verdict::Accept);
        for may_relay in [false, true] {
            assert_eq!(
                verdict(FromUsers::NoSuchUser { seq: 1 }, may_relay),
                Verdict::NoSuchUser
            );
            assert_eq!(
                verdict(FromUsers::Discard { seq: 1 }, may_relay),
                Verdict::Discard
            );
        }
    }

    #[test]
    fn a_refusal_of_the_tables_is_given_in_their_words_on_one_line() {
        let refused = FromUsers::Refused {
            seq: 1,
            code: 553,
            status: "5.1.1".to_owned(),
            text: "gone\r\n250 \u{fc}".to_owned(),
        };
        let Verdict::Refuse(reply) = verdict(refused, true) else {
            panic!()
        };
        assert_eq!(reply.to_wire(), b"553 5.1.1 gone??250 ?\r\n");
    }

    #[test]
    fn an_answer_to_a_lookup_is_no_answer() {
        let local = FromUsers::Local {
            seq: 1,
            account: "joe".to_owned(),
        };
        assert_eq!(seq_of(&local), None);
        assert!(matches!(verdict(local, true), Verdict::Later(_)));
    }
}
