//! The part of stafette-users that is fuzzed: addresses that strangers can write.
#![forbid(unsafe_code)]

pub mod srs;
