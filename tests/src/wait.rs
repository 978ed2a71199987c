//! Waiting for a condition.

use std::time::{Duration, Instant};

/// Waits until `condition` gives a value; the test fails after 30 s, naming `what` was awaited.
pub fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < end, "waited 30 s in vain for: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// [`until`] for a plain truth.
pub fn until_true(what: &str, mut condition: impl FnMut() -> bool) {
    until(what, || condition().then_some(()));
}
