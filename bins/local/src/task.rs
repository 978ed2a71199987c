//! What the parent says to a worker, and what the worker reports: packets of the pair of sockets between them.
//!
//! The forms are those of `stafette_wire` (a kind byte, then fields), but private to this program: both ends are one
//! process image. The parent reads a worker's packets as those of a stranger all the same, since a worker runs as the recipient.

use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use stafette_directory::{Line, MailerProgram};
use stafette_wire::delivery::{Bytes, Fate, Forward, Job};
use stafette_wire::{MAX_PACKET, Reader, Wire, WireError};

use crate::instruction::Instruction;
use crate::verdict::Verdict;

const TASK: u8 = b'T';
const BEGUN: u8 = b'B';
const DONE: u8 = b'D';
const UNABLE: u8 = b'U';
const PROGRAMS: u8 = b'P';
/// Octets of a packet of ends, unless one alone is longer.
const PACKET: usize = 24 * 1024;

/// One job for a worker. The queue file's descriptor rides along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The job as send gave it.
    pub job: Job,
    /// The account's home directory.
    pub home: PathBuf,
    /// What is to be done.
    pub work: Work,
    /// Whether an earlier attempt may have left a copy.
    pub may_be_there: bool,
}

/// What a worker is to do, as the parent found it by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// What the account's own files say.
    Account(OwnFiles),
    /// Copies to these mailboxes and nothing else.
    Mailboxes(Vec<Instruction>),
    /// The programs and files of an alias.
    Lines(Vec<Line>),
    /// A program of the operator's, which gets the message instead of another host.
    Mailer(MailerProgram),
}

/// What it takes to find an account's own files and to do without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFiles {
    /// Between `.qmail` and the extension.
    pub dash: String,
    /// The extension.
    pub ext: String,
    /// The default delivery.
    pub default: Vec<Instruction>,
    /// What of that is in the system's spool is done by a worker with group mail; it is only to be asked for.
    pub has_spool_worker: bool,
}

/// What a worker says of one job at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// What became of it.
    pub verdict: Verdict,
    /// Where it goes on to.
    pub forward: Option<Forward>,
    /// The system mailboxes of the default delivery are to get it, too.
    pub wants_spool: bool,
}

impl Done {
    /// The end of a job of which one worker did this and another the rest. What was not done decides.
    #[must_use]
    pub fn and(self, rest: Self) -> Self {
        if !rest.verdict.is_delivered() || !self.verdict.is_delivered() {
            return if self.verdict.is_delivered() {
                rest.verdict.into()
            } else {
                self.verdict.into()
            };
        }
        let words = [self.verdict.words, rest.verdict.words];
        let words: Vec<String> = words
            .into_iter()
            .filter(|words| !words.is_empty())
            .collect();
        Self {
            verdict: Verdict::delivered(words.join(", ")),
            forward: self.forward,
            wants_spool: false,
        }
    }
}

impl From<Verdict> for Done {
    fn from(verdict: Verdict) -> Self {
        Self {
            verdict,
            forward: None,
            wants_spool: false,
        }
    }
}

/// From a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// These jobs are being delivered; from now on they count as attempts.
    Begun(Vec<u64>),
    /// These are at their end.
    Done(Vec<(u64, Done)>),
    /// Nothing was done about these: their recipient wants programs to be run, which this worker cannot.
    Programs(Vec<u64>),
    /// The worker could not become what it should be, and goes; no job was begun.
    Unable(String),
}

impl Task {
    /// As a packet; none if it is too long for one.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut out = vec![TASK];
        self.job.put(&mut out);
        Bytes(self.home.as_os_str().as_bytes().to_vec()).put(&mut out);
        self.work.put(&mut out);
        self.may_be_there.put(&mut out);
        (out.len() <= MAX_PACKET).then_some(out)
    }

    /// Reads exactly one packet.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn decode(packet: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(packet)?;
        require_kind(&mut reader, TASK)?;
        let job = Job::take(&mut reader)?;
        let home = path(Bytes::take(&mut reader)?);
        let task = Self {
            job,
            home,
            work: Work::take(&mut reader)?,
            may_be_there: bool::take(&mut reader)?,
        };
        finish(&reader, task)
    }
}

