//! Delivery instructions: where one local recipient's mail goes, in qmail's dot-qmail syntax.
//!
//! A line that begins with `/` or `.` names a Maildir if it ends in `/`, otherwise an mbox; relative names begin at
//! the account's home. `#` begins a comment, blank lines say nothing, trailing blanks are cut. Whatever else a line
//! may be in dot-qmail(5), a program or a forward, is a [`Mistake`] here and never silently left out. In the control
//! file `defaultdelivery`, which speaks for all accounts, `%u` stands for the account's name and `%%` for a percent
//! sign, so that `/var/mail/%u` can be said; [`expand`] does that and users' own files do not get it.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The directories in which mailboxes can be made and locked by group mail only.
const SPOOLS: [&str; 2] = ["/var/mail", "/var/spool/mail"];

/// The longest path that is taken.
const PATH_LIMIT: usize = 1024;

/// One place where a copy goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Instruction {
    /// A Maildir; the path has no `/` at its end.
    Maildir(PathBuf),
    /// An mbox.
    Mbox(PathBuf),
}

impl Instruction {
    /// Where it goes.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Maildir(path) | Self::Mbox(path) => path,
        }
    }

    /// Whether this takes a worker that has group mail: an mbox directly in the system's spool of mailboxes.
    #[must_use]
    pub fn needs_group_mail(&self) -> bool {
        match self {
            Self::Maildir(_) => false,
            Self::Mbox(path) => path
                .parent()
                .is_some_and(|parent| SPOOLS.iter().any(|spool| parent == Path::new(spool))),
        }
    }
}

/// As in a dot-qmail file.
impl fmt::Display for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Maildir(path) => write!(f, "{}/", path.display()),
            Self::Mbox(path) => write!(f, "{}", path.display()),
        }
    }
}

/// A line that is no instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

/// Reads a list of instructions. One that stands twice counts once; the order is kept. No line at all is no
/// instruction, which is for the caller to judge.
///
/// # Errors
/// The first line that is none.
pub fn parse_instructions(text: &[u8]) -> Result<Vec<Instruction>, Mistake> {
    let mut list = Vec::new();
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii_end();
        let mistake = |problem| Mistake {
            line: index + 1,
            problem,
        };
        let instruction = match line.first() {
            None | Some(b'#') => continue,
            Some(b'/' | b'.') => parse_path(line).map_err(mistake)?,
            Some(b'|') => return Err(mistake("programs are not supported here")),
            Some(b' ' | b'\t') => return Err(mistake("it begins with a blank")),
            Some(_) => return Err(mistake("forwards are not supported here")),
        };
        if !list.contains(&instruction) {
            list.push(instruction);
        }
    }
    Ok(list)
}

/// Reads a path: a Maildir if it ends in `/`, otherwise an mbox.
pub(crate) fn parse_path(line: &[u8]) -> Result<Instruction, &'static str> {
    if line.contains(&0) {
        return Err("a path has no NUL");
    }
    if line.len() > PATH_LIMIT {
        return Err("the path is too long");
    }
    let is_maildir = line.ends_with(b"/");
    let end = line.iter().rposition(|byte| *byte != b'/').map(|at| at + 1);
    let Some(bare) = end.and_then(|end| line.get(..end)) else {
        return Err("the root directory is no mailbox");
    };
    let path = PathBuf::from(OsStr::from_bytes(bare));
    if path.file_name().is_none() {
        return Err("the path names no file");
    }
    Ok(if is_maildir {
        Instruction::Maildir(path)
    } else {
        Instruction::Mbox(path)
    })
}

/// Puts the account's name in place of `%u`, and `%` in place of `%%`; any other `%` stays. None if `%u` stands
/// there and the name cannot be a file's.
#[must_use]
pub fn expand(text: &[u8], account: &str) -> Option<Vec<u8>> {
    let is_file_name = !account.is_empty()
        && !account.starts_with('.')
        && account
            .bytes()
            .all(|byte| byte != b'/' && !byte.is_ascii_control());
    let mut out = Vec::with_capacity(text.len() + account.len());
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match (first, behind.first()) {
            (b'%', Some(b'u')) if !is_file_name => return None,
            (b'%', Some(b'u')) => out.extend_from_slice(account.as_bytes()),
            (b'%', Some(b'%')) => out.push(b'%'),
            _ => {
                out.push(*first);
                continue;
            }
        }
        rest = behind.get(1..).unwrap_or_default();
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Result<Instruction, &'static str> {
        let mut list = parse_instructions(line.as_bytes()).map_err(|mistake| mistake.problem)?;
        assert_eq!(list.len(), 1, "{line}");
        Ok(list.remove(0))
    }

    #[test]
    fn a_slash_at_the_end_makes_it_a_maildir() {
        assert_eq!(
            one("./Maildir/"),
            Ok(Instruction::Maildir("./Maildir".into()))
        );
        assert_eq!(
            one("./Maildir//  "),
            Ok(Instruction::Maildir("./Maildir".into()))
        );
        assert_eq!(one("./Mailbox"), Ok(Instruction::Mbox("./Mailbox".into())));
        assert_eq!(
            one("/var/mail/joe"),
            Ok(Instruction::Mbox("/var/mail/joe".into()))
        );
    }

    #[test]
    fn comments_and_blank_lines_say_nothing_and_twice_is_once() {
        let list =
            parse_instructions(b"# mail\n\n./Maildir/\n./Mailbox\n./Maildir/\n   \n").unwrap();
        let printed: Vec<String> = list.iter().map(ToString::to_string).collect();
        assert_eq!(printed, ["./Maildir/", "./Mailbox"]);
        assert_eq!(parse_instructions(b""), Ok(Vec::new()));
    }

    #[test]
    fn what_is_not_understood_is_never_left_out() {
        for bad in [
            "|cat",
            "&joe@example.org",
            "joe@example.org",
            " ./x",
            "/",
            "//",
            "./..",
            "..",
            "./a\0b",
        ] {
            assert!(one(bad).is_err(), "{bad:?}");
        }
        let mistake = parse_instructions(b"./Maildir/\n|procmail\n").unwrap_err();
        assert_eq!(
            mistake.to_string(),
            "line 2: programs are not supported here"
        );
        assert!(one(&format!("./{}", "x".repeat(PATH_LIMIT))).is_err());
    }

    #[test]
    fn only_an_mbox_in_the_spool_needs_group_mail() {
        assert!(one("/var/mail/joe").unwrap().needs_group_mail());
        assert!(one("/var/spool/mail/joe").unwrap().needs_group_mail());
        assert!(!one("/var/mail/joe/").unwrap().needs_group_mail());
        assert!(!one("/var/mail/sub/joe").unwrap().needs_group_mail());
        assert!(!one("./Mailbox").unwrap().needs_group_mail());
    }

    #[test]
    fn an_account_stands_for_percent_u_unless_it_would_lead_elsewhere() {
        assert_eq!(
            expand(b"/var/mail/%u", "joe"),
            Some(b"/var/mail/joe".to_vec())
        );
        assert_eq!(expand(b"./100%%/%x%", "joe"), Some(b"./100%/%x%".to_vec()));
        for bad in ["", "..", ".profile", "a/b", "a\nb"] {
            assert_eq!(expand(b"/var/mail/%u", bad), None, "{bad:?}");
        }
        assert_eq!(expand(b"./Maildir/", "a/b"), Some(b"./Maildir/".to_vec()));
    }
}
