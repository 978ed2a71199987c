//! The operator's tables: their grammar, their compiled form, look-ups.
#![forbid(unsafe_code)]
