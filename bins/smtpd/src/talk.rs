//! One session: lines to the state machine, its questions to the other programs, its replies to the client.

use std::time::{Duration, Instant};

use stafette_control::Instance;
use stafette_smtp::line::LineReader;
use stafette_smtp::session::{ContentVerdict, Mail, MailVerdict, Offer, RcptVerdict, Recipient};
use stafette_smtp::{DataDecoder, Reply, Session, Status, Step};
use stafette_wire::submission::Refusal;

use crate::client::Client;
use crate::connection::{Connection, Gone};
use crate::content::Content;
use crate::diary::Diary;
use crate::envelope;
use crate::limits::Limits;
use crate::postbox::{Postbox, Refused};
use crate::recipients::{Users, Verdict};

/// So many octets of content share one time limit: a client that sends one now and then does not keep its place for ever.
const STRETCH: usize = 1024;

/// The time for content.
struct Stretch {
    limit: Duration,
    /// Since when this stretch has been under way.
    begun: Instant,
    octets: usize,
}

impl Stretch {
    fn new(limit: Duration) -> Self {
        Self {
            limit,
            begun: Instant::now(),
            octets: 0,
        }
    }

    /// So many octets came.
    fn took(&mut self, octets: usize) {
        if self.octets == 0 || self.octets >= STRETCH {
            self.begun = Instant::now();
            self.octets = 0;
        }
        self.octets = self.octets.saturating_add(octets);
    }

    /// How long the next octet may take.
    fn left(&self) -> Result<Duration, Gone> {
        if self.octets == 0 || self.octets >= STRETCH {
            return Ok(self.limit);
        }
        let left = self.limit.saturating_sub(self.begun.elapsed());
        if left < Duration::from_millis(1) {
            return Err(Gone::TimedOut);
        }
        Ok(left)
    }
}

struct Talk<'a> {
    connection: Connection,
    client: &'a Client,
    limits: &'a Limits,
    instance: &'a Instance,
    session: Session,
    postbox: Postbox,
    users: Users,
    diary: Diary,
    /// queue holds the beginning of a message for us.
    under_way: bool,
    /// The message that chunks are coming for.
    chunks: Option<Box<Content>>,
}

/// Holds one session to its end.
pub(crate) fn session(
    connection: Connection,
    client: &Client,
    limits: &Limits,
    instance: &Instance,
) {
    let started = Instant::now();
    let offer = Offer {
        host: limits.me.to_string(),
        size: limits.databytes,
        recipients: limits.recipients,
        wrong_commands: u32::try_from(limits.bad_commands).unwrap_or(u32::MAX),
        commands: u32::try_from(limits.commands).unwrap_or(u32::MAX),
        qualify: client.local.then(|| limits.me.clone()),
    };
    let mut talk = Talk {
        connection,
        client,
        limits,
        instance,
        session: Session::new(offer),
        postbox: Postbox::default(),
        users: Users::default(),
        diary: Diary::new(client),
        under_way: false,
        chunks: None,
    };
    let reason = match talk.run() {
        Ok(()) => "quit",
        Err(gone) => {
            talk.farewell(gone);
            gone.reason()
        }
    };
    talk.diary.closed(
        talk.session.client_name(),
        talk.session.counts(),
        started,
        reason,
    );
}

