//! An SMTP client that says exactly what a test tells it to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddrV4, TcpStream};
use std::time::Duration;

/// A connection to an SMTP server.
pub struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    /// Connects and reads the greeting, which must be 220.
    #[must_use]
    pub fn connect(to: SocketAddrV4) -> Self {
        let (client, greeting) = Self::connect_any(to);
        assert!(greeting.starts_with("220 "), "greeting: {greeting}");
        client
    }

    /// Connects and gives whatever greeting came.
    #[must_use]
    pub fn connect_any(to: SocketAddrV4) -> (Self, String) {
        let stream = TcpStream::connect(to).expect("a connection");
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .expect("a time limit");
        // What a test sends in two pieces goes out in two.
        stream.set_nodelay(true).expect("an option of the socket");
        let mut client = Self {
            reader: BufReader::new(stream),
        };
        let greeting = client.reply();
        (client, greeting)
    }

    /// Connects, and says EHLO.
    #[must_use]
    pub fn ehlo(to: SocketAddrV4) -> Self {
        let mut client = Self::connect(to);
        client.expect("EHLO client.test", "250");
        client
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) {
        self.reader
            .get_mut()
            .write_all(bytes)
            .expect("the server listens");
    }

    /// The connection, for sending from another thread while this one reads replies.
    #[must_use]
    pub fn stream(&self) -> TcpStream {
        self.reader.get_ref().try_clone().expect("a descriptor")
    }

    /// Reads one reply with all its lines; empty at the end of the connection.
    pub fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let mut line = Vec::new();
            self.reader
                .read_until(b'\n', &mut line)
                .expect("a reply in time");
            let text = String::from_utf8_lossy(&line).into_owned();
            let more = text.as_bytes().get(3) == Some(&b'-');
            reply.push_str(&text);
            if !more {
                return reply;
            }
        }
    }

    /// Sends a command line and gives the reply.
    pub fn say(&mut self, command: &str) -> String {
        self.send(format!("{command}\r\n").as_bytes());
        self.reply()
    }

    /// [`Client::say`], and the reply must begin with `start`.
    pub fn expect(&mut self, command: &str, start: &str) -> String {
        let reply = self.say(command);
        assert!(
            reply.starts_with(start),
            "{command:?} was answered {reply:?} instead of {start:?}"
        );
        reply
    }

    /// Hands over a message whose content is already in wire form without its end, and gives the last reply.
    pub fn mail(&mut self, from: &str, to: &[&str], wire: &[u8]) -> String {
        self.expect(&format!("MAIL FROM:<{from}>"), "250");
        for recipient in to {
            self.expect(&format!("RCPT TO:<{recipient}>"), "250");
        }
        self.expect("DATA", "354");
        self.send(wire);
        self.send(b".\r\n");
        self.reply()
    }

    /// Whether the server has closed the connection, in order or not, and said nothing more than a farewell of 421.
    #[must_use]
    pub fn is_over(&mut self) -> bool {
        let mut rest = Vec::new();
        let read = self.reader.read_to_end(&mut rest);
        let reset =
            matches!(&read, Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset);
        (read.is_ok() || reset) && (rest.is_empty() || rest.starts_with(b"421 "))
    }

    /// Whether the server has closed the connection in order and said nothing more.
    #[must_use]
    pub fn at_end(&mut self) -> bool {
        matches!(self.reader.read_to_end(&mut Vec::new()), Ok(0))
    }
}
