//! An SMTP or LMTP server that does what a test tells it to, and remembers what it was told.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// What to do instead of the usual.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Say this; CRLF is added.
    Say(String),
    /// Say this and close.
    SayAndClose(String),
    /// Close without a word.
    Close,
    /// Say nothing, until the other side gives up.
    Hang,
    /// Say this over and over.
    Babble(String),
}

/// Says `text` in place of the usual reply.
pub(crate) fn say(text: &str) -> Option<Act> {
    Some(Act::Say(text.to_owned()))
}

/// What was seen so far, over all connections.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) connections: usize,
    /// Command lines; `.` for the end of content.
    pub(crate) commands: Vec<String>,
    /// Contents that came whole, dots and all, whatever was said to them.
    pub(crate) contents: Vec<Vec<u8>>,
}

impl Seen {
    /// How many command lines begin so.
    pub(crate) fn count(&self, verb: &str) -> usize {
        let commands = self.commands.iter();
        commands.filter(|line| line.starts_with(verb)).count()
    }
}

type Rule = dyn Fn(&str, &Seen) -> Option<Act> + Send + Sync;
type Shared = Arc<(Mutex<Seen>, Condvar)>;

/// A peer; its threads end with the test.
pub(crate) struct Peer {
    address: SocketAddr,
    seen: Shared,
}

/// What a modern server offers.
pub(crate) const OFFERS: &str = "250-peer.example\r\n250-PIPELINING\r\n250-SIZE\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250 ENHANCEDSTATUSCODES";

impl Peer {
    /// A peer that takes everything.
    pub(crate) fn friendly() -> Self {
        Self::new(|_, _| None)
    }

    /// A peer on a port of its own; the rule sees `connect`, each command line, and `.` for the end of content.
    pub(crate) fn new(rule: impl Fn(&str, &Seen) -> Option<Act> + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), rule)
    }

    pub(crate) fn at(
        address: SocketAddr,
        rule: impl Fn(&str, &Seen) -> Option<Act> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let accept = move || {
            let stream = listener.accept().unwrap().0;
            stream.set_nodelay(true).unwrap();
            (
                Box::new(stream.try_clone().unwrap()) as _,
                Box::new(stream) as _,
            )
        };
        Self::serving(address, accept, rule)
    }

    /// A peer on a Unix socket.
    pub(crate) fn on_socket(
        path: &Path,
        rule: impl Fn(&str, &Seen) -> Option<Act> + Send + Sync + 'static,
    ) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o666))
            .unwrap();
        let accept = move || {
            let stream = listener.accept().unwrap().0;
            (
                Box::new(stream.try_clone().unwrap()) as _,
                Box::new(stream) as _,
            )
        };
        Self::serving("127.0.0.1:0".parse().unwrap(), accept, rule)
    }

    fn serving(
        address: SocketAddr,
        accept: impl Fn() -> (Box<dyn Read + Send>, Box<dyn Write + Send>) + Send + 'static,
        rule: impl Fn(&str, &Seen) -> Option<Act> + Send + Sync + 'static,
    ) -> Self {
        let seen = Shared::default();
        let rule: Arc<Rule> = Arc::new(rule);
        let shared = Arc::clone(&seen);
        thread::spawn(move || {
            loop {
                let (reader, stream) = accept();
                let (rule, seen) = (Arc::clone(&rule), Arc::clone(&shared));
                note(&seen, |seen| seen.connections += 1);
                let mut connection = Connection {
                    reader: BufReader::new(reader),
                    stream,
                    rule,
                    seen,
                    is_lmtp: false,
                    accepted: Vec::new(),
                };
                thread::spawn(move || connection.serve());
            }
        });
        Self { address, seen }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.0.lock().unwrap().clone()
    }

    /// Waits until a command that begins so was seen.
    pub(crate) fn wait_for(&self, verb: &str) {
        self.wait_until(|seen| verb == "connect" && seen.connections > 0 || seen.count(verb) > 0);
    }

    /// Waits until what was seen is as wanted.
    pub(crate) fn wait_until(&self, wanted: impl Fn(&Seen) -> bool) {
        let (seen, changed) = &*self.seen;
        let guard = seen.lock().unwrap();
        let (guard, timeout) = changed
            .wait_timeout_while(guard, Duration::from_secs(20), |seen| !wanted(seen))
            .unwrap();
        assert!(!timeout.timed_out(), "{guard:?}");
    }
}

