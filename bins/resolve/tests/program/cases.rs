//! What the program answers.

use std::fs::Permissions;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::name_server::{NameServer, Says};
use stafette_dns::{Answer, Ask, Client};
use stafette_sys::packet::{MAX_PACKET, Socket};
use stafette_wire::Packet;
use stafette_wire::resolve::{Exchanger, FromResolve, ToResolve};

const NOBODY: u32 = 65_534;

fn is_root() -> bool {
    stafette_sys::user::is_root()
}

/// A running resolve in a folder of its own.
struct Program {
    folder: tempfile::TempDir,
    child: Child,
}

impl Program {
    fn asking(servers: &[SocketAddr]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let etc = folder.path().join("etc");
        std::fs::create_dir(&etc).unwrap();
        std::fs::create_dir(folder.path().join("run")).unwrap();
        name_servers(&folder, servers);
        let built = Path::new(env!("CARGO_BIN_EXE_stafette-resolve"));
        let child = spawn(&folder, built).unwrap_or_else(|_| {
            // Others may not reach what root has built.
            let copy = folder.path().join("stafette-resolve");
            // By a process of its own: a writing descriptor here could live on in another test's child, and then the copy cannot run.
            let copied = Command::new("cp").arg(built).arg(&copy).status().unwrap();
            assert!(copied.success());
            spawn(&folder, &copy).unwrap()
        });
        let program = Self { folder, child };
        program.ping();
        program
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("run/resolve/socket")
    }

    fn client(&self) -> Client {
        Client::new(self.socket())
    }

    /// Waits until the program answers.
    fn ping(&self) {
        let end = Instant::now() + Duration::from_secs(20);
        let socket = loop {
            match Socket::connect(&self.socket()) {
                Ok(socket) => break socket,
                Err(error) => assert!(Instant::now() < end, "{error}"),
            }
            std::thread::yield_now();
        };
        socket.send(&ToResolve::Ping {}.encode(), &[]).unwrap();
        assert_eq!(receive(&socket), FromResolve::Pong {});
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn spawn(folder: &tempfile::TempDir, program: &Path) -> std::io::Result<Child> {
    let mut command = Command::new(program);
    if is_root() {
        // The service users need not exist here: as anybody else the program stays who it is.
        command.uid(NOBODY).gid(NOBODY);
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;
        chown(folder.path().join("run"), Some(NOBODY), Some(NOBODY))?;
    }
    command
        .env("STAFETTE_ETC", folder.path().join("etc"))
        .env("STAFETTE_RUN", folder.path().join("run"))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

fn name_servers(folder: &tempfile::TempDir, servers: &[SocketAddr]) {
    let lines: Vec<String> = servers.iter().map(ToString::to_string).collect();
    let (file, new) = (
        folder.path().join("etc/nameservers"),
        folder.path().join("etc/new"),
    );
    std::fs::copy(write(&new, &lines.join("\n")), file).unwrap();
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test's file needs no durability"
)]
fn write<'a>(path: &'a Path, text: &str) -> &'a Path {
    std::fs::write(path, text).unwrap();
    path
}

fn receive(socket: &Socket) -> FromResolve {
    let mut buffer = vec![0; MAX_PACKET];
    let (length, _) = socket.recv(&mut buffer).unwrap();
    FromResolve::decode(&buffer[..length]).unwrap()
}

fn mx(preference: u16, host: &str) -> Exchanger {
    let host = host.to_owned();
    Exchanger { preference, host }
}

fn ips(text: &[&str]) -> Vec<IpAddr> {
    text.iter().map(|ip| ip.parse().unwrap()).collect()
}

