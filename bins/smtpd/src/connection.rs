//! The octets of one session: a socket, or descriptors 0 and 1.
//!
//! Input is read into one buffer that never grows. Output is collected and written before the session waits
//! for input, so that pipelined commands are answered together (RFC 2920 section 3.2).

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::time::Duration;

use stafette_sys::{poll, signal};

const INPUT: usize = 32 * 1024;

enum Ends {
    /// A socket; its own time limits are used.
    Socket(TcpStream),
    /// Whatever descriptors 0 and 1 are.
    Standard { input: File, output: File },
}

/// One session's input and output.
pub(crate) struct Connection {
    ends: Ends,
    input: Vec<u8>,
    start: usize,
    end: usize,
    output: Vec<u8>,
    limit: Duration,
}

/// Why the session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    /// The client closed or broke the connection.
    Closed,
    /// Nothing came in time.
    TimedOut,
    /// We are to stop.
    Stopping,
}

impl Gone {
    /// As the log says it.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Closed => "client went away",
            Self::TimedOut => "time limit",
            Self::Stopping => "shutting down",
        }
    }
}

impl Connection {
    /// Over an accepted socket.
    pub(crate) fn socket(stream: TcpStream) -> Self {
        Self::over(Ends::Socket(stream))
    }

    /// Over descriptors 0 and 1.
    pub(crate) fn standard() -> io::Result<Self> {
        let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        Ok(Self::over(Ends::Standard { input, output }))
    }

    fn over(ends: Ends) -> Self {
        Self {
            ends,
            input: Vec::new(),
            start: 0,
            end: 0,
            output: Vec::new(),
            limit: Duration::ZERO,
        }
    }

    /// Sets how long one wait for input or for room may take.
    pub(crate) fn set_limit(&mut self, limit: Duration) {
        if limit != self.limit {
            self.limit = limit;
            if let Ends::Socket(stream) = &self.ends {
                // A socket that refuses a time limit is broken, which the next read finds out.
                drop(stafette_sys::tcp::set_timeout(stream, limit));
            }
        }
    }

    /// What came and was not used yet; waits for more if there is nothing. Output goes out before.
    pub(crate) fn available(&mut self) -> Result<&[u8], Gone> {
        if self.start == self.end {
            self.flush()?;
            self.fill()?;
        }
        Ok(self.input.get(self.start..self.end).unwrap_or_default())
    }

    /// Whether the client has sent more than what was used.
    pub(crate) fn has_more(&self) -> bool {
        self.start < self.end
    }

    /// Takes note that so many octets of [`Connection::available`] were used.
    pub(crate) fn used(&mut self, octets: usize) {
        self.start = self.start.saturating_add(octets).min(self.end);
    }

    fn fill(&mut self) -> Result<(), Gone> {
        self.input.resize(INPUT, 0);
        let length = loop {
            if signal::terminated() {
                return Err(Gone::Stopping);
            }
            let read = match &mut self.ends {
                Ends::Socket(stream) => stream.read(&mut self.input),
                Ends::Standard { input, .. } => match poll::readable(&*input, Some(self.limit)) {
                    Ok(true) => input.read(&mut self.input),
                    Ok(false) if signal::terminated() => return Err(Gone::Stopping),
                    Ok(false) => return Err(Gone::TimedOut),
                    Err(error) => Err(error),
                },
            };
            match read {
                Ok(0) => return Err(Gone::Closed),
                Ok(length) => break length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                    ) =>
                {
                    return Err(Gone::TimedOut);
                }
                Err(_) => return Err(Gone::Closed),
            }
        };
        (self.start, self.end) = (0, length);
        Ok(())
    }

    /// Appends a reply to what goes out.
    pub(crate) fn say(&mut self, reply: &[u8]) {
        self.output.extend_from_slice(reply);
    }

    /// Writes what is to go out.
    pub(crate) fn flush(&mut self) -> Result<(), Gone> {
        if self.output.is_empty() {
            return Ok(());
        }
        let written = match &mut self.ends {
            Ends::Socket(stream) => stream.write_all(&self.output),
            Ends::Standard { output, .. } => output.write_all(&self.output),
        };
        self.output.clear();
        written.map_err(|error| {
            if error.kind() == io::ErrorKind::WouldBlock {
                Gone::TimedOut
            } else {
                Gone::Closed
            }
        })
    }

    /// Gives the buffers back while the session waits for a command: an idle session costs little.
    pub(crate) fn rest(&mut self) {
        if self.start == self.end {
            self.input = Vec::new();
            (self.start, self.end) = (0, 0);
        }
    }
}
