//! An instance of its own for a test, and a client of the service.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use stafette_addr::{Mailbox, ReversePath};
use stafette_queue_layout::{Message, RealDisk};
use stafette_sys::packet::Socket;
use stafette_wire::envelope::{Body, Recipient, Sender};
use stafette_wire::submission::{CONTENT, FromQueue, Origin, ToQueue};
use stafette_wire::{Packet, QueueId};

/// Whom the programs run as when the test is root: the service would look for its own user otherwise.
const NOBODY: u32 = 65_534;

pub(crate) struct Instance {
    directory: tempfile::TempDir,
    program: PathBuf,
}

impl Instance {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
        let program = directory.path().join("stafette-queue");
        // By a process of its own: a writing descriptor here could live on in another test's child, and then the copy cannot run.
        let copied = Command::new("cp")
            .arg(env!("CARGO_BIN_EXE_stafette-queue"))
            .arg(&program)
            .status()
            .unwrap();
        assert!(copied.success());
        for name in ["etc", "spool", "run"] {
            let path = directory.path().join(name);
            fs::create_dir(&path).unwrap();
            if is_root() {
                chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        let instance = Self { directory, program };
        instance.set("me", "me.test");
        instance.set("minfree", "0");
        instance
    }

    pub(crate) fn set(&self, name: &str, value: &str) {
        let mut file = fs::File::create(self.path(&format!("etc/{name}"))).unwrap();
        writeln!(file, "{value}").unwrap();
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words);
        for (variable, name) in [
            ("STAFETTE_ETC", "etc"),
            ("STAFETTE_SPOOL", "spool"),
            ("STAFETTE_RUN", "run"),
        ] {
            command.env(variable, self.path(name));
        }
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    pub(crate) fn serve(&self) -> Service {
        let mut child = self
            .command(&["service"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("program-started") {
            line.clear();
            assert_ne!(
                log.read_line(&mut line).unwrap(),
                0,
                "the service did not start"
            );
        }
        Service { child, log }
    }

    pub(crate) fn client(&self, socket: &str) -> Client {
        Client(Socket::connect(&self.path(&format!("run/{socket}/socket"))).unwrap())
    }

    /// Runs the one-shot program through a shell that opens the descriptors.
    pub(crate) fn one_shot(&self, message: &[u8], envelope: &[u8], shell: &str) -> Output {
        fs::File::create(self.path("message"))
            .unwrap()
            .write_all(message)
            .unwrap();
        fs::File::create(self.path("envelope"))
            .unwrap()
            .write_all(envelope)
            .unwrap();
        let script = format!("cd {0:?}; {shell}", self.directory.path());
        let mut command = self.command(&[]);
        let mut words = Command::new("sh");
        words.args(["-c", &script, "sh"]).arg(command.get_program());
        words.envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        if is_root() {
            words.uid(NOBODY).gid(NOBODY);
        }
        command.stdin(Stdio::null());
        words.output().unwrap()
    }

    pub(crate) fn names(&self, place: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(&format!("spool/queue/{place}"))).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    pub(crate) fn text(&self, place: &str, id: &str) -> String {
        String::from_utf8(fs::read(self.path(&format!("spool/queue/{place}/{id}"))).unwrap())
            .unwrap()
    }

    pub(crate) fn message(&self, id: QueueId) -> Message<RealDisk> {
        let disk = RealDisk::open(&self.path("spool/queue")).unwrap();
        Message::open(&disk, id).unwrap()
    }
}

pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

pub(crate) struct Service {
    pub(crate) child: Child,
    log: BufReader<ChildStderr>,
}

impl Service {
    /// The next log line with this event.
    pub(crate) fn logged(&mut self, event: &str) -> String {
        let mut line = String::new();
        while !line.contains(&format!(" {event} ")) {
            line.clear();
            assert_ne!(
                self.log.read_line(&mut line).unwrap(),
                0,
                "{event} was not logged"
            );
        }
        line
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

pub(crate) struct Client(pub(crate) Socket);

impl Client {
    pub(crate) fn say(&self, packet: &ToQueue) {
        self.0.send(&packet.encode(), &[]).unwrap();
    }

    pub(crate) fn hear(&self) -> FromQueue {
        let mut buffer = vec![0; 8192];
        let (length, _) = self.0.recv(&mut buffer).unwrap();
        assert_ne!(length, 0, "the service hung up");
        FromQueue::decode(&buffer[..length]).unwrap()
    }

    pub(crate) fn is_cut_off(&self) -> bool {
        matches!(self.0.recv(&mut [0; 100]), Ok((0, _)) | Err(_))
    }

    pub(crate) fn mail(&self, from: &str, parent: Option<QueueId>) {
        let sender = Sender {
            from: ReversePath::parse(from.as_bytes()).unwrap(),
            body: Body::SevenBit,
            smtputf8: false,
            ret: None,
            envid: None,
            verp: false,
        };
        let origin = Origin {
            protocol: "ESMTP".into(),
            helo: "client.test".into(),
            address: "192.0.2.1".parse().ok(),
            name: "".into(),
        };
        self.say(&ToQueue::Mail {
            sender,
            size: 0,
            origin,
            parent,
        });
    }

    pub(crate) fn to(&self, recipient: &str) {
        let mailbox = Mailbox::parse(recipient.as_bytes()).unwrap();
        self.say(&ToQueue::Recipient {
            recipient: Recipient {
                mailbox,
                notify: None,
                orcpt: None,
                expanded: stafette_wire::envelope::Expanded::No,
            },
        });
    }

    pub(crate) fn content(&self, piece: &[u8]) {
        self.0.send(&[&[CONTENT], piece].concat(), &[]).unwrap();
    }

    pub(crate) fn commit(&self, octets: usize) -> FromQueue {
        let octets = u64::try_from(octets).unwrap();
        self.say(&ToQueue::Commit {
            octets,
            crlf_octets: octets,
        });
        self.hear()
    }

    /// A whole message.
    pub(crate) fn send(&self, content: &[u8], parent: Option<QueueId>) -> QueueId {
        self.mail("a@x.test", parent);
        assert_eq!(self.hear(), FromQueue::Go {});
        self.to("b@y.test");
        self.content(content);
        match self.commit(content.len()) {
            FromQueue::Queued { id } => id,
            other => panic!("{other:?}"),
        }
    }
}
