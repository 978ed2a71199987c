//! Says whether an address is ours and who it belongs to.
fn main() {}
