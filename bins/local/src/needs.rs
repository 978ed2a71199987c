//! What local may do: its row in the table of programs, in one place.

use std::io;

use stafette_sys::confine::{Capability, Limits, Needs};

pub(crate) const NAME: &str = "stafette-local";

/// To become the recipient, and to end a worker that has become one. Nothing by which root overrides permissions.
const CAPABILITIES: [Capability; 3] = [
    Capability::CAP_SETUID,
    Capability::CAP_SETGID,
    Capability::CAP_KILL,
];

/// The parent starts workers that run programs of users, which may be set-id themselves, and what a process gives up its children
/// do not have either. So no-new-privileges, the bounding set and Landlock are left to the children that run none.
///
/// What remains guaranteed of the parent: of root's rights it has the three above, so that permission bits bind it; it
/// is not dumpable; it opens no file of a user and executes nothing. Of the children: those that look up, those
/// that deliver into mailboxes, and those with group mail can execute nothing, gain no privileges and speak no
/// TCP (`worker.rs`, `accounts.rs`). Those that run programs are the recipient and nobody else, parse only the recipient's own
/// files, and get a message only if such a file, or the operator's table, asks for a program.
fn needs() -> Needs<'static> {
    Needs {
        user: None,
        keep_caps: &CAPABILITIES,
        runs_programs_of_users: true,
        // Core files are as the caller has them, for programs; this process cannot be dumped.
        limits: Limits {
            core: None,
            ..Limits::default()
        },
        ..Needs::default()
    }
}

/// Gives up the rest for good, and says so.
pub(crate) fn confine() -> io::Result<()> {
    let report = stafette_sys::confine::confine(&needs())?;
    stafette_log::started(NAME, env!("CARGO_PKG_VERSION"), &report);
    Ok(())
}