impl Talk<'_> {
    fn run(&mut self) -> Result<(), Gone> {
        let greeting = Reply::plain(220, vec![self.limits.greeting.clone().into()]);
        self.connection.say(&greeting.to_wire());
        let mut lines = LineReader::default();
        // Since when a line has been under way: its octets share one time limit.
        let mut begun: Option<Instant> = None;
        loop {
            if !self.connection.has_more() {
                self.connection.flush()?;
                self.connection.rest();
            }
            let spent = begun.map_or(Duration::ZERO, |begun| begun.elapsed());
            let left = self.limits.command_time.saturating_sub(spent);
            if left < Duration::from_millis(1) {
                return Err(Gone::TimedOut);
            }
            self.connection.set_limit(left);
            let input = self.connection.available()?;
            let (used, line) = lines.feed(input);
            begun = match line {
                None => begun.or_else(|| Some(Instant::now())),
                Some(_) => None,
            };
            let step = line.map(|line| {
                self.diary.command(&line);
                self.session.line(line)
            });
            self.connection.used(used);
            let Some(step) = step else { continue };
            let open = self.step(step)?;
            if self.under_way && !self.session.in_transaction() {
                self.postbox.abort();
                (self.under_way, self.chunks) = (false, None);
            }
            if !open {
                return self.connection.flush();
            }
        }
    }

    /// Does what a step says; false once the session is over.
    fn step(&mut self, step: Step) -> Result<bool, Gone> {
        match step {
            Step::Reply(reply) => {
                self.diary
                    .replied(self.session.client_name(), &reply, self.session.counts());
                self.say(&reply);
            }
            Step::Close(reply) => {
                self.diary
                    .replied(self.session.client_name(), &reply, self.session.counts());
                self.say(&reply);
                return Ok(false);
            }
            Step::OpenMail(mail) => self.mail(&mail),
            Step::CheckRecipient(recipient) => self.recipient(&recipient),
            Step::ReadData(reply) => {
                self.say(&reply);
                return self.data();
            }
            Step::ReadChunk { size, last } => self.chunk(size, last)?,
            Step::SkipChunk { size, reply } => {
                self.each_of(size, |_, _| {})?;
                self.diary
                    .message_refused(&self.session, &reply, "chunk refused");
                self.say(&reply);
            }
        }
        Ok(true)
    }

    fn say(&mut self, reply: &Reply) {
        self.connection.say(&reply.to_wire());
    }

    fn mail(&mut self, mail: &Mail) {
        let sender = envelope::sender(mail);
        let origin = envelope::origin(self.client, &self.session, mail.params.smtputf8);
        let begun = self.postbox.begin(
            self.instance,
            self.client.local,
            &sender,
            mail.params.size.unwrap_or(0),
            &origin,
        );
        let (verdict, reason) = match begun {
            Ok(()) => (MailVerdict::Accept, String::new()),
            Err(refused) => (mail_verdict(&refused), refused.reason),
        };
        let reply = self.session.mail_answered(verdict);
        self.under_way = reply.code == 250;
        self.diary.sender(&self.session, mail, &reply, &reason);
        self.say(&reply);
    }

    fn recipient(&mut self, recipient: &Recipient) {
        let (verdict, reason) = self.verdict(recipient);
        let checked = self.session.rcpt_answered(verdict);
        if let Some((mailbox, params)) = checked.add {
            self.postbox
                .recipient(&envelope::recipient(mailbox, &params));
        } else if checked.reply.code != 250 {
            self.diary
                .recipient_refused(&self.session, &recipient.to, &checked.reply, &reason);
        }
        self.say(&checked.reply);
    }

    fn verdict(&mut self, recipient: &Recipient) -> (RcptVerdict, String) {
        let quiet = |verdict| (verdict, String::new());
        let Some(named) = recipient.to.mailbox(&self.limits.me) else {
            return quiet(RcptVerdict::UnknownUser);
        };
        let appended = self.client.relay.as_deref().unwrap_or_default();
        let mailbox = if appended.is_empty() {
            named
        } else {
            // qmail-smtpd(8): RELAYCLIENT's value is appended to each recipient.
            match stafette_addr::Mailbox::parse(format!("{named}{appended}").as_bytes()) {
                Ok(mailbox) => mailbox,
                Err(_) => return quiet(RcptVerdict::UnknownUser),
            }
        };
        if self.client.local {
            return quiet(RcptVerdict::Accept(mailbox));
        }
        match self
            .users
            .check(self.instance, &mailbox, self.client.relay.is_some())
        {
            Verdict::Accept => quiet(RcptVerdict::Accept(mailbox)),
            Verdict::NoSuchUser => quiet(RcptVerdict::UnknownUser),
            Verdict::NoRelay => quiet(RcptVerdict::RelayDenied),
            Verdict::Later(reason) => (RcptVerdict::AccountsUnavailable, reason),
        }
    }

    /// Reads content to its end; false if nothing behind that may be obeyed.
    fn data(&mut self) -> Result<bool, Gone> {
        let mut stretch = Stretch::new(self.limits.data_time);
        let mut decoder = DataDecoder::new();
        let mut content = Content::new(self.limits);
        loop {
            self.connection.set_limit(stretch.left()?);
            let input = self.connection.available()?;
            let (used, ended) = content.data(&mut decoder, input, &mut self.postbox);
            self.connection.used(used);
            stretch.took(used);
            if ended {
                break;
            }
        }
        self.connection.set_limit(self.limits.command_time);
        self.end_of_content(&content);
        if decoder.has_doubtful_end() {
            let text = "line ends are in disorder, closing";
            let status = Status::transient(7, 0);
            self.say(&Reply::closing(&self.limits.me.to_string(), status, text));
            return Ok(false);
        }
        Ok(true)
    }

    fn chunk(&mut self, size: u64, last: bool) -> Result<(), Gone> {
        let mut content = self
            .chunks
            .take()
            .unwrap_or_else(|| Box::new(Content::new(self.limits)));
        self.each_of(size, |postbox, piece| content.chunk(piece, postbox))?;
        if last {
            content.end_of_chunks();
        }
        if last || content.verdict().is_some() {
            self.end_of_content(&content);
        } else {
            let reply = self.session.chunk_read();
            self.say(&reply);
            self.chunks = Some(content);
        }
        Ok(())
    }

    /// Reads so many octets of a chunk, piece by piece.
    fn each_of(
        &mut self,
        size: u64,
        mut take: impl FnMut(&mut Postbox, &[u8]),
    ) -> Result<(), Gone> {
        let mut stretch = Stretch::new(self.limits.data_time);
        let mut left = size;
        while left > 0 {
            self.connection.set_limit(stretch.left()?);
            let input = self.connection.available()?;
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
            take(&mut self.postbox, input.get(..most).unwrap_or_default());
            self.connection.used(most);
            stretch.took(most);
            left = left.saturating_sub(u64::try_from(most).unwrap_or(u64::MAX));
        }
        self.connection.set_limit(self.limits.command_time);
        Ok(())
    }

    fn end_of_content(&mut self, content: &Content) {
        let (octets, crlf_octets) = content.sizes();
        let (verdict, reason) = match content.verdict() {
            Some(verdict) => {
                self.postbox.abort();
                (verdict, String::new())
            }
            None => match self.postbox.commit(octets, crlf_octets) {
                Ok(id) => (ContentVerdict::Queued(id.to_string()), String::new()),
                Err(refused) => (content_verdict(&refused), refused.reason),
            },
        };
        self.under_way = false;
        let queued = matches!(verdict, ContentVerdict::Queued(_));
        // The recipients are forgotten with the transaction, so the log is told first.
        let note = self.diary.note(&self.session);
        let reply = self.session.content_answered(verdict);
        if queued {
            self.diary.queued();
        } else {
            self.diary.message_refused_with(&note, &reply, &reason);
        }
        self.say(&reply);
    }

    /// Says 421 where the client can still hear it (RFC 5321 section 3.8).
    fn farewell(&mut self, gone: Gone) {
        let me = self.limits.me.to_string();
        let reply = match gone {
            Gone::Closed => return,
            Gone::TimedOut => Reply::closing(&me, Status::transient(4, 2), "timed out, closing"),
            Gone::Stopping => Reply::closing(&me, Status::transient(3, 2), "shutting down"),
        };
        self.say(&reply);
        // The client may be gone as well; the session is over either way.
        self.connection.flush().unwrap_or(());
    }
}

