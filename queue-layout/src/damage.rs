//! Why bytes are no message of the queue.

use std::fmt;

/// What is wrong with a queue file. The disk or a stranger is at fault, never the message's sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Damage {
    /// The first line says that the file is not complete.
    Incomplete,
    /// There is no first line that fits its checksum.
    FirstLine,
    /// The first line is of a version that this program does not know.
    Version,
    /// The parts that the first line names do not lie in the file.
    Offsets,
    /// The content is not the one that was checksummed.
    Content,
    /// The envelope has no end, or not as many sound lines as its end says.
    EnvelopeTorn,
    /// A sound line of the envelope does not mean anything.
    EnvelopeLine,
    /// There is no recipient, no sender, or one of them twice.
    EnvelopeParts,
    /// The envelope is over the limit of lines or bytes.
    EnvelopeTooLarge,
    /// It is no regular file with one name.
    NotAFile,
}

impl Damage {
    /// In words, for logs.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Incomplete => "not complete",
            Self::FirstLine => "damaged first line",
            Self::Version => "unknown version of the format",
            Self::Offsets => "parts outside of the file",
            Self::Content => "content differs from its checksum",
            Self::EnvelopeTorn => "lines of the envelope are missing",
            Self::EnvelopeLine => "meaningless line in the envelope",
            Self::EnvelopeParts => "sender or recipients missing or repeated",
            Self::EnvelopeTooLarge => "envelope over the limit",
            Self::NotAFile => "not a regular file with one name",
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for Damage {}
