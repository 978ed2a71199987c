//! A queue ID in 16 bytes, for tables of a million.

use stafette_wire::QueueId;

/// A queue ID; sorts as the ID does, which is by age.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key([u32; 4]);

impl Key {
    /// No key sorts behind it.
    pub(crate) const LAST: Self = Self([u32::MAX; 4]);

    /// The ID.
    pub(crate) fn id(self) -> QueueId {
        QueueId::from_number(
            self.0
                .iter()
                .fold(0, |number, part| number << 32 | u128::from(*part)),
        )
    }
}

impl From<QueueId> for Key {
    fn from(id: QueueId) -> Self {
        let number = id.number();
        let part = |shift: u32| u32::try_from(number >> shift & 0xffff_ffff).unwrap_or(0);
        Self([part(96), part(64), part(32), part(0)])
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_its_id_and_sorts_like_it() {
        let old = QueueId::new(1_700_000_000_000, [0xa5; 9]);
        let new = QueueId::new(1_700_000_000_001, [0; 9]);
        assert_eq!(Key::from(old).id(), old);
        assert!(Key::from(old) < Key::from(new));
        assert_eq!(size_of::<Key>(), 16);
    }
}
