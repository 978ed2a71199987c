//! Loopback addresses that only one test uses.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU16, Ordering};

static NEXT: AtomicU16 = AtomicU16::new(1);

/// An address in 127.0.0.0/8 that no other call of this or of another test process returns, as far as process ids differ.
#[must_use]
pub fn fresh() -> Ipv4Addr {
    let count = NEXT.fetch_add(1, Ordering::Relaxed);
    let pid = std::process::id();
    let [_, high, low, _] = (pid << 8).to_be_bytes();
    Ipv4Addr::new(
        127,
        high | 64,
        low,
        u8::try_from(count % 250).unwrap_or(0) + 2,
    )
}
