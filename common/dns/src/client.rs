//! The client of the resolve program, for programs that may wait.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use stafette_sys::packet::{MAX_PACKET, Socket};
use stafette_wire::Packet;
use stafette_wire::resolve::{Exchanger, FromResolve, ToResolve};

use crate::answer::{Answer, Ask};

/// The longest wait for one answer: a little more than resolve itself takes.
const ANSWER_LIMIT: Duration = Duration::from_secs(25);
/// How long a resolve program that is not there is waited for: it is being started again.
const ABSENCE_LIMIT: Duration = Duration::from_secs(5);
/// How many broken connections one question survives; a question that ends resolve each time is given up.
const BREAKS: u32 = 3;
/// The pause between two looks whether it is back.
const PAUSE: Duration = Duration::from_millis(50);

/// A connection to resolve, made when first needed and again when it breaks. Questions go one after the other.
/// A process that forks makes its own client.
#[derive(Debug)]
pub struct Client {
    path: PathBuf,
    socket: Option<Socket>,
    seq: u32,
    until: Option<Instant>,
    buffer: Vec<u8>,
}

impl Client {
    /// A client of the socket at `path`; nothing is connected yet.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            socket: None,
            seq: 0,
            until: None,
            buffer: Vec::new(),
        }
    }

    /// No question is waited for beyond this moment; none: each has its own limit only.
    pub fn set_deadline(&mut self, until: Option<Instant>) {
        self.until = until;
    }

    /// Asks, and asks again on a new connection when one broke: resolve may die at any moment, and is soon back.
    /// All questions may be asked twice.
    fn ask(&mut self, question: impl Fn(u32) -> ToResolve) -> Result<FromResolve, io::Error> {
        let (limit, absence) = self.limits();
        let mut breaks = 0;
        loop {
            match self.ask_once(&question, limit, absence) {
                Err(error)
                    if !is_timeout(&error) && breaks < BREAKS && Instant::now() < absence =>
                {
                    breaks += 1;
                }
                result => return result,
            }
        }
    }

    /// The name of a host, confirmed by its addresses (ASCII, lower case, no last dot); `Found(None)`: it has none.
    pub fn name(&mut self, address: IpAddr) -> Answer<Option<String>> {
        match self.ask(|seq| ToResolve::Name { seq, address }) {
            Ok(FromResolve::Name { name, .. }) => Answer::Found(name),
            Ok(other) => other_answer(other),
            Err(error) => self.explain(&error),
        }
    }

    fn limits(&self) -> (Instant, Instant) {
        let now = Instant::now();
        let cut = |wanted: Duration| {
            let until = now.checked_add(wanted).unwrap_or(now);
            self.until.map_or(until, |end| end.min(until))
        };
        (cut(ANSWER_LIMIT), cut(ABSENCE_LIMIT))
    }

    fn ask_once(
        &mut self,
        question: &impl Fn(u32) -> ToResolve,
        limit: Instant,
        absence: Instant,
    ) -> Result<FromResolve, io::Error> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => self.connect(absence)?,
        };
        self.seq = self.seq.wrapping_add(1);
        self.buffer.resize(MAX_PACKET, 0);
        socket.send(&question(self.seq).encode(), &[])?;
        loop {
            let left = limit.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            socket.set_timeouts(Some(left), Some(left))?;
            let (length, _) = socket.recv(&mut self.buffer)?;
            let packet = self.buffer.get(..length).unwrap_or_default();
            if packet.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let answer = FromResolve::decode(packet).map_err(io::Error::other)?;
            if seq_of(&answer) == Some(self.seq) {
                self.socket = Some(socket);
                return Ok(answer);
            }
        }
    }

    fn connect(&self, absence: Instant) -> Result<Socket, io::Error> {
        loop {
            match Socket::connect_timeout(&self.path, ANSWER_LIMIT) {
                Err(error) if is_absence(&error) && Instant::now() < absence => sleep(PAUSE),
                result => return result,
            }
        }
    }

    fn explain<T>(&self, error: &io::Error) -> Answer<T> {
        if is_timeout(error) {
            Answer::Later("no answer in time".to_owned())
        } else {
            Answer::OutOfReach(format!("unable to ask {}: {error}", self.path.display()))
        }
    }
}

