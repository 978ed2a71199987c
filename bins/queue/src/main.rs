//! Puts one message with its envelope into the queue, durably.
fn main() {}
