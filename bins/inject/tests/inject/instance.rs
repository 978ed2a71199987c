//! An instance of its own for a test; the queue service in it is a thread that keeps what it is sent.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use stafette_sys::packet::{Listener, Socket};
use stafette_wire::envelope::{Recipient, Sender};
use stafette_wire::operator::{FromSend, ToSend};
use stafette_wire::submission::{FromQueue, Refusal, ToQueue, content};
use stafette_wire::{MAX_PACKET, Packet, QueueId};

/// A message as the service got it.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) sender: Sender,
    pub(crate) recipients: Vec<Recipient>,
    pub(crate) content: Vec<u8>,
}

impl Got {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.content.clone()).unwrap()
    }

    pub(crate) fn to(&self) -> Vec<String> {
        self.recipients
            .iter()
            .map(|recipient| recipient.mailbox.to_string())
            .collect()
    }
}

/// What the service does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Play {
    /// Takes everything.
    Take,
    /// Refuses at Mail.
    RefuseMail(Refusal),
    /// Refuses at Commit.
    RefuseCommit(Refusal),
    /// Hangs up instead of an answer to Commit.
    HangUp,
    /// Turns the first connections away.
    TurnAway(usize),
}

pub(crate) struct Instance {
    directory: tempfile::TempDir,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Instance {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let instance = Self {
            directory,
            got: Arc::default(),
        };
        for name in ["etc", "spool", "run"] {
            std::fs::create_dir(instance.path(name)).unwrap();
        }
        instance.set("me", "mx.x.test");
        instance.set("defaulthost", "x.test");
        instance
    }

