//! Writes outcomes into the queue, removes what is finished.
fn main() {}
