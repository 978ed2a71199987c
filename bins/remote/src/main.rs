//! Delivers to another host.
fn main() {}
