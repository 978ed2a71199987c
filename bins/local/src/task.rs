//! What the parent says to a worker, and what the worker reports: packets of the pair of sockets between them.
//!
//! The forms are those of `stafette_wire` (a kind byte, then fields), but private to this program: both ends are one
//! process image. The parent reads a worker's packets as those of a stranger all the same, since a worker runs as the recipient.

mod work;

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use stafette_wire::delivery::{Bytes, Fate, Forward, Job};
use stafette_wire::{MAX_PACKET, Reader, Wire, WireError};

use crate::verdict::Verdict;
use work::path;
pub use work::{OwnFiles, Work, put_lines, put_mailer, take_lines, take_mailer};

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
mod tests;
