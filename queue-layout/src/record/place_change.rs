//! The last step of recording: moves and removals, and one flush for each directory that they touched.

use std::collections::BTreeMap;
use std::io;

use stafette_wire::QueueId;

use stafette_wire::clean::Then;

use super::{RecordError, Recorder, Step};
use crate::{Disk, DiskFile, Event, Place};

impl<D: Disk> Recorder<D> {
    /// Does what each record that went well so far says, then flushes.
    pub(super) fn change_places(&self, steps: &mut [Step<'_, D>]) {
        // Which records depend on which directory.
        let mut touched: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (number, step) in steps.iter_mut().enumerate() {
            if step.result.is_err() {
                continue;
            }
            match self.change_place(step) {
                Ok(directories) => directories
                    .into_iter()
                    .for_each(|name| touched.entry(name).or_default().push(number)),
                Err(error) => step.result = Err(error),
            }
        }
        for (directory, numbers) in touched {
            let Err(error) = self.disk.sync_dir(&directory) else {
                continue;
            };
            for number in numbers {
                if let Some(step) = steps.get_mut(number) {
                    step.result = Err(RecordError::again("flush", &directory, &error));
                }
            }
        }
    }

    /// One move or removal; gives the directories that have to be flushed for it.
    fn change_place(&self, step: &Step<'_, D>) -> Result<Vec<String>, RecordError> {
        let id = step.record.id;
        let failed = |error| RecordError::failed("move", id.as_str(), error);
        match step.record.then {
            Then::Remove => self.remove(id),
            Then::Keep => {
                self.keep(step);
                Ok(Vec::new())
            }
            Then::Hold => self.rename(id, &[Place::New, Place::Cur], Place::Hold),
            Then::Release => {
                self.make_bucket(id).map_err(failed)?;
                self.rename(id, &[Place::Hold], Place::Cur)
            }
            Then::Bad => self.rename(id, &Place::LIVING, Place::Bad),
        }
    }

    fn remove(&self, id: QueueId) -> Result<Vec<String>, RecordError> {
        for place in Place::LIVING {
            match self.disk.remove(&place.path(id)) {
                Ok(()) => return Ok(vec![place.directory(id)]),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(RecordError::failed("remove", &place.path(id), error)),
            }
        }
        Err(RecordError::Missing)
    }

    fn rename(&self, id: QueueId, from: &[Place], to: Place) -> Result<Vec<String>, RecordError> {
        for place in from {
            match self.disk.rename(&place.path(id), &to.path(id)) {
                Ok(()) => return Ok(vec![place.directory(id), to.directory(id)]),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(RecordError::failed("move", &place.path(id), error)),
            }
        }
        // Asked twice, or asked for what it is already.
        match self.disk.status(&to.path(id)) {
            Ok(_) => Ok(vec![to.directory(id)]),
            Err(_) => Err(RecordError::Missing),
        }
    }

    /// A message that was tried goes to cur/. Whether it is there matters to nobody but a fast start, so nothing is flushed and nothing can fail.
    fn keep(&self, step: &Step<'_, D>) {
        let Some((place, file)) = &step.opened else {
            return;
        };
        let next = step
            .record
            .events
            .iter()
            .rev()
            .find_map(|event| match event {
                Event::Due { next, .. } => Some(*next),
                _ => None,
            });
        if let Some(next) = next {
            file.set_modified(next);
        }
        if *place == Place::New {
            let id = step.record.id;
            let (from, to) = (Place::New.path(id), Place::Cur.path(id));
            let is_moved = match self.disk.rename(&from, &to) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => self
                    .make_bucket(id)
                    .and_then(|()| self.disk.rename(&from, &to)),
                result => result,
            };
            drop(is_moved);
        }
    }

    /// Makes the subdirectory of cur/ that `id` belongs into.
    fn make_bucket(&self, id: QueueId) -> io::Result<()> {
        match self.disk.make_dir(&Place::Cur.directory(id)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
            // A message must not move into a directory that a crash could take away.
            Ok(()) => self.disk.sync_dir(Place::Cur.name()),
        }
    }
}
