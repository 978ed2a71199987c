//! The places of the queue and the names in them: the only code that knows its paths.

use stafette_wire::QueueId;

/// A directory of the queue (design: where a message stands).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// Being written, or a child that its parent does not name yet.
    Tmp,
    /// Left by the one-shot queue program while no service ran.
    Drop,
    /// Accepted, not yet tried.
    New,
    /// Tried, waiting for its next time; hashed into subdirectories.
    Cur,
    /// Held by the operator.
    Hold,
    /// Unreadable: moved aside, never deleted.
    Bad,
}

impl Place {
    /// All places.
    pub const ALL: [Self; 6] = [
        Self::Tmp,
        Self::Drop,
        Self::New,
        Self::Cur,
        Self::Hold,
        Self::Bad,
    ];

    /// Where a message that lives is looked for, in this order.
    pub(crate) const LIVING: [Self; 3] = [Self::New, Self::Cur, Self::Hold];

    /// The directory's name in the queue.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tmp => "tmp",
            Self::Drop => "drop",
            Self::New => "new",
            Self::Cur => "cur",
            Self::Hold => "hold",
            Self::Bad => "bad",
        }
    }

    /// The directory that holds the file of `id` here, relative to the queue.
    #[must_use]
    pub fn directory(self, id: QueueId) -> String {
        match self {
            Self::Cur => format!("{}/{}", self.name(), id.bucket()),
            _ => self.name().to_owned(),
        }
    }

    /// The path of the file of `id` here, relative to the queue.
    #[must_use]
    pub fn path(self, id: QueueId) -> String {
        match self {
            Self::Cur => format!("{}/{}/{id}", self.name(), id.bucket()),
            _ => format!("{}/{id}", self.name()),
        }
    }
}

/// A file of the one-shot queue program that is being written.
pub(crate) fn part_path(id: QueueId) -> String {
    format!("{}/{id}{PART}", Place::Drop.name())
}

/// A file from drop/ that was copied into `tmp/ID`, where `id` is the copy's.
pub(crate) fn taken_path(id: QueueId) -> String {
    format!("{}/{id}{TAKEN}", Place::Tmp.name())
}

/// A file from drop/ that is no queue file.
pub(crate) fn refused_path(id: QueueId) -> String {
    format!("{}/drop-{id}", Place::Bad.name())
}

/// Ending of a name in drop/ that is being written.
pub(crate) const PART: &str = ".part";
/// Ending of a name in tmp/ that was in drop/.
pub(crate) const TAKEN: &str = ".drop";

/// The ID that `name` is, or that stands before `ending` in it.
pub(crate) fn id_of(name: &str, ending: &str) -> Option<QueueId> {
    QueueId::parse(name.strip_suffix(ending)?.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_cur_lies_in_the_subdirectory_of_its_last_two_characters() {
        let id = QueueId::parse(b"01hf7yat000000000000abz").unwrap();
        assert_eq!(Place::Cur.path(id), "cur/bz/01hf7yat000000000000abz");
        assert_eq!(Place::New.path(id), "new/01hf7yat000000000000abz");
    }

    #[test]
    fn only_a_whole_name_is_an_id() {
        let id = QueueId::parse(b"01hf7yat000000000000abz").unwrap();
        assert_eq!(id_of("01hf7yat000000000000abz", ""), Some(id));
        assert_eq!(id_of("01hf7yat000000000000abz.drop", TAKEN), Some(id));
        assert_eq!(id_of("01hf7yat000000000000abz.drop", ""), None);
        assert_eq!(id_of(".drop", TAKEN), None);
    }
}
