//! One instance of Stafette in a folder, made and started by `init/run` as a person would.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use crate::namespace::Namespace;
use crate::{address, maildir, wait};

/// The checkout.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ is in the checkout")
        .to_owned()
}

/// A folder with an instance, up or down. Dropping it stops the instance and removes the folder.
pub struct Instance {
    folder: tempfile::TempDir,
    address: Ipv4Addr,
    arguments: Vec<String>,
    namespace: Option<Namespace>,
    running: Option<Child>,
}

/// Port of every instance, each on its own address.
pub const PORT: u16 = 2525;

impl Instance {
    /// Lays out an instance that is not started yet, with further arguments for init/run.
    #[must_use]
    pub fn new(arguments: &[&str]) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::Builder::new()
            .prefix("stafette-")
            .tempdir()
            .expect("a folder for the instance");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))
            .expect("chmod of the folder");
        let address = address::fresh();
        Self {
            folder,
            address,
            arguments: arguments
                .iter()
                .map(|&argument| argument.to_owned())
                .collect(),
            namespace: None,
            running: None,
        }
    }

    /// Starts an instance with further arguments for init/run, and waits until it is ready.
    #[must_use]
    pub fn started(arguments: &[&str]) -> Self {
        let mut instance = Self::new(arguments);
        instance.start();
        instance
    }

    /// Lets all its programs run in a mount namespace, from the next start on.
    pub fn run_in(&mut self, namespace: Namespace) {
        self.namespace = Some(namespace);
    }

    /// Starts it and waits for the line `ready`.
    pub fn start(&mut self) {
        let program = root().join("init/run");
        let mut command = match &self.namespace {
            Some(namespace) => namespace.command(program),
            None => Command::new(program),
        };
        let mut child = command
            .args([
                "--dir",
                self.path().to_str().expect("a folder in UTF-8"),
                "--smtp",
                &format!("{}:{PORT}", self.address),
            ])
            .args(&self.arguments)
            .env("STAFETTE_CLOCK", self.path().join("clock"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("init/run");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let ready = output
            .lines()
            .map_while(Result::ok)
            .any(|line| line.starts_with("ready"));
        self.running = Some(child);
        assert!(
            ready,
            "init/run ended without saying ready; logs:\n{}",
            self.logs()
        );
    }

    /// Stops it with SIGTERM and waits for its end.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.running.take() {
            signal(child.id(), "TERM");
            let status = child.wait().expect("init/run's end");
            assert!(
                status.success(),
                "init/run ended with {status}; logs:\n{}",
                self.logs()
            );
        }
    }

    /// Process id of what init/run became.
    #[must_use]
    pub fn supervisor(&self) -> u32 {
        self.running.as_ref().expect("a running instance").id()
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where it listens.
    #[must_use]
    pub fn smtp(&self) -> SocketAddrV4 {
        SocketAddrV4::new(self.address, PORT)
    }

    /// Writes a setting; programs that read it at start want [`Instance::stop`] and [`Instance::start`].
    pub fn set(&self, name: &str, value: &str) {
        let etc = self.path().join("etc");
        std::fs::create_dir_all(&etc).expect("etc");
        let file = etc.join(name);
        #[expect(
            clippy::disallowed_methods,
            reason = "a test's setting needs no durability"
        )]
        std::fs::write(&file, format!("{value}\n")).expect("a setting");
    }

    /// Moves the instance's clock this many seconds ahead of the real one.
    pub fn move_clock(&self, seconds: i64) {
        let new = self.path().join("clock.new");
        #[expect(
            clippy::disallowed_methods,
            reason = "a test's clock needs no durability"
        )]
        std::fs::write(&new, seconds.to_string()).expect("the clock");
        std::fs::rename(&new, self.path().join("clock")).expect("the clock");
    }

    /// Messages in the mailbox `name`.
    #[must_use]
    pub fn mail(&self, name: &str) -> Vec<Vec<u8>> {
        maildir::messages(&self.maildir(name))
    }

    /// The mailbox `name`.
    #[must_use]
    pub fn maildir(&self, name: &str) -> PathBuf {
        self.path().join("mail").join(name).join("Maildir")
    }

    /// Waits until the mailbox `name` has `count` messages, and gives them.
    #[must_use]
    pub fn wait_for_mail(&self, name: &str, count: usize) -> Vec<Vec<u8>> {
        wait::until(
            &format!("{count} messages for {name}; logs:\n{}", self.logs()),
            || Some(self.mail(name)).filter(|mail| mail.len() >= count),
        )
    }

    /// Waits until no message is in the queue.
    pub fn wait_until_empty(&self) {
        wait::until_true("an empty queue", || self.queued().is_empty());
    }

    /// Files of queued messages, wherever in the queue but drop/.
    #[must_use]
    pub fn queued(&self) -> Vec<PathBuf> {
        fn walk(directory: &Path, into: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    walk(&path, into);
                } else {
                    into.push(path);
                }
            }
        }
        let queue = self.path().join("spool/queue");
        let mut files = Vec::new();
        for place in ["tmp", "new", "cur", "hold", "bad"] {
            walk(&queue.join(place), &mut files);
        }
        files
    }

    /// Runs a command of bin/ with standard input.
    #[must_use]
    pub fn run(&self, command: &str, arguments: &[&str], input: &[u8]) -> Output {
        feed(
            Command::new(self.path().join("bin").join(command)).args(arguments),
            input,
        )
    }

    /// Hands a message to `sendmail`, which must accept it.
    pub fn sendmail(&self, arguments: &[&str], message: &[u8]) {
        let output = self.run("sendmail", arguments, message);
        assert!(
            output.status.success(),
            "sendmail {arguments:?}: {output:?}"
        );
    }

    /// What `mailq` prints.
    #[must_use]
    pub fn mailq(&self) -> String {
        let output = self.run("mailq", &[], b"");
        assert!(output.status.success(), "mailq: {output:?}");
        String::from_utf8(output.stdout).expect("mailq in UTF-8")
    }

    /// A program's log.
    #[must_use]
    pub fn log(&self, program: &str) -> String {
        std::fs::read(self.path().join("log").join(program))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// All logs, for a failing test.
    #[must_use]
    pub fn logs(&self) -> String {
        let mut all = String::new();
        for entry in std::fs::read_dir(self.path().join("log"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = entry.file_name().to_string_lossy().into_owned();
            let text = self.log(&name);
            let tail = text.lines().rev().take(12).collect::<Vec<_>>();
            all.push_str(&format!(
                "-- {name}\n{}\n",
                tail.into_iter().rev().collect::<Vec<_>>().join("\n")
            ));
        }
        all
    }

    /// Process ids of a program of this instance (parents and children).
    #[must_use]
    pub fn processes(&self, program: &str) -> Vec<u32> {
        let executable = self
            .path()
            .join("libexec")
            .join(format!("stafette-{program}"));
        std::fs::read_dir("/proc")
            .expect("/proc")
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|pid: &u32| {
                let started = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                let first = started.split(|byte| *byte == 0).next().unwrap_or_default();
                first == executable.as_os_str().as_encoded_bytes()
            })
            .collect()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("logs of {}:\n{}", self.path().display(), self.logs());
        }
        if let Some(mut child) = self.running.take() {
            signal(child.id(), "TERM");
            child.wait().expect("init/run's end");
        }
    }
}

/// Sends a signal to a process that a test started.
pub fn signal(pid: u32, name: &str) {
    Command::new("kill")
        .args([&format!("-{name}"), &pid.to_string()])
        .stderr(Stdio::null())
        .status()
        .expect("kill");
}

/// Runs a command with standard input and collects its output.
#[must_use]
pub fn feed(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command");
    let mut pipe = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    // Fed from beside, so that neither side waits for the other; a command that ends without reading all is its own business.
    let feeder = std::thread::spawn(move || drop(pipe.write_all(&input)));
    let output = child.wait_with_output().expect("the command's output");
    feeder.join().expect("the feeding thread");
    output
}
