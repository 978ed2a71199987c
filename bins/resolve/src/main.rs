//! Asks the DNS for all of them, with one cache.
fn main() {}
