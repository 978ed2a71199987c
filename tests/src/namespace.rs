//! Mount namespaces: files of a test's own in place of the system's, for programs that were built with fixed paths.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::instance::Instance;
use crate::{file, skip};

/// What stands in place of what, for the processes that are started with it and their children.
#[derive(Debug, Clone, Default)]
pub struct Namespace {
    binds: Vec<(PathBuf, PathBuf)>,
}

/// Mounts each pair, then becomes the program.
const MOUNT: &str = r#"while [ "$1" != -- ]; do mount --bind "$1" "$2" || exit 125; shift 2; done; shift; exec "$@""#;

impl Namespace {
    /// Nothing in place of anything yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a file or directory in the place of another, which must exist.
    #[must_use]
    pub fn with(mut self, ours: &Path, place: &str) -> Self {
        self.binds.push((ours.to_owned(), place.into()));
        self
    }

    /// Puts a new directory of the instance in the place of one of the system's.
    #[must_use]
    pub fn with_directory(self, instance: &Instance, place: &str, bits: u32) -> Self {
        let ours = instance.path().join("ours").join(place.replace('/', "_"));
        file::directory(&ours, bits);
        self.with(&ours, place)
    }

    /// Puts the instance's command `name` in the place of the system's /usr/sbin/NAME. The instance need not have been started before.
    #[must_use]
    pub fn with_command(self, instance: &Instance, name: &str) -> Self {
        let ours = instance.path().join("ours").join(name);
        let bin = instance.path().join("bin").join(name);
        file::script(&ours, &format!("exec '{}' \"$@\"", bin.display()));
        self.with(&ours, &format!("/usr/sbin/{name}"))
    }

    /// A namespace in which the system's sendmail is the instance's.
    #[must_use]
    pub fn with_sendmail(instance: &Instance) -> Self {
        Self::new().with_command(instance, "sendmail")
    }

    /// A command that runs a program in a namespace like this. It keeps its process id.
    #[must_use]
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", MOUNT, "sh"]);
        for (ours, place) in &self.binds {
            command.args([ours, place]);
        }
        command.arg("--").arg(program.as_ref());
        command
    }

    /// Starts a program and whatever it starts in such a namespace with process ids of its own; all end together.
    #[must_use]
    pub fn start(&self, program: &str, arguments: &[&str]) -> Alone {
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork", "--kill-child", "--"]);
        let inner = self.command(program);
        command.arg(inner.get_program()).args(inner.get_args());
        let child = command
            .args(arguments)
            .stdin(Stdio::null())
            .spawn()
            .expect("unshare");
        Alone(child)
    }
}

/// A program with its children. Dropping it ends them all.
pub struct Alone(Child);

impl Drop for Alone {
    fn drop(&mut self) {
        // unshare leaves milder signals to what it started.
        crate::instance::signal(self.0.id(), "KILL");
        drop(self.0.wait());
    }
}

/// Whether a test may go on that needs mount namespaces.
#[must_use]
pub fn unless_possible() -> bool {
    let possible = skip::is_root()
        && Command::new("unshare")
            .args(["--mount", "--pid", "--fork", "true"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
    skip::unless(possible, "root with mount namespaces")
}

/// A command in the namespace of a running process.
#[must_use]
pub fn enter(pid: u32, program: &str) -> Command {
    let mut command = Command::new("nsenter");
    command.args(["--mount", "--target", &pid.to_string(), "--", program]);
    command
}
