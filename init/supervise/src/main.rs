//! Keeps the programs of one folder running.
fn main() {}
