//! Why the command did not do what it was asked: what failed, on what, and what to do.

use std::fmt;
use std::io;

/// Exit code: wrong use, or what was asked for is not there or not allowed. Asking again changes nothing.
pub(crate) const NEVER: u8 = 100;
/// Exit code: not now. Asking again may help.
pub(crate) const LATER: u8 = 111;
/// Exit code of `check`: something is wrong.
pub(crate) const PROBLEMS: u8 = 1;

/// What went wrong.
#[derive(Debug)]
pub(crate) enum Failure {
    /// As asked, it will not work.
    Never(String),
    /// It may work later.
    Later(String),
    /// Nobody reads the output any more, which is their right.
    Unread,
}

impl Failure {
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Never(_) => NEVER,
            Self::Later(_) => LATER,
            Self::Unread => 0,
        }
    }

    /// The system refused something: never if it is a matter of rights or of what is there, else later.
    pub(crate) fn system(unable_to: &str, error: &io::Error) -> Self {
        let text = format!("unable to {unable_to}: {error}");
        match error.kind() {
            io::ErrorKind::PermissionDenied => {
                Self::Never(format!("{text}; ask as root or as its owner"))
            }
            io::ErrorKind::NotFound => Self::Never(text),
            _ => Self::Later(text),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never(text) | Self::Later(text) => f.write_str(text),
            Self::Unread => f.write_str("nobody reads the output"),
        }
    }
}

/// Errors of the output alone are turned by `?`; everything else says what it was about.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::Unread
        } else {
            Self::Later(format!("unable to write the output: {error}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_right_names_who_has_it() {
        let failure = Failure::system("open /q", &io::ErrorKind::PermissionDenied.into());
        assert_eq!(failure.code(), NEVER);
        assert_eq!(
            failure.to_string(),
            "unable to open /q: permission denied; ask as root or as its owner"
        );
    }

    #[test]
    fn a_reader_who_went_away_is_no_failure() {
        assert_eq!(
            Failure::from(io::Error::from(io::ErrorKind::BrokenPipe)).code(),
            0
        );
    }
}
