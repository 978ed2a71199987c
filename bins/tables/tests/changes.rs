//! The real program in an instance of its own: it notices what changes, and keeps what works.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the whole file is a test"
)]

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use stafette_control::Instance;
use stafette_sys::packet::Socket;
use stafette_sys::poll;
use stafette_sys::user::is_root;
use stafette_table::{Table, Tables};
use stafette_wire::tables::{FromTables, ToTables};
use stafette_wire::{MAX_PACKET, Packet as _};

/// A number that no account of a machine has.
const STRANGER: u32 = 54_322;
const LIMIT: Duration = Duration::from_secs(20);

struct House {
    place: tempfile::TempDir,
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl House {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        for name in ["", "etc", "run", "run/tables", "spool", "spool/tables"] {
            let path = place.path().join(name);
            std::fs::create_dir_all(&path).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
            if is_root() && name.ends_with("tables") {
                chown(path, Some(STRANGER), Some(STRANGER)).unwrap();
            }
        }
        // By a process of its own: a writing descriptor here could live on in another test's child, and then the copy cannot run.
        let copied = Command::new("cp")
            .arg(env!("CARGO_BIN_EXE_stafette-tables"))
            .arg(place.path().join("stafette-tables"))
            .status()
            .unwrap();
        assert!(copied.success());
        Self { place }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn instance(&self) -> Instance {
        Instance {
            etc: self.path("etc"),
            spool: self.path("spool"),
            run: self.path("run"),
        }
    }

    /// By renaming, as editors do: no program ever sees half a text.
    fn write(&self, name: &str, text: &str) {
        let new = self.path("etc/.new");
        let mut file = File::create(&new).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        std::fs::set_permissions(&new, PermissionsExt::from_mode(0o644)).unwrap();
        std::fs::rename(new, self.path("etc").join(name)).unwrap();
    }

    /// As root the program would become a user that may be missing here: it is started as nobody in particular.
    fn command(&self) -> Command {
        let mut command = Command::new(self.path("stafette-tables"));
        if is_root() {
            command.uid(STRANGER).gid(STRANGER);
        }
        command
            .env("STAFETTE_ETC", self.path("etc"))
            .env("STAFETTE_RUN", self.path("run"))
            .env("STAFETTE_SPOOL", self.path("spool"))
            .stdin(Stdio::null());
        command
    }

    fn start(&self) -> Running {
        let log = File::create(self.path("log")).unwrap();
        let mut command = self.command();
        command.stderr(log);
        // A fork of another test may hold the copy open for writing for an instant.
        loop {
            match command.spawn() {
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {}
                started => return Running(started.unwrap()),
            }
        }
    }

    fn once(&self) -> Output {
        loop {
            match self.command().arg("once").output() {
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {}
                output => return output.unwrap(),
            }
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap()
    }

    fn root(&self) -> Option<String> {
        let tables = Tables::open(&self.instance());
        let entry = tables.get(Table::Aliases, "root").ok()??;
        Some(entry.value)
    }

    /// Asks as newaliases does: the lines, and whether all is good.
    fn ask(&self) -> (Vec<String>, bool) {
        let socket = connect(&self.path("run/tables/socket"));
        socket.send(&ToTables::Compile {}.encode(), &[]).unwrap();
        let mut lines = Vec::new();
        loop {
            match receive(&socket) {
                Some(FromTables::Line { text }) => lines.push(text),
                Some(FromTables::Done { good }) => return (lines, good),
                other => panic!("{other:?}"),
            }
        }
    }
}

fn connect(path: &Path) -> Socket {
    let start = Instant::now();
    loop {
        match Socket::connect_timeout(path, LIMIT) {
            Ok(socket) => return socket,
            Err(error) => assert!(start.elapsed() < LIMIT, "{error}"),
        }
    }
}

fn receive(socket: &Socket) -> Option<FromTables> {
    let mut buffer = vec![0; MAX_PACKET];
    let (length, _) = socket.recv(&mut buffer).unwrap();
    (length > 0).then(|| FromTables::decode(buffer.get(..length).unwrap()).unwrap())
}

fn until(what: &str, happened: impl Fn() -> bool) {
    let start = Instant::now();
    while !happened() {
        assert!(start.elapsed() < LIMIT, "waited in vain for {what}");
        // Nothing is readable here: a pause without a busy loop.
        drop(poll::any_readable(&[], Some(Duration::from_millis(20))));
    }
}

#[test]
fn a_changed_text_is_noticed_and_a_broken_one_leaves_the_old_in_force() {
    let house = House::new();
    house.write("aliases", "root: joe\n");
    let _running = house.start();
    until("the first table", || house.root().as_deref() == Some("joe"));
    house.write("aliases", "root: ann\n");
    until("the change", || house.root().as_deref() == Some("ann"));
    house.write("aliases", "root: bob\nthis is no line\n");
    until("the log", || house.log().contains("setting-bad"));
    let log = house.log();
    assert!(log.contains("file=aliases line=2"), "{log}");
    assert_eq!(house.root().as_deref(), Some("ann"));
    let (lines, good) = house.ask();
    assert!(!good, "{lines:?}");
    assert!(
        lines.iter().any(|line| line.starts_with("aliases:2: ")),
        "{lines:?}"
    );
    house.write("aliases", "root: bob\n");
    until("the repair", || house.root().as_deref() == Some("bob"));
    assert_eq!(house.log().matches("event=").count(), 0, "{}", house.log());
    assert!(
        house
            .log()
            .contains("table-compiled table=aliases entries=1"),
        "{}",
        house.log()
    );
    std::fs::remove_file(house.path("etc/aliases")).unwrap();
    until("the end", || {
        !house.path("spool/tables/aliases.cdb").exists()
    });
}

#[test]
fn who_asks_has_the_new_table_at_once() {
    let house = House::new();
    let _running = house.start();
    assert_eq!(house.ask(), (vec![], true));
    for name in ["joe", "ann", "bob"] {
        house.write("aliases", &format!("root: {name}\n"));
        let (lines, good) = house.ask();
        assert!(good, "{lines:?}");
        assert_eq!(lines, ["aliases: 1 entry"]);
        assert_eq!(house.root().as_deref(), Some(name));
    }
}

#[test]
fn garbage_is_cut_off_and_the_others_are_answered() {
    let house = House::new();
    let _running = house.start();
    let bad = connect(&house.path("run/tables/socket"));
    bad.send(b"garbage", &[]).unwrap();
    assert_eq!(receive(&bad), None);
    let good = connect(&house.path("run/tables/socket"));
    good.send(&ToTables::Ping {}.encode(), &[]).unwrap();
    assert_eq!(receive(&good), Some(FromTables::Pong {}));
}

#[test]
fn without_a_service_it_compiles_once_and_says_what_is_wrong() {
    let house = House::new();
    house.write("aliases", "root: joe\n");
    house.write("access", "10 REJECT\n");
    let output = house.once();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stdout, b"aliases: 1 entry\naccess: 1 entry\n");
    house.write("access", "10 PERHAPS\n");
    let output = house.once();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("access:1: no such action; "), "{said}");
}

#[test]
fn what_cannot_be_compiled_is_told_once_and_tried_again() {
    let house = House::new();
    std::fs::create_dir(house.path("etc/aliases")).unwrap();
    let _running = house.start();
    until("the log", || house.log().contains("setting-bad"));
    let (lines, good) = house.ask();
    assert!(!good && house.ask() == (lines, false));
    assert_eq!(house.log().matches("setting-bad").count(), 1);
    std::fs::remove_dir(house.path("etc/aliases")).unwrap();
    house.write("aliases", "root: joe\n");
    until("the table", || house.root().as_deref() == Some("joe"));
}
