//! The real program in an instance of its own, asked over its socket as send asks it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the whole file is a test"
)]

use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use stafette_addr::{Mailbox, ReversePath};
use stafette_queue_layout::{
    ChildKind, Draft, Envelope, Event, Message, OpenError, Place, RealDisk, Sealed, commit,
    prepare_children,
};
use stafette_sys::packet::Socket;
use stafette_sys::user::is_root;
use stafette_wire::clean::{Bytes, FromClean, Then, ToClean};
use stafette_wire::envelope::{Body, Recipient, Sender};
use stafette_wire::submission::Origin;
use stafette_wire::{MAX_PACKET, Packet, QueueId};

/// A number that no account of a machine has.
const STRANGER: u32 = 54_322;
const LIMIT: Duration = Duration::from_secs(20);

/// A folder with a queue.
struct Folder(tempfile::TempDir);

/// clean at work in a folder.
struct Clean<'a> {
    folder: &'a Folder,
    child: Child,
}

impl Drop for Clean<'_> {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Folder {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        for directory in ["", "etc", "run", "spool"] {
            let path = place.path().join(directory);
            std::fs::create_dir_all(&path).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
            own(&path);
        }
        Self(place)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn disk(&self) -> RealDisk {
        let disk = RealDisk::prepare(&self.path("spool/queue")).unwrap();
        own(&self.path("spool/queue"));
        for place in Place::ALL {
            own(&self.path("spool/queue").join(place.name()));
        }
        disk
    }

    /// Puts a message into new/, or leaves a child in tmp/.
    fn put(&self, number: u64, parent: Option<QueueId>) -> QueueId {
        let (disk, id) = (self.disk(), QueueId::new(number, [5; 9]));
        let mut draft = Draft::create(&disk, id).unwrap();
        draft.write(b"content\n").unwrap();
        let mut batch = [draft.seal(&envelope(parent), 9).unwrap()];
        let result = match parent {
            Some(_) => prepare_children(&disk, &mut batch),
            None => commit(&disk, &mut batch),
        };
        result.into_iter().next().unwrap().unwrap();
        let place = if parent.is_some() {
            Place::Tmp
        } else {
            Place::New
        };
        own(&self.path("spool/queue").join(place.path(id)));
        id
    }

    /// Puts many messages into new/, in one batch.
    fn put_many(&self, count: u64) -> Vec<QueueId> {
        let disk = self.disk();
        let sealed = |number| {
            let draft = Draft::create(&disk, QueueId::new(number, [5; 9])).unwrap();
            draft.seal(&envelope(None), 0).unwrap()
        };
        let mut batch: Vec<_> = (0..count).map(sealed).collect();
        assert!(commit(&disk, &mut batch).iter().all(Result::is_ok));
        batch.iter().map(Sealed::id).collect()
    }

    fn open(&self, id: QueueId) -> Result<Message<RealDisk>, OpenError> {
        Message::open(&self.disk(), id)
    }

    fn start(&self) -> Clean<'_> {
        // As root the program would become a user that may be missing here: it is started as nobody in particular.
        let program = self.path("stafette-clean");
        if !program.exists() {
            // By a process of its own: a writing descriptor here could live on in another test's child, and then the copy cannot run.
            let copied = Command::new("cp")
                .arg(env!("CARGO_BIN_EXE_stafette-clean"))
                .arg(&program)
                .status()
                .unwrap();
            assert!(copied.success());
        }
        let mut command = Command::new(program);
        if is_root() {
            command.uid(STRANGER).gid(STRANGER);
        }
        command
            .env("STAFETTE_ETC", self.path("etc"))
            .env("STAFETTE_RUN", self.path("run"))
            .env("STAFETTE_SPOOL", self.path("spool"))
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        loop {
            match command.spawn() {
                // A fork of another test may hold the copy open for writing for an instant.
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {}
                child => {
                    return Clean {
                        folder: self,
                        child: child.unwrap(),
                    };
                }
            }
        }
    }
}

impl Clean<'_> {
    fn connect(&self) -> Socket {
        let begin = Instant::now();
        loop {
            match Socket::connect_timeout(&self.folder.path("run/clean/socket"), LIMIT) {
                Ok(socket) => return socket,
                Err(error) if begin.elapsed() > LIMIT => panic!("no socket: {error}"),
                Err(_) => std::thread::yield_now(),
            }
        }
    }
}

fn own(path: &Path) {
    if is_root() {
        chown(path, Some(STRANGER), Some(STRANGER)).unwrap();
    }
}

fn envelope(parent: Option<QueueId>) -> Envelope {
    let mailbox = |text: &str| Mailbox::parse(text.as_bytes()).unwrap();
    Envelope {
        arrived: 1,
        origin: Origin {
            protocol: "local".to_owned(),
            helo: Bytes::default(),
            address: None,
            name: Bytes::default(),
        },
        uid: None,
        parent,
        sender: Sender {
            from: ReversePath::Null,
            body: Body::SevenBit,
            smtputf8: false,
            ret: None,
            envid: None,
            verp: false,
        },
        recipients: vec![Recipient {
            mailbox: mailbox("a@example.org"),
            notify: None,
            orcpt: None,
            expanded: stafette_wire::envelope::Expanded::No,
        }],
        add: Vec::new(),
    }
}

