//! Running one program of a user: with what it may have, for as long as it may take, and what it said and how it ended.
//!
//! The program becomes the leader of a session of its own, without a terminal. It has descriptors 0 to 2 and no other:
//! its input, and one pipe for both outputs, which is read to the end so that it never blocks, and of which only the
//! beginning is kept. Its environment is what the caller says and nothing else, its signals have their default meaning.
//! It dies with the process that started it; what it started itself does not. Nothing here makes it unable to be
//! set-id: whoever wants that has seen to it before.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::fork::{self, Ended, Pid};
use crate::limits::FileLimit;
use crate::poll;
use crate::signal::Signal;

/// How long a program that was killed may take to be gone.
const DYING: Duration = Duration::from_secs(10);
/// Between looks at a program whose end cannot be waited for by poll.
const TICK: Duration = Duration::from_millis(20);

/// A program and all it gets.
#[derive(Debug)]
pub struct Program {
    /// Its file, looked up by nobody.
    pub file: OsString,
    /// Its arguments, without its name.
    pub arguments: Vec<OsString>,
    /// Its whole environment. A variable with a NUL in it is left out.
    pub environment: Vec<(&'static str, OsString)>,
    /// Its standard input.
    pub input: File,
    /// Its limit of descriptors, if not ours.
    pub files: Option<FileLimit>,
    /// After so long its whole process group is killed.
    pub time: Duration,
    /// Octets of its output that are kept.
    pub keep: usize,
}

/// What became of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// How it ended; none if its time was over.
    pub ended: Option<Ended>,
    /// The beginning of what it wrote to either output.
    pub output: Vec<u8>,
}

/// Runs `program` to its end.
///
/// # Errors
/// It could not be started, or nobody knows how it ended.
pub fn run(program: Program) -> io::Result<Finished> {
    let (reader, writer) = crate::fs::pipe()?;
    let mut output = Output::new(reader, program.keep)?;
    let deadline = Instant::now() + program.time;
    let pid = start(program, writer)?;
    let ended = follow(pid, &mut output, deadline)?;
    output.take_what_is_there();
    Ok(Finished {
        ended,
        output: output.kept,
    })
}

#[expect(unsafe_code, reason = "the closure runs between fork and exec")]
fn start(program: Program, writer: OwnedFd) -> io::Result<Pid> {
    let mut command = Command::new(&program.file);
    let has_no_nul = |value: &OsString| !value.as_encoded_bytes().contains(&0);
    command
        .args(&program.arguments)
        .env_clear()
        .envs(
            program
                .environment
                .into_iter()
                .filter(|(_, value)| has_no_nul(value)),
        )
        .stdin(Stdio::from(program.input))
        .stdout(Stdio::from(writer.try_clone()?))
        .stderr(Stdio::from(writer));
    fork::command_dies_with_parent(&mut command);
    let files = program.files;
    // SAFETY: the closure makes system calls only and allocates nothing, which is allowed between fork and exec.
    unsafe {
        command.pre_exec(move || {
            fork::new_session()?;
            crate::signal::reset_for_program()?;
            // Ours are marked already, each when it was opened.
            crate::inherit::mark_others().unwrap_or(());
            files.map_or(Ok(()), FileLimit::set)
        });
    }
    let child = command.spawn()?;
    // Dropping the command closes our copies of its descriptors; dropping the child does nothing to the process.
    let number = i32::try_from(child.id()).ok().and_then(Pid::new);
    number.ok_or_else(|| io::Error::other("a process has a strange number"))
}

/// Until the program has ended, or was killed since its time was over.
fn follow(pid: Pid, output: &mut Output, deadline: Instant) -> io::Result<Option<Ended>> {
    let watch = fork::watch(pid).ok();
    loop {
        if let Some(ended) = fork::try_wait(pid)? {
            return Ok(Some(ended));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            kill(pid)?;
            return Ok(None);
        }
        match &watch {
            Some(watch) if output.is_open => {
                let both = [watch.as_fd(), output.reader.as_fd()];
                poll::any_readable(&both, Some(left))?;
            }
            Some(watch) => drop(poll::readable(watch, Some(left))?),
            None => std::thread::sleep(left.min(TICK)),
        }
        output.take_what_is_there();
    }
}

/// Ends the whole process group. One that became somebody else for good cannot be ended and is left to itself.
fn kill(pid: Pid) -> io::Result<()> {
    fork::kill_group(pid, Signal::Kill)
        .or_else(|_| fork::kill(pid, Signal::Kill))
        .unwrap_or(());
    let since = Instant::now();
    while fork::try_wait(pid)?.is_none() && since.elapsed() < DYING {
        std::thread::sleep(TICK);
    }
    Ok(())
}

/// The reading end of the pipe of both outputs.
struct Output {
    reader: File,
    is_open: bool,
    kept: Vec<u8>,
    keep: usize,
}

impl Output {
    fn new(reader: OwnedFd, keep: usize) -> io::Result<Self> {
        fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        Ok(Self {
            reader: File::from(reader),
            is_open: true,
            kept: Vec::new(),
            keep,
        })
    }

    /// Reads until the pipe is empty or closed, but a turn at most, so that time limits are looked at.
    fn take_what_is_there(&mut self) {
        let mut buffer = [0; 16 * 1024];
        for _ in 0..64 {
            match self.reader.read(&mut buffer) {
                Ok(0) => {
                    self.is_open = false;
                    return;
                }
                Ok(count) => {
                    let room = self.keep.saturating_sub(self.kept.len()).min(count);
                    self.kept
                        .extend_from_slice(buffer.get(..room).unwrap_or_default());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.is_open = false;
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
