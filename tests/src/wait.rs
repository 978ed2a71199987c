//! Waiting for a condition.

use std::time::{Duration, Instant};

/// Waits until `condition` gives a value; the test fails after 30 s, naming `what` was awaited.
pub fn until<T>(what: &str, condition: impl FnMut() -> Option<T>) -> T {
    let found = within(Duration::from_secs(30), condition);
    assert!(found.is_some(), "waited 30 s in vain for: {what}");
    found.expect("something was found")
}

/// Waits until `condition` gives a value, but no longer than `limit`.
pub fn within<T>(limit: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        let value = condition();
        if value.is_some() || Instant::now() >= end {
            return value;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// [`until`] for a plain truth.
pub fn until_true(what: &str, mut condition: impl FnMut() -> bool) {
    until(what, || condition().then_some(()));
}
