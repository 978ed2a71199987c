//! Accounts with homes that exist for one instance only: it runs in a mount namespace with its own /etc.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::instance::{Instance, feed};
use crate::namespace::{Namespace, enter};
use crate::{file, maildir, skip, wait};

/// An instance with accounts of people, each with a home and a Maildir in it.
pub struct Town {
    /// The instance, not started by [`Town::new`]. The system's sendmail is its own for all that it runs.
    pub instance: Instance,
    names: Vec<String>,
}

/// User id of the first of them.
const FIRST: u32 = 61_001;

impl Town {
    /// Lays out an instance with accounts of these names, which is not started yet.
    #[must_use]
    pub fn new(names: &[&str], arguments: &[&str]) -> Self {
        make_services();
        let mut instance = Instance::new(arguments);
        instance.set("systemusers", "1");
        // All of /etc: a mount on one file of it would be gone as soon as somebody outside replaces that file.
        let etc = instance.path().join("ours/etc");
        copy_etc(&etc);
        let mut passwd = file::read(&etc.join("passwd"));
        let mut group = file::read(&etc.join("group"));
        for (name, uid) in names.iter().zip(FIRST..) {
            let home = instance.path().join("home").join(name);
            passwd.push_str(&format!(
                "{name}:x:{uid}:{uid}:{name}:{}:/bin/sh\n",
                home.display()
            ));
            group.push_str(&format!("{name}:x:{uid}:\n"));
            for directory in ["", "Maildir", "Maildir/tmp", "Maildir/new", "Maildir/cur"] {
                let directory = home.join(directory);
                file::directory(&directory, 0o755);
                file::give(&directory, uid);
            }
        }
        file::put(&etc.join("passwd"), passwd);
        file::put(&etc.join("group"), group);
        let namespace = Namespace::with_sendmail(&instance).with(&etc, "/etc");
        instance.run_in(namespace);
        Self {
            instance,
            names: names.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    /// [`Town::new`], started.
    #[must_use]
    pub fn started(names: &[&str], arguments: &[&str]) -> Self {
        let mut town = Self::new(names, arguments);
        town.instance.start();
        town
    }

    /// Whether a test may go on that needs people.
    #[must_use]
    pub fn possible() -> bool {
        skip::unless_root() && crate::namespace::unless_possible()
    }

    /// User and group id of a person.
    #[must_use]
    pub fn uid(&self, name: &str) -> u32 {
        let at = self
            .names
            .iter()
            .position(|other| other == name)
            .expect("a person");
        FIRST + u32::try_from(at).expect("few people")
    }

    /// A person's home.
    #[must_use]
    pub fn home(&self, name: &str) -> PathBuf {
        self.instance.path().join("home").join(name)
    }

    /// Writes a file in a person's home that only they may write.
    pub fn put(&self, name: &str, path: &str, content: impl AsRef<[u8]>) {
        let path = self.home(name).join(path);
        file::put(&path, content);
        file::mode(&path, 0o600);
        file::give(&path, self.uid(name));
    }

    /// Text of a file in a person's home; empty if it is not there.
    #[must_use]
    pub fn read(&self, name: &str, path: &str) -> String {
        file::read(&self.home(name).join(path))
    }

    /// Messages in a person's Maildir.
    #[must_use]
    pub fn mail(&self, name: &str) -> Vec<String> {
        self.mail_in(name, "Maildir")
    }

    /// Messages in a person's Maildir of this name.
    #[must_use]
    pub fn mail_in(&self, name: &str, directory: &str) -> Vec<String> {
        maildir::messages(&self.home(name).join(directory))
            .iter()
            .map(|message| String::from_utf8_lossy(message).into_owned())
            .collect()
    }

    /// Waits until a person's Maildir has so many messages, and gives them.
    #[must_use]
    pub fn wait_for_mail(&self, name: &str, count: usize) -> Vec<String> {
        self.wait_for_mail_in(name, "Maildir", count)
    }

    /// Waits until a person's Maildir of this name has so many messages, and gives them.
    #[must_use]
    pub fn wait_for_mail_in(&self, name: &str, directory: &str, count: usize) -> Vec<String> {
        wait::until(
            &format!(
                "{count} messages for {name} in {directory}; logs:\n{}",
                self.instance.logs()
            ),
            || Some(self.mail_in(name, directory)).filter(|mail| mail.len() >= count),
        )
    }

    /// Runs a program as a person, in the instance's namespace.
    #[must_use]
    pub fn run_as(&self, name: &str, program: &str, arguments: &[&str], input: &[u8]) -> Output {
        let uid = self.uid(name).to_string();
        let mut command = enter(self.instance.supervisor(), "setpriv");
        command
            .args([
                "--reuid",
                &uid,
                "--regid",
                &uid,
                "--clear-groups",
                "--",
                program,
            ])
            .args(arguments)
            .env("HOME", self.home(name))
            .env("USER", name)
            .env("LOGNAME", name);
        feed(&mut command, input)
    }
}

/// Copies the system's /etc.
fn copy_etc(to: &Path) {
    file::directory(to.parent().expect("a directory above"), 0o755);
    let status = Command::new("cp").args(["-a", "/etc"]).arg(to).status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "a copy of /etc"
    );
}

/// Makes the users of the services, which cannot be made in the namespace.
fn make_services() {
    let root = crate::instance::root();
    let status = Command::new("bash")
        .args([
            "-c",
            ". init/lib/users.sh && make_users init/users && make_demo_user",
        ])
        .current_dir(root)
        .status()
        .expect("bash");
    assert!(status.success(), "the users of the services: {status}");
}