impl Report {
    /// As a packet.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        match self {
            Self::Begun(jobs) => {
                out.push(BEGUN);
                jobs.put(&mut out);
            }
            Self::Done(done) => {
                out.push(DONE);
                u32::try_from(done.len()).unwrap_or(u32::MAX).put(&mut out);
                for (job, done) in done {
                    job.put(&mut out);
                    done.put(&mut out);
                }
            }
            Self::Programs(jobs) => {
                out.push(PROGRAMS);
                jobs.put(&mut out);
            }
            Self::Unable(reason) => {
                out.push(UNABLE);
                reason.put(&mut out);
            }
        }
        out
    }

    /// Reads exactly one packet.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn decode(packet: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(packet)?;
        let report = match u8::take(&mut reader)? {
            BEGUN => Self::Begun(Vec::take(&mut reader)?),
            DONE => Self::Done(take_done(&mut reader)?),
            PROGRAMS => Self::Programs(Vec::take(&mut reader)?),
            UNABLE => Self::Unable(String::take(&mut reader)?),
            other => return Err(WireError::UnknownKind(other)),
        };
        finish(&reader, report)
    }
}

/// All ends as packets, since lists of forwards may be long.
#[must_use]
pub fn encode_ends(done: Vec<(u64, Done)>) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    let mut part = Vec::new();
    let mut octets = 0;
    for (job, end) in done {
        let mut bytes = Vec::new();
        end.put(&mut bytes);
        if octets > 0 && octets + bytes.len() > PACKET {
            packets.push(Report::Done(std::mem::take(&mut part)).encode());
            octets = 0;
        }
        octets += bytes.len() + 8;
        part.push((job, end));
    }
    packets.push(Report::Done(part).encode());
    packets
}

fn take_done(reader: &mut Reader<'_>) -> Result<Vec<(u64, Done)>, WireError> {
    let count = u32::take(reader)?;
    let mut done = Vec::new();
    for _ in 0..count {
        done.push((u64::take(reader)?, Done::take(reader)?));
    }
    Ok(done)
}

impl Wire for Done {
    fn put(&self, out: &mut Vec<u8>) {
        let verdict = &self.verdict;
        verdict.fate.put(out);
        verdict.status.put(out);
        verdict.words.put(out);
        verdict.damaged.put(out);
        self.forward.put(out);
        self.wants_spool.put(out);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let verdict = Verdict {
            fate: Fate::take(reader)?,
            status: String::take(reader)?,
            words: String::take(reader)?,
            damaged: bool::take(reader)?,
        };
        if !is_status(&verdict) {
            return Err(WireError::BadValue("status"));
        }
        let forward = <Option<Forward> as Wire>::take(reader)?;
        if forward
            .as_ref()
            .is_some_and(|forward| forward.to.is_empty() || !verdict.is_delivered())
        {
            return Err(WireError::BadValue("forward"));
        }
        Ok(Self {
            verdict,
            forward,
            wants_spool: bool::take(reader)?,
        })
    }
}

impl Wire for Work {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Account(own) => {
                out.push(b'A');
                own.dash.put(out);
                own.ext.put(out);
                put_instructions(&own.default, out);
                own.has_spool_worker.put(out);
            }
            Self::Mailboxes(list) => {
                out.push(b'M');
                put_instructions(list, out);
            }
            Self::Lines(lines) => {
                out.push(b'L');
                put_lines(lines, out);
            }
            Self::Mailer(program) => {
                out.push(b'P');
                put_mailer(program, out);
            }
        }
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(match u8::take(reader)? {
            b'A' => Self::Account(OwnFiles {
                dash: String::take(reader)?,
                ext: String::take(reader)?,
                default: take_instructions(reader)?,
                has_spool_worker: bool::take(reader)?,
            }),
            b'M' => Self::Mailboxes(take_instructions(reader)?),
            b'L' => Self::Lines(take_lines(reader)?),
            b'P' => Self::Mailer(take_mailer(reader)?),
            _ => return Err(WireError::BadValue("work")),
        })
    }
}

fn put_instructions(list: &[Instruction], out: &mut Vec<u8>) {
    let lines: Vec<Bytes> = list.iter().map(encode_instruction).collect();
    lines.put(out);
}

