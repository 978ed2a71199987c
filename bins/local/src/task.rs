//! What the parent says to a worker, and what the worker reports: packets of the pair of sockets between them.
//!
//! The forms are those of `stafette_wire` (a kind byte, then fields), but private to this program: both ends are one
//! process image. The parent reads a worker's packets as those of a stranger all the same, since a worker runs as the recipient.

use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use stafette_wire::delivery::{Bytes, Fate, Job};
use stafette_wire::{MAX_PACKET, Reader, Wire, WireError};

use crate::instruction::Instruction;
use crate::verdict::Verdict;

const TASK: u8 = b'T';
const BEGUN: u8 = b'B';
const DONE: u8 = b'D';
const UNABLE: u8 = b'U';

/// One job for a worker. The queue file's descriptor rides along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The job as send gave it.
    pub job: Job,
    /// The account's home directory.
    pub home: PathBuf,
    /// Where copies go.
    pub instructions: Vec<Instruction>,
    /// Whether an earlier attempt may have left a copy.
    pub may_be_there: bool,
}

/// From a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// These jobs are being delivered; from now on they count as attempts.
    Begun(Vec<u64>),
    /// These are at their end.
    Done(Vec<(u64, Verdict)>),
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
        let lines: Vec<Bytes> = self.instructions.iter().map(encode_instruction).collect();
        lines.put(&mut out);
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
        let lines = Vec::<Bytes>::take(&mut reader)?;
        let instructions: Result<_, _> = lines.into_iter().map(decode_instruction).collect();
        let task = Self {
            job,
            home,
            instructions: instructions?,
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
                for (job, verdict) in done {
                    job.put(&mut out);
                    verdict.fate.put(&mut out);
                    verdict.status.put(&mut out);
                    verdict.words.put(&mut out);
                    verdict.damaged.put(&mut out);
                }
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
            UNABLE => Self::Unable(String::take(&mut reader)?),
            other => return Err(WireError::UnknownKind(other)),
        };
        finish(&reader, report)
    }
}

fn take_done(reader: &mut Reader<'_>) -> Result<Vec<(u64, Verdict)>, WireError> {
    let count = u32::take(reader)?;
    let mut done = Vec::new();
    for _ in 0..count {
        let job = u64::take(reader)?;
        let verdict = Verdict {
            fate: Fate::take(reader)?,
            status: String::take(reader)?,
            words: String::take(reader)?,
            damaged: bool::take(reader)?,
        };
        if !is_status(&verdict) {
            return Err(WireError::BadValue("status"));
        }
        done.push((job, verdict));
    }
    Ok(done)
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
            instructions: vec![
                Instruction::Maildir("./M".into()),
                Instruction::Mbox("/x".into()),
            ],
            may_be_there: true,
        };
        let packet = task.encode().unwrap();
        assert_eq!(Task::decode(&packet), Ok(task.clone()));
        for end in 0..packet.len() {
            assert!(Task::decode(&packet[..end]).is_err());
        }
        let mut long = task;
        long.job.add = vec![Bytes(vec![b'x'; MAX_PACKET])];
        assert_eq!(long.encode(), None);
    }

    #[test]
    fn reports_come_out_as_they_went_in() {
        for report in [
            Report::Begun(vec![1, 2]),
            Report::Done(vec![(1, Verdict::delivered("x")), (2, Verdict::damaged())]),
            Report::Unable("no".into()),
        ] {
            assert_eq!(Report::decode(&report.encode()), Ok(report));
        }
    }

    #[test]
    fn a_worker_cannot_report_what_makes_no_sense() {
        let mut verdict = Verdict::delivered("x");
        verdict.status = "5.0.0".into();
        assert!(Report::decode(&Report::Done(vec![(1, verdict)]).encode()).is_err());
        let mut verdict = Verdict::deferred("4.0.0\n", "x");
        assert!(Report::decode(&Report::Done(vec![(1, verdict.clone())]).encode()).is_err());
        verdict.status = "4.0.0".into();
        verdict.words = "x".repeat(3000);
        assert!(Report::decode(&Report::Done(vec![(1, verdict)]).encode()).is_err());
        assert!(Report::decode(&[DONE, 255, 255, 255, 255]).is_err());
    }
}
