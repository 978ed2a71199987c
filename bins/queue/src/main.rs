//! Puts one message with its envelope into the queue, durably: once on descriptors 0 and 1 as qmail-queue does, or as the service.
//!
//! What it guarantees: after `Queued`, or exit code 0, the message is on the disk with its directory entry, and survives loss of power.
//! It trusts nobody: lengths, addresses and counts are checked here whoever asks, and the user who asks is who the kernel says.
//! Only this program creates queue files.
#![forbid(unsafe_code)]

mod committer;
mod connection;
mod drop_box;
mod drops;
mod error_text;
mod introduction;
mod needs;
mod oneshot;
mod peers;
mod places;
mod pool;
mod qmail_envelope;
mod rules;
mod service;
mod space;
mod subscribers;
mod transaction;

use std::process::ExitCode;

use stafette_control::Instance;

fn main() -> ExitCode {
    if let Err(error) = start() {
        return complain(&format!("unable to put inherited state in order: {error}"));
    }
    let instance = Instance::from_env();
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let words: Vec<_> = words
        .iter()
        .map(|word| word.to_str().unwrap_or("?"))
        .collect();
    match words.as_slice() {
        [] => oneshot::run(&instance),
        ["drop"] => drop_box::run(&instance),
        ["service"] => {
            // What the set-group-id bit lends is for drop/ alone; the service gets its rights from who starts it.
            if stafette_sys::inherit::is_set_id()
                && let Err(error) = stafette_sys::inherit::give_up_set_id()
            {
                return complain(&format!("unable to give up rights: {error}"));
            }
            stafette_log::open(needs::NAME, instance.settings().logto());
            service::run(&instance)
        }
        _ => complain("usage: stafette-queue [drop | service]"),
    }
}

/// A set-id program keeps nothing of the environment it was called with.
fn start() -> std::io::Result<()> {
    error_text::remember_pipe();
    stafette_sys::inherit::tidy(0o027)?;
    if stafette_sys::inherit::is_set_id() {
        stafette_sys::inherit::clean_environment(&[])?;
        std::env::set_current_dir("/")?;
    }
    Ok(())
}

fn complain(text: &str) -> ExitCode {
    error_text::fail(stafette_wire::exit::QueueExit::Configuration, text)
}
