//! `-X`: what went in and out, line by line, behind the number of the process: `# PID <<< came in`, `# PID >>> went out`.
//!
//! Web forms have been made to pass `-X` in an address, so that the transcript of a message became a program of the web server
//! (CVE-2016-10033). So nothing written here can run: every line is a comment to shells, their like and most settings, and what begins a
//! piece of program in a page (`<?`, `<%`, `<!`, `<script`) does not appear, nor does a control character.
//!
//! The file is opened as the caller, for appending. A file that cannot be opened ends the program before anything was done; one that
//! cannot be written to later ends the transcript alone, as the message matters more.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use stafette_text::quote;
use stafette_wire::exit::SysExit;

use crate::failure::Failure;

/// Octets of a line that are kept until it is complete.
const LINE_LIMIT: usize = 64 * 1024;

/// Which way a line went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// To this program.
    In,
    /// From this program.
    Out,
}

/// The transcript, or none.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    file: Option<File>,
    line: Vec<u8>,
}

impl Transcript {
    /// Opens the file that `-X` names, if it names one.
    pub(crate) fn open(name: Option<&[u8]>) -> Result<Self, Failure> {
        let Some(name) = name else {
            return Ok(Self::default());
        };
        let path = PathBuf::from(std::ffi::OsString::from_vec(name.to_vec()));
        let file = OpenOptions::new().append(true).create(true).open(path);
        let file = file.map_err(|error| {
            Failure::new(
                SysExit::Usage,
                format!("unable to open {} for -X: {error}", quote(name, 200)),
            )
        })?;
        Ok(Self {
            file: Some(file),
            line: Vec::new(),
        })
    }

    /// Whether there is a file.
    pub(crate) fn is_on(&self) -> bool {
        self.file.is_some()
    }

    /// Another one on the same file.
    pub(crate) fn try_clone(&self) -> std::io::Result<Self> {
        Ok(Self {
            file: self.file.as_ref().map(File::try_clone).transpose()?,
            line: Vec::new(),
        })
    }

    /// Takes a piece of what went `way`, and writes the lines that are complete.
    pub(crate) fn feed(&mut self, way: Way, piece: &[u8]) {
        if !self.is_on() {
            return;
        }
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") || self.line.len() > LINE_LIMIT {
                self.finish(way);
            }
        }
    }

    /// Writes the line under way, if there is one.
    pub(crate) fn finish(&mut self, way: Way) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return;
        }
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        self.write(way, line.strip_suffix(b"\r").unwrap_or(line));
    }

    /// Writes one line.
    pub(crate) fn write(&mut self, way: Way, line: &[u8]) {
        let arrow = match way {
            Way::In => "<<<",
            Way::Out => ">>>",
        };
        let mut text = format!("# {:05} {arrow} ", std::process::id()).into_bytes();
        push_harmless(line, &mut text);
        text.push(b'\n');
        if let Some(file) = &mut self.file
            && file.write_all(&text).is_err()
        {
            self.file = None;
        }
    }
}
/// Appends a line in which nothing can be run.
fn push_harmless(line: &[u8], out: &mut Vec<u8>) {
    for (at, byte) in line.iter().enumerate() {
        let next = line.get(at + 1);
        let begins_program =
            *byte == b'<' && matches!(next, Some(b'?' | b'%' | b'!' | b's' | b'S'));
        if begins_program || (byte.is_ascii_control() && *byte != b'\t') {
            out.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
        } else {
            out.push(*byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_transcript_can_run() {
        let mut out = Vec::new();
        push_harmless(
            b"<?php x ?> <% <!--#exec <Script <joe@x>\r;\x1b\tz",
            &mut out,
        );
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\\x3c?php x ?> \\x3c% \\x3c!--#exec \\x3cScript <joe@x>\\x0d;\\x1b\tz"
        );
    }
}