fn take_instructions(reader: &mut Reader<'_>) -> Result<Vec<Instruction>, WireError> {
    let lines = Vec::<Bytes>::take(reader)?;
    lines.into_iter().map(decode_instruction).collect()
}

/// The lines of an alias, as a field.
pub fn put_lines(lines: &[Line], out: &mut Vec<u8>) {
    let all: Vec<Bytes> = lines
        .iter()
        .map(|line| match line {
            Line::Program(command) => Bytes(format!("|{command}").into_bytes()),
            Line::File(path) => Bytes(path.as_os_str().as_bytes().to_vec()),
        })
        .collect();
    all.put(out);
}

/// Reads that field.
///
/// # Errors
/// What is wrong with the bytes.
pub fn take_lines(reader: &mut Reader<'_>) -> Result<Vec<Line>, WireError> {
    let line = |bytes: Bytes| match bytes.0.strip_prefix(b"|") {
        Some(command) => String::from_utf8(command.to_vec())
            .map(Line::Program)
            .map_err(|_| WireError::BadValue("line")),
        None if bytes.0.first() == Some(&b'/') => Ok(Line::File(path(bytes))),
        None => Err(WireError::BadValue("line")),
    };
    let all = Vec::<Bytes>::take(reader)?;
    all.into_iter().map(line).collect()
}

/// A program of the mailertable, as a field.
pub fn put_mailer(program: &MailerProgram, out: &mut Vec<u8>) {
    match program {
        MailerProgram::Uucp { host, user } => {
            out.push(b'U');
            host.put(out);
            user.put(out);
        }
        MailerProgram::Words { words, user, host } => {
            out.push(b'W');
            words.put(out);
            user.put(out);
            host.put(out);
        }
    }
}

/// Reads that field.
///
/// # Errors
/// What is wrong with the bytes.
pub fn take_mailer(reader: &mut Reader<'_>) -> Result<MailerProgram, WireError> {
    Ok(match u8::take(reader)? {
        b'U' => MailerProgram::Uucp {
            host: String::take(reader)?,
            user: String::take(reader)?,
        },
        b'W' => MailerProgram::Words {
            words: Vec::take(reader)?,
            user: String::take(reader)?,
            host: String::take(reader)?,
        },
        _ => return Err(WireError::BadValue("program")),
    })
}

/// A worker may say anything; what goes on to send has at least a status of the fate's class.
fn is_status(verdict: &Verdict) -> bool {
    let class = match verdict.fate {
        Fate::Delivered => "2.",
        Fate::Deferred | Fate::Cut => "4.",
        Fate::Failed => "5.",
    };
    let is_short = verdict.status.len() <= 9 && verdict.words.len() <= 2000;
    let is_plain = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    is_short && verdict.status.starts_with(class) && verdict.status.bytes().all(is_plain)
}

fn encode_instruction(instruction: &Instruction) -> Bytes {
    let kind = match instruction {
        Instruction::Maildir(_) => b'M',
        Instruction::Mbox(_) => b'B',
    };
    let mut out = vec![kind];
    out.extend_from_slice(instruction.path().as_os_str().as_bytes());
    Bytes(out)
}

fn decode_instruction(bytes: Bytes) -> Result<Instruction, WireError> {
    match bytes.0.split_first() {
        Some((b'M', rest)) => Ok(Instruction::Maildir(path(Bytes(rest.to_vec())))),
        Some((b'B', rest)) => Ok(Instruction::Mbox(path(Bytes(rest.to_vec())))),
        _ => Err(WireError::BadValue("instruction")),
    }
}

fn path(bytes: Bytes) -> PathBuf {
    PathBuf::from(std::ffi::OsString::from_vec(bytes.0))
}

fn require_kind(reader: &mut Reader<'_>, kind: u8) -> Result<(), WireError> {
    match u8::take(reader)? {
        found if found == kind => Ok(()),
        other => Err(WireError::UnknownKind(other)),
    }
}