#[test]
fn what_there_is_and_what_there_is_not_are_told_apart() {
    let server = NameServer::new(|name, kind| match (name, kind) {
        ("mail.example.", "MX") => Says::records(&["MX 20 B.example.", "MX 10 a.example."]),
        ("null.example.", "MX") => Says::records(&["MX 0 ."]),
        ("a.example.", "A") => Says::records(&["A 192.0.2.1"]),
        ("a.example.", "AAAA") => Says::records(&["AAAA 2001:db8::1"]),
        ("alias.example.", "A") => Says::alias("a.example.", &["A 192.0.2.1"]),
        ("broken.example.", _) => Says::Code("SERVFAIL"),
        ("refused.example.", _) => Says::Code("REFUSED"),
        ("none.example.", _) => Says::Code("NXDOMAIN"),
        _ => Says::records(&[]),
    });
    let program = Program::asking(&[server.address()]);
    let mut client = program.client();
    let mut found = match client.exchangers("mail.example") {
        Answer::Found(found) => found,
        other => panic!("{other:?}"),
    };
    found.sort_by_key(|exchanger| exchanger.preference);
    assert_eq!(found, [mx(10, "a.example"), mx(20, "b.example")]);
    assert_eq!(
        client.exchangers("null.example"),
        Answer::Found(vec![mx(0, "")])
    );
    assert_eq!(client.exchangers("a.example"), Answer::Found(Vec::new()));
    assert_eq!(client.exchangers("none.example"), Answer::NoSuchName);
    assert_eq!(client.addresses("none.example"), Answer::NoSuchName);
    assert_eq!(client.exchangers("not a name"), Answer::NoSuchName);
    assert_eq!(
        client.addresses("a.example"),
        Answer::Found(ips(&["2001:db8::1", "192.0.2.1"]))
    );
    assert_eq!(
        client.addresses("alias.example"),
        Answer::Found(ips(&["192.0.2.1"]))
    );
    for domain in ["broken.example", "refused.example"] {
        assert!(
            matches!(client.exchangers(domain), Answer::Later(_)),
            "{domain}"
        );
    }
}

#[test]
fn a_name_counts_only_if_it_leads_back_to_the_address() {
    let server = NameServer::new(|name, kind| match (name, kind) {
        ("1.2.0.192.in-addr.arpa.", "PTR") => {
            Says::records(&["PTR liar.example.", "PTR Mail.Example."])
        }
        ("2.2.0.192.in-addr.arpa.", "PTR") => Says::records(&["PTR bank.example."]),
        ("3.2.0.192.in-addr.arpa.", "PTR") => Says::records(&["PTR lost.example."]),
        ("4.2.0.192.in-addr.arpa.", "PTR") => Says::Code("NXDOMAIN"),
        ("5.2.0.192.in-addr.arpa.", "PTR") => Says::Code("SERVFAIL"),
        ("mail.example.", "A") => Says::records(&["A 192.0.2.9", "A 192.0.2.1"]),
        ("bank.example.", "A") => Says::records(&["A 192.0.2.77"]),
        ("liar.example.", _) => Says::Code("NXDOMAIN"),
        ("0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.", "PTR") => {
            Says::records(&["PTR six.example."])
        }
        ("six.example.", "AAAA") => Says::records(&["AAAA 2001:db8::"]),
        _ => Says::records(&[]),
    });
    let program = Program::asking(&[server.address()]);
    let mut client = program.client();
    let mut name = |ip: &str| client.name(ip.parse().unwrap());
    let found = |name: &str| Answer::Found(Some(name.to_owned()));
    assert_eq!(name("192.0.2.1"), found("mail.example"));
    assert_eq!(name("::ffff:192.0.2.1"), found("mail.example"));
    assert_eq!(name("2001:db8::"), found("six.example"));
    for ip in ["192.0.2.2", "192.0.2.3", "192.0.2.4"] {
        assert_eq!(name(ip), Answer::Found(None), "{ip}");
    }
    assert!(matches!(name("192.0.2.5"), Answer::Later(_)));
}

