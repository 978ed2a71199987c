//! Whose an address is and where its mail goes, by all tables and accounts.
#![forbid(unsafe_code)]
