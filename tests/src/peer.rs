//! An SMTP server that misbehaves as a test tells it to, and remembers what it was told.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::{address, wait};

/// What to do instead of the usual reply.
#[derive(Debug, Clone)]
pub enum Act {
    /// Say this (lines with CRLF added).
    Say(String),
    /// Say this, then close.
    SayAndClose(String),
    /// Close without a word.
    Close,
    /// Say nothing, and wait until the client gives up.
    Hang,
}

/// One finished transaction.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    /// MAIL's argument, with parameters.
    pub mail: String,
    /// RCPT's arguments that were accepted.
    pub recipients: Vec<String>,
    /// The content as it came, dots undone, without the end.
    pub content: Vec<u8>,
    /// When it had all come, before it was answered.
    pub at: Option<Instant>,
}

/// What was seen so far.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Connections.
    pub connections: usize,
    /// Command lines, over all connections.
    pub commands: Vec<String>,
    /// Transactions that were answered 250.
    pub taken: Vec<Taken>,
}

/// Decides about a command line (or `connect`, or `.` for the end of content); none: the usual reply.
pub type Rule = dyn Fn(&str, &Seen) -> Option<Act> + Send + Sync;

/// A running peer. Its thread ends with the test process.
pub struct Peer {
    address: Ipv4Addr,
    seen: Arc<Mutex<Seen>>,
}

/// Port of every peer, each on its own address.
pub const PORT: u16 = 2626;

impl Peer {
    /// A peer that accepts everything.
    #[must_use]
    pub fn friendly() -> Self {
        Self::with(|_, _| None)
    }

    /// A peer with a rule.
    #[must_use]
    pub fn with(rule: impl Fn(&str, &Seen) -> Option<Act> + Send + Sync + 'static) -> Self {
        Self::on(address::fresh(), PORT, rule)
    }

    /// A peer with a rule on a given address.
    #[must_use]
    pub fn on(
        address: Ipv4Addr,
        port: u16,
        rule: impl Fn(&str, &Seen) -> Option<Act> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((address, port)).expect("an address for the peer");
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (rule, shared): (Arc<Rule>, _) = (Arc::new(rule), Arc::clone(&seen));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (rule, seen) = (Arc::clone(&rule), Arc::clone(&shared));
                std::thread::spawn(move || serve(&stream, &*rule, &seen));
            }
        });
        Self { address, seen }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddrV4 {
        SocketAddrV4::new(self.address, PORT)
    }

    /// As `--route` wants it.
    #[must_use]
    pub fn route(&self, domain: &str) -> String {
        format!("{domain} {}:{PORT}", self.address)
    }

    /// What was seen so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.seen.lock().expect("no peer thread panics").clone()
    }

    /// Waits until `count` transactions were taken.
    #[must_use]
    pub fn wait_for(&self, count: usize) -> Vec<Taken> {
        wait::until(&format!("{count} transactions"), || {
            Some(self.seen().taken).filter(|taken| taken.len() >= count)
        })
    }
}

fn serve(stream: &TcpStream, rule: &Rule, seen: &Mutex<Seen>) {
    let Ok(mut writer) = stream.try_clone() else {
        return;
    };
    let mut reader = BufReader::new(stream);
    let mut transaction = Taken::default();
    seen.lock().expect("no peer thread panics").connections += 1;
    // The usual reply unless the rule says otherwise; gives the reply's first digit, or none when it is over.
    let mut answer = |what: &str, usual: &str| -> Option<char> {
        let act = rule(what, &seen.lock().expect("no peer thread panics"));
        let (text, over) = match act {
            None => (usual.to_owned(), false),
            Some(Act::Say(text)) => (text, false),
            Some(Act::SayAndClose(text)) => (text, true),
            Some(Act::Close) => return None,
            Some(Act::Hang) => {
                let mut rest = Vec::new();
                let mut raw = stream;
                drop(std::io::Read::read_to_end(&mut raw, &mut rest));
                return None;
            }
        };
        writer.write_all(format!("{text}\r\n").as_bytes()).ok()?;
        if over { None } else { text.chars().next() }
    };
    if answer("connect", "220 peer.test ESMTP").is_none() {
        return;
    }
    let mut line = Vec::new();
    loop {
        line.clear();
        if !matches!(reader.read_until(b'\n', &mut line), Ok(1..)) {
            return;
        }
        let command = String::from_utf8_lossy(&line).trim_end().to_owned();
        seen.lock()
            .expect("no peer thread panics")
            .commands
            .push(command.clone());
        let verb = command
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase();
        let argument = command
            .split_once(':')
            .map(|(_, argument)| argument.to_owned())
            .unwrap_or_default();
        let code = match verb.as_str() {
            "EHLO" => answer(
                &command,
                "250-peer.test\r\n250-PIPELINING\r\n250-SIZE 100000000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250 ENHANCEDSTATUSCODES",
            ),
            "DATA" => answer(
                &command,
                if transaction.recipients.is_empty() {
                    "503 5.5.1 no recipients"
                } else {
                    "354 go on"
                },
            ),
            "QUIT" => answer(&command, "221 2.0.0 bye").and(None),
            _ => answer(&command, "250 2.0.0 ok"),
        };
        let Some(code) = code else { return };
        match verb.as_str() {
            "MAIL" => {
                transaction = Taken {
                    mail: argument,
                    ..Taken::default()
                }
            }
            "RCPT" if code == '2' => transaction.recipients.push(argument),
            "RSET" => transaction = Taken::default(),
            "DATA" if code == '3' => {
                let Some(content) = read_content(&mut reader) else {
                    return;
                };
                transaction.content = content;
                transaction.at = Some(Instant::now());
                let Some(code) = answer(".", "250 2.0.0 taken") else {
                    return;
                };
                let taken = std::mem::take(&mut transaction);
                if code == '2' {
                    seen.lock()
                        .expect("no peer thread panics")
                        .taken
                        .push(taken);
                }
            }
            _ => {}
        }
    }
}

fn read_content(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    loop {
        let mut line = Vec::new();
        if !matches!(reader.read_until(b'\n', &mut line), Ok(1..)) {
            return None;
        }
        if line == b".\r\n" {
            return Some(content);
        }
        content.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
}
