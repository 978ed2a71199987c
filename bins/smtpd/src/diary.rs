//! What smtpd logs of a session: its end, each refusal, and what is thrown away. Acceptances are logged by queue, with the queue ID.

use std::time::Instant;

use stafette_log::{Event, event};
use stafette_smtp::command::{ClientName, RcptPath};
use stafette_smtp::line::LineRead;
use stafette_smtp::session::Mail;
use stafette_smtp::{Reply, Session};

use crate::client::Client;
use crate::discard::Discards;

/// The session's own record.
pub(crate) struct Diary {
    sid: String,
    client: String,
    name: String,
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
            name: client.name.clone(),
            from: String::new(),
            verb: Vec::new(),
            messages: 0,
        }
    }

    /// Remembers the client's name, if it was found meanwhile.
    pub(crate) fn name(&mut self, client: &Client) {
        if self.name != client.name {
            self.name.clone_from(&client.name);
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

    /// A message was accepted that these recipients do not get.
    pub(crate) fn discarded(&self, session: &Session, discards: &Discards, crlf_octets: u64) {
        let size = crlf_octets.to_string();
        for (mailbox, reason) in discards.recipients() {
            let mut fields = self.who(helo(session));
            fields.extend([
                ("from", self.from.as_bytes()),
                ("to", mailbox.as_str().as_bytes()),
                ("size", size.as_bytes()),
                ("reason", reason.as_bytes()),
            ]);
            event(Event::MessageDiscarded, None, &fields);
        }
    }

    /// ETRN could not be obeyed now.
    pub(crate) fn unable_to_flush(&self, reason: &str) {
        let advice = "the client was told to come again";
        event(
            Event::Warning,
            None,
            &[
                ("sid", self.sid.as_bytes()),
                ("reason", b"ETRN not obeyed"),
                ("problem", reason.as_bytes()),
                ("advice", advice.as_bytes()),
            ],
        );
    }

    /// Who it was about, as each line begins.
    fn who<'a>(&'a self, helo: &'a str) -> Vec<(&'a str, &'a [u8])> {
        let mut fields: Vec<(&str, &[u8])> = vec![
            ("sid", self.sid.as_bytes()),
            ("client", self.client.as_bytes()),
        ];
        if !self.name.is_empty() {
            fields.push(("name", self.name.as_bytes()));
        }
        fields.push(("helo", helo.as_bytes()));
        fields
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
        let mut fields = self.who(helo.map_or("", ClientName::as_str));
        fields.extend([
            ("messages", messages.as_bytes()),
            ("commands", commands.as_bytes()),
            ("errors", errors.as_bytes()),
            ("seconds", seconds.as_bytes()),
            ("reason", reason.as_bytes()),
        ]);
        event(Event::SessionClosed, None, &fields);
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
        let mut fields = self.who(helo);
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
