//! How many connections users have, in all and each of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The places for users' connections.
#[derive(Debug)]
pub(crate) struct Places {
    all: usize,
    each: usize,
    taken: Mutex<HashMap<u32, usize>>,
}

/// A taken place; given back when let go.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    uid: u32,
}

impl Places {
    /// `all` places, of which one user may take `each`.
    pub(crate) fn new(all: usize, each: usize) -> Arc<Self> {
        Arc::new(Self {
            all,
            each,
            taken: Mutex::default(),
        })
    }

    /// A place for this user, or which limit is reached.
    pub(crate) fn take(self: &Arc<Self>, uid: u32) -> Result<Place, &'static str> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.values().sum::<usize>() >= self.all {
            return Err("injectconnections");
        }
        let own = taken.entry(uid).or_default();
        if *own >= self.each {
            return Err("injectperuser");
        }
        *own += 1;
        Ok(Place {
            places: Arc::clone(self),
            uid,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self
            .places
            .taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.uid) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.uid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_cannot_take_the_places_of_the_others() {
        let places = Places::new(3, 2);
        let first = places.take(1).unwrap();
        let _second = places.take(1).unwrap();
        assert_eq!(places.take(1).unwrap_err(), "injectperuser");
        let _other = places.take(2).unwrap();
        assert_eq!(places.take(3).unwrap_err(), "injectconnections");
        drop(first);
        assert!(places.take(1).is_ok());
    }
}