impl Ask for Client {
    fn exchangers(&mut self, domain: &str) -> Answer<Vec<Exchanger>> {
        let asked = self.ask(|seq| ToResolve::Exchangers {
            seq,
            domain: domain.to_owned(),
        });
        match asked {
            Ok(FromResolve::Exchangers { exchangers, .. }) => Answer::Found(exchangers),
            Ok(other) => other_answer(other),
            Err(error) => self.explain(&error),
        }
    }

    fn addresses(&mut self, host: &str) -> Answer<Vec<IpAddr>> {
        let asked = self.ask(|seq| ToResolve::Addresses {
            seq,
            host: host.to_owned(),
        });
        match asked {
            Ok(FromResolve::Addresses { addresses, .. }) => Answer::Found(addresses),
            Ok(other) => other_answer(other),
            Err(error) => self.explain(&error),
        }
    }
}

fn other_answer<T>(answer: FromResolve) -> Answer<T> {
    match answer {
        FromResolve::NoSuchName { .. } => Answer::NoSuchName,
        FromResolve::Later { reason, .. } => Answer::Later(reason),
        _ => Answer::OutOfReach("resolve answered another question".to_owned()),
    }
}

fn seq_of(answer: &FromResolve) -> Option<u32> {
    match answer {
        FromResolve::Exchangers { seq, .. }
        | FromResolve::Addresses { seq, .. }
        | FromResolve::Name { seq, .. }
        | FromResolve::NoSuchName { seq }
        | FromResolve::Later { seq, .. } => Some(*seq),
        FromResolve::Pong {} => None,
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
    )
}

#[cfg(test)]
mod tests {
    use std::thread;

    use stafette_sys::packet::Listener;

    use super::*;

    type Script = Vec<fn(u32) -> FromResolve>;

    /// A resolve program that gives each of `scripts` one connection and answers as it says.
    fn server(scripts: Vec<Script>) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("resolve/socket");
        let listener = Listener::bind(&path, 0o600).unwrap();
        thread::spawn(move || {
            for script in scripts {
                let socket = listener.accept().unwrap();
                for answer in script {
                    let mut buffer = vec![0; MAX_PACKET];
                    let (length, _) = socket.recv(&mut buffer).unwrap();
                    let seq = match ToResolve::decode(&buffer[..length]).unwrap() {
                        ToResolve::Addresses { seq, .. }
                        | ToResolve::Exchangers { seq, .. }
                        | ToResolve::Name { seq, .. } => seq,
                        ToResolve::Ping {} => 0,
                    };
                    socket.send(&answer(seq).encode(), &[]).unwrap();
                }
            }
        });
        (directory, path)
    }

    fn gone(seq: u32) -> FromResolve {
        FromResolve::NoSuchName { seq }
    }

    fn local(seq: u32) -> FromResolve {
        FromResolve::Addresses {
            seq,
            addresses: vec![[127, 0, 0, 1].into()],
        }
    }

    #[test]
    fn a_connection_that_broke_between_questions_is_made_again() {
        let (_directory, path) = server(vec![vec![local], vec![gone]]);
        let mut client = Client::new(path);
        assert_eq!(
            client.addresses("a"),
            Answer::Found(vec![[127, 0, 0, 1].into()])
        );
        assert_eq!(client.addresses("b"), Answer::NoSuchName);
    }

    #[test]
    fn a_resolve_that_dies_over_a_question_is_asked_again() {
        let (_directory, path) = server(vec![vec![], vec![], vec![gone]]);
        let mut client = Client::new(path);
        assert_eq!(client.addresses("a"), Answer::NoSuchName);
    }

    #[test]
    fn an_answer_to_another_question_is_not_believed() {
        let (_directory, path) = server(vec![vec![|seq| local(seq + 1)]]);
        let mut client = Client::new(path);
        client.set_deadline(Instant::now().checked_add(Duration::from_millis(200)));
        assert!(matches!(client.addresses("a"), Answer::OutOfReach(_)));
    }

    #[test]
    fn a_deadline_ends_waiting_for_a_resolve_that_is_not_there() {
        let directory = tempfile::tempdir().unwrap();
        let mut client = Client::new(directory.path().join("socket"));
        client.set_deadline(Some(Instant::now()));
        assert!(matches!(client.exchangers("a"), Answer::OutOfReach(_)));
    }
}
