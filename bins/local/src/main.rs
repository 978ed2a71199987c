//! Delivers to one local recipient as that recipient.
fn main() {}
