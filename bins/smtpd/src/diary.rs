//! What smtpd logs of a session: its end, and each refusal. Acceptances are logged by queue, with the queue ID.

use std::time::Instant;

use stafette_log::{Event, event};
use stafette_smtp::command::{ClientName, RcptPath};
use stafette_smtp::line::LineRead;
use stafette_smtp::session::Mail;
use stafette_smtp::{Reply, Session};

use crate::client::Client;

/// The session's own record.
pub(crate) struct Diary {
    sid: String,
    client: String,
    from: String,
    verb: Vec<u8>,
    messages: u64,
}

/// What is said about a message whose transaction is about to be forgotten.
pub(crate) struct Note {
    helo: String,
    recipients: usize,
}

impl Diary {
    /// Of a new session.
    pub(crate) fn new(client: &Client) -> Self {
        Self {
            sid: std::process::id().to_string(),
            client: client.log_name(),
            from: String::new(),
            verb: Vec::new(),
            messages: 0,
        }
    }

    /// Remembers the verb of a command, for a refusal of it.
    pub(crate) fn command(&mut self, line: &LineRead<'_>) {
        self.verb.clear();
        if let LineRead::Line(line) = line {
            self.verb.extend(
                line.iter()
                    .take_while(|byte| byte.is_ascii_alphanumeric())
                    .take(12),
            );
        }
    }

    /// A reply of the state machine by itself: logged if it is a refusal.
    pub(crate) fn replied(&self, helo: Option<&ClientName>, reply: &Reply, counts: (u32, u32)) {
        if reply.code < 400 {
            return;
        }
        let errors = counts.1.to_string();
        self.refusal(
            Event::CommandRefused,
            helo.map_or("", ClientName::as_str),
            reply,
            "",
            &[("command", &self.verb), ("errors", errors.as_bytes())],
        );
    }

    /// MAIL was answered.
    pub(crate) fn sender(&mut self, session: &Session, mail: &Mail, reply: &Reply, reason: &str) {
        self.from = mail.from.to_string();
        if reply.code >= 400 {
            let size = mail.params.size.unwrap_or(0).to_string();
            self.refusal(
                Event::SenderRefused,
                helo(session),
                reply,
                reason,
                &[("from", self.from.as_bytes()), ("size", size.as_bytes())],
            );
        }
    }

    /// RCPT was refused.
    pub(crate) fn recipient_refused(
        &self,
        session: &Session,
        to: &RcptPath,
        reply: &Reply,
        reason: &str,
    ) {
        self.refusal(
            Event::RecipientRefused,
            helo(session),
            reply,
            reason,
            &[
                ("from", self.from.as_bytes()),
                ("to", to.to_string().as_bytes()),
            ],
        );
    }

    /// What to say about the message under way if it is refused.
    pub(crate) fn note(&self, session: &Session) -> Note {
        Note {
            helo: helo(session).to_owned(),
            recipients: session.recipients(),
        }
    }

    /// A chunk was refused.
    pub(crate) fn message_refused(&self, session: &Session, reply: &Reply, reason: &str) {
        self.message_refused_with(&self.note(session), reply, reason);
    }

    /// A message was refused.
    pub(crate) fn message_refused_with(&self, note: &Note, reply: &Reply, reason: &str) {
        let recipients = note.recipients.to_string();
        self.refusal(
            Event::MessageRefused,
            &note.helo,
            reply,
            reason,
            &[
                ("from", self.from.as_bytes()),
                ("recipients", recipients.as_bytes()),
            ],
        );
    }

    /// A message is in the queue.
    pub(crate) fn queued(&mut self) {
        self.messages = self.messages.saturating_add(1);
    }

    /// The session is over.
    pub(crate) fn closed(
        &self,
        helo: Option<&ClientName>,
        counts: (u32, u32),
        started: Instant,
        reason: &str,
    ) {
        let (messages, commands, errors) = (
            self.messages.to_string(),
            counts.0.to_string(),
            counts.1.to_string(),
        );
        let seconds = format!("{:.3}", started.elapsed().as_secs_f64());
        event(
            Event::SessionClosed,
            None,
            &[
                ("sid", self.sid.as_bytes()),
                ("client", self.client.as_bytes()),
                ("helo", helo.map_or("", ClientName::as_str).as_bytes()),
                ("messages", messages.as_bytes()),
                ("commands", commands.as_bytes()),
                ("errors", errors.as_bytes()),
                ("seconds", seconds.as_bytes()),
                ("reason", reason.as_bytes()),
            ],
        );
    }

    fn refusal(
        &self,
        what: Event,
        helo: &str,
        reply: &Reply,
        reason: &str,
        more: &[(&str, &[u8])],
    ) {
        let code = reply.code.to_string();
        let status = reply
            .status
            .map(|status| status.to_string())
            .unwrap_or_default();
        let words = if reason.is_empty() {
            reply.lines.join(" ")
        } else {
            reason.to_owned()
        };
        let mut fields: Vec<(&str, &[u8])> = vec![
            ("sid", self.sid.as_bytes()),
            ("client", self.client.as_bytes()),
            ("helo", helo.as_bytes()),
        ];
        fields.extend_from_slice(more);
        fields.extend([
            ("code", code.as_bytes()),
            ("dsn", status.as_bytes()),
            ("reason", words.as_bytes()),
        ]);
        event(what, None, &fields);
    }
}

fn helo(session: &Session) -> &str {
    session.client_name().map_or("", ClientName::as_str)
}
