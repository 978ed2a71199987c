//! The ways smtpd gets its connections: IPv4 and IPv6, sockets from systemd, and one session under tcpserver.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::net::{Ipv6Addr, SocketAddrV4, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use stafette_tests::client::Client;
use stafette_tests::instance::{Instance, PORT, signal};
use stafette_tests::letter::expect_mail;
use stafette_tests::{address, skip, wait};

const LETTER: &[u8] = b"Subject: listening\n\nbody\n";
const WIRE: &[u8] = b"Subject: listening\r\n\r\nbody\r\n";

/// A server that this test started.
struct Server(Child);

impl Server {
    /// Starts one of this instance's programs' starters.
    fn start(instance: &Instance, command: &mut Command) -> Self {
        let at = |name: &str| instance.path().join(name);
        command
            .env("STAFETTE_ETC", at("etc"))
            .env("STAFETTE_SPOOL", at("spool"))
            .env("STAFETTE_RUN", at("run"));
        let child = command.stdin(Stdio::null()).spawn();
        Self(child.expect("a server"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        signal(self.0.id(), "TERM");
        self.0.wait().expect("the server's end");
    }
}

fn smtpd(instance: &Instance) -> String {
    instance
        .path()
        .join("libexec/stafette-smtpd")
        .display()
        .to_string()
}

/// A free port of the IPv6 loopback, if the machine has one.
fn free_port() -> Option<u16> {
    let probe = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).ok()?;
    probe.local_addr().ok().map(|address| address.port())
}

#[test]
fn mail_comes_in_over_ipv6_and_ipv4_and_an_absent_address_harms_neither() {
    let Some(port) = free_port() else {
        assert!(!skip::unless(false, "IPv6 loopback"));
        return;
    };
    let mut instance = Instance::new(&[]);
    instance.start();
    // init/run writes the one address of --smtp; an operator adds others.
    let own = instance.smtp();
    let second = SocketAddrV4::new(address::fresh(), PORT);
    instance.set(
        "smtplisten",
        &format!("{own}\n[2001:db8::1]:2525\n192.0.2.1:2525\n[::1]:{port}\n{second}"),
    );
    let parent = instance.processes("smtpd");
    parent.iter().for_each(|pid| signal(*pid, "KILL"));
    wait::until_true("smtpd on all its addresses", || {
        TcpStream::connect((Ipv6Addr::LOCALHOST, port)).is_ok()
            && TcpStream::connect(second).is_ok()
    });
    let mut script = Command::new("python3");
    script.args([
        "-c",
        "import smtplib, sys
with smtplib.SMTP('::1', int(sys.argv[1]), local_hostname='client.test') as client:
    client.sendmail('joe@example.org', 'demo@stafette.test', b'Subject: listening\\n\\nbody\\n'.replace(b'\\n', b'\\r\\n'))",
        &port.to_string(),
    ]);
    assert!(skip::unless_installed("python3") && script.status().expect("python3").success());
    for address in [own, second] {
        let mut client = Client::ehlo(address);
        assert!(
            client
                .mail("joe@example.org", &["demo@stafette.test"], WIRE)
                .starts_with("250")
        );
    }
    expect_mail(&instance, "demo", &vec![LETTER.to_vec(); 3]);
    let mail = instance.mail("demo");
    let from_ipv6 = mail
        .iter()
        .filter(|message| String::from_utf8_lossy(message).contains("[IPv6:::1]"))
        .count();
    assert_eq!(from_ipv6, 1, "the trace field names the client's address");
    let log = instance.log("smtpd");
    assert!(
        log.contains("2001:db8::1") && log.contains("192.0.2.1:2525"),
        "{log}"
    );
}

/// Binds a socket, puts it on descriptor 3 as systemd does, and becomes the program.
const ACTIVATE: &str = "import os, socket, sys
server = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET)
server.bind((sys.argv[1], int(sys.argv[2])))
server.listen(10)
if server.fileno() != 3:
    os.dup2(server.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES='smtp')
os.execv(sys.argv[3], sys.argv[3:])
";