fn note(seen: &Shared, change: impl FnOnce(&mut Seen)) {
    change(&mut seen.0.lock().unwrap());
    seen.1.notify_all();
}

struct Connection {
    reader: BufReader<Box<dyn Read + Send>>,
    stream: Box<dyn Write + Send>,
    rule: Arc<Rule>,
    seen: Shared,
    /// LHLO was said: each accepted recipient gets a reply of its own to the content, for which the rule sees `. RECIPIENT`.
    is_lmtp: bool,
    accepted: Vec<String>,
}

impl Connection {
    fn serve(&mut self) {
        if !self.answer("connect", "220 peer.example") {
            return;
        }
        let mut line = String::new();
        while self
            .reader
            .read_line(&mut line)
            .is_ok_and(|count| count > 0)
        {
            let command = line.trim_end().to_owned();
            line.clear();
            note(&self.seen, |seen| seen.commands.push(command.clone()));
            let usual = match command.get(..4).unwrap_or_default() {
                "EHLO" | "LHLO" => OFFERS,
                "HELO" => "250 peer.example",
                "DATA" => "354 go ahead",
                "QUIT" => "221 2.0.0 bye",
                "RSET" => "250 2.0.0 flushed",
                "MAIL" => "250 2.1.0 sender ok",
                "RCPT" => "250 2.1.5 recipient ok",
                _ => "500 5.5.2 what",
            };
            let before = self.act(&command);
            self.is_lmtp |= usual == OFFERS && command.starts_with("LHLO");
            let is_taken = match &before {
                None => true,
                Some(Act::Say(text)) => text.starts_with('2'),
                _ => false,
            };
            if command.starts_with("MAIL") {
                self.accepted.clear();
            }
            if let Some(to) = command.strip_prefix("RCPT TO:").filter(|_| is_taken) {
                let to = to.split_ascii_whitespace().next().unwrap();
                self.accepted.push(to.to_owned());
            }
            let is_invited = match &before {
                None => usual.starts_with("354"),
                Some(Act::Say(text)) => text.starts_with("354"),
                _ => false,
            };
            if !self.perform(before, usual) || is_invited && !self.take_content() {
                return;
            }
        }
    }

    fn take_content(&mut self) -> bool {
        let mut content = Vec::new();
        while content != b".\r\n" && !content.ends_with(b"\r\n.\r\n") {
            if !self
                .reader
                .read_until(b'\n', &mut content)
                .is_ok_and(|count| count > 0)
            {
                return false;
            }
        }
        note(&self.seen, |seen| {
            seen.contents.push(content);
            seen.commands.push(".".to_owned());
        });
        if self.is_lmtp {
            let accepted = std::mem::take(&mut self.accepted);
            let mut each = accepted.iter();
            return each.all(|to| self.answer(&format!(". {to}"), "250 2.0.0 saved"));
        }
        self.answer(".", "250 2.6.0 taken")
    }

    fn act(&self, command: &str) -> Option<Act> {
        let seen = self.seen.0.lock().unwrap().clone();
        (self.rule)(command, &seen)
    }

    fn answer(&mut self, command: &str, usual: &str) -> bool {
        let act = self.act(command);
        self.perform(act, usual)
    }

    /// Whether the connection goes on.
    fn perform(&mut self, act: Option<Act>, usual: &str) -> bool {
        match act {
            None => self.put(usual),
            Some(Act::Say(text)) => self.put(&text),
            Some(Act::SayAndClose(text)) => {
                self.put(&text);
                false
            }
            Some(Act::Close) => false,
            Some(Act::Hang) => {
                drop(self.reader.read_to_end(&mut Vec::new()));
                false
            }
            Some(Act::Babble(text)) => {
                while self.put(&text) {}
                false
            }
        }
    }

    fn put(&mut self, text: &str) -> bool {
        let wire = format!("{text}\r\n");
        self.stream.write_all(wire.as_bytes()).is_ok()
    }
}
