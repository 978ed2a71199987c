//! A folder with settings, and the other programs as threads.

use std::io::Write as _;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use stafette_control::Instance;
use stafette_sys::packet::{Listener, MAX_PACKET, Socket};
use stafette_wire::operator::{FromSend, ToSend};
use stafette_wire::resolve::{FromResolve, ToResolve};
use stafette_wire::submission::{FromQueue, ToQueue};
use stafette_wire::users::{FromUsers, ToUsers};
use stafette_wire::{Packet, QueueId};

const NOBODY: u32 = 65_534;

/// What the other programs were told.
#[derive(Debug, Default, Clone)]
pub(crate) struct Told {
    /// Recipients of each message that was committed.
    pub(crate) queued: Vec<Vec<String>>,
    /// What came for queue outside of a message.
    pub(crate) stray: usize,
    /// Names of clients, as their messages carried them.
    pub(crate) names: Vec<String>,
    /// Domains that send was to try.
    pub(crate) flushed: Vec<String>,
    /// Addresses whose names were asked for.
    pub(crate) looked_up: Vec<IpAddr>,
}

/// An instance in a folder.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    told: Arc<Mutex<Told>>,
}

impl Place {
    /// With these control files, the table access compiled.
    pub(crate) fn with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for directory in ["etc", "run", "spool", "spool/tables"] {
            std::fs::create_dir(folder.path().join(directory)).unwrap();
        }
        let place = Self {
            folder,
            told: Arc::default(),
        };
        place.set("me", "stafette.test");
        for (name, value) in settings {
            place.set(name, value);
        }
        place.compile();
        place.serve("queue", queue);
        place.serve("users", users);
        place.serve("resolve", resolve);
        place.serve("send", send);
        for directory in [
            "",
            "run",
            "run/queue",
            "run/users",
            "run/resolve",
            "run/send",
        ] {
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(place.at(directory), mode).unwrap();
        }
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a test's setting needs no durability"
    )]
    pub(crate) fn set(&self, name: &str, value: &str) {
        std::fs::write(self.at("etc").join(name), format!("{value}\n")).unwrap();
    }

    /// As the program tables does.
    pub(crate) fn compile(&self) {
        let instance = Instance {
            etc: self.at("etc"),
            spool: self.at("spool"),
            run: self.at("run"),
        };
        drop(stafette_table::compile(&instance, false));
    }

    pub(crate) fn told(&self) -> Told {
        self.told.lock().unwrap().clone()
    }

    fn serve(&self, name: &str, attend: fn(&Socket, &Mutex<Told>)) {
        let path = self.at("run").join(name).join("socket");
        let listener = Listener::bind(&path, 0o666).unwrap();
        let told = Arc::clone(&self.told);
        thread::spawn(move || {
            while let Ok(socket) = listener.accept() {
                let told = Arc::clone(&told);
                thread::spawn(move || attend(&socket, &told));
            }
        });
    }

    /// What a client at `ip` hears, reply by reply, behind its EHLO; and the log.
    pub(crate) fn session(&self, ip: &str, commands: &[&str]) -> (Vec<String>, String) {
        let built = Path::new(env!("CARGO_BIN_EXE_stafette-smtpd"));
        let mut child = self.spawn(built, ip).unwrap_or_else(|_| {
            // Others may not reach what root has built.
            let copy = self.at("stafette-smtpd");
            let copied = Command::new("cp").arg(built).arg(&copy).status().unwrap();
            assert!(copied.success());
            self.spawn(&copy, ip).unwrap()
        });
        let input = format!("EHLO client.test\r\n{}\r\n", commands.join("\r\n"));
        let mut pipe = child.stdin.take().unwrap();
        pipe.write_all(input.as_bytes()).unwrap();
        drop(pipe);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let replies = said
            .lines()
            .filter(|line| line.as_bytes().get(3) == Some(&b' '));
        let replies = replies.skip(2).map(str::to_owned).collect();
        (
            replies,
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    }

    fn spawn(&self, program: &Path, ip: &str) -> std::io::Result<std::process::Child> {
        let mut command = Command::new(program);
        if stafette_sys::user::is_root() {
            // The service users need not exist here: as anybody else the program stays who it is.
            command.uid(NOBODY).gid(NOBODY);
        }
        command
            .env("STAFETTE_ETC", self.at("etc"))
            .env("STAFETTE_SPOOL", self.at("spool"))
            .env("STAFETTE_RUN", self.at("run"))
            .env("TCPREMOTEIP", ip)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    }
}

