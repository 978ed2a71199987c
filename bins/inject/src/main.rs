//! sendmail(1) and mailq(1): turns a local user's input into a message.
fn main() {}
