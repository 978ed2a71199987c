//! The first step of recording: events into files, and the files onto the disk.

use std::io;

use super::{RecordError, Recorder, Step};
use crate::journal::names_child;
use crate::message::{find, read_head};
use crate::{Access, Disk, DiskFile, Event, Place, ReadError, Record, line};

/// Octets kept free behind the journal after each append.
const ROOM: u64 = 4096;

/// What became of an append before its flush.
struct Appended<F> {
    place: Place,
    file: F,
    /// The length before.
    end: u64,
}

impl<D: Disk> Recorder<D> {
    /// Appends the events of all records that need it, then flushes all files. What fails is cut off again, and after a failed flush the file is not trusted any more.
    pub(super) fn append(&mut self, steps: &mut [Step<'_, D>]) {
        let appended: Vec<Option<Appended<D::File>>> = steps
            .iter_mut()
            .map(|step| {
                if !step.record.has_to_append() {
                    return None;
                }
                let result = self.append_one(step.record);
                result.map_err(|error| step.result = Err(error)).ok()
            })
            .collect();
        let files: Vec<&D::File> = appended
            .iter()
            .flatten()
            .map(|appended| &appended.file)
            .collect();
        let mut flushed = self.disk.flush_all(&files).into_iter();
        for (step, appended) in steps.iter_mut().zip(appended) {
            let Some(Appended { place, file, end }) = appended else {
                continue;
            };
            if let Some(Err(error)) = flushed.next() {
                let path = place.path(step.record.id);
                self.void(step.record, &file, end);
                step.result = Err(RecordError::failed("flush", &path, error));
            }
            step.opened = Some((place, file));
        }
    }

    fn append_one(&mut self, record: &Record) -> Result<Appended<D::File>, RecordError> {
        if self.distrusted.contains(&record.id) {
            return Err(RecordError::Distrusted);
        }
        let found = find(&self.disk, record.id, Access::Write);
        let (place, file) = found
            .map_err(|error| RecordError::failed("open", record.id.as_str(), error))?
            .ok_or(RecordError::Missing)?;
        let path = place.path(record.id);
        self.check_children(record, &file, &path)?;
        let failed = |error| RecordError::failed("append to", &path, error);
        let end = file.status().map_err(failed)?.octets;
        let lines = encode(record, ends_in_newline(&file, end).map_err(failed)?)?;
        let new_end = end.saturating_add(u64::try_from(lines.len()).unwrap_or(u64::MAX));
        if let Err(error) = file.write_at(&lines, end) {
            // Cut to its former length, all of which was flushed, the file is what it was: this may be asked for again.
            if file.truncate(end).is_err() {
                self.distrusted.insert(record.id);
            }
            return Err(failed(error));
        }
        // For the next time. If there is no room now, there may be then.
        drop(file.preallocate(new_end, ROOM));
        file.start_writeback();
        Ok(Appended { place, file, end })
    }

    /// A child must wait in tmp/, unless the journal names it already: then an earlier record published it.
    fn check_children(
        &self,
        record: &Record,
        file: &D::File,
        path: &str,
    ) -> Result<(), RecordError> {
        let failed = |error| RecordError::failed("read", path, error);
        for child in record.children() {
            match self.disk.status(&Place::Tmp.path(child)) {
                Ok(_) => continue,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error)),
            }
            let head = read_head(file).map_err(|error| match error {
                ReadError::Io(error) => failed(error),
                ReadError::Damaged(damage) => failed(io::Error::other(damage)),
            })?;
            if !names_child(file, head.journal(), child).map_err(failed)? {
                return Err(RecordError::NoSuchChild(child));
            }
        }
        Ok(())
    }

    /// Takes back as well as it can be what was not flushed, and remembers that the file's state is not known.
    fn void(&mut self, record: &Record, file: &D::File, end: u64) {
        self.distrusted.insert(record.id);
        // If even this fails, readers see lines that say what is true but may not outlive a crash.
        drop(file.truncate(end));
    }
}

/// The lines to append, after a newline if the file does not end in one.
fn encode(record: &Record, is_line_begin: bool) -> Result<Vec<u8>, RecordError> {
    let mut out = Vec::new();
    if !is_line_begin {
        out.push(b'\n');
    }
    for event in &record.events {
        let words = Event::encode(event).map_err(|_| RecordError::TooLong)?;
        line::push(&mut out, &words).ok_or(RecordError::TooLong)?;
    }
    Ok(out)
}

fn ends_in_newline(file: &impl DiskFile, end: u64) -> io::Result<bool> {
    let mut last = [0u8];
    let count = match end.checked_sub(1) {
        Some(offset) => DiskFile::read_at(file, &mut last, offset)?,
        None => 0,
    };
    Ok(count == 1 && last == *b"\n")
}
