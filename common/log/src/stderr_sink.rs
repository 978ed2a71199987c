//! Lines to descriptor 2, one `write` each.
//!
//! A stamp stands in front only where nobody behind it makes one: in a regular file and on a terminal. multilog, journald and their like do.

use crate::stamp::rfc3339;
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;
use std::time::Duration;

/// How long a line waits for a reader that has stopped reading.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is known of descriptor 2.
#[derive(Debug)]
pub(crate) struct StderrSink {
    is_stamped: bool,
}

impl StderrSink {
    /// Looks at descriptor 2.
    pub(crate) fn open() -> Self {
        let stderr = io::stderr();
        Self {
            is_stamped: stderr.is_terminal() || is_regular_file(),
        }
    }

    /// Writes one line; an error means that it is lost, wholly or in part.
    pub(crate) fn send(&self, line: &str, may_wait: bool) -> io::Result<()> {
        let stamp = if self.is_stamped {
            rfc3339(stafette_sys::clock::now_micros()) + " "
        } else {
            String::new()
        };
        let text = format!("{stamp}{line}\n");
        let mut stderr = io::stderr().lock();
        let patience = if may_wait { PATIENCE } else { Duration::ZERO };
        if !stafette_sys::poll::writable(stderr.as_fd(), Some(patience))? {
            return Err(ErrorKind::WouldBlock.into());
        }
        loop {
            match stderr.write(text.as_bytes()) {
                Ok(count) if count == text.len() => return Ok(()),
                Ok(_) => return Err(ErrorKind::WriteZero.into()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Whether descriptor 2 is a regular file.
fn is_regular_file() -> bool {
    let Ok(copy) = io::stderr().as_fd().try_clone_to_owned() else {
        return false;
    };
    std::fs::File::from(copy)
        .metadata()
        .is_ok_and(|metadata| metadata.is_file())
}
