//! The queue as it stands on the disk, for when send does not run and for the story of one message.

use std::io;

use stafette_addr::ReversePath;
use stafette_control::Instance;
use stafette_queue_layout::{
    Disk, Found, Journal, Message, OpenError, Place, RealDisk, Scan, Standing as State,
};
use stafette_sys::clock;
use stafette_wire::QueueId;
use stafette_wire::operator::{Bytes, Entry, EntryRecipient, Standing};

use crate::failure::Failure;

/// Opens the instance's queue.
pub(crate) fn open(instance: &Instance) -> Result<RealDisk, Failure> {
    let path = instance.queue();
    RealDisk::open(&path)
        .map_err(|error| Failure::system(&format!("open the queue {}", path.display()), &error))
}

/// The messages in some places, oldest first, each once. A place that only some may look into, drop/, may be closed to us.
pub(crate) fn find(disk: &RealDisk, places: &[Place]) -> Result<Vec<Found>, Failure> {
    let mut found = Vec::new();
    for place in places {
        for item in Scan::new(disk, &[*place]) {
            match item {
                Ok(item) => found.push(item),
                Err(error)
                    if *place == Place::Drop && error.kind() == io::ErrorKind::PermissionDenied =>
                {
                    break;
                }
                Err(error) => {
                    return Err(Failure::system(
                        &format!("read {}/{}", disk.path().display(), place.name()),
                        &error,
                    ));
                }
            }
        }
    }
    // What moved while we looked was found twice: where it was found last is where it is.
    found.sort_by_key(|item| item.id);
    found.reverse();
    found.dedup_by_key(|item| item.id);
    found.reverse();
    Ok(found)
}

/// Looks for a message in every place.
pub(crate) fn open_anywhere(disk: &RealDisk, id: QueueId) -> Result<Message<RealDisk>, OpenError> {
    match Message::open(disk, id) {
        Err(OpenError::Missing) => {}
        result => return result,
    }
    [Place::Drop, Place::Bad, Place::Tmp]
        .iter()
        .map(|place| Message::open_in(disk, id, *place))
        .find(|result| !matches!(result, Err(OpenError::Missing)))
        .unwrap_or(Err(OpenError::Missing))
}

/// Where the file of a message is, whatever is in it, with its length.
pub(crate) fn locate(disk: &RealDisk, id: QueueId) -> Option<(Place, u64)> {
    Place::ALL
        .into_iter()
        .find_map(|place| Some((place, disk.status(&place.path(id)).ok()?.octets)))
}

/// A message as a listing shows it; none if it went meanwhile.
pub(crate) fn entry(disk: &RealDisk, found: Found) -> Result<Option<Entry>, Failure> {
    match Message::open_in(disk, found.id, found.place) {
        Ok(message) => Ok(Some(whole(&message))),
        Err(OpenError::Missing) => Ok(None),
        Err(OpenError::Damaged(_)) => Ok(Some(unreadable(disk, found.id, found.place))),
        Err(OpenError::Io(error)) => Err(Failure::system(
            &format!(
                "read {}/{}",
                disk.path().display(),
                found.place.path(found.id)
            ),
            &error,
        )),
    }
}

fn whole(message: &Message<RealDisk>) -> Entry {
    let journal = &message.journal;
    Entry {
        id: message.id,
        standing: match message.place {
            Place::Hold => Standing::Held,
            Place::Bad => Standing::Bad,
            _ => Standing::Waiting,
        },
        octets: message.head.octets,
        arrived: journal.envelope.arrived,
        next_attempt: journal
            .next_attempt()
            .filter(|next| *next > clock::now())
            .unwrap_or(0),
        from: journal.envelope.sender.from.clone(),
        recipients: pending(journal),
    }
}

fn pending(journal: &Journal) -> Vec<EntryRecipient> {
    let waits = journal
        .recipients()
        .filter(|(_, _, state)| state.standing == State::Pending);
    waits
        .map(|(_, recipient, state)| EntryRecipient {
            mailbox: recipient.mailbox.clone(),
            reason: state
                .last
                .as_ref()
                .map(|last| Bytes::from(last.reply.as_slice()))
                .unwrap_or_default(),
        })
        .collect()
}

fn unreadable(disk: &RealDisk, id: QueueId, place: Place) -> Entry {
    Entry {
        id,
        standing: Standing::Bad,
        octets: disk
            .status(&place.path(id))
            .map(|status| status.octets)
            .unwrap_or(0),
        arrived: i64::try_from(id.milliseconds() / 1000).unwrap_or(0),
        next_attempt: 0,
        from: ReversePath::Null,
        recipients: Vec::new(),
    }
}
