//! An instance in a folder: settings, a queue with messages that queue-layout wrote, and sockets that tests serve.

use std::fs::{DirBuilder, File};
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};

use stafette_addr::{Mailbox, ReversePath};
use stafette_queue_layout::{
    Attempt, Draft, Envelope, Event, Place, RealDisk, Record, Recorder, Then, Verdict, commit,
};
use stafette_wire::QueueId;
use stafette_wire::envelope::{Body, Recipient, Sender};
use stafette_wire::submission::Origin;

pub(crate) struct Instance {
    folder: tempfile::TempDir,
    pub(crate) disk: RealDisk,
}

/// When the first attempt was, and when the next one is: far away.
pub(crate) const TRIED: i64 = 1_700_000_000;
pub(crate) const NEXT: i64 = 4_000_000_000;

impl Instance {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for directory in ["etc", "etc/users", "spool", "run"] {
            DirBuilder::new()
                .mode(0o755)
                .create(folder.path().join(directory))
                .expect("a directory");
        }
        let disk = RealDisk::prepare(&folder.path().join("spool/queue")).expect("a queue");
        let instance = Self { folder, disk };
        instance.set("me", "mail.stafette.test\n");
        instance.set("users/assign", "+:demo:1001:1001:/srv/demo:-::\n.\n");
        instance
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub(crate) fn set(&self, name: &str, text: &str) {
        let mut file = File::create(self.path("etc").join(name)).expect("a setting");
        file.write_all(text.as_bytes()).expect("a setting");
    }

    pub(crate) fn setting(&self, name: &str) -> String {
        std::fs::read_to_string(self.path("etc").join(name)).expect("a setting")
    }

    /// Runs the command.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_stafette"))
            .args(arguments)
            .env("STAFETTE_ETC", self.path("etc"))
            .env("STAFETTE_SPOOL", self.path("spool"))
            .env("STAFETTE_RUN", self.path("run"))
            .output()
            .expect("the command")
    }

    /// Runs the command, which must end with this code, and gives what it printed.
    pub(crate) fn ends(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {output:?}"
        );
        let printed = if code == 0 || code == 1 {
            output.stdout
        } else {
            output.stderr
        };
        String::from_utf8(printed).expect("UTF-8")
    }

    /// A message in new/.
    pub(crate) fn accept(&self, number: u64, recipients: &[&str]) -> QueueId {
        let id = QueueId::new(
            TRIED.unsigned_abs() * 1000 + number,
            [u8::try_from(number).expect("a small number"); 9],
        );
        let mut draft = Draft::create(&self.disk, id).expect("a draft");
        let content = b"Subject: first\x1b[2J letter\nTo: x\n\nHello.\n";
        draft.write(content).expect("content");
        let sealed = draft.seal(&envelope(recipients), 44).expect("a message");
        for result in commit(&self.disk, &mut [sealed]) {
            result.expect("a commit");
        }
        id
    }

    /// A message in cur/, deferred once in the peer's words, due in the far future.
    pub(crate) fn accept_and_defer(
        &self,
        number: u64,
        recipients: &[&str],
        reply: &[u8],
    ) -> QueueId {
        let id = self.accept(number, recipients);
        let to: Vec<u32> = (0..u32::try_from(recipients.len()).expect("few")).collect();
        let attempt = Attempt {
            at: TRIED,
            verdict: Verdict::Deferred,
            to,
            relay: "mx.example[192.0.2.1]:25".to_owned(),
            status: "4.2.1".to_owned(),
            reply: reply.to_vec(),
            from_peer: true,
            peer_reports: false,
        };
        let due = Event::Due {
            at: TRIED,
            next: NEXT,
            to: Vec::new(),
        };
        let record = Record {
            id,
            events: vec![Event::Attempt(attempt), due],
            then: Then::Keep,
        };
        for result in Recorder::new(&self.disk).record(&[record]) {
            result.expect("a record");
        }
        id
    }

    pub(crate) fn file(&self, place: Place, id: QueueId) -> PathBuf {
        self.path("spool/queue").join(place.path(id))
    }

    pub(crate) fn is_in(&self, place: Place, id: QueueId) -> bool {
        self.file(place, id).exists()
    }
}

fn envelope(recipients: &[&str]) -> Envelope {
    Envelope {
        arrived: TRIED,
        origin: Origin {
            protocol: "ESMTP".to_owned(),
            helo: b"client.test".as_slice().into(),
            address: Some([192, 0, 2, 9].into()),
            name: b"".as_slice().into(),
        },
        uid: None,
        parent: None,
        sender: Sender {
            from: ReversePath::parse(b"joe@sender.test").expect("a path"),
            body: Body::SevenBit,
            smtputf8: false,
            ret: None,
            envid: None,
            verp: false,
        },
        recipients: recipients
            .iter()
            .map(|to| Recipient {
                mailbox: Mailbox::parse(to.as_bytes()).expect("a mailbox"),
                notify: None,
                orcpt: None,
                expanded: stafette_wire::envelope::Expanded::No,
            })
            .collect(),
        add: Vec::new(),
    }
}
