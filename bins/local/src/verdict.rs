//! What became of one delivery, and how an error of the system is told: what failed, on what, why.

use std::io::{self, ErrorKind};
use std::path::Path;

use stafette_wire::delivery::Fate;

/// Bytes of the words that are reported at most.
const WORDS: usize = 500;

/// The result for the one recipient of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What became of it.
    pub fate: Fate,
    /// Enhanced status code (RFC 3463).
    pub status: String,
    /// In words, for the journal, the log and perhaps a report to the sender.
    pub words: String,
    /// The content had not its checksum, so nothing was delivered.
    pub damaged: bool,
}

impl Verdict {
    fn new(fate: Fate, status: &str, words: impl Into<String>) -> Self {
        let mut words: String = words.into();
        let is_end = |end: &usize| words.is_char_boundary(*end);
        if words.len() > WORDS {
            words.truncate((0..=WORDS).rev().find(is_end).unwrap_or(0));
        }
        Self {
            fate,
            status: status.to_owned(),
            words,
            damaged: false,
        }
    }

    /// It is where it should be, flushed.
    pub fn delivered(words: impl Into<String>) -> Self {
        Self::new(Fate::Delivered, "2.0.0", words)
    }

    /// Not now; `status` is of class 4.
    pub fn deferred(status: &str, words: impl Into<String>) -> Self {
        Self::new(Fate::Deferred, status, words)
    }

    /// Never; `status` is of class 5.
    pub fn failed(status: &str, words: impl Into<String>) -> Self {
        Self::new(Fate::Failed, status, words)
    }

    /// No attempt at all.
    pub fn cut(words: impl Into<String>) -> Self {
        Self::new(Fate::Cut, "4.3.0", words)
    }

    /// The content in the queue file is not what its checksum says.
    #[must_use]
    pub fn damaged() -> Self {
        Self {
            damaged: true,
            ..Self::deferred(
                "4.3.0",
                "the message in the queue does not have its checksum",
            )
        }
    }

    /// The same message was here before.
    pub fn loops(words: impl Into<String>) -> Self {
        Self::failed("5.4.6", words)
    }

    /// A call of the system failed: `unable to VERB OBJECT: reason`, as a deferral with the code that fits.
    #[must_use]
    pub fn unable(doing: &str, object: &Path, error: &io::Error) -> Self {
        let status = match error.kind() {
            ErrorKind::StorageFull => "4.3.1",
            ErrorKind::QuotaExceeded => "4.2.2",
            ErrorKind::FileTooLarge => "4.2.3",
            _ => "4.3.0",
        };
        Self::deferred(
            status,
            format!("unable to {doing} {}: {}", object.display(), reason(error)),
        )
    }

    /// Whether it is where it should be.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        self.fate == Fate::Delivered
    }
}

/// The system's words in our form: lower case, without a number.
#[must_use]
pub fn reason(error: &io::Error) -> String {
    let words = match error.kind() {
        ErrorKind::StorageFull => "the disk is full",
        ErrorKind::QuotaExceeded => "over quota",
        ErrorKind::NotFound => "it does not exist",
        ErrorKind::PermissionDenied => "permission denied",
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only",
        ErrorKind::NotADirectory => "not a directory",
        ErrorKind::IsADirectory => "it is a directory",
        ErrorKind::FileTooLarge => "the file would be too large",
        _ => {
            let text = error.to_string();
            let text = text.split(" (os error").next().unwrap_or_default();
            return text.to_lowercase();
        }
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_that_an_owner_can_cure_has_its_own_code() {
        let told = |kind| {
            let verdict = Verdict::unable(
                "write",
                Path::new("/home/joe/Maildir/tmp/x"),
                &io::Error::from(kind),
            );
            assert_eq!(verdict.fate, Fate::Deferred);
            (verdict.status, verdict.words)
        };
        let (status, words) = told(ErrorKind::StorageFull);
        assert_eq!(status, "4.3.1");
        assert_eq!(
            words,
            "unable to write /home/joe/Maildir/tmp/x: the disk is full"
        );
        assert_eq!(told(ErrorKind::QuotaExceeded).0, "4.2.2");
        assert_eq!(told(ErrorKind::PermissionDenied).0, "4.3.0");
    }

    #[test]
    fn the_number_of_an_error_is_left_out() {
        assert_eq!(
            reason(&io::Error::from_raw_os_error(40)),
            "too many levels of symbolic links"
        );
    }

    #[test]
    fn words_are_bounded_at_a_character() {
        assert!(Verdict::failed("5.0.0", "ü".repeat(600)).words.len() <= WORDS);
    }
}
