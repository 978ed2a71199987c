//! Why nothing was done: an exit code of sysexits.h and words for descriptor 2.

use stafette_wire::exit::SysExit;

/// A failure, as the caller sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) code: SysExit,
    /// What failed, and what to do about it.
    pub(crate) text: String,
}

impl Failure {
    pub(crate) fn new(code: SysExit, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }

    /// Something that may go better later.
    pub(crate) fn later(text: impl Into<String>) -> Self {
        Self::new(SysExit::TempFail, text)
    }
}
