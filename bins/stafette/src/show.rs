//! `stafette queue show`: one message and all that happened to it, read from its file.

use std::io::Write;

use stafette_control::Instance;
use stafette_queue_layout::{OpenError, RealDisk};
use stafette_wire::QueueId;

use crate::failure::Failure;
use crate::{directory, json, story};

/// Shows one message.
pub(crate) fn show(
    instance: &Instance,
    id: QueueId,
    as_json: bool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let disk = directory::open(instance)?;
    let message = directory::open_anywhere(&disk, id).map_err(|error| unable(&disk, id, error))?;
    let file = format!("{}/{}", disk.path().display(), message.place.path(id));
    let reading = |error| Failure::system(&format!("read {file}"), &error);
    let is_sound = message.check_content().map_err(reading)?;
    if as_json {
        let story = json::story(&message, &file, is_sound).map_err(reading)?;
        writeln!(out, "{story}")?;
        return Ok(());
    }
    story::tell(&message, &file, is_sound, out)
}

fn unable(disk: &RealDisk, id: QueueId, error: OpenError) -> Failure {
    match error {
        OpenError::Missing => missing(id),
        OpenError::Io(error) => {
            Failure::system(&format!("read {id} in {}", disk.path().display()), &error)
        }
        OpenError::Damaged(damage) => {
            let at = directory::locate(disk, id);
            let at = at.map_or_else(String::new, |(place, _)| {
                format!(
                    "; look at {}/{} with less",
                    disk.path().display(),
                    place.path(id)
                )
            });
            Failure::Never(format!("{id} cannot be read as a message: {damage}{at}"))
        }
    }
}

/// Nothing of this name is in the queue.
pub(crate) fn missing(id: QueueId) -> Failure {
    Failure::Never(format!(
        "no message {id} is in the queue: it is finished, or it never was; the log says which"
    ))
}
