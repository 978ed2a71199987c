//! MAIL and RCPT: who may send what to whom, as access, queue and users say.

use stafette_addr::Mailbox;
use stafette_smtp::session::{Mail, MailVerdict, RcptVerdict, Recipient};
use stafette_smtp::{Reply, Status};

use super::Talk;
use crate::access::Ruling;
use crate::discard::Discards;
use crate::envelope;
use crate::recipients::Verdict;
use crate::verdict::mail_verdict;

/// The code after which the connection is closed, whoever chose it (RFC 5321 section 3.8).
const CLOSING: u16 = 421;
/// What the log says of a recipient that the table throws away; users does not tell the line.
const DISCARDED: &str = "access: DISCARD";

/// What is to be done about a recipient.
enum Asked {
    /// This, for the reason in words if they are not the reply's.
    Verdict(RcptVerdict, String),
    /// It is thrown away, for this reason.
    Discard(Mailbox, String),
}

impl Talk<'_> {
    /// What the table says of the client.
    pub(super) fn ruling_on_client(&mut self) -> Ruling {
        let ruling = self.gate.client(self.instance, &mut self.client);
        self.diary.name(&self.client);
        ruling
    }

    fn ruling(&mut self, mail: &Mail) -> Ruling {
        match self.ruling_on_client() {
            Ruling::Take => self.gate.sender(&mail.from),
            other => other,
        }
    }

    pub(super) fn mail(&mut self, mail: &Mail) -> bool {
        self.discards = Discards::default();
        let (verdict, reason) = match self.ruling(mail) {
            Ruling::Take => self.begin(mail),
            Ruling::Discard(reason) => {
                self.postbox.begin_nothing();
                self.discards = Discards::everything(reason);
                (MailVerdict::Accept, String::new())
            }
            Ruling::Refuse(reply, reason) => (MailVerdict::Refuse(reply), reason),
            Ruling::Later(reason) => (
                MailVerdict::Refuse(Reply::new(
                    451,
                    Status::transient(3, 0),
                    "cannot check this sender now, try again later",
                )),
                reason,
            ),
        };
        let reply = self.session.mail_answered(verdict);
        self.under_way = reply.code == 250;
        self.diary.sender(&self.session, mail, &reply, &reason);
        self.say(&reply);
        reply.code != CLOSING
    }

    fn begin(&mut self, mail: &Mail) -> (MailVerdict, String) {
        let sender = envelope::sender(mail);
        let origin = envelope::origin(&self.client, &self.session, mail.params.smtputf8);
        let begun = self.postbox.begin(
            self.instance,
            self.client.local,
            &sender,
            mail.params.size.unwrap_or(0),
            &origin,
        );
        match begun {
            Ok(()) => (MailVerdict::Accept, String::new()),
            Err(refused) => (mail_verdict(&refused), refused.reason),
        }
    }

    pub(super) fn recipient(&mut self, recipient: &Recipient) -> bool {
        let (verdict, reason, discarded) = match self.verdict(recipient) {
            Asked::Discard(mailbox, reason) => (RcptVerdict::Accept(mailbox), reason, true),
            Asked::Verdict(verdict, reason) => (verdict, reason, false),
        };
        let checked = self.session.rcpt_answered(verdict);
        if let Some((mailbox, params)) = checked.add {
            if discarded {
                self.discards.add(mailbox, reason);
            } else {
                self.discards.keep();
                self.postbox
                    .recipient(&envelope::recipient(mailbox, &params));
            }
        } else if checked.reply.code != 250 {
            self.diary
                .recipient_refused(&self.session, &recipient.to, &checked.reply, &reason);
        }
        self.say(&checked.reply);
        checked.reply.code != CLOSING
    }

    fn verdict(&mut self, recipient: &Recipient) -> Asked {
        let quiet = |verdict| Asked::Verdict(verdict, String::new());
        let Some(named) = recipient.to.mailbox(&self.limits.me) else {
            return quiet(RcptVerdict::UnknownUser);
        };
        let appended = self.client.relay.as_deref().unwrap_or_default();
        let mailbox = if appended.is_empty() {
            named
        } else {
            // qmail-smtpd(8): RELAYCLIENT's value is appended to each recipient.
            match Mailbox::parse(format!("{named}{appended}").as_bytes()) {
                Ok(mailbox) => mailbox,
                Err(_) => return quiet(RcptVerdict::UnknownUser),
            }
        };
        if let Some(reason) = self.discards.message() {
            return Asked::Discard(mailbox, reason.to_owned());
        }
        if self.client.local {
            return quiet(RcptVerdict::Accept(mailbox));
        }
        match self.check(&mailbox) {
            Verdict::Accept => quiet(RcptVerdict::Accept(mailbox)),
            Verdict::Discard => Asked::Discard(mailbox, DISCARDED.to_owned()),
            Verdict::NoSuchUser => quiet(RcptVerdict::UnknownUser),
            Verdict::NoRelay => quiet(RcptVerdict::RelayDenied),
            Verdict::Refuse(reply) => quiet(RcptVerdict::Refuse(reply)),
            Verdict::Later(reason) => Asked::Verdict(RcptVerdict::AccountsUnavailable, reason),
        }
    }

    pub(super) fn check(&mut self, mailbox: &Mailbox) -> Verdict {
        let may_relay = self.client.relay.is_some();
        self.users.check(self.instance, mailbox, may_relay)
    }
}
