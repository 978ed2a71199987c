//! A connection to another of our programs: made again and again, never waited for.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use stafette_log::{Event as LogEvent, event};
use stafette_sys::packet::Socket;
use stafette_sys::poll::{Interest, Poller};

/// The pause after the first failed try; it doubles up to [`LONGEST`].
const FIRST: Duration = Duration::from_millis(10);
/// The longest pause.
const LONGEST: Duration = Duration::from_millis(500);
/// A connection that lived for so long was a good one.
const GOOD: Duration = Duration::from_secs(1);
/// A program that is back within this time was never missed.
const QUIET: Duration = Duration::from_secs(2);
/// A listening program takes a connection at once.
const CONNECT: Duration = Duration::from_millis(100);

/// A packet that waits for room.
#[derive(Debug)]
struct Waiting {
    packet: Vec<u8>,
    file: Option<Arc<OwnedFd>>,
}

/// A connection that is kept up.
#[derive(Debug)]
pub(crate) struct Link {
    program: &'static str,
    path: PathBuf,
    token: u64,
    socket: Option<Socket>,
    waiting: VecDeque<Waiting>,
    wants_room: bool,
    again: Instant,
    pause: Duration,
    made: Instant,
    lost: Instant,
    is_missed: bool,
}

impl Link {
    /// A connection to the program at `path`, not made yet.
    pub(crate) fn new(program: &'static str, path: PathBuf, token: u64) -> Self {
        let now = Instant::now();
        Self {
            program,
            path,
            token,
            socket: None,
            waiting: VecDeque::new(),
            wants_room: false,
            again: now,
            pause: FIRST,
            made: now,
            lost: now,
            is_missed: false,
        }
    }

    /// Whether nothing waits to be sent.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.waiting.is_empty()
    }

    /// When to try again, if there is no connection.
    pub(crate) fn again(&self) -> Option<Instant> {
        self.socket.is_none().then_some(self.again)
    }

    /// Tries to connect if it is time; whether there is a new connection.
    pub(crate) fn connect(&mut self, poller: &Poller) -> bool {
        if self.socket.is_some() || Instant::now() < self.again {
            return false;
        }
        match Socket::connect_timeout(&self.path, CONNECT).and_then(|socket| {
            socket.set_max_fds(0);
            poller.add(&socket, self.token, Interest::Read)?;
            Ok(socket)
        }) {
            Ok(socket) => {
                self.socket = Some(socket);
                self.made = Instant::now();
                self.wants_room = false;
                if std::mem::take(&mut self.is_missed) {
                    self.log(LogEvent::ProgramFound, None);
                }
                true
            }
            Err(error) => {
                self.pause = (self.pause * 2).min(LONGEST);
                self.again = Instant::now() + self.pause;
                if !self.is_missed && self.lost.elapsed() > QUIET {
                    self.is_missed = true;
                    self.log(LogEvent::ProgramLost, Some(&error));
                }
                false
            }
        }
    }

    fn log(&self, what: LogEvent, error: Option<&io::Error>) {
        let path = self.path.display().to_string();
        let mut fields: Vec<(&str, &[u8])> = vec![
            ("program", self.program.as_bytes()),
            ("path", path.as_bytes()),
        ];
        let problem = error.map(ToString::to_string).unwrap_or_default();
        if !problem.is_empty() {
            fields.push(("problem", problem.as_bytes()));
        }
        let seconds = self.lost.elapsed().as_secs().to_string();
        if error.is_none() {
            fields.push(("seconds", seconds.as_bytes()));
        }
        event(what, None, &fields);
    }

    /// The connection is lost: what waited is void.
    pub(crate) fn drop_connection(&mut self) {
        self.socket = None;
        self.waiting.clear();
        self.wants_room = false;
        self.lost = Instant::now();
        // One that takes connections and ends them at once is not asked in a hot loop.
        self.pause = if self.made.elapsed() < GOOD {
            (self.pause * 2).min(LONGEST)
        } else {
            FIRST
        };
        self.again = self.lost + self.pause;
    }

    /// Sends a packet now, or when there is room. Without a connection it is void.
    ///
    /// # Errors
    /// The connection is lost.
    pub(crate) fn send(&mut self, packet: Vec<u8>, file: Option<Arc<OwnedFd>>) -> io::Result<()> {
        let Some(socket) = &self.socket else {
            return Ok(());
        };
        let waiting = Waiting { packet, file };
        if !self.waiting.is_empty() || !try_send(socket, &waiting)? {
            self.waiting.push_back(waiting);
        }
        Ok(())
    }

    /// Sends what waits as far as there is room.
    ///
    /// # Errors
    /// The connection is lost.
    pub(crate) fn flush(&mut self, poller: &Poller) -> io::Result<()> {
        let Some(socket) = &self.socket else {
            return Ok(());
        };
        while let Some(first) = self.waiting.front() {
            if !try_send(socket, first)? {
                break;
            }
            self.waiting.pop_front();
        }
        let wants_room = !self.waiting.is_empty();
        if wants_room != self.wants_room {
            let interest = if wants_room {
                Interest::Both
            } else {
                Interest::Read
            };
            poller.modify(socket, self.token, interest)?;
            self.wants_room = wants_room;
        }
        Ok(())
    }

    /// The next packet that came; `None` if none waits.
    ///
    /// # Errors
    /// The connection is lost.
    pub(crate) fn receive<'a>(&self, buffer: &'a mut [u8]) -> io::Result<Option<&'a [u8]>> {
        let Some(socket) = &self.socket else {
            return Ok(None);
        };
        match socket.try_recv(buffer) {
            Ok((0, _)) => Err(io::ErrorKind::ConnectionReset.into()),
            Ok((length, _)) => Ok(buffer.get(..length)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The path, for logs.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

fn try_send(socket: &Socket, waiting: &Waiting) -> io::Result<bool> {
    let files: Vec<_> = waiting.file.iter().map(|file| file.as_fd()).collect();
    match socket.try_send(&waiting.packet, &files) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        // Too many descriptors are on their way to a peer that is slow to take them.
        Err(error) if error.raw_os_error() == Some(TOO_MANY_REFERENCES) => Ok(false),
        Err(error) => Err(error),
    }
}

/// `ETOOMANYREFS` of Linux.
const TOO_MANY_REFERENCES: i32 = 109;