#[test]
fn a_socket_from_systemd_is_used_instead_of_the_settings() {
    if !skip::unless_installed("python3") {
        return;
    }
    let instance = Instance::started(&[]);
    // The instance's own smtpd stays away: the socket is all there is.
    signal(instance.supervisor(), "STOP");
    instance
        .processes("smtpd")
        .iter()
        .for_each(|pid| signal(*pid, "KILL"));
    let address = SocketAddrV4::new(address::fresh(), 2527);
    let mut python = Command::new("python3");
    python.args([
        "-c",
        ACTIVATE,
        &address.ip().to_string(),
        &address.port().to_string(),
        &smtpd(&instance),
        "service",
    ]);
    let server = Server::start(&instance, &mut python);
    wait::until_true("the socket", || TcpStream::connect(address).is_ok());
    let mut client = Client::ehlo(address);
    assert!(
        client
            .mail("joe@example.org", &["demo@stafette.test"], WIRE)
            .starts_with("250")
    );
    assert!(
        TcpStream::connect(instance.smtp()).is_err(),
        "it listens besides"
    );
    expect_mail(&instance, "demo", &[LETTER.to_vec()]);
    drop(server);
    signal(instance.supervisor(), "CONT");
}

/// Runs smtpd under tcpserver, which sets variables as tcprules would, and gives its address.
fn under_tcpserver(instance: &Instance, variables: &[(&str, &str)]) -> (Server, SocketAddrV4) {
    let address = SocketAddrV4::new(address::fresh(), 2528);
    let mut tcpserver = Command::new("tcpserver");
    tcpserver.args([
        "-H",
        "-R",
        "-l",
        "0",
        "-v",
        &address.ip().to_string(),
        &address.port().to_string(),
    ]);
    tcpserver
        .arg(smtpd(instance))
        .envs(variables.iter().copied())
        .stderr(Stdio::piped());
    let mut server = Server::start(instance, &mut tcpserver);
    let mut said = BufReader::new(server.0.stderr.take().expect("a pipe"));
    let mut line = String::new();
    said.read_line(&mut line).expect("what tcpserver says");
    std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
    (server, address)
}

#[test]
fn under_tcpserver_relayclient_and_databytes_count() {
    if !skip::unless_installed("tcpserver") {
        return;
    }
    let mut instance = Instance::new(&[]);
    instance.set("relayclients", "192.0.2.0/24");
    instance.start();
    let (_stranger, address) = under_tcpserver(&instance, &[("DATABYTES", "1000")]);
    let mut client = Client::connect(address);
    assert!(
        client
            .expect("EHLO client.test", "250")
            .contains("-SIZE 1000\r\n")
    );
    client.expect("MAIL FROM:<joe@example.org>", "250");
    client.expect("RCPT TO:<joe@example.net>", "550 5.7.1");
    client.expect("RCPT TO:<nobody@stafette.test>", "550 5.1.1");
    client.expect("RCPT TO:<demo@stafette.test>", "250");
    client.expect("DATA", "354");
    client.send(WIRE);
    client.expect(".", "250 2.0.0");
    client.expect("QUIT", "221");
    assert!(client.at_end());

    let (_friend, address) = under_tcpserver(&instance, &[("RELAYCLIENT", "")]);
    let mut client = Client::ehlo(address);
    client.expect("MAIL FROM:<joe@example.org>", "250");
    client.expect("RCPT TO:<joe@example.net>", "250 2.1.5");
    client.expect("RCPT TO:<nobody@stafette.test>", "550 5.1.1");
    client.expect("QUIT", "221");

    let (_gateway, address) = under_tcpserver(&instance, &[("RELAYCLIENT", ".gateway.test")]);
    let mut client = Client::ehlo(address);
    client.expect("MAIL FROM:<joe@example.org>", "250");
    client.expect("RCPT TO:<demo@stafette.test>", "250 2.1.5");
    client.expect("QUIT", "221");

    expect_mail(&instance, "demo", &[LETTER.to_vec()]);
    let message = String::from_utf8(instance.mail("demo").remove(0)).expect("text");
    assert!(
        message.contains("[127.0.0.1]"),
        "the client's address is in the trace field: {message}"
    );
}