fn ask(socket: &Socket, seq: u64, id: QueueId, events: &[Event], then: Then) {
    let words = |event: &Event| Bytes(event.encode().unwrap());
    let events = events.iter().map(words).collect();
    let packet = ToClean::Record {
        seq,
        id,
        events,
        then,
    };
    socket.send(&packet.encode(), &[]).unwrap();
}

fn answer(socket: &Socket) -> FromClean {
    let mut buffer = vec![0; MAX_PACKET];
    let (length, _) = socket.recv(&mut buffer).unwrap();
    FromClean::decode(&buffer[..length]).unwrap()
}

fn held() -> Event {
    Event::Held { at: 5, by: 0 }
}

#[test]
fn what_is_asked_is_done_when_it_is_answered() {
    let folder = Folder::new();
    let (one, two) = (folder.put(1, None), folder.put(2, None));
    let clean = folder.start();
    let socket = clean.connect();
    ask(&socket, 10, one, &[held()], Then::Hold);
    ask(&socket, 11, two, &[], Then::Remove);
    ask(&socket, 12, two, &[], Then::Remove);
    assert_eq!(answer(&socket), FromClean::Recorded { seq: 10 });
    assert_eq!(answer(&socket), FromClean::Recorded { seq: 11 });
    let FromClean::Refused {
        seq: 12,
        missing: true,
        ..
    } = answer(&socket)
    else {
        panic!("removed twice");
    };
    assert_eq!(folder.open(one).unwrap().place, Place::Hold);
    assert!(matches!(folder.open(two), Err(OpenError::Missing)));
}

#[test]
fn hundreds_of_requests_are_each_answered() {
    let folder = Folder::new();
    let ids = folder.put_many(600);
    let clean = folder.start();
    let socket = clean.connect();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for (seq, id) in (0..).zip(&ids) {
                ask(&socket, seq, *id, &[], Then::Remove);
            }
        });
        for seq in 0..600 {
            assert_eq!(answer(&socket), FromClean::Recorded { seq });
        }
    });
    let new = folder.path("spool/queue/new");
    assert_eq!(std::fs::read_dir(new).unwrap().count(), 0);
}

#[test]
fn what_is_no_event_is_refused_and_what_is_no_packet_ends_the_connection() {
    let folder = Folder::new();
    let id = folder.put(1, None);
    let before = std::fs::read(folder.path("spool/queue").join(Place::New.path(id))).unwrap();
    let clean = folder.start();
    let socket = clean.connect();
    let events = vec![Bytes::from("to path=mallory@example.org")];
    let packet = ToClean::Record {
        seq: 1,
        id,
        events,
        then: Then::Keep,
    };
    socket.send(&packet.encode(), &[]).unwrap();
    assert!(matches!(
        answer(&socket),
        FromClean::Refused {
            seq: 1,
            missing: false,
            ..
        }
    ));
    socket.send(b"nonsense", &[]).unwrap();
    assert_eq!(socket.recv(&mut [0; 100]).unwrap().0, 0);
    // Another connection is served as before.
    let socket = clean.connect();
    socket.send(&ToClean::Ping {}.encode(), &[]).unwrap();
    assert_eq!(answer(&socket), FromClean::Pong {});
    let after = std::fs::read(folder.path("spool/queue").join(Place::New.path(id))).unwrap();
    assert_eq!(before, after);
}

#[test]
fn a_child_that_its_parent_names_is_published_also_by_a_clean_that_starts_anew() {
    let folder = Folder::new();
    let parent = folder.put(1, None);
    let child = folder.put(2, Some(parent));
    let named = Event::Child {
        at: 5,
        id: child,
        kind: ChildKind::Failed,
        to: vec![0],
    };
    let clean = folder.start();
    let socket = clean.connect();
    ask(&socket, 1, parent, &[named], Then::Keep);
    assert_eq!(answer(&socket), FromClean::Recorded { seq: 1 });
    drop(clean);
    // As if power had been lost between the name and the move.
    let queue = folder.path("spool/queue");
    std::fs::rename(
        queue.join(Place::New.path(child)),
        queue.join(Place::Tmp.path(child)),
    )
    .unwrap();
    let clean = folder.start();
    let socket = clean.connect();
    socket.send(&ToClean::Ping {}.encode(), &[]).unwrap();
    assert_eq!(answer(&socket), FromClean::Pong {});
    assert_eq!(folder.open(child).unwrap().place, Place::New);
}

#[test]
fn wrong_use_is_told_and_changes_nothing() {
    let output = Command::new(env!("CARGO_BIN_EXE_stafette-clean"))
        .arg("--help")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(100));
    assert_eq!(output.stderr, b"usage: stafette-clean\n");
}
