//! An instance with some users, the program in it, and a send that is this test.
#![allow(dead_code, reason = "each test program needs a part of this")]

use std::cell::Cell;
use std::fs::{DirBuilder, File};
use std::io::{Read, Seek, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stafette_addr::{Mailbox, ReversePath};
use stafette_sys::packet::Socket;
use stafette_sys::{poll, random, user};
use stafette_wire::delivery::{
    Bytes, Content, FromDelivery, Job, JobRecipient, Outcome, ToDelivery,
};
use stafette_wire::envelope::{Body, Expanded, Recipient};
use stafette_wire::{MAX_PACKET, Packet, QueueId};

/// A number that no account of a machine has.
const RECIPIENT: u32 = 54_321;
const LIMIT: Duration = Duration::from_secs(20);

pub(crate) fn is_root() -> bool {
    user::is_root()
}

/// User and group of the recipients.
pub(crate) fn owner() -> (u32, u32) {
    if is_root() {
        (RECIPIENT, RECIPIENT)
    } else {
        (user::effective_uid(), user::effective_gid())
    }
}

pub(crate) struct Place(tempfile::TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        // The recipient must be able to pass.
        std::fs::set_permissions(place.path(), PermissionsExt::from_mode(0o755)).unwrap();
        for directory in ["etc", "etc/users", "run", "home"] {
            DirBuilder::new()
                .mode(0o755)
                .create(place.path().join(directory))
                .unwrap();
        }
        let (uid, gid) = owner();
        let mut table = String::new();
        for name in ["joe", "jim", "ann"] {
            let home = place.home(name);
            DirBuilder::new().mode(0o700).create(&home).unwrap();
            chown(&home, Some(uid), Some(gid)).unwrap();
            let home = home.display();
            table.push_str(&format!("={name}:{name}:{uid}:{gid}:{home}:::\n"));
            for sign in ["-", "+"] {
                table.push_str(&format!("+{name}{sign}:{name}:{uid}:{gid}:{home}:-::\n"));
            }
        }
        table.push_str("=toor:root:0:0:/root:::\n.\n");
        place.set("users/assign", &table);
        place.set("systemusers", "0\n");
        place.set("locals", "example.org\n");
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn home(&self, name: &str) -> PathBuf {
        self.path().join("home").join(name)
    }

    /// Puts a file into a home, as its user would.
    pub(crate) fn put(&self, name: &str, file: &str, text: &str) -> PathBuf {
        let path = self.home(name).join(file);
        std::fs::remove_file(&path).unwrap_or(());
        let mut opened = File::create(&path).unwrap();
        opened.write_all(text.as_bytes()).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        chown(&path, Some(owner().0), Some(owner().1)).unwrap();
        path
    }

    /// What is in a file of a home.
    pub(crate) fn get(&self, name: &str, file: &str) -> String {
        let bytes = std::fs::read(self.home(name).join(file)).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub(crate) fn set(&self, name: &str, text: &str) {
        let path = self.path().join("etc").join(name);
        let temporary = path.with_extension("tmp");
        File::create(&temporary)
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        std::fs::set_permissions(&temporary, PermissionsExt::from_mode(0o644)).unwrap();
        std::fs::rename(temporary, path).unwrap();
    }

    /// As the program that compiles tables does.
    pub(crate) fn compile(&self) {
        std::fs::create_dir_all(self.path().join("spool/tables")).unwrap();
        let instance = stafette_control::Instance {
            etc: self.path().join("etc"),
            spool: self.path().join("spool"),
            run: self.path().join("run"),
        };
        println!("{:?}", stafette_table::compile(&instance, true));
    }

    /// Names and bytes of the files in a directory of a Maildir.
    pub(crate) fn mail(&self, name: &str, folder: &str) -> Vec<(String, Vec<u8>)> {
        let folder = self.home(name).join("Maildir").join(folder);
        let Ok(entries) = std::fs::read_dir(folder) else {
            return Vec::new();
        };
        let read = |path: PathBuf| {
            let mut bytes = Vec::new();
            File::open(&path).unwrap().read_to_end(&mut bytes).unwrap();
            (
                path.file_name().unwrap().to_str().unwrap().to_owned(),
                bytes,
            )
        };
        entries.map(|entry| read(entry.unwrap().path())).collect()
    }

    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(crate) fn start(&self) -> Local {
        let run = self.path().join("run");
        let child = Command::new(env!("CARGO_BIN_EXE_stafette-local"))
            .env("STAFETTE_ETC", self.path().join("etc"))
            .env("STAFETTE_RUN", &run)
            .env("STAFETTE_SPOOL", self.path().join("spool"))
            .env_remove("STAFETTE_CLOCK")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let path = run.join("local/socket");
        let mut program = Program(child);
        let socket = loop {
            match Socket::connect_timeout(&path, LIMIT) {
                Ok(socket) => break socket,
                Err(_) => assert_eq!(program.0.try_wait().unwrap(), None, "it did not start"),
            }
        };
        Local::new(socket, path, std::rc::Rc::new(program))
    }
}

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// A connection to the program, which ends with the last of them.
pub(crate) struct Local {
    socket: Socket,
    path: PathBuf,
    program: std::rc::Rc<Program>,
    next: Cell<u64>,
}

impl Local {
    fn new(socket: Socket, path: PathBuf, program: std::rc::Rc<Program>) -> Self {
        let local = Self {
            socket,
            path,
            program,
            next: Cell::new(1),
        };
        match local.receive() {
            FromDelivery::Hello {
                last, concurrency, ..
            } => assert!(last && concurrency > 0),
            other => panic!("{other:?}"),
        }
        local
    }

    pub(crate) fn reconnect(&self) -> Self {
        let socket = Socket::connect_timeout(&self.path, LIMIT).unwrap();
        let again = Self::new(socket, self.path.clone(), std::rc::Rc::clone(&self.program));
        again.next.set(self.next.get() + 1000);
        again
    }

    pub(crate) fn receive(&self) -> FromDelivery {
        let mut buffer = vec![0; MAX_PACKET];
        let (length, _) = self.socket.recv(&mut buffer).unwrap();
        FromDelivery::decode(&buffer[..length]).unwrap()
    }

    pub(crate) fn outcome(&self) -> Outcome {
        match self.receive() {
            FromDelivery::Outcome { outcome } => outcome,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn outcome_within(&self, limit: Duration) -> Option<Outcome> {
        poll::readable(&self.socket, Some(limit))
            .unwrap()
            .then(|| self.outcome())
    }

    pub(crate) fn give(&self, mail: &Mail) {
        let packet = ToDelivery::Job {
            job: mail.job(self.number()),
        }
        .encode();
        self.socket.send(&packet, &[mail.file.as_fd()]).unwrap();
    }

    pub(crate) fn give_without_file(&self, mail: &Mail) {
        let packet = ToDelivery::Job {
            job: mail.job(self.number()),
        }
        .encode();
        self.socket.send(&packet, &[]).unwrap();
    }

    fn number(&self) -> u64 {
        self.next.set(self.next.get() + 1);
        self.next.get()
    }

    pub(crate) fn deliver(&self, mail: &Mail) -> Outcome {
        self.give(mail);
        self.outcome()
    }

    pub(crate) fn acknowledge(&self, job: u64) {
        self.socket
            .send(&ToDelivery::Acknowledge { job }.encode(), &[])
            .unwrap();
    }

    pub(crate) fn ping(&self) {
        self.socket
            .send(&ToDelivery::Ping {}.encode(), &[])
            .unwrap();
    }

    pub(crate) fn send_bytes(&self, bytes: &[u8], with_file: bool) {
        let file = File::open("/dev/null").unwrap();
        let fds = if with_file {
            vec![file.as_fd()]
        } else {
            Vec::new()
        };
        self.socket.send(bytes, &fds).unwrap();
    }

    pub(crate) fn is_cut_off(&self) -> bool {
        let mut buffer = vec![0; MAX_PACKET];
        loop {
            match self.socket.recv(&mut buffer) {
                Ok((0, _)) => return true,
                // Outcomes of earlier connections may come first.
                Ok(_) => {}
                Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
            }
        }
    }

    /// For each child of the program, whether the kernel has it gain no privileges.
    pub(crate) fn statuses(&self) -> Vec<String> {
        let status = |pid: &u32| {
            let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix("NoNewPrivs:"));
            Some(line?.trim().to_owned())
        };
        self.children().iter().filter_map(status).collect()
    }

    fn children(&self) -> Vec<u32> {
        let parent = self.program.0.id();
        let children = format!("/proc/{parent}/task/{parent}/children");
        let text = std::fs::read_to_string(children).unwrap();
        let pids = text.split_whitespace();
        pids.map(|pid| pid.parse().unwrap()).collect()
    }

    /// Kills every child of the program, as an out-of-memory killer might.
    pub(crate) fn kill_workers(&self) {
        for pid in self.children() {
            let pid = stafette_sys::fork::Pid::new(pid.try_into().unwrap()).unwrap();
            stafette_sys::fork::kill(pid, stafette_sys::signal::Signal::Kill).unwrap();
        }
    }
}

/// A message in a queue file.
pub(crate) struct Mail {
    id: QueueId,
    file: File,
    content: Content,
    to: Vec<Mailbox>,
    from: ReversePath,
    expanded: Expanded,
}

impl Mail {
    pub(crate) fn new(content: &[u8]) -> Self {
        let first_line = b"a first line\n";
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(first_line).unwrap();
        file.write_all(content).unwrap();
        file.write_all(b"\na journal").unwrap();
        file.rewind().unwrap();
        let mut chance = [0; QueueId::CHANCE];
        random::fill(&mut chance).unwrap();
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_millis();
        let now = u64::try_from(since).unwrap();
        Self {
            id: QueueId::new(now, chance),
            file,
            content: Content {
                offset: first_line.len() as u64,
                octets: content.len() as u64,
                crc32: crc32fast::hash(content),
                crlf_octets: content.len() as u64,
            },
            to: Vec::new(),
            from: ReversePath::parse(b"jim@example.net").unwrap(),
            expanded: Expanded::No,
        }
    }

    pub(crate) fn sent_by(mut self, from: &str) -> Self {
        self.from = ReversePath::parse(from.as_bytes()).unwrap();
        self
    }

    pub(crate) fn expanded(mut self, expanded: Expanded) -> Self {
        self.expanded = expanded;
        self
    }

    pub(crate) fn at(mut self, address: &str) -> Self {
        self.to.push(Mailbox::parse(address.as_bytes()).unwrap());
        self
    }

    pub(crate) fn to(mut self, name: &str) -> Self {
        self.to
            .push(Mailbox::parse(format!("{name}@example.org").as_bytes()).unwrap());
        self
    }

    pub(crate) fn damaged(mut self) -> Self {
        self.content.crc32 ^= 1;
        self
    }

    fn job(&self, number: u64) -> Job {
        let recipient = |mailbox: &Mailbox| JobRecipient {
            index: 7,
            recipient: Recipient {
                mailbox: mailbox.clone(),
                notify: None,
                orcpt: None,
                expanded: self.expanded,
            },
        };
        Job {
            job: number,
            id: self.id,
            from: self.from.clone(),
            recipients: self.to.iter().map(recipient).collect(),
            next_hop: None,
            body: Body::EightBit,
            smtputf8: false,
            ret: None,
            envid: None,
            content: self.content.clone(),
            add: vec![Bytes(b"Received: by test".to_vec())],
        }
    }
}