/// The next packet, until the peer goes away.
fn packets(socket: &Socket) -> impl Iterator<Item = Vec<u8>> {
    std::iter::from_fn(|| {
        let mut buffer = vec![0; MAX_PACKET];
        let (length, _) = socket.recv(&mut buffer).ok()?;
        buffer.truncate(length);
        (length > 0).then_some(buffer)
    })
}

fn queue(socket: &Socket, told: &Mutex<Told>) {
    let mut message: Option<Vec<String>> = None;
    for packet in packets(socket) {
        if stafette_wire::submission::content(&packet).is_some() {
            told.lock().unwrap().stray += usize::from(message.is_none());
            continue;
        }
        match ToQueue::decode(&packet).unwrap() {
            ToQueue::Mail { origin, .. } => {
                message = Some(Vec::new());
                let name = String::from_utf8(origin.name.0).unwrap();
                told.lock().unwrap().names.push(name);
                socket.send(&FromQueue::Go {}.encode(), &[]).unwrap();
            }
            ToQueue::Recipient { recipient } => match &mut message {
                Some(message) => message.push(recipient.mailbox.to_string()),
                None => told.lock().unwrap().stray += 1,
            },
            ToQueue::Commit { .. } => {
                told.lock().unwrap().queued.extend(message.take());
                let id = QueueId::from_number(7);
                socket
                    .send(&FromQueue::Queued { id }.encode(), &[])
                    .unwrap();
            }
            _ => message = None,
        }
    }
}

fn users(socket: &Socket, _: &Mutex<Told>) {
    for packet in packets(socket) {
        let Ok(ToUsers::Check { seq, mailbox }) = ToUsers::decode(&packet) else {
            panic!("smtpd asks Check")
        };
        let (local, domain) = (mailbox.local().as_str(), mailbox.domain().as_str());
        let answer = match (local, domain) {
            ("demo", "stafette.test") | (_, "backup.test") => FromUsers::Accepted { seq },
            ("sink", _) => FromUsers::Discard { seq },
            ("closed", _) => FromUsers::Refused {
                seq,
                code: 550,
                status: "5.2.1".to_owned(),
                text: "this mailbox is closed\r\n250 ok".to_owned(),
            },
            ("later", _) => FromUsers::Later {
                seq,
                reason: "no accounts".to_owned(),
            },
            // A bang at our domain is a way of UUCP.
            (local, "stafette.test") if !local.contains('!') => FromUsers::NoSuchUser { seq },
            _ => FromUsers::NotOurs { seq },
        };
        socket.send(&answer.encode(), &[]).unwrap();
    }
}

fn resolve(socket: &Socket, told: &Mutex<Told>) {
    for packet in packets(socket) {
        if let Ok(ToResolve::Name { seq, address }) = ToResolve::decode(&packet) {
            told.lock().unwrap().looked_up.push(address);
            let answer = match address.to_string().as_str() {
                "192.0.2.7" => FromResolve::Name {
                    seq,
                    name: Some("mail.bad.test".to_owned()),
                },
                "192.0.2.8" => FromResolve::Name {
                    seq,
                    name: Some("friend.test".to_owned()),
                },
                "192.0.2.9" => FromResolve::Later {
                    seq,
                    reason: "SERVFAIL".to_owned(),
                },
                _ => FromResolve::Name { seq, name: None },
            };
            socket.send(&answer.encode(), &[]).unwrap();
        }
    }
}

fn send(socket: &Socket, told: &Mutex<Told>) {
    for packet in packets(socket) {
        if let Ok(ToSend::Flush {
            selection: Some(selection),
        }) = ToSend::decode(&packet)
        {
            told.lock().unwrap().flushed.push(selection.text);
            let text = "flushed".to_owned();
            socket.send(&FromSend::Done { text }.encode(), &[]).unwrap();
        }
    }
}
