//! What only the kernel can do, behind safe functions: descriptors, sockets, processes, users, confinement, time.
//!
//! This is the only crate with `unsafe`, and the only one that calls `nix`, `libc`, `caps`, `landlock` and `fs2`.
//! Every other program of Stafette reaches the kernel through the standard library or through here. Nothing in this
//! crate parses what a stranger sent. Errors are `std::io::Error` as the kernel gave them; a call that was
//! interrupted by a signal is repeated unless its documentation says otherwise. All descriptors are close-on-exec.

pub mod clock;
pub mod command;
pub mod confine;
pub mod eventfd;
pub mod fork;
pub mod fs;
pub mod host;
pub mod inherit;
pub mod limits;
pub mod listen_fds;
pub mod packet;
pub mod poll;
pub mod random;
pub mod signal;
pub mod tcp;
pub mod unix;
pub mod user;
