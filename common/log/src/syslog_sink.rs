//! Lines to the system's log daemon, by the `syslog` crate.
//!
//! What that crate does not do is done here (found by reading its version 7.0.0):
//! * it keeps the process id of whoever opened it: here each process opens its own connection, noticed by the id having changed, and
//!   where that is not possible any more (an empty root directory) goes on with the inherited one under its own id;
//! * it never connects again: here a failed send opens a new connection and is repeated, once;
//! * it stamps lines in UTC without saying so: here the stamp is left out, which is allowed on the local socket, and the daemon stamps;
//! * its socket blocks when the daemon is slow: here it does not, and the line counts as lost.

use crate::Severity;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use syslog::{Facility, LogFormat, Logger, LoggerBackend};

/// The line as a log daemon takes it on its local socket: `<priority>program[pid]: line`.
#[derive(Debug, Clone)]
struct LocalFormat {
    program: &'static str,
    pid: u32,
}

impl LogFormat<&str> for LocalFormat {
    fn format<W: Write>(
        &self,
        to: &mut W,
        severity: syslog::Severity,
        line: &str,
    ) -> syslog::Result<()> {
        let priority = Facility::LOG_MAIL as u32 | severity as u32;
        write!(to, "<{priority}>{}[{}]: {line}", self.program, self.pid)
            .map_err(syslog::Error::Write)
    }
}

/// The connection to the log daemon, if there is one just now.
pub(crate) struct SyslogSink {
    program: &'static str,
    path: Option<PathBuf>,
    logger: Option<Logger<LoggerBackend, LocalFormat>>,
}

impl SyslogSink {
    /// Connects to the daemon at `path`, or where one usually is. A daemon that is not there yet is tried again with each line.
    pub(crate) fn open(program: &'static str, path: Option<PathBuf>) -> Self {
        let logger = connect(program, path.as_deref());
        Self {
            program,
            path,
            logger,
        }
    }

    /// Sends one line; an error means that it is lost here.
    pub(crate) fn send(&mut self, severity: Severity, line: &str) -> io::Result<()> {
        self.follow_fork();
        match self.try_send(severity, line) {
            Ok(()) => return Ok(()),
            // The daemon is there and slow; a new connection would meet the same queue.
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(error),
            Err(_) => {}
        }
        if let Some(logger) = connect(self.program, self.path.as_deref()) {
            self.logger = Some(logger);
        }
        self.try_send(severity, line)
    }

    /// In a process that did not open the connection itself: opens one, or takes over the inherited one.
    fn follow_fork(&mut self) {
        let pid = std::process::id();
        let Some(logger) = &mut self.logger else {
            return;
        };
        if logger.formatter.pid != pid {
            match connect(self.program, self.path.as_deref()) {
                Some(own) => *logger = own,
                None => logger.formatter.pid = pid,
            }
        }
    }

    fn try_send(&mut self, severity: Severity, line: &str) -> io::Result<()> {
        let logger = self.logger.as_mut().ok_or(ErrorKind::NotConnected)?;
        let sent = match severity {
            Severity::Info => logger.info(line),
            Severity::Notice => logger.notice(line),
            Severity::Warning => logger.warning(line),
            Severity::Error => logger.err(line),
        };
        sent.map_err(|error| match error {
            syslog::Error::Write(error) | syslog::Error::Io(error) => error,
            syslog::Error::Initialization(error) => io::Error::other(error),
        })
    }
}

/// A connection that never blocks, or `None` if nobody listens.
fn connect(
    program: &'static str,
    path: Option<&Path>,
) -> Option<Logger<LoggerBackend, LocalFormat>> {
    let format = LocalFormat {
        program,
        pid: std::process::id(),
    };
    let logger = match path {
        Some(path) => syslog::unix_custom(format, path),
        None => syslog::unix(format),
    }
    .ok()?;
    match &logger.backend {
        LoggerBackend::Unix(socket) => socket.set_nonblocking(true).ok()?,
        LoggerBackend::UnixStream(stream) => stream.get_ref().set_nonblocking(true).ok()?,
        LoggerBackend::Udp(..) | LoggerBackend::Tcp(..) => return None,
    }
    Some(logger)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixDatagram;

    fn read(daemon: &UnixDatagram) -> String {
        let mut buffer = [0; 8192];
        let length = daemon.recv(&mut buffer).expect("a line");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    #[test]
    fn a_line_carries_facility_level_program_and_pid_but_no_stamp() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("log");
        let daemon = UnixDatagram::bind(&path).expect("bound");
        let mut sink = SyslogSink::open("stafette-test", Some(path));
        sink.send(Severity::Warning, "id=- warning").expect("sent");
        assert_eq!(
            read(&daemon),
            format!("<20>stafette-test[{}]: id=- warning", std::process::id())
        );
    }

    #[test]
    fn a_log_daemon_that_was_restarted_gets_the_next_line() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("log");
        let daemon = UnixDatagram::bind(&path).expect("bound");
        let mut sink = SyslogSink::open("stafette-test", Some(path.clone()));
        drop(daemon);
        std::fs::remove_file(&path).expect("removed");
        assert!(sink.send(Severity::Info, "lost").is_err());
        let daemon = UnixDatagram::bind(&path).expect("bound again");
        sink.send(Severity::Info, "id=- log-lost").expect("sent");
        assert!(read(&daemon).ends_with("id=- log-lost"));
    }

    #[test]
    fn a_daemon_that_does_not_read_stops_nobody() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("log");
        let daemon = UnixDatagram::bind(&path).expect("bound");
        let mut sink = SyslogSink::open("stafette-test", Some(path));
        let sent = (0..100_000)
            .take_while(|_| sink.send(Severity::Info, "line").is_ok())
            .count();
        assert!(sent < 100_000);
        assert!(read(&daemon).ends_with("line"));
    }

    #[test]
    fn a_process_that_inherits_the_connection_shows_its_own_pid() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("log");
        let daemon = UnixDatagram::bind(&path).expect("bound");
        let mut sink = SyslogSink::open("stafette-test", Some(path));
        if let Some(logger) = &mut sink.logger {
            logger.formatter.pid = 1;
        }
        sink.path = Some(folder.path().join("out of reach"));
        sink.send(Severity::Info, "line").expect("sent");
        assert!(read(&daemon).contains(&format!("[{}]", std::process::id())));
    }
}
