//! A machine of a test's own to install on: /etc, /usr, /var, /home and /run of this one with changes that nobody else sees, its own network,
//! host name and processes. Dropping it ends all of it.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use crate::instance::{feed, signal};
use crate::skip;

/// Its host name.
pub const HOST: &str = "host.stafette.test";
/// The user with a home.
pub const USER: &str = "alice";

/// Layers are written to memory. No file of another mail system's service may start here, and no service of a package's.
const SETUP: &str = r"
top=$(mktemp -d) && mount -t tmpfs -o mode=755 tmpfs $top || exit 1
for d in etc usr var home; do
  mkdir -p $top/$d/new $top/$d/work && mount -t overlay overlay -o lowerdir=/$d,upperdir=$top/$d/new,workdir=$top/$d/work /$d || exit 1
done
mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/lock || exit 1
hostname host.stafette.test && ip link set lo up || exit 1
rm -rf /etc/stafette /etc/service /etc/mailname /var/spool/stafette && mkdir /etc/service || exit 1
printf 'postmaster: alice\nroot: alice\n' >/etc/aliases
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d
getent passwd alice >/dev/null || useradd --create-home --shell /bin/sh alice || exit 1
echo ready
exec sleep infinity
";

/// The machine, up until it is dropped.
pub struct Machine {
    /// Holds the namespaces.
    child: Child,
    /// The process in them.
    inner: u32,
}

impl Machine {
    /// Starts one; `None` if this host has no such namespaces, which is said, or fails the test where it may not be skipped.
    #[must_use]
    pub fn start() -> Option<Self> {
        if !skip::unless_root() {
            return None;
        }
        let mut child = Command::new("unshare")
            .args(["--mount", "--pid", "--net", "--uts", "--ipc", "--fork"])
            .args(["--kill-child", "--mount-proc", "sh", "-c", SETUP])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare");
        let mut line = String::new();
        let out = child.stdout.take().expect("a pipe");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let children = format!("/proc/{0}/task/{0}/children", child.id());
        let inner = std::fs::read_to_string(children).unwrap_or_default();
        let machine = Self {
            inner: inner.trim().parse().unwrap_or_default(),
            child,
        };
        let is_ready = line == "ready\n" && machine.inner != 0;
        skip::unless(is_ready, "namespaces with overlay file systems").then_some(machine)
    }

    /// A path as it is there.
    #[must_use]
    pub fn path(&self, path: &str) -> PathBuf {
        format!("/proc/{}/root{path}", self.inner).into()
    }

    /// Runs a shell script there, as root, with the checkout as its directory and in `$0`.
    #[must_use]
    pub fn run(&self, script: &str, input: &[u8]) -> Output {
        feed(&mut self.command(script), input)
    }

    /// Runs a shell script that must succeed, and gives what it said.
    pub fn must(&self, script: &str) -> String {
        let output = self.run(script, b"");
        let said = text(&output);
        assert!(output.status.success(), "{script}: {said}");
        said
    }

    /// Starts a shell script there that lives on.
    pub fn spawn(&self, script: &str) {
        let spawned = self
            .command(&format!("({script}) >/run/spawned 2>&1 </dev/null &"))
            .status();
        assert!(spawned.expect("nsenter").success(), "{script}");
    }

    /// Hands in a message there, as the user, by /usr/sbin/sendmail.
    pub fn sendmail(&self, subject: &str) {
        let script = format!(
            "exec setpriv --reuid={USER} --regid={USER} --init-groups /usr/sbin/sendmail -i {USER}"
        );
        let output = self.run(&script, format!("Subject: {subject}\n\nbody\n").as_bytes());
        assert!(output.status.success(), "{}", text(&output));
    }

    /// The user's mail.
    #[must_use]
    pub fn mail(&self) -> Vec<String> {
        let new = self.path(&format!("/home/{USER}/Maildir/new"));
        let files = std::fs::read_dir(new).into_iter().flatten().flatten();
        files.map(|file| crate::file::read(&file.path())).collect()
    }

    /// Waits until the user has a message with this subject.
    pub fn wait_for(&self, subject: &str) -> String {
        let line = format!("\nSubject: {subject}\n");
        crate::wait::until(&format!("mail with the subject {subject}"), || {
            self.mail().into_iter().find(|mail| mail.contains(&line))
        })
    }

    fn command(&self, script: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--target", &self.inner.to_string()])
            .args(["--mount", "--pid", "--net", "--uts", "--ipc"])
            .args(["sh", "-c"])
            .arg(format!("cd \"$0\" && {{ {script}\n}}"))
            .arg(crate::instance::root());
        command
    }
}

/// All that a program said.
#[must_use]
pub fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

impl Drop for Machine {
    fn drop(&mut self) {
        // The first process of a process namespace takes all others with it.
        signal(self.child.id(), "KILL");
        drop(self.child.wait());
    }
}
