//! One session: lines to the state machine, its questions to the other programs, its replies to the client.

mod question;
mod transaction;

use std::time::{Duration, Instant};

use stafette_control::Instance;
use stafette_smtp::line::LineReader;
use stafette_smtp::session::{ContentVerdict, Offer};
use stafette_smtp::{DataDecoder, Reply, Session, Status, Step};
use stafette_table::Tables;

use crate::access::Gate;
use crate::client::Client;
use crate::connection::{Connection, Gone};
use crate::content::Content;
use crate::diary::Diary;
use crate::discard::Discards;
use crate::limits::Limits;
use crate::postbox::Postbox;
use crate::recipients::Users;
use crate::stretch::Stretch;
use crate::verdict::content_verdict;

struct Talk<'a> {
    connection: Connection,
    client: Client,
    limits: &'a Limits,
    instance: &'a Instance,
    session: Session,
    postbox: Postbox,
    users: Users,
    gate: Gate,
    diary: Diary,
    /// What of the message under way nobody will get.
    discards: Discards,
    /// queue holds the beginning of a message for us.
    under_way: bool,
    /// The message that chunks are coming for.
    chunks: Option<Box<Content>>,
}

/// Holds one session to its end; without tables nobody is judged by them.
pub(crate) fn session(
    connection: Connection,
    client: Client,
    limits: &Limits,
    instance: &Instance,
    tables: Option<Tables>,
) {
    let started = Instant::now();
    let offer = Offer {
        host: limits.me.to_string(),
        size: limits.databytes,
        recipients: limits.recipients,
        wrong_commands: u32::try_from(limits.bad_commands).unwrap_or(u32::MAX),
        commands: u32::try_from(limits.commands).unwrap_or(u32::MAX),
        vrfy: limits.vrfy && !client.local,
        expn: limits.expn && !client.local,
        etrn: !client.local,
        qualify: client.local.then(|| limits.me.clone()),
    };
    let mut talk = Talk {
        connection,
        diary: Diary::new(&client),
        client,
        limits,
        instance,
        session: Session::new(offer),
        postbox: Postbox::default(),
        users: Users::default(),
        gate: Gate::new(tables),
        discards: Discards::default(),
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
            Step::Reply(reply) => self.answer(&reply),
            Step::Close(reply) => {
                self.answer(&reply);
                return Ok(false);
            }
            Step::OpenMail(mail) => return Ok(self.mail(&mail)),
            Step::CheckRecipient(recipient) => return Ok(self.recipient(&recipient)),
            Step::Verify(mailbox) => {
                let verdict = self.question(mailbox);
                let reply = self.session.verified(verdict);
                self.answer(&reply);
            }
            Step::Expand(mailbox) => {
                let verdict = self.question(mailbox);
                let reply = self.session.expanded(verdict);
                self.answer(&reply);
            }
            Step::Flush(domain) => {
                let verdict = self.flush(domain);
                let reply = self.session.flushed(verdict);
                self.answer(&reply);
            }
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

    /// A reply that has nothing to do with a message.
    fn answer(&mut self, reply: &Reply) {
        self.diary
            .replied(self.session.client_name(), reply, self.session.counts());
        self.say(reply);
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
            None if self.discards.is_everything() => {
                self.postbox.abort();
                (ContentVerdict::Discarded, String::new())
            }
            None => match self.postbox.commit(octets, crlf_octets) {
                Ok(id) => (ContentVerdict::Queued(id.to_string()), String::new()),
                Err(refused) => (content_verdict(&refused), refused.reason),
            },
        };
        self.under_way = false;
        let queued = matches!(verdict, ContentVerdict::Queued(_));
        if queued || verdict == ContentVerdict::Discarded {
            self.diary
                .discarded(&self.session, &self.discards, crlf_octets);
        }
        let discarded = verdict == ContentVerdict::Discarded;
        // The recipients are forgotten with the transaction, so the log is told first.
        let note = self.diary.note(&self.session);
        let reply = self.session.content_answered(verdict);
        if queued {
            self.diary.queued();
        } else if !discarded {
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