fn finish<T>(reader: &Reader<'_>, value: T) -> Result<T, WireError> {
    if reader.is_empty() {
        Ok(value)
    } else {
        Err(WireError::LeftOver)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stafette_addr::ReversePath;
    use stafette_wire::QueueId;
    use stafette_wire::delivery::Content;
    use stafette_wire::envelope::Body;

    #[test]
    fn a_task_comes_out_as_it_went_in() {
        let task = Task {
            job: Job {
                job: 9,
                id: QueueId::new(5, [1; 9]),
                from: ReversePath::Null,
                recipients: Vec::new(),
                next_hop: None,
                body: Body::SevenBit,
                smtputf8: true,
                ret: None,
                envid: None,
                content: Content {
                    offset: 1,
                    octets: 2,
                    crc32: 3,
                    crlf_octets: 4,
                },
                add: vec![Bytes::from("Received: x")],
            },
            home: "/home/joe".into(),
            work: Work::Account(OwnFiles {
                dash: "-".into(),
                ext: "x".into(),
                default: vec![
                    Instruction::Maildir("./M".into()),
                    Instruction::Mbox("/x".into()),
                ],
                has_spool_worker: true,
            }),
            may_be_there: true,
        };
        let packet = task.encode().unwrap();
        assert_eq!(Task::decode(&packet), Ok(task.clone()));
        for end in 0..packet.len() {
            assert!(Task::decode(&packet[..end]).is_err());
        }
        let words = vec!["/bin/x".to_owned(), "$u".to_owned()];
        let (user, host) = ("u".to_owned(), "h".to_owned());
        for work in [
            Work::Mailboxes(vec![Instruction::Mbox("/x".into())]),
            Work::Lines(vec![Line::Program("x".into()), Line::File("/y".into())]),
            Work::Mailer(MailerProgram::Words {
                words,
                user: user.clone(),
                host: host.clone(),
            }),
            Work::Mailer(MailerProgram::Uucp { host, user }),
        ] {
            let other = Task {
                work,
                ..task.clone()
            };
            assert_eq!(Task::decode(&other.encode().unwrap()), Ok(other));
        }
        let mut long = task;
        long.job.add = vec![Bytes(vec![b'x'; MAX_PACKET])];
        assert_eq!(long.encode(), None);
    }

    fn forwarding(count: usize) -> Done {
        let to = (0..count).map(|n| format!("user{n}@example.org"));
        Done {
            forward: Some(Forward {
                from: ReversePath::Null,
                verp: true,
                to: to.map(|to| to.parse().unwrap()).collect(),
            }),
            wants_spool: true,
            ..Verdict::delivered("x").into()
        }
    }

    #[test]
    fn long_lists_of_forwards_go_in_several_packets() {
        let ends: Vec<_> = (0..10).map(|job| (job, forwarding(1000))).collect();
        let packets = encode_ends(ends.clone());
        assert!(packets.len() > 5);
        let mut again = Vec::new();
        for packet in packets {
            match Report::decode(&packet).unwrap() {
                Report::Done(part) => again.extend(part),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(again, ends);
    }

    #[test]
    fn reports_come_out_as_they_went_in() {
        for report in [
            Report::Begun(vec![1, 2]),
            Report::Done(vec![(1, forwarding(2)), (2, Verdict::damaged().into())]),
            Report::Programs(vec![4]),
            Report::Unable("no".into()),
        ] {
            assert_eq!(Report::decode(&report.encode()), Ok(report));
        }
    }

    #[test]
    fn a_worker_cannot_report_what_makes_no_sense() {
        let mut verdict = Verdict::delivered("x");
        verdict.status = "5.0.0".into();
        let is_refused =
            |done: Done| Report::decode(&Report::Done(vec![(1, done)]).encode()).is_err();
        assert!(is_refused(verdict.into()));
        let mut verdict = Verdict::deferred("4.0.0\n", "x");
        assert!(is_refused(verdict.clone().into()));
        verdict.status = "4.0.0".into();
        verdict.words = "x".repeat(3000);
        assert!(is_refused(verdict.into()));
        assert!(is_refused(forwarding(0)), "a forward to nobody");
        let mut forward = forwarding(1);
        forward.verdict = Verdict::deferred("4.0.0", "x");
        assert!(is_refused(forward), "a forward of what is not delivered");
        assert!(Report::decode(&[DONE, 255, 255, 255, 255]).is_err());
    }
}