fn mail_verdict(refused: &Refused) -> MailVerdict {
    match refused.refusal {
        Refusal::NoSpace => MailVerdict::DiskFull,
        Refusal::TooBig => MailVerdict::Refuse(Reply::new(
            552,
            Status::permanent(3, 4),
            "message larger than this host takes",
        )),
        Refusal::Temporary | Refusal::TooManyRecipients => MailVerdict::QueueUnavailable,
        Refusal::NotAllowed => {
            MailVerdict::Refuse(Reply::new(554, Status::permanent(3, 0), "not taken"))
        }
    }
}

fn content_verdict(refused: &Refused) -> ContentVerdict {
    match refused.refusal {
        Refusal::NoSpace => ContentVerdict::DiskFull,
        Refusal::TooBig => ContentVerdict::TooLarge,
        Refusal::Temporary => ContentVerdict::QueueUnavailable,
        Refusal::TooManyRecipients => ContentVerdict::Refuse(Reply::new(
            452,
            Status::transient(5, 3),
            "too many recipients",
        )),
        Refusal::NotAllowed => {
            ContentVerdict::Refuse(Reply::new(554, Status::permanent(3, 0), "not taken"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_that_trickle_in_share_one_time_limit() {
        let limit = Duration::from_secs(180);
        let before = |seconds| {
            Instant::now()
                .checked_sub(Duration::from_secs(seconds))
                .unwrap()
        };
        let mut stretch = Stretch::new(limit);
        assert_eq!(stretch.left(), Ok(limit));
        stretch.took(1);
        stretch.begun = before(100);
        stretch.took(1);
        assert!(stretch.left().unwrap() <= Duration::from_secs(80));
        stretch.begun = before(180);
        assert_eq!(stretch.left(), Err(Gone::TimedOut));
        stretch.took(STRETCH);
        assert_eq!(stretch.left(), Ok(limit));
        stretch.took(1);
        assert!(stretch.left().unwrap() > Duration::from_secs(170));
    }
}
