//! The real program in an instance of its own, asked over its socket.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the whole file is a test"
)]

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use stafette_addr::Mailbox;
use stafette_sys::packet::Socket;
use stafette_sys::user::is_root;
use stafette_wire::envelope::Expanded;
use stafette_wire::users::{FromUsers, ToUsers};
use stafette_wire::{MAX_PACKET, Packet};

/// A number that no account of a machine has.
const STRANGER: u32 = 54_321;
const LIMIT: Duration = Duration::from_secs(20);

struct Users {
    place: tempfile::TempDir,
    child: Child,
}

impl Drop for Users {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Users {
    fn start(systemusers: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        for directory in [
            "",
            "etc",
            "etc/users",
            "run",
            "run/users",
            "spool",
            "spool/users",
        ] {
            let path = place.path().join(directory);
            std::fs::create_dir_all(&path).unwrap();
            std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
        }
        let table = "=joe:joe:1000:1000:/home/joe:::\n.\n";
        for (name, text) in [
            ("locals", "example.org\n"),
            ("users/assign", table),
            ("systemusers", systemusers),
        ] {
            let path = place.path().join("etc").join(name);
            File::create(&path)
                .unwrap()
                .write_all(text.as_bytes())
                .unwrap();
            std::fs::set_permissions(path, PermissionsExt::from_mode(0o644)).unwrap();
        }
        // As root the program would become a user that may be missing here: it is started as nobody in particular.
        let program = place.path().join("stafette-users");
        // By a process of its own: a writing descriptor here could live on in another test's child, and then the copy cannot run.
        let copied = Command::new("cp")
            .arg(env!("CARGO_BIN_EXE_stafette-users"))
            .arg(&program)
            .status()
            .unwrap();
        assert!(copied.success());
        let mut command = Command::new(program);
        if is_root() {
            for own in ["run/users", "spool/users"] {
                chown(place.path().join(own), Some(STRANGER), Some(STRANGER)).unwrap();
            }
            command.uid(STRANGER).gid(STRANGER);
        }
        command
            .env("STAFETTE_ETC", place.path().join("etc"))
            .env("STAFETTE_RUN", place.path().join("run"))
            .env("STAFETTE_SPOOL", place.path().join("spool"))
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        // A fork of another test may hold the copy open for writing for an instant.
        let child = loop {
            match command.spawn() {
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {}
                started => break started.unwrap(),
            }
        };
        Self { place, child }
    }

    fn socket(&self) -> PathBuf {
        self.place.path().join("run/users/socket")
    }

    fn connect(&mut self) -> Socket {
        loop {
            match Socket::connect_timeout(&self.socket(), LIMIT) {
                Ok(socket) => return socket,
                Err(_) => assert_eq!(self.child.try_wait().unwrap(), None, "it did not start"),
            }
        }
    }
}

fn receive(socket: &Socket) -> Option<FromUsers> {
    let mut buffer = vec![0; MAX_PACKET];
    match socket.recv(&mut buffer) {
        Ok((0, _)) => None,
        Ok((length, _)) => Some(FromUsers::decode(&buffer[..length]).unwrap()),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => None,
        Err(error) => panic!("{error}"),
    }
}

fn ask(socket: &Socket, seq: u32, mailbox: &str) {
    let mailbox = Mailbox::parse(mailbox.as_bytes()).unwrap();
    let question = ToUsers::Lookup {
        seq,
        mailbox,
        expanded: Expanded::No,
        forwarded: None,
    };
    socket.send(&question.encode(), &[]).unwrap();
}

#[test]
fn many_questions_on_one_connection_are_each_answered() {
    let mut users = Users::start("1\n");
    let socket = users.connect();
    for round in 0..200 {
        ask(&socket, 4 * round, "joe@example.org");
        ask(&socket, 4 * round + 1, "no-such-user-here@example.org");
        ask(&socket, 4 * round + 2, "joe@elsewhere.example");
        // No account of the system gets mail before one that people use.
        ask(&socket, 4 * round + 3, "daemon@example.org");
    }
    let mut left: Vec<u32> = (0..800).collect();
    while !left.is_empty() {
        let seq = match receive(&socket).unwrap() {
            FromUsers::Local { seq, account } if seq % 4 == 0 && account == "joe" => seq,
            FromUsers::NoSuchUser { seq } if seq % 2 == 1 => seq,
            FromUsers::Remote { seq, next_hop, .. }
                if seq % 4 == 2 && next_hop.line == "elsewhere.example" =>
            {
                seq
            }
            other => panic!("{other:?}"),
        };
        let before = left.len();
        left.retain(|each| *each != seq);
        assert_eq!(left.len() + 1, before, "{seq} twice");
    }
    socket.send(&ToUsers::Ping {}.encode(), &[]).unwrap();
    assert_eq!(receive(&socket), Some(FromUsers::Pong {}));
}

#[test]
fn who_makes_no_sense_is_cut_off_and_others_are_answered() {
    let mut users = Users::start("0\n");
    let good = users.connect();
    let null = File::open("/dev/null").unwrap();
    for (bytes, fds) in [
        (&b"garbage"[..], &[][..]),
        (b"P", &[null.as_fd()][..]),
        (b"L", &[]),
    ] {
        let bad = users.connect();
        bad.send(bytes, fds).unwrap();
        assert_eq!(receive(&bad), None);
    }
    ask(&good, 1, "jim@example.org");
    assert_eq!(receive(&good), Some(FromUsers::NoSuchUser { seq: 1 }));
}

#[test]
fn its_secret_is_made_before_it_answers_and_only_it_can_read_it() {
    let mut users = Users::start("0\n");
    let socket = users.connect();
    ask(&socket, 1, "joe@example.org");
    assert!(receive(&socket).is_some());
    let secret = users.place.path().join("spool/users/srs-secret");
    let data = std::fs::metadata(secret).unwrap();
    assert_eq!((data.permissions().mode() & 0o777, data.len()), (0o600, 65));
}
