//! `stafette check`: the settings and tables line by line, the queue's directories, and which programs answer.
//!
//! What is wrong goes to standard output, one problem a line, and makes the exit code 1. A program that does not run is told, but is
//! no problem: settings are checked before a start.

use std::io::{self, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::ExitCode;

use stafette_control::Instance;
use stafette_queue_layout::Place;

use crate::failure::{Failure, PROBLEMS};
use crate::programs::{self, Answer};

/// Checks the instance.
pub(crate) fn check(instance: &Instance, out: &mut impl Write) -> Result<ExitCode, Failure> {
    let mut problems = stafette_control::check(&instance.control());
    problems.extend(stafette_table::check(instance));
    problems.extend(stafette_directory::check(instance));
    for problem in &problems {
        // A table may be elsewhere, such as /etc/aliases.
        if Path::new(&problem.file).is_absolute() {
            writeln!(out, "{problem}")?;
        } else {
            writeln!(out, "{}/{problem}", instance.etc.display())?;
        }
    }
    let queue = check_queue(&instance.queue());
    for problem in &queue {
        writeln!(out, "{problem}")?;
    }
    for (program, answer) in programs::ask_all(instance) {
        match answer {
            Answer::Answers => writeln!(out, "{program}: answers")?,
            Answer::Down => writeln!(out, "{program}: does not run")?,
            Answer::Unknown(reason) => writeln!(out, "{program}: not known: {reason}")?,
        }
    }
    let count = problems.len() + queue.len();
    match count {
        0 => writeln!(out, "no problems")?,
        1 => writeln!(out, "1 problem")?,
        count => writeln!(out, "{count} problems")?,
    }
    Ok(if count == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(PROBLEMS)
    })
}

/// What is wrong with the queue's directories. One that we may not enter is none of our business.
fn check_queue(queue: &Path) -> Vec<String> {
    let top = match std::fs::metadata(queue) {
        Ok(top) => top,
        // The program queue makes it when it starts.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => return vec![format!("{}: unable to look: {error}", queue.display())],
    };
    let mut problems = Vec::new();
    if top.mode() & 0o022 != 0 {
        problems.push(format!(
            "{}: others than its owner may write to it; chmod go-w",
            queue.display()
        ));
    }
    let mut device = None;
    for place in Place::ALL {
        let path = queue.join(place.name());
        let data = match std::fs::symlink_metadata(&path) {
            Ok(data) => data,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound
                ) =>
            {
                continue;
            }
            Err(error) => {
                problems.push(format!("{}: unable to look: {error}", path.display()));
                continue;
            }
        };
        problems.extend(check_place(&path, place, &data, top.uid()));
        if *device.get_or_insert_with(|| data.dev()) != data.dev() {
            problems.push(format!("{}: on another file system than the rest of the queue; a message cannot be renamed into it", path.display()));
        }
    }
    problems
}

fn check_place(path: &Path, place: Place, data: &std::fs::Metadata, owner: u32) -> Vec<String> {
    let path = path.display();
    if !data.is_dir() {
        return vec![format!("{path}: not a directory")];
    }
    let mut problems = Vec::new();
    let mode = data.mode() & 0o7777;
    // drop/ is for everybody to leave messages in and for nobody to look at; it may belong to root.
    let is_drop = place == Place::Drop;
    if data.uid() != owner && !(is_drop && data.uid() == 0) {
        problems.push(format!(
            "{path}: belongs to user {} but the queue to user {owner}; chown it",
            data.uid()
        ));
    }
    if is_drop {
        if mode & 0o004 != 0 {
            problems.push(format!("{path}: everybody may list it; chmod o-r"));
        }
        if mode & 0o002 != 0 && mode & 0o1000 == 0 {
            problems.push(format!(
                "{path}: everybody may remove what others left in it; chmod +t"
            ));
        }
    } else {
        if mode & 0o007 != 0 {
            problems.push(format!(
                "{path}: open to everybody, mode {mode:o}; chmod o-rwx"
            ));
        }
        if mode & 0o020 != 0 {
            problems.push(format!("{path}: its group may write to it; chmod g-w"));
        }
    }
    problems
}
