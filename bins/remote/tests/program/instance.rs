//! A remote in a folder of its own, with a resolve that answers from a table.

use std::collections::HashMap;
use std::fs::Permissions;
use std::net::IpAddr;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use stafette_sys::packet::{Listener, MAX_PACKET, Socket};
use stafette_sys::user;
use stafette_wire::Packet;
use stafette_wire::resolve::{Exchanger, FromResolve, ToResolve};

const NOBODY: u32 = 65_534;

/// What the DNS says: exchangers of domains, addresses of hosts.
#[derive(Default, Clone)]
pub(crate) struct Names {
    exchangers: HashMap<String, Vec<Exchanger>>,
    addresses: HashMap<String, Vec<IpAddr>>,
}

impl Names {
    pub(crate) fn mx(mut self, domain: &str, preference: u16, host: &str) -> Self {
        let host = host.to_owned();
        let list = self.exchangers.entry(domain.to_owned()).or_default();
        list.push(Exchanger { preference, host });
        self
    }

    pub(crate) fn host(mut self, host: &str, ip: &str) -> Self {
        let list = self.addresses.entry(host.to_owned()).or_default();
        list.push(ip.parse().unwrap());
        self
    }

    fn answer(&self, question: ToResolve) -> FromResolve {
        match question {
            ToResolve::Ping {} => FromResolve::Pong {},
            ToResolve::Name { seq, .. } => FromResolve::Name { seq, name: None },
            ToResolve::Exchangers { seq, domain } => match self.exchangers.get(&domain) {
                Some(list) => FromResolve::Exchangers {
                    seq,
                    exchangers: list.clone(),
                },
                None => FromResolve::NoSuchName { seq },
            },
            ToResolve::Addresses { seq, host } => match self.addresses.get(&host) {
                Some(list) => FromResolve::Addresses {
                    seq,
                    addresses: list.clone(),
                },
                None => FromResolve::NoSuchName { seq },
            },
        }
    }
}

/// A running remote.
pub(crate) struct Instance {
    folder: tempfile::TempDir,
    child: Child,
    moved: u32,
}

impl Instance {
    pub(crate) fn new() -> Self {
        Self::with(Names::default(), &[])
    }

    /// With these answers of the DNS and these control files.
    pub(crate) fn with(names: Names, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for directory in ["etc", "run", "spool", "spool/tables"] {
            std::fs::create_dir(folder.path().join(directory)).unwrap();
        }
        write(&folder.path().join("etc/me"), "us.example\n");
        for (name, value) in settings {
            write(&folder.path().join("etc").join(name), value);
        }
        write(&folder.path().join("clock"), "0");
        serve(&folder.path().join("run/resolve/socket"), names);
        let child = start(&folder);
        let instance = Self {
            folder,
            child,
            moved: 0,
        };
        instance.connect();
        instance
    }

    /// Where send connects.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("run/remote/socket")
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a control file or table.
    pub(crate) fn set(&self, name: &str, value: &str) {
        write(&self.folder.path().join("etc").join(name), value);
    }

    /// Takes a control file or table away.
    pub(crate) fn unset(&self, name: &str) {
        std::fs::remove_file(self.folder.path().join("etc").join(name)).unwrap();
    }

    /// A new connection, as send makes it.
    pub(crate) fn connect(&self) -> Socket {
        let path = self.socket();
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            match Socket::connect(&path) {
                Ok(socket) => return socket,
                Err(error) => assert!(Instant::now() < end, "{error}"),
            }
            thread::yield_now();
        }
    }

    /// Moves the program's clock forward.
    pub(crate) fn later(&mut self, seconds: u32) {
        self.moved += seconds;
        let new = self.folder.path().join("clock.new");
        write(&new, &self.moved.to_string());
        std::fs::rename(&new, self.folder.path().join("clock")).unwrap();
    }

    /// Process numbers of its workers.
    pub(crate) fn workers(&self) -> Vec<i32> {
        let pid = self.child.id();
        let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        let numbers = list.split_ascii_whitespace();
        numbers.map(|number| number.parse().unwrap()).collect()
    }

    /// Sends the program a signal and waits for its end; how it ended.
    pub(crate) fn end(&mut self, signal: &str) -> Option<i32> {
        let pid = self.child.id().to_string();
        Command::new("kill").args([signal, &pid]).status().unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn start(folder: &tempfile::TempDir) -> Child {
    let built = Path::new(env!("CARGO_BIN_EXE_stafette-remote"));
    spawn(folder, built).unwrap_or_else(|_| {
        // Others may not reach what root has built.
        let copy = folder.path().join("stafette-remote");
        // By a process of its own: a writing descriptor here could live on in another test's child, and then the copy cannot run.
        let copied = Command::new("cp").arg(built).arg(&copy).status().unwrap();
        assert!(copied.success());
        spawn(folder, &copy).unwrap()
    })
}

fn spawn(folder: &tempfile::TempDir, program: &Path) -> std::io::Result<Child> {
    let mut command = Command::new(program);
    if user::is_root() {
        // The service users need not exist here: as anybody else the program stays who it is.
        command.uid(NOBODY).gid(NOBODY);
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        chown(folder.path().join("run"), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    command
        .env("STAFETTE_ETC", folder.path().join("etc"))
        .env("STAFETTE_SPOOL", folder.path().join("spool"))
        .env("STAFETTE_RUN", folder.path().join("run"))
        .env("STAFETTE_CLOCK", folder.path().join("clock"))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// Answers every question from the table, until the test ends.
fn serve(path: &Path, names: Names) {
    let listener = Listener::bind(&PathBuf::from(path), 0o666).unwrap();
    thread::spawn(move || {
        while let Ok(socket) = listener.accept() {
            let names = names.clone();
            thread::spawn(move || {
                let mut buffer = vec![0; MAX_PACKET];
                while let Ok((length @ 1.., _)) = socket.recv(&mut buffer) {
                    let question = ToResolve::decode(&buffer[..length]).unwrap();
                    let answer = names.answer(question);
                    socket.send(&answer.encode(), &[]).unwrap();
                }
            });
        }
    });
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test's file needs no durability"
)]
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}
