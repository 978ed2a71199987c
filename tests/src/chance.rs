//! Chance that can be repeated: a generator whose seed is printed when a test fails.

use std::time::{SystemTime, UNIX_EPOCH};

/// Numbers from a seed (splitmix64). Dropped in a failing test it prints the seed.
#[derive(Debug)]
pub struct Chance {
    seed: u64,
    state: u64,
}

impl Chance {
    /// With the seed of `STAFETTE_SEED`, or one from the time.
    #[must_use]
    pub fn from_env() -> Self {
        let named = std::env::var("STAFETTE_SEED")
            .ok()
            .and_then(|text| text.parse().ok());
        let seed = named.unwrap_or_else(|| {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs() ^ u64::from(since.subsec_nanos()))
        });
        Self { seed, state: seed }
    }

    /// Another generator that follows from this one.
    #[must_use]
    pub fn branch(&mut self) -> Self {
        Self {
            seed: self.seed,
            state: self.number(),
        }
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not zero.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap_or(1);
        usize::try_from(self.number() % end).unwrap_or(0)
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let index = self.below(from.len());
        from.get(index).expect("something to pick from")
    }

    /// All of these in another order.
    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            let other = self.below(last + 1);
            all.swap(last, other);
        }
    }
}

impl Drop for Chance {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "to repeat this with the same choices: STAFETTE_SEED={}",
                self.seed
            );
        }
    }
}

/// The knob `STAFETTE_SOAK`: how many times as long as in CI a test shall run; 1 if unset.
#[must_use]
pub fn soak() -> usize {
    std::env::var("STAFETTE_SOAK")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1)
}
