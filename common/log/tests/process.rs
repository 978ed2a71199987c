//! A process that logs, seen from outside: what stands on its descriptor 2.

use stafette_log::{Event, Sink, event, open};
use std::fs::File;
use std::io::{self, Read as _};
use std::process::{Child, Command, Stdio};

const ROLE: &str = "STAFETTE_LOG_TEST_LINES";

/// Not a test of its own: what the other tests start, a process that logs as many lines as it is told.
#[test]
fn writer() {
    let Some(lines) = std::env::var(ROLE)
        .ok()
        .and_then(|count| count.parse::<u32>().ok())
    else {
        return;
    };
    open("stafette-test", Sink::Stderr);
    for number in 0..lines {
        event(
            Event::MessageRemoved,
            Some("abc"),
            &[("age", number.to_string().as_bytes())],
        );
    }
}

fn start(lines: u32, stderr: Stdio) -> io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["--exact", "writer", "--nocapture"])
        .env(ROLE, lines.to_string());
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr)
        .spawn()
}

#[test]
fn a_line_in_a_file_has_a_stamp() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("log");
    let mut child = start(2, File::create(&path).expect("created").into()).expect("started");
    assert!(child.wait().expect("ended").success());
    let text = std::fs::read_to_string(path).expect("read");
    let lines: Vec<_> = text
        .lines()
        .map(|line| line.split_once(' ').expect("a stamp"))
        .collect();
    assert_eq!(
        lines.iter().map(|line| line.1).collect::<Vec<_>>(),
        [
            "id=abc message-removed age=0",
            "id=abc message-removed age=1"
        ]
    );
    assert!(
        lines
            .iter()
            .all(|line| line.0.len() == 27 && line.0.ends_with('Z')),
        "{text}"
    );
}

#[test]
fn a_line_in_a_pipe_has_none() {
    let mut child = start(1, Stdio::piped()).expect("started");
    let mut text = String::new();
    child
        .stderr
        .take()
        .expect("piped")
        .read_to_string(&mut text)
        .expect("read");
    assert!(child.wait().expect("ended").success());
    assert_eq!(text, "id=abc message-removed age=0\n");
}

#[test]
fn a_reader_that_has_stopped_does_not_stop_the_program() {
    let mut child = start(20_000, Stdio::piped()).expect("started");
    // Nobody reads, more is written than a pipe holds, and the process ends all the same.
    assert!(child.wait().expect("ended").success());
    let mut text = String::new();
    child
        .stderr
        .take()
        .expect("piped")
        .read_to_string(&mut text)
        .expect("read");
    assert!(text.starts_with("id=abc message-removed age=0\n") && text.ends_with('\n'));
    assert!(text.lines().count() < 20_000);
}
