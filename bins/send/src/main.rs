//! Decides what is tried, where and when.
fn main() {}
