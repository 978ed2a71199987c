//! stafette-tables: compiles the operator's tables when they change.
#![forbid(unsafe_code)]

fn main() {}
