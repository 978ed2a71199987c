//! The states that a file of the queue can be in, also after a crash. FORMAT.md has the same table; a test compares them.

use std::io;

use stafette_wire::QueueId;

use crate::journal::names_child;
use crate::message::read_head;
use crate::place::{PART, TAKEN, id_of, taken_path};
use crate::{Access, Disk, Journal, Place, ReadError};

macro_rules! states {
    ($($variant:ident $word:literal $file:literal $repair:literal $who:literal $help:literal;)*) => {
        /// The state of one file.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum State { $(#[doc = $help] $variant),* }

        /// The rows of the table: state, file, what is done about it, by whom.
        pub const STATES: &[(State, [&str; 4])] = &[$((State::$variant, [$word, $file, $repair, $who])),*];
    };
}

states! {
    Writing "writing" "tmp/ID" "removed when old" "clean" "Being written, or left by a writer that died: never accepted.";
    Prepared "prepared" "tmp/ID" "removed when old" "clean" "A complete child that its parent does not name: its maker died before it told clean.";
    Named "named" "tmp/ID" "published" "clean" "A child that its parent's journal names.";
    Undecided "undecided" "tmp/ID" "left" "nobody" "A child whose parent cannot be read: it may be named.";
    Copied "copied" "tmp/ID" "published" "clean, queue" "The copy of a drop, with tmp/ID.drop beside it.";
    Taken "taken" "tmp/ID.drop" "removed once tmp/ID is gone" "clean, queue" "A drop that was copied.";
    Accepted "accepted" "new/ID" "tried" "send" "Accepted, and not tried or not yet moved.";
    Tried "tried" "cur/XX/ID" "tried when due" "send" "Accepted and tried.";
    Held "held" "hold/ID" "left" "operator" "Accepted and held.";
    Bad "bad" "bad/*" "left" "operator" "Unreadable.";
    Dropping "dropping" "drop/ID.part" "removed when old" "clean" "Being left in drop/, or left by a writer that died: never accepted.";
    Dropped "dropped" "drop/ID" "taken in" "queue" "Accepted while no service ran.";
    Stray "stray" "*" "left, reported" "nobody" "Not of this queue.";
}

impl State {
    /// The state of `name` in `place`, one of the places but cur/ (whose names are subdirectories).
    ///
    /// # Errors
    /// The disk's: then nothing is known.
    pub fn of<D: Disk>(disk: &D, place: Place, name: &str) -> io::Result<Self> {
        let id = id_of(name, "");
        Ok(match (place, id) {
            (Place::Tmp, Some(id)) => Self::of_tmp(disk, id)?,
            (Place::Tmp, None) if id_of(name, TAKEN).is_some() => Self::Taken,
            (Place::Drop, Some(_)) => Self::Dropped,
            (Place::Drop, None) if id_of(name, PART).is_some() => Self::Dropping,
            (Place::New, Some(_)) => Self::Accepted,
            (Place::Cur, Some(_)) => Self::Tried,
            (Place::Hold, Some(_)) => Self::Held,
            (Place::Bad, _) => Self::Bad,
            (Place::Tmp | Place::Drop | Place::New | Place::Cur | Place::Hold, None) => Self::Stray,
        })
    }

    fn of_tmp<D: Disk>(disk: &D, id: QueueId) -> io::Result<Self> {
        if exists(disk, &taken_path(id))? {
            return Ok(Self::Copied);
        }
        let file = disk.open(&Place::Tmp.path(id), Access::Read)?;
        let envelope =
            read_head(&file).and_then(|head| Journal::read_envelope(&file, head.journal()));
        match envelope {
            Err(ReadError::Io(error)) => Err(error),
            Err(ReadError::Damaged(_)) => Ok(Self::Writing),
            Ok(envelope) => match envelope.parent {
                None => Ok(Self::Writing),
                Some(parent) => Self::of_child(disk, id, parent),
            },
        }
    }

    fn of_child<D: Disk>(disk: &D, child: QueueId, parent: QueueId) -> io::Result<Self> {
        let Some((_, file)) = crate::message::find(disk, parent, Access::Read)? else {
            // A parent leaves the queue only after its children are published, so this one was never named. One in bad/ may name it.
            let is_bad = exists(disk, &Place::Bad.path(parent))?;
            return Ok(if is_bad {
                Self::Undecided
            } else {
                Self::Prepared
            });
        };
        match read_head(&file) {
            Err(ReadError::Io(error)) => Err(error),
            Err(ReadError::Damaged(_)) => Ok(Self::Undecided),
            Ok(head) if names_child(&file, head.journal(), child)? => Ok(Self::Named),
            Ok(_) => Ok(Self::Prepared),
        }
    }
}

pub(crate) fn exists<D: Disk>(disk: &D, path: &str) -> io::Result<bool> {
    match disk.status(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
