//! The other system's files: found below the directory that was named, read whole, bounded, as lines.
//!
//! A path as the other system has it, such as `/etc/postfix/transport`, is looked for where the directory is: settings that were copied
//! from another machine never bring in files of this one.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::Imported;

/// A larger file is not read.
const LIMIT: u64 = 16 * 1024 * 1024;

/// Where files are read.
pub(crate) trait Files {
    /// The bytes of a file; none if it is not there.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String>;

    /// The names in a directory, in order; none if it is not there.
    fn list(&self, path: &str) -> Vec<String>;
}

/// A directory with the other system's settings.
#[derive(Debug)]
pub(crate) struct Folder {
    top: PathBuf,
    /// Where these settings usually are, such as `/etc/postfix`.
    usual: &'static str,
    /// What is `/` for other paths, if `top` is where it usually is below something.
    root: Option<PathBuf>,
}

impl Folder {
    /// The directory `top` of a system that usually has it at `usual`.
    pub(crate) fn new(top: &Path, usual: &'static str) -> Self {
        let top = std::path::absolute(top).unwrap_or_else(|_| top.to_owned());
        let tail = usual.trim_start_matches('/');
        let root = top.ends_with(tail).then(|| {
            let depth = Path::new(tail).components().count();
            top.ancestors().nth(depth).unwrap_or(&top).to_owned()
        });
        Self { top, usual, root }
    }

    /// Whether paths mean files of this machine.
    pub(crate) fn reads_this_machine(&self) -> bool {
        self.root.as_deref() == Some(Path::new("/"))
    }

    /// Where a path could be, the likeliest first.
    fn places(&self, path: &str) -> Vec<PathBuf> {
        let Some(inside) = path.strip_prefix('/') else {
            return vec![self.top.join(path)];
        };
        if let Some(below) = path
            .strip_prefix(self.usual)
            .and_then(|below| below.strip_prefix('/'))
        {
            return vec![self.top.join(below)];
        }
        if let Some(root) = &self.root {
            return vec![root.join(inside)];
        }
        let name = Path::new(path).file_name().unwrap_or_default();
        vec![self.top.join(inside), self.top.join(name)]
    }
}

impl Files for Folder {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        for place in self.places(path) {
            match std::fs::metadata(&place) {
                Ok(data) if data.is_file() => {}
                Ok(_) => continue,
                Err(error) if is_absent(&error) => continue,
                Err(error) => return Err(error.to_string()),
            }
            let mut bytes = Vec::new();
            File::open(&place)
                .and_then(|file| file.take(LIMIT + 1).read_to_end(&mut bytes))
                .map_err(|error| error.to_string())?;
            if bytes.len() as u64 > LIMIT {
                return Err("it has more than 16 MiB".to_owned());
            }
            return Ok(Some(bytes));
        }
        Ok(None)
    }

    fn list(&self, path: &str) -> Vec<String> {
        let mut names = Vec::new();
        for place in self.places(path) {
            let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
            names.extend(entries.filter_map(|entry| entry.file_name().into_string().ok()));
        }
        names.sort();
        names.dedup();
        names
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// A line with what goes on with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// `FILE:NUMBER`
    pub(crate) place: String,
    /// Without blanks around it.
    pub(crate) text: String,
}

/// Reads a file that must be there if it is named somewhere: what is missing or no text is listed.
pub(crate) fn named(
    files: &dyn Files,
    out: &mut Imported,
    by: &str,
    path: &str,
    goes_on: bool,
) -> Vec<Line> {
    match files.read(path) {
        Ok(Some(bytes)) => lines(out, path, &bytes, goes_on),
        Ok(None) => {
            out.note(
                by,
                format!("the file {path} is not there"),
                "put a copy of it into the directory that is imported, and import again",
            );
            Vec::new()
        }
        Err(why) => {
            out.note(
                by,
                format!("the file {path} cannot be read: {why}"),
                "look at it and translate it by hand",
            );
            Vec::new()
        }
    }
}

/// Reads a file that may be there.
pub(crate) fn optional(files: &dyn Files, out: &mut Imported, path: &str) -> Option<Vec<Line>> {
    match files.read(path) {
        Ok(Some(bytes)) => Some(lines(out, path, &bytes, false)),
        Ok(None) => None,
        Err(_) => Some(named(files, out, path, path, false)),
    }
}

/// The lines of a text that say something. With `goes_on` a line that begins with a blank belongs to the one before it.
pub(crate) fn lines(out: &mut Imported, file: &str, bytes: &[u8], goes_on: bool) -> Vec<Line> {
    let mut found: Vec<Line> = Vec::new();
    // Whether what goes on belongs to a line that was left out.
    let mut is_lost = false;
    for (raw, number) in bytes.split(|byte| *byte == b'\n').zip(1_usize..) {
        let trimmed = raw.trim_ascii();
        if trimmed.is_empty() || trimmed.starts_with(b"#") {
            continue;
        }
        let is_more = goes_on && raw.first().is_some_and(u8::is_ascii_whitespace);
        let place = format!("{file}:{number}");
        match str::from_utf8(trimmed) {
            Err(_) => {
                out.note(&place, "a line that is not UTF-8", "translate it by hand");
                is_lost = !is_more || is_lost;
            }
            Ok(_) if is_more && is_lost => {
                out.note(
                    &place,
                    "what goes on with that line",
                    "translate it by hand",
                );
            }
            Ok(text) => match found.last_mut() {
                Some(before) if is_more => {
                    before.text.push(' ');
                    before.text.push_str(text);
                }
                _ => {
                    is_lost = false;
                    let text = text.to_owned();
                    found.push(Line { place, text });
                }
            },
        }
    }
    found
}

/// The first word of a text and what stands behind it.
pub(crate) fn word(text: &str) -> (&str, &str) {
    let text = text.trim();
    let (word, rest) = text
        .split_once(|sign: char| sign.is_ascii_whitespace())
        .unwrap_or((text, ""));
    (word, rest.trim())
}
