//! Speaks SMTP to strangers, one process a connection.
fn main() {}
