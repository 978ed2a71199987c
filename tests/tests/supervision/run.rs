//! `init/run` as a person runs it, with nothing of the harness between.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use stafette_tests::address;
use stafette_tests::instance::{PORT, feed, root, signal};

/// A started `init/run`. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Run {
    folder: PathBuf,
    smtp: SocketAddrV4,
    child: Option<Child>,
    output: Option<BufReader<ChildStdout>>,
    errors: tempfile::NamedTempFile,
}

/// An empty folder that every user can enter.
pub(crate) fn folder() -> tempfile::TempDir {
    let folder = tempfile::Builder::new()
        .prefix("stafette-")
        .tempdir()
        .expect("a folder");
    set_mode(folder.path(), 0o755);
    folder
}

/// Says who may enter a folder.
pub(crate) fn set_mode(folder: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).expect("its mode");
}

/// Writes a file.
#[expect(
    clippy::disallowed_methods,
    reason = "a test's file needs no durability"
)]
pub(crate) fn put(file: &Path, text: &str) {
    std::fs::write(file, text).expect("a file");
}

/// A checkout that was built and that only root may write to: init/ and the programs.
pub(crate) fn copy_of_what_is_built() -> tempfile::TempDir {
    let copy = folder();
    let built =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let programs = copy.path().join("target/release");
    std::fs::create_dir_all(&programs).expect("a folder for the programs");
    let status = Command::new("cp")
        .arg("-R")
        .arg(root().join("init"))
        .arg(copy.path())
        .status();
    assert!(status.is_ok_and(|status| status.success()), "cp of init/");
    for entry in std::fs::read_dir(built.join("release"))
        .expect("the built programs")
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("staf") && !name.contains('.') {
            std::fs::copy(entry.path(), programs.join(name)).expect("a copy of a program");
        }
    }
    copy
}

impl Run {
    /// Starts it on a folder with further arguments.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Self {
        let program = root().join("init/run");
        Self::spawn(Command::new(program), folder, arguments)
    }

    /// Starts a copy of it as another user, who has no cargo.
    pub(crate) fn as_user(uid: u32, checkout: &Path, folder: &Path) -> Self {
        let mut command = Command::new("setpriv");
        let uid = uid.to_string();
        command.args(["--reuid", &uid, "--regid", &uid, "--clear-groups", "--"]);
        command.arg(checkout.join("init/run"));
        command
            .env_remove("CARGO_TARGET_DIR")
            .env("HOME", "/nonexistent");
        Self::spawn(command, folder, &[])
    }

    /// Starts nothing: stands for a folder whose instance is down.
    pub(crate) fn down(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            smtp: SocketAddrV4::new(address::fresh(), PORT),
            child: None,
            output: None,
            errors: tempfile::NamedTempFile::new().expect("a file"),
        }
    }

    fn spawn(mut command: Command, folder: &Path, arguments: &[&str]) -> Self {
        let mut run = Self::down(folder);
        let errors = run.errors.reopen().expect("a file");
        let mut child = command
            .arg("--dir")
            .arg(folder)
            .args(["--smtp", &run.smtp.to_string()])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .expect("init/run");
        run.output = child.stdout.take().map(BufReader::new);
        run.child = Some(child);
        run
    }

    /// Its next line on standard output, up to the line `ready`; empty if it ended.
    pub(crate) fn ready(&mut self) -> String {
        let mut line = String::new();
        let output = self.output.as_mut().expect("a started init/run");
        while matches!(output.read_line(&mut line), Ok(1..)) && !line.starts_with("ready") {
            line.clear();
        }
        line
    }

    /// What it said on standard error so far.
    pub(crate) fn errors(&self) -> String {
        std::fs::read_to_string(self.errors.path()).expect("its words")
    }

    /// Where it listens.
    pub(crate) fn smtp(&self) -> SocketAddrV4 {
        self.smtp
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.child.as_ref().expect("a started init/run").id(), name);
    }

    /// Waits for its end: its exit code, and the rest of its standard output.
    pub(crate) fn end(&mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        if let Some(mut output) = self.output.take() {
            output.read_to_string(&mut rest).expect("its output");
        }
        let mut child = self.child.take().expect("a started init/run");
        (child.wait().expect("its end").code(), rest)
    }

    /// Hands in mail as the user who runs the test.
    pub(crate) fn sendmail(&self, to: &str, message: &[u8]) {
        let mut command = Command::new(self.folder.join("bin/sendmail"));
        self.hand_in(command.arg(to), message);
    }

    /// Hands in mail as another user.
    pub(crate) fn sendmail_as(&self, uid: u32, to: &str, message: &[u8]) {
        let mut command = Command::new("setpriv");
        let uid = uid.to_string();
        command.args(["--reuid", &uid, "--regid", &uid, "--clear-groups", "--"]);
        command.arg(self.folder.join("bin/sendmail")).arg(to);
        self.hand_in(&mut command, message);
    }

    fn hand_in(&self, command: &mut Command, message: &[u8]) {
        let output = feed(command, message);
        assert!(
            output.status.success(),
            "{command:?}: {output:?}\n{}",
            self.errors()
        );
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            signal(child.id(), "TERM");
            drop(child.wait());
        }
    }
}
