//! What users says about a recipient, turned into what the session may do.

use std::time::Duration;

use stafette_addr::Mailbox;
use stafette_control::Instance;
use stafette_sys::packet::Socket;
use stafette_wire::Packet;
use stafette_wire::users::{FromUsers, ToUsers};

/// How long an answer may take before the client is told to come again.
const LIMIT: Duration = Duration::from_secs(20);

/// The verdict on one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// We take responsibility for it.
    Accept,
    /// The domain is ours and nobody has that name: 550 5.1.1.
    NoSuchUser,
    /// Neither is it ours nor may the client relay: 550 5.7.1.
    NoRelay,
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
        match self.ask(instance, mailbox) {
            Ok(FromUsers::Local { .. }) => Verdict::Accept,
            Ok(FromUsers::Remote { in_rcpthosts, .. }) if in_rcpthosts || may_relay => {
                Verdict::Accept
            }
            Ok(FromUsers::Remote { .. }) => Verdict::NoRelay,
            Ok(FromUsers::NoSuchUser { .. }) => Verdict::NoSuchUser,
            Ok(FromUsers::Later { reason, .. }) => Verdict::Later(reason),
            Ok(FromUsers::Pong {}) => Verdict::Later("users answered what it was not asked".into()),
            Err(reason) => Verdict::Later(reason),
        }
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
        let wanted = self.seq;
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
        socket
            .send(
                &ToUsers::Lookup {
                    seq: wanted,
                    mailbox: mailbox.clone(),
                }
                .encode(),
                &[],
            )
            .map_err(|error| failed("ask", &error))?;
        let mut packet = [0; 4096];
        let (length, _) = socket
            .recv(&mut packet)
            .map_err(|error| failed("hear from", &error))?;
        let answer = FromUsers::decode(packet.get(..length).unwrap_or_default())
            .map_err(|error| failed("understand", &error))?;
        match &answer {
            FromUsers::Local { seq, .. }
            | FromUsers::Remote { seq, .. }
            | FromUsers::NoSuchUser { seq }
            | FromUsers::Later { seq, .. }
                if *seq == wanted =>
            {
                Ok(answer)
            }
            _ => Err(failed("understand", &"an answer to another question")),
        }
    }
}
