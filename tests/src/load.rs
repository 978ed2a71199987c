//! A steady stream of mail from several threads, by SMTP and by `sendmail`, and a record of what was accepted.
//!
//! Every message has a token of its own and a content that follows from it, so that what arrives can be held
//! against what was accepted. The programs may be killed meanwhile: a connection that breaks, a reply of class
//! 4 and an exit code 75 are in order, and nothing is demanded of that message. A reply of class 5 is not: the
//! same message would have been good a moment later.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddrV4, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::chance::Chance;
use crate::instance::{Instance, feed};

/// A message that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Accepted {
    /// Its token.
    pub token: String,
    /// Its recipients.
    pub to: Vec<String>,
}

/// What happened so far.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// Messages for which there was a 250 or an exit 0.
    pub accepted: Vec<Accepted>,
    /// Messages that were put off or cut off.
    pub put_off: usize,
    /// Answers that must not be given.
    pub wrong: Vec<String>,
}

/// A running load. Its threads end with [`Load::end`].
pub struct Load {
    stops: Vec<Sender<()>>,
    threads: Vec<JoinHandle<()>>,
    ledger: Arc<Mutex<Ledger>>,
}

/// Where a thread's messages go in.
enum Way {
    Smtp(SocketAddrV4),
    Sendmail(PathBuf),
}

impl Load {
    /// Starts it with so many threads of each kind, for messages that go to one of these lists of recipients each.
    #[must_use]
    pub fn start(
        instance: &Instance,
        chance: &mut Chance,
        smtp: usize,
        sendmail: usize,
        to: &[&[&str]],
    ) -> Self {
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let (mut stops, mut threads) = (Vec::new(), Vec::new());
        let to: Vec<Vec<String>> = to
            .iter()
            .map(|list| list.iter().map(|&one| one.to_owned()).collect())
            .collect();
        for number in 0..smtp + sendmail {
            let (stop, stopped) = mpsc::channel();
            let way = if number < smtp {
                Way::Smtp(instance.smtp())
            } else {
                Way::Sendmail(instance.path().join("bin/sendmail"))
            };
            let (ledger, to) = (Arc::clone(&ledger), to.clone());
            let mut chance = chance.branch();
            stops.push(stop);
            threads.push(std::thread::spawn(move || {
                hand_in(number, &way, &to, &stopped, &ledger, &mut chance);
            }));
        }
        Self {
            stops,
            threads,
            ledger,
        }
    }

    /// How many messages were accepted so far.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.ledger.lock().expect("the ledger").accepted.len()
    }

    /// Ends it, and gives the record.
    #[must_use]
    pub fn end(self) -> Ledger {
        drop(self.stops);
        for thread in self.threads {
            thread.join().expect("a thread of the load");
        }
        self.ledger.lock().expect("the ledger").clone()
    }
}

/// The content that belongs to a token, with LF: `lines` lines after a header section that names both.
#[must_use]
pub fn content(token: &str, lines: usize) -> Vec<u8> {
    let mut text = format!("X-Token: {token}\nX-Lines: {lines}\nSubject: load\n\n");
    for line in 0..lines {
        text.push_str(&format!("{token} line {line} of a message under load\n"));
    }
    text.push_str(&format!("end of {token}\n"));
    text.into_bytes()
}

/// The token of a message that arrived, if it is one of a load; fails the test if it is one and is not whole.
#[must_use]
pub fn token(arrived: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(arrived).replace("\r\n", "\n");
    let (head, _) = text.split_once("\n\n")?;
    let field = |name: &str| {
        head.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    };
    let token = field("X-Token")?.to_owned();
    let lines = field("X-Lines").and_then(|count| count.parse().ok());
    let sent = content(&token, lines.expect("a count of lines"));
    let sent = String::from_utf8(sent).expect("text");
    let (_, body) = sent.split_once("\n\n").expect("a body");
    assert!(
        text.ends_with(&format!("\n\n{body}")),
        "{token} arrived changed:\n{text}"
    );
    Some(token)
}

