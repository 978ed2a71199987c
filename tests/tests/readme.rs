//! The lines that the README tells people to type, typed.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use stafette_tests::{address, instance, tree, wait};

/// The folder that the README uses.
const FOLDER: &str = "/tmp/post";

/// The commands of the README's `console` block, in order.
fn commands() -> Vec<String> {
    let readme = tree::read(&tree::root().join("README.md"));
    let block = readme
        .split("```console\n")
        .nth(1)
        .expect("a console block");
    let block = block.split("```").next().unwrap_or_default();
    let lines = block.lines().filter_map(|line| line.strip_prefix("$ "));
    lines.map(str::to_owned).collect()
}

/// What was started in the background; it ends with the test.
struct Background(Child);

impl Background {
    /// Starts the instance and waits until it says `ready`.
    fn start(command: &str) -> Self {
        let mut child = shell(&format!("exec {command}"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let background = Self(child);
        let is_ready = output
            .lines()
            .map_while(Result::ok)
            .any(|line| line.starts_with("ready"));
        assert!(is_ready, "{command} ended without saying ready");
        background
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        instance::signal(self.0.id(), "TERM");
        drop(self.0.wait());
    }
}

/// A shell in the checkout, as somebody has it who just cloned it.
fn shell(command: &str) -> Command {
    let mut bash = Command::new("bash");
    bash.args(["-c", command])
        .current_dir(tree::root())
        .stdin(Stdio::null());
    bash
}

/// What a command prints; none if it failed.
fn printed(command: &str) -> Option<String> {
    let output = shell(command)
        .stderr(Stdio::inherit())
        .output()
        .expect("bash");
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The command with our folder instead of the README's.
fn in_folder(command: &str, folder: &Path) -> String {
    assert!(
        command.contains(FOLDER),
        "{command:?} uses another folder than {FOLDER}"
    );
    command.replace(FOLDER, folder.to_str().expect("a folder in UTF-8"))
}

#[test]
fn what_the_readme_says_to_type_delivers_the_letter() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::Builder::new()
        .prefix("stafette-readme-")
        .tempdir()
        .expect("a folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("chmod");
    let mut background = None;
    let mut letters = 0;
    for command in commands() {
        let command = in_folder(&command, folder.path());
        if let Some(command) = command.strip_suffix(" &") {
            // On an address of this test's own, since 127.0.0.1:2525 may be somebody's.
            background = Some(Background::start(&format!(
                "{command} --smtp {}:2525",
                address::fresh()
            )));
        } else if command.starts_with("cat ") {
            // Delivery takes a moment; a person types slower.
            let letter = wait::until("the letter", || printed(&format!("{command} 2>/dev/null")));
            assert!(
                letter.contains("Subject: hello\n") && letter.contains("\nFirst letter.\n"),
                "{letter}"
            );
            letters += 1;
        } else {
            let text = printed(&command);
            assert!(text.is_some(), "{command} failed");
            if command.ends_with("/mailq") {
                assert_eq!(text.as_deref(), Some("Mail queue is empty\n"));
            }
        }
    }
    assert!(
        background.is_some() && letters == 1,
        "the README starts an instance and shows one letter"
    );
}
