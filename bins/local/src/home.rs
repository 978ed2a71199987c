//! The recipient's home directory: entered as the recipient, and only if nobody else can have arranged it.

use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

use crate::verdict::Verdict;

/// Writable by the group or by everybody.
const WRITABLE_BY_OTHERS: u32 = 0o022;
/// As in qmail: the owner is changing how mail is delivered.
const STICKY: u32 = 0o1000;

/// Makes `home` the working directory.
///
/// # Errors
/// A deferral that says what is wrong with it.
pub fn enter(home: &Path, uid: u32) -> Result<(), Verdict> {
    let shown = home.display();
    if let Err(error) = std::env::set_current_dir(home) {
        return Err(match error.kind() {
            ErrorKind::NotFound => Verdict::deferred(
                "4.2.1",
                format!("the home directory {shown} does not exist"),
            ),
            _ => Verdict::unable("enter the home directory", home, &error),
        });
    }
    // Of the directory that was entered, whatever its name leads to by now.
    let metadata = std::fs::metadata(".")
        .map_err(|error| Verdict::unable("examine the home directory", home, &error))?;
    match judge(metadata.uid(), metadata.mode(), uid) {
        None => Ok(()),
        Some((status, problem)) => {
            let words = format!("the home directory {shown} {problem}");
            Err(Verdict::deferred(status, words))
        }
    }
}

/// Makes the home of the alias user, in an instance that does not run as root. If that fails, entering it says so.
pub fn make(home: &Path) {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(home)
        .unwrap_or(());
}

fn judge(owner: u32, mode: u32, uid: u32) -> Option<(&'static str, String)> {
    if owner != uid {
        let problem = format!("is owned by user {owner}, not by the recipient, user {uid}");
        return Some(("4.3.5", problem));
    }
    if mode & WRITABLE_BY_OTHERS != 0 {
        let problem = format!(
            "is writable by others (mode {:04o}): chmod go-w",
            mode & 0o7777
        );
        return Some(("4.7.0", problem));
    }
    if mode & STICKY != 0 {
        let problem = "is sticky: its owner wants mail to wait (chmod -t when done)".to_owned();
        return Some(("4.2.1", problem));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_that_others_can_arrange_makes_mail_wait() {
        let status = |owner, mode| judge(owner, mode, 1000).map(|(status, _)| status);
        assert_eq!(status(1000, 0o40_755), None);
        assert_eq!(status(1000, 0o42_700), None);
        assert_eq!(status(0, 0o40_755), Some("4.3.5"));
        assert_eq!(status(1000, 0o40_775), Some("4.7.0"));
        assert_eq!(status(1000, 0o40_757), Some("4.7.0"));
        assert_eq!(status(1000, 0o41_755), Some("4.2.1"));
    }

    #[test]
    fn a_missing_home_is_named() {
        let verdict = enter(Path::new("/nonexistent/joe"), 1000).unwrap_err();
        assert_eq!(verdict.status, "4.2.1");
        assert!(verdict.words.contains("/nonexistent/joe"));
    }
}
