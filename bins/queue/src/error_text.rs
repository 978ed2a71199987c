//! Words for the program that called the one-shot queue, on the descriptor where such programs read them.
//!
//! Three conventions exist for qmail-queue: descriptor 6 (notqmail), descriptor 4 (a patch of netqmail), and the descriptor that
//! `ERROR_FD` names. A text begins with `D` (for good) or `Z` (for now) and goes with exit code 82. The descriptors are used only
//! if they are pipes: whatever else a caller left open there is none of ours.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileTypeExt;
use std::process::ExitCode;
use std::sync::OnceLock;

use stafette_wire::exit::QueueExit;

static PIPE: OnceLock<Option<File>> = OnceLock::new();

/// Finds the descriptor before this program opens anything itself, and keeps it through confinement.
pub(crate) fn remember_pipe() {
    PIPE.get_or_init(find);
}

fn find() -> Option<File> {
    let named = std::env::var("ERROR_FD")
        .ok()
        .and_then(|text| text.parse::<u32>().ok());
    named.into_iter().chain([6, 4]).find_map(|number| {
        let path = format!("/proc/self/fd/{number}");
        let is_pipe = std::fs::metadata(&path).is_ok_and(|data| data.file_type().is_fifo());
        is_pipe.then(|| OpenOptions::new().append(true).open(&path).ok())?
    })
}

/// Ends the program with this code, or with 82 and the words if somebody reads them; always with the words on descriptor 2.
pub(crate) fn fail(code: QueueExit, text: &str) -> ExitCode {
    let text = stafette_text::quote(text.as_bytes(), 400);
    let text = text.trim_matches('"');
    // Whoever closed descriptor 2 does not want to know.
    drop(writeln!(std::io::stderr(), "stafette-queue: {text}"));
    let is_permanent = matches!(code as u8, 11..=40);
    let line = format!("{}{text}", if is_permanent { 'D' } else { 'Z' });
    let told = PIPE
        .get()
        .and_then(Option::as_ref)
        .is_some_and(|mut pipe| pipe.write_all(line.as_bytes()).is_ok());
    ExitCode::from(if told {
        QueueExit::Custom as u8
    } else {
        code as u8
    })
}
