//! The messages of the queue, name by name, in constant memory.

use std::collections::VecDeque;
use std::io;

use stafette_wire::QueueId;

use crate::place::id_of;
use crate::{Disk, Place};

/// A message that a scan came upon. It may be gone or moved by the time it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Its name.
    pub id: QueueId,
    /// Where it was.
    pub place: Place,
    /// In cur/: a hint when it is due, Unix seconds. Elsewhere 0. The journal has the truth.
    pub due: i64,
}

/// A walk through some places. A message that moves during the walk is found at least once if its new place comes later, so scan
/// new/ before cur/ before hold/, and take a message that is found twice for one.
#[derive(Debug)]
pub struct Scan<D: Disk> {
    disk: D,
    places: VecDeque<Place>,
    /// The place at hand and the names in it.
    names: Option<(Place, D::Names)>,
    /// The subdirectory of cur/ at hand and the names in it.
    bucket: Option<(String, D::Names)>,
}

impl<D: Disk> Scan<D> {
    /// A scan of `places`, one after the other.
    #[must_use]
    pub fn new(disk: &D, places: &[Place]) -> Self {
        Self {
            disk: disk.clone(),
            places: places.iter().copied().collect(),
            names: None,
            bucket: None,
        }
    }

    /// A scan of everything that lives: new/, cur/ and hold/.
    #[must_use]
    pub fn living(disk: &D) -> Self {
        Self::new(disk, &Place::LIVING)
    }

    fn in_bucket(&self, directory: &str, name: &str) -> Option<Found> {
        let id = id_of(name, "").filter(|id| Place::Cur.directory(*id) == directory)?;
        let status = self.disk.status(&Place::Cur.path(id)).ok()?;
        Some(Found {
            id,
            place: Place::Cur,
            due: status.modified,
        })
    }
}

impl<D: Disk> Iterator for Scan<D> {
    type Item = io::Result<Found>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((directory, names)) = &mut self.bucket {
                match names.next() {
                    Some(Ok(name)) => {
                        let directory = directory.clone();
                        match self.in_bucket(&directory, &name) {
                            Some(found) => return Some(Ok(found)),
                            None => continue,
                        }
                    }
                    Some(Err(error)) => return Some(Err(error)),
                    None => self.bucket = None,
                }
            }
            let Some((place, names)) = &mut self.names else {
                let place = self.places.pop_front()?;
                match self.disk.list(place.name()) {
                    Ok(names) => self.names = Some((place, names)),
                    Err(error) => return Some(Err(error)),
                }
                continue;
            };
            let place = *place;
            match names.next() {
                None => self.names = None,
                Some(Err(error)) => return Some(Err(error)),
                Some(Ok(name)) if place == Place::Cur => {
                    let directory = format!("{}/{name}", place.name());
                    if name.len() == 2 {
                        match self.disk.list(&directory) {
                            Ok(names) => self.bucket = Some((directory, names)),
                            Err(error) => return Some(Err(error)),
                        }
                    }
                }
                Some(Ok(name)) => {
                    if let Some(id) = id_of(&name, "") {
                        return Some(Ok(Found { id, place, due: 0 }));
                    }
                }
            }
        }
    }
}