fn hand_in(
    number: usize,
    way: &Way,
    to: &[Vec<String>],
    stopped: &Receiver<()>,
    ledger: &Mutex<Ledger>,
    chance: &mut Chance,
) {
    let mut connection = None;
    for count in 0.. {
        let list = chance.pick(to).clone();
        // Mostly small, sometimes longer than any buffer on the way.
        let lines = match chance.below(20) {
            0 => 8000,
            1 => 1000,
            _ => 1 + chance.below(40),
        };
        let token = format!("t{number}-{count}");
        let content = content(&token, lines);
        let accepted = Accepted { token, to: list };
        let answer = match way {
            Way::Smtp(address) => by_smtp(*address, &mut connection, &accepted.to, &content),
            Way::Sendmail(program) => by_sendmail(program, &accepted.to, &content),
        };
        let mut ledger = ledger.lock().expect("the ledger");
        match answer {
            Answer::Accepted => ledger.accepted.push(accepted),
            Answer::PutOff => ledger.put_off += 1,
            Answer::Wrong(text) => ledger.wrong.push(format!("{}: {text}", accepted.token)),
        }
        drop(ledger);
        if chance.below(5) == 0 {
            connection = None;
        }
        // A breath between messages, which ends with the load.
        let breath = Duration::from_millis(u64::try_from(chance.below(15)).unwrap_or(0));
        if stopped.recv_timeout(breath) != Err(mpsc::RecvTimeoutError::Timeout) {
            return;
        }
    }
}

/// What became of a message that was handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It was accepted.
    Accepted,
    /// It was not, for now.
    PutOff,
    /// Something was answered that must not be.
    Wrong(String),
}

/// Hands one message in by `sendmail` from demo.
#[must_use]
pub fn by_sendmail(program: &std::path::Path, to: &[String], content: &[u8]) -> Answer {
    let mut command = Command::new(program);
    command
        .args(["-i", "-f", "demo@stafette.test", "--"])
        .args(to);
    let output = feed(&mut command, content);
    match output.status.code() {
        Some(0) => Answer::Accepted,
        // 75, or the one that ran it was killed by a signal.
        Some(75) | None => Answer::PutOff,
        Some(_) => Answer::Wrong(format!("sendmail: {output:?}")),
    }
}

/// A connection that may break at any moment.
#[derive(Debug)]
pub struct Connection(BufReader<TcpStream>);

/// Hands one message in by SMTP from demo, on this connection or a new one.
pub fn by_smtp(
    address: SocketAddrV4,
    connection: &mut Option<Connection>,
    to: &[String],
    content: &[u8],
) -> Answer {
    match converse(address, connection, to, content) {
        Ok(250) => Answer::Accepted,
        Ok(400..=499) => {
            *connection = None;
            Answer::PutOff
        }
        Ok(code) => {
            *connection = None;
            Answer::Wrong(format!("SMTP reply {code}"))
        }
        Err(_) => {
            *connection = None;
            Answer::PutOff
        }
    }
}

/// One transaction; gives the last reply, which is the first that was not as hoped.
fn converse(
    address: SocketAddrV4,
    connection: &mut Option<Connection>,
    to: &[String],
    content: &[u8],
) -> io::Result<u16> {
    if connection.is_none() {
        let stream = TcpStream::connect_timeout(&address.into(), Duration::from_secs(5))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.set_write_timeout(Some(Duration::from_secs(20)))?;
        let mut new = Connection(BufReader::new(stream));
        let greeting = new.reply()?;
        if greeting != 220 {
            return Ok(greeting);
        }
        let hello = new.say("EHLO load.test")?;
        if hello != 250 {
            return Ok(hello);
        }
        *connection = Some(new);
    }
    let Some(talk) = connection else {
        return Err(io::ErrorKind::NotConnected.into());
    };
    let mut commands = vec!["MAIL FROM:<demo@stafette.test>".to_owned()];
    commands.extend(to.iter().map(|one| format!("RCPT TO:<{one}>")));
    for command in commands {
        let code = talk.say(&command)?;
        if code != 250 {
            return Ok(code);
        }
    }
    let code = talk.say("DATA")?;
    if code != 354 {
        return Ok(code);
    }
    let mut wire = Vec::with_capacity(content.len() + content.len() / 16);
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        wire.extend_from_slice(line);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b".\r\n");
    talk.0.get_mut().write_all(&wire)?;
    talk.reply()
}

impl Connection {
    fn say(&mut self, command: &str) -> io::Result<u16> {
        self.0
            .get_mut()
            .write_all(format!("{command}\r\n").as_bytes())?;
        self.reply()
    }

    fn reply(&mut self) -> io::Result<u16> {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line)?;
            let code = line.get(..3).and_then(|digits| digits.parse().ok());
            let code = code.ok_or(io::ErrorKind::UnexpectedEof)?;
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(code);
            }
        }
    }
}