    pub(crate) fn set(&self, name: &str, value: &str) {
        writeln!(
            File::create(self.path(&format!("etc/{name}"))).unwrap(),
            "{value}"
        )
        .unwrap();
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    /// Starts the service.
    pub(crate) fn serve(&self, play: Play) {
        let listener = Listener::bind(&self.path("run/inject/socket"), 0o666).unwrap();
        let got = Arc::clone(&self.got);
        std::thread::spawn(move || {
            for number in 0.. {
                let Ok(socket) = listener.accept() else {
                    return;
                };
                let got = Arc::clone(&got);
                std::thread::spawn(move || serve(&socket, play, number, &got));
            }
        });
    }

    /// Starts send, which answers each question with `answers`.
    pub(crate) fn send_service(&self, answers: Vec<FromSend>) -> Arc<Mutex<Vec<ToSend>>> {
        let listener = Listener::bind(&self.path("run/send/socket"), 0o666).unwrap();
        let asked: Arc<Mutex<Vec<ToSend>>> = Arc::default();
        let heard = Arc::clone(&asked);
        std::thread::spawn(move || {
            while let Ok(socket) = listener.accept() {
                let mut buffer = vec![0; MAX_PACKET];
                while let Ok((length @ 1.., _)) = socket.recv(&mut buffer) {
                    heard
                        .lock()
                        .unwrap()
                        .push(ToSend::decode(&buffer[..length]).unwrap());
                    for answer in &answers {
                        socket.send(&answer.encode(), &[]).ok();
                    }
                }
            }
        });
        asked
    }

    pub(crate) fn command(&self, name: &str, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stafette-inject"));
        command.arg0(name).args(words);
        for (variable, name) in [
            ("STAFETTE_ETC", "etc"),
            ("STAFETTE_SPOOL", "spool"),
            ("STAFETTE_RUN", "run"),
        ] {
            command.env(variable, self.path(name));
        }
        command
    }

    /// Runs the program with this input.
    pub(crate) fn run(&self, name: &str, words: &[&str], input: &[u8]) -> Output {
        feed(&mut self.command(name, words), input)
    }

    pub(crate) fn code(&self, words: &[&str], input: &[u8]) -> Option<i32> {
        self.run("sendmail", words, input).status.code()
    }

    /// Submits and gives the one message that came of it.
    pub(crate) fn submit(&self, words: &[&str], input: &[u8]) -> Got {
        let output = self.run("sendmail", words, input);
        assert!(output.status.success(), "{words:?}: {output:?}");
        self.take()
    }

    /// The one message that came.
    pub(crate) fn take(&self) -> Got {
        let mut got = std::mem::take(&mut *self.got.lock().unwrap());
        assert_eq!(got.len(), 1);
        got.remove(0)
    }

    /// Lets every user into the folder.
    pub(crate) fn open_for_all(&self) {
        for path in ["", "etc", "run", "run/inject"] {
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(self.path(path), mode).unwrap();
        }
    }

    /// A copy of the program in the folder, with the same environment as [`Instance::command`].
    fn copy(&self, name: &str, words: &[&str]) -> Command {
        let copy = self.path("program");
        if !copy.exists() {
            // By a process of its own: a writing descriptor here could live on in another test's child.
            let program = env!("CARGO_BIN_EXE_stafette-inject");
            let copied = Command::new("cp").arg(program).arg(&copy).status().unwrap();
            assert!(copied.success());
        }
        let asked = self.command(name, words);
        let mut command = Command::new(copy);
        command.arg0(name).args(words);
        command.envs(
            asked
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        command
    }

    /// Runs a copy of the program beside what was installed in the folder.
    pub(crate) fn run_copy(&self, name: &str, words: &[&str], input: &[u8]) -> Output {
        feed(&mut self.copy(name, words), input)
    }

    /// Runs a copy of the program as the user nobody, who may not enter the directory of builds.
    pub(crate) fn run_as_nobody(&self, name: &str, words: &[&str], input: &[u8]) -> Output {
        feed(self.copy(name, words).uid(65534).gid(65534), input)
    }

    /// Puts a script into the folder, where the copy of the program is. By a process of its own, as above.
    pub(crate) fn install(&self, name: &str, script: &str) {
        let mut command = Command::new("install");
        command
            .args(["-m", "755", "/dev/stdin"])
            .arg(self.path(name));
        assert!(feed(&mut command, script.as_bytes()).status.success());
    }

    pub(crate) fn nothing_came(&self) -> bool {
        self.got.lock().unwrap().is_empty()
    }
}

fn feed(command: &mut Command, input: &[u8]) -> Output {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input).ok());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn serve(socket: &Socket, play: Play, number: usize, got: &Mutex<Vec<Got>>) {
    let say = |answer: FromQueue| socket.send(&answer.encode(), &[]).unwrap();
    let refuse = |refusal, reason: &str| {
        say(FromQueue::Refused {
            refusal,
            reason: reason.to_owned(),
        });
    };
    if let Play::TurnAway(count) = play
        && number < count
    {
        return refuse(Refusal::Temporary, "too many connections (injectperuser)");
    }
    let mut message: Option<Got> = None;
    let mut buffer = vec![0; MAX_PACKET];
    while let Ok((length @ 1.., _)) = socket.recv(&mut buffer) {
        let packet = &buffer[..length];
        if let Some(piece) = content(packet) {
            message.as_mut().unwrap().content.extend_from_slice(piece);
            continue;
        }
        match ToQueue::decode(packet).unwrap() {
            ToQueue::Mail { sender, .. } => match play {
                Play::RefuseMail(refusal) => refuse(refusal, "because"),
                _ => {
                    message = Some(Got {
                        sender,
                        recipients: Vec::new(),
                        content: Vec::new(),
                    });
                    say(FromQueue::Go {});
                }
            },
            ToQueue::Recipient { recipient } => {
                message.as_mut().unwrap().recipients.push(recipient);
            }
            ToQueue::Commit {
                octets,
                crlf_octets,
            } => {
                let message = message.take().unwrap();
                assert_eq!(octets, u64::try_from(message.content.len()).unwrap());
                let ends = message
                    .content
                    .iter()
                    .filter(|byte| **byte == b'\n')
                    .count();
                assert_eq!(crlf_octets, octets + u64::try_from(ends).unwrap());
                match play {
                    Play::HangUp => return,
                    Play::RefuseCommit(refusal) => refuse(refusal, "because"),
                    _ => {
                        got.lock().unwrap().push(message);
                        say(FromQueue::Queued {
                            id: QueueId::new(1, [0; 9]),
                        });
                    }
                }
            }
            other => panic!("{other:?}"),
        }
    }
}
