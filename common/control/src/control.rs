//! The reader of control files: a directory of small plain files, one file a setting or a list, as in qmail.
//!
//! A line that begins with `#` is a comment; blanks at the end of a line and empty lines do not count. A file that is not there is
//! no error; one that cannot be read is. Sizes are bounded by [`FILE_LIMIT`] and [`LINE_LIMIT`]; nothing here panics on any bytes.

use crate::problem::{Mistake, Problem};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// A longer file is not read.
pub const FILE_LIMIT: u64 = 64 * 1024 * 1024;

/// A longer line is not used.
pub const LINE_LIMIT: usize = 4096;

/// The directory of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    directory: PathBuf,
}

/// A line of a control file that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Counted from 1, comments and empty lines included.
    pub number: usize,
    /// Without comment, end, and blanks around.
    pub text: String,
}

impl Control {
    /// The settings in `directory`, which need not exist.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
        }
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The whole file, or `None` if it is not there.
    ///
    /// # Errors
    /// A [`Problem`] that says it is unreadable: no permission, not a file, too large, an error of the disk.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Problem> {
        match read_bounded(&self.directory.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            // A file where a directory is wanted says the same: what was asked for is not there.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(Problem {
                file: name.to_owned(),
                line: 0,
                message: format!("unable to read it: {error}"),
                advice: "see who owns it and who may read it".to_owned(),
                is_unreadable: true,
            }),
        }
    }

    /// The lines of a list, or `None` if the file is not there; lines that are no text are handed to `on_problem` and left out.
    ///
    /// # Errors
    /// As [`Control::read`].
    pub fn lines_with(
        &self,
        name: &str,
        mut on_problem: impl FnMut(Problem),
    ) -> Result<Option<Vec<Line>>, Problem> {
        let Some(bytes) = self.read(name)? else {
            return Ok(None);
        };
        let mut lines = Vec::new();
        for line in parse_lines(&bytes) {
            match line {
                Ok(line) => lines.push(line),
                Err((number, mistake)) => on_problem(mistake.at(name, number)),
            }
        }
        Ok(Some(lines))
    }

    /// The lines of a list, or `None` if the file is not there; lines that are no text are left out.
    ///
    /// # Errors
    /// As [`Control::read`].
    pub fn lines(&self, name: &str) -> Result<Option<Vec<Line>>, Problem> {
        self.lines_with(name, |_| {})
    }

    /// The one value of a file: its first line that says something; `None` if there is no such line or no file.
    ///
    /// # Errors
    /// As [`Control::read`].
    pub fn line(&self, name: &str) -> Result<Option<String>, Problem> {
        let first = self.lines(name)?.and_then(|lines| lines.into_iter().next());
        Ok(first.map(|line| line.text))
    }
}

/// Reads a regular file of at most [`FILE_LIMIT`] bytes.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    // A named pipe would keep the program waiting for a writer, so what it is is asked before it is opened.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(FILE_LIMIT + 1)
        .read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > FILE_LIMIT {
        return Err(io::Error::other("too large"));
    }
    Ok(bytes)
}

/// The lines of a control file that say something, and those that are no text with their numbers.
pub fn parse_lines(bytes: &[u8]) -> impl Iterator<Item = Result<Line, (usize, Mistake)>> + '_ {
    bytes
        .split(|&byte| byte == b'\n')
        .zip(1..)
        .filter_map(|(line, number)| {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                return None;
            }
            Some(
                parse_text(line)
                    .map(|text| Line {
                        number,
                        text: text.to_owned(),
                    })
                    .map_err(|mistake| (number, mistake)),
            )
        })
}

/// A line as text without control characters.
fn parse_text(line: &[u8]) -> Result<&str, Mistake> {
    if line.len() > LINE_LIMIT {
        return Err(Mistake::new(
            "line too long",
            format!("a line has at most {LINE_LIMIT} bytes"),
        ));
    }
    let text = str::from_utf8(line)
        .map_err(|_| Mistake::new("line is not UTF-8", "write it in ASCII or UTF-8"))?;
    if text.chars().any(|sign| sign.is_control() && sign != '\t') {
        return Err(Mistake::new(
            "line holds a control character",
            "write plain text",
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Folder;
    use proptest::prelude::*;

    #[test]
    fn comments_empty_lines_and_trailing_blanks_do_not_count() {
        let folder = Folder::new().with(
            "locals",
            "# ours\n\n one.example \t\r\n#two.example\nthree.example",
        );
        let lines = folder
            .control()
            .lines("locals")
            .expect("readable")
            .expect("there");
        assert_eq!(
            lines,
            [
                Line {
                    number: 3,
                    text: "one.example".into()
                },
                Line {
                    number: 5,
                    text: "three.example".into()
                }
            ]
        );
        assert_eq!(
            folder
                .control()
                .line("locals")
                .expect("readable")
                .as_deref(),
            Some("one.example")
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_no_error() {
        let folder = Folder::new();
        assert_eq!(folder.control().read("me"), Ok(None));
        assert_eq!(folder.control().read("users/assign"), Ok(None));
        assert_eq!(Control::new("/nonexistent/etc").line("me"), Ok(None));
    }

    #[test]
    fn something_that_is_no_file_is_an_error() {
        let folder = Folder::new().with("me/x", "");
        assert!(
            folder
                .control()
                .read("me")
                .is_err_and(|problem| problem.is_unreadable)
        );
    }

    #[test]
    fn a_line_that_is_no_text_spoils_no_other() {
        let bytes = [
            b"good\nb\xffd\nb\0d\n".as_slice(),
            &[b'x'; LINE_LIMIT + 1],
            b"\nfine",
        ]
        .concat();
        let (good, bad): (Vec<_>, Vec<_>) = parse_lines(&bytes).partition(Result::is_ok);
        assert_eq!(
            good.into_iter()
                .flatten()
                .map(|line| line.number)
                .collect::<Vec<_>>(),
            [1, 5]
        );
        assert_eq!(
            bad.into_iter()
                .filter_map(Result::err)
                .map(|(number, _)| number)
                .collect::<Vec<_>>(),
            [2, 3, 4]
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes: Vec<u8>) {
            for line in parse_lines(&bytes).flatten() {
                prop_assert!(!line.text.is_empty() && !line.text.contains(['\n', '\0']));
            }
        }
    }
}
