//! Whole SMTP sessions as a server sees them: lines, answers and content, as smtpd puts them together.

use stafette_addr::Domain;
use stafette_smtp::line::LineReader;
use stafette_smtp::session::{ContentVerdict, FlushVerdict, MailVerdict, Offer, RcptVerdict};
use stafette_smtp::{ChunkDecoder, DataDecoder, Session, Step};

use crate::cut::cuts;

/// What comes next from the client.
enum Expect {
    Line,
    Data(DataDecoder),
    Chunk { left: u64, last: bool },
    Skip { left: u64, reply: Vec<u8> },
    Nothing,
}

struct Server {
    session: Session,
    reader: LineReader,
    expect: Expect,
    chunks: ChunkDecoder,
    content: Vec<u8>,
    said: Vec<u8>,
    messages: Vec<Vec<u8>>,
}

impl Server {
    fn feed(&mut self, mut input: &[u8]) {
        while !input.is_empty() {
            let used = match std::mem::replace(&mut self.expect, Expect::Line) {
                Expect::Line => self.line(input),
                Expect::Data(mut decoder) => {
                    let fed = decoder.feed(input, &mut self.content);
                    if fed.ended {
                        self.end(decoder.fault());
                    } else {
                        self.expect = Expect::Data(decoder);
                    }
                    fed.used
                }
                Expect::Chunk { left, last } => {
                    let used = input.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    self.chunks.feed(&input[..used], &mut self.content);
                    self.chunk(left - used as u64, last);
                    used
                }
                Expect::Skip { left, reply } => {
                    let used = input.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    self.skip(left - used as u64, reply);
                    used
                }
                Expect::Nothing => {
                    self.expect = Expect::Nothing;
                    return;
                }
            };
            input = &input[used..];
        }
    }

    fn line(&mut self, input: &[u8]) -> usize {
        let (used, read) = self.reader.feed(input);
        let Some(read) = read else { return used };
        match self.session.line(read) {
            Step::Reply(reply) => reply.encode(&mut self.said),
            Step::Close(reply) => {
                reply.encode(&mut self.said);
                self.expect = Expect::Nothing;
            }
            Step::OpenMail(_) => self
                .session
                .mail_answered(MailVerdict::Accept)
                .encode(&mut self.said),
            Step::CheckRecipient(recipient) => {
                let here = Domain::parse(b"mx.example").expect("a domain");
                let verdict = match recipient.to.mailbox(&here) {
                    Some(mailbox) if mailbox.local().as_str().len() % 2 == 1 => {
                        RcptVerdict::Accept(mailbox)
                    }
                    _ => RcptVerdict::UnknownUser,
                };
                self.session
                    .rcpt_answered(verdict)
                    .reply
                    .encode(&mut self.said);
            }
            Step::Verify(mailbox) => self
                .session
                .verified(RcptVerdict::Accept(mailbox))
                .encode(&mut self.said),
            Step::Expand(_) => self
                .session
                .expanded(RcptVerdict::UnknownUser)
                .encode(&mut self.said),
            Step::Flush(_) => self
                .session
                .flushed(FlushVerdict::Started)
                .encode(&mut self.said),
            Step::ReadData(reply) => {
                reply.encode(&mut self.said);
                self.expect = Expect::Data(DataDecoder::new());
            }
            Step::ReadChunk { size, last } => self.chunk(size, last),
            Step::SkipChunk { size, reply } => self.skip(size, reply.to_wire()),
        }
        if !self.session.in_transaction() {
            self.content.clear();
            self.chunks = ChunkDecoder::new();
        }
        used
    }

    fn chunk(&mut self, left: u64, last: bool) {
        if left > 0 {
            self.expect = Expect::Chunk { left, last };
        } else if last || self.chunks.fault().is_some() {
            let fault = if last {
                self.chunks.finish()
            } else {
                self.chunks.fault()
            };
            self.end(fault);
        } else {
            self.session.chunk_read().encode(&mut self.said);
        }
    }

    fn skip(&mut self, left: u64, reply: Vec<u8>) {
        if left > 0 {
            self.expect = Expect::Skip { left, reply };
        } else {
            self.said.extend(reply);
        }
    }

    fn end(&mut self, fault: Option<stafette_smtp::data::ContentFault>) {
        let content = std::mem::take(&mut self.content);
        self.chunks = ChunkDecoder::new();
        let verdict = match fault {
            Some(fault) => ContentVerdict::Faulty(fault),
            None => {
                self.messages.push(content);
                ContentVerdict::Queued("ID".into())
            }
        };
        self.session
            .content_answered(verdict)
            .encode(&mut self.said);
        assert!(!self.session.in_transaction());
    }
}

fn serve(pieces: &[&[u8]]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut server = Server {
        session: Session::new(Offer {
            vrfy: true,
            expn: true,
            etrn: true,
            ..Offer::new("mx.example")
        }),
        reader: LineReader::default(),
        expect: Expect::Line,
        chunks: ChunkDecoder::new(),
        content: Vec::new(),
        said: Vec::new(),
        messages: Vec::new(),
    };
    for piece in pieces {
        server.feed(piece);
        assert!(server.session.in_transaction() || server.session.recipients() == 0);
    }
    (server.said, server.messages)
}

/// The same is said and the same messages are taken however the client's stream is cut; what is said is always whole lines.
pub fn smtp_sessions_ignore_cuts(data: &[u8]) {
    let [whole, cut @ ..] = cuts(data);
    let served = serve(&whole);
    for pieces in cut {
        assert_eq!(serve(&pieces), served);
    }
    assert!(served.0.is_empty() || served.0.ends_with(b"\r\n"));
    assert!(served.1.iter().all(|message| !message.contains(&b'\r')));
}