#[test]
fn answers_are_kept_for_all_askers() {
    let server = NameServer::new(|name, _| match name {
        "none.example." => Says::Code("NXDOMAIN"),
        _ => Says::records(&["MX 10 a.example."]),
    });
    let program = Program::asking(&[server.address()]);
    for _ in 0..3 {
        assert!(matches!(
            program.client().exchangers("mail.example"),
            Answer::Found(_)
        ));
        assert_eq!(
            program.client().exchangers("none.example"),
            Answer::NoSuchName
        );
    }
    assert_eq!(server.asked(), 2);
}

#[test]
fn a_slow_question_holds_up_no_other_on_the_same_connection() {
    let server = NameServer::new(|name, _| match name {
        "slow.example." => Says::Nothing,
        _ => Says::records(&["MX 10 a.example."]),
    });
    let program = Program::asking(&[server.address()]);
    let socket = Socket::connect(&program.socket()).unwrap();
    for (seq, domain) in [(1, "slow.example"), (2, "mail.example")] {
        let domain = domain.to_owned();
        let question = ToResolve::Exchangers { seq, domain };
        socket.send(&question.encode(), &[]).unwrap();
    }
    let exchangers = vec![mx(10, "a.example")];
    assert_eq!(
        receive(&socket),
        FromResolve::Exchangers { seq: 2, exchangers }
    );
}

#[test]
fn an_answer_that_does_not_fit_a_datagram_is_asked_for_by_tcp() {
    let server = NameServer::new(|_, kind| match kind {
        "MX" => Says::Truncated(
            (0..150)
                .map(|n| format!("MX {n} host{n}.example."))
                .collect(),
        ),
        _ => Says::records(&[]),
    });
    let program = Program::asking(&[server.address()]);
    match program.client().exchangers("big.example") {
        Answer::Found(found) => {
            assert_eq!(found.len(), 100);
            assert!(found.contains(&mx(0, "host0.example")));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_next_name_server_is_asked_where_one_is_dead() {
    let dead = SocketAddr::from(([127, 0, 0, 1], 9));
    let server = NameServer::new(|_, _| Says::records(&["MX 10 a.example."]));
    let program = Program::asking(&[dead, server.address()]);
    assert_eq!(
        program.client().exchangers("mail.example"),
        Answer::Found(vec![mx(10, "a.example")])
    );
}

#[test]
fn the_next_name_server_is_asked_where_one_fails() {
    let broken = NameServer::new(|_, _| Says::Code("SERVFAIL"));
    let server = NameServer::new(|_, _| Says::records(&["MX 10 a.example."]));
    let program = Program::asking(&[broken.address(), server.address()]);
    let mut client = program.client();
    for domain in ["one.example", "two.example"] {
        assert!(matches!(client.exchangers(domain), Answer::Found(_)));
    }
    assert_eq!(server.asked(), 2);
    assert!(broken.asked() <= 2, "the broken one is asked no more");
}

#[test]
fn a_change_of_the_name_servers_is_noticed() {
    let old = NameServer::new(|_, _| Says::Code("REFUSED"));
    let new = NameServer::new(|_, _| Says::records(&["MX 10 a.example."]));
    let program = Program::asking(&[old.address()]);
    let mut client = program.client();
    assert!(matches!(
        client.exchangers("mail.example"),
        Answer::Later(_)
    ));
    name_servers(&program.folder, &[new.address()]);
    let end = Instant::now() + Duration::from_secs(20);
    while !matches!(client.exchangers("mail.example"), Answer::Found(_)) {
        assert!(Instant::now() < end);
    }
}

#[test]
fn a_packet_that_is_no_question_costs_the_connection_and_nothing_else() {
    let server = NameServer::new(|_, _| Says::records(&["MX 10 a.example."]));
    let program = Program::asking(&[server.address()]);
    let socket = Socket::connect(&program.socket()).unwrap();
    socket.send(b"\xffnonsense", &[]).unwrap();
    let mut buffer = [0; 64];
    assert_eq!(socket.recv(&mut buffer).unwrap().0, 0);
    program.ping();
}
