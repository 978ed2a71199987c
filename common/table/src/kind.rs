//! Which tables there are, and the names of their files.

use std::fmt;

/// A table of the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// Names that stand for others, programs or files.
    Aliases,
    /// Addresses of virtual domains.
    Virtusertable,
    /// Who may send, who may relay, who gets no mail.
    Access,
    /// Where the mail of a domain goes.
    Mailertable,
    /// What senders of this host are called outside.
    Genericstable,
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Aliases,
        Self::Virtusertable,
        Self::Access,
        Self::Mailertable,
        Self::Genericstable,
    ];

    /// The name of its text file among the settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aliases => "aliases",
            Self::Virtusertable => "virtusertable",
            Self::Access => "access",
            Self::Mailertable => "mailertable",
            Self::Genericstable => "genericstable",
        }
    }

    /// The name of its compiled file in [`stafette_control::Instance::tables`].
    #[must_use]
    pub const fn compiled_name(self) -> &'static str {
        match self {
            Self::Aliases => "aliases.cdb",
            Self::Virtusertable => "virtusertable.cdb",
            Self::Access => "access.cdb",
            Self::Mailertable => "mailertable.cdb",
            Self::Genericstable => "genericstable.cdb",
        }
    }

    /// Its place in [`Table::ALL`].
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Aliases => 0,
            Self::Virtusertable => 1,
            Self::Access => 2,
            Self::Mailertable => 3,
            Self::Genericstable => 4,
        }
    }
}

/// Its name.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
