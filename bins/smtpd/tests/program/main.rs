//! The real program, one session at a time, against queue, users, resolve and send that answer as a test wants.

#[cfg(test)]
mod cases;
#[cfg(test)]
mod others;
