//! Whether the programs answer: a ping on each socket, and a greeting on each SMTP address.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use stafette_control::Control;
use stafette_sys::packet::Socket;

use crate::folder::Folder;

/// How long one answer may take; the whole is asked again until it comes.
const LIMIT: Duration = Duration::from_millis(500);
/// The Ping packet: the same kind byte on every socket of `stafette_wire`.
const PING: &[u8] = b"P";

/// Names of the programs, of those given, that do not answer yet.
pub(crate) fn silent(folder: &Folder, programs: &[&str]) -> Vec<String> {
    let mut silent: Vec<String> = programs
        .iter()
        .filter(|program| !answers(folder, program))
        .map(|&program| program.to_owned())
        .collect();
    if silent.is_empty() {
        silent.extend(
            smtp_addresses(folder)
                .into_iter()
                .filter(|address| !greets(*address))
                .map(|address| format!("SMTP on {address}")),
        );
    }
    silent
}

fn answers(folder: &Folder, program: &str) -> bool {
    let path = folder.directory("run").join(program).join("socket");
    let Ok(socket) = Socket::connect_timeout(&path, LIMIT) else {
        return false;
    };
    if socket.set_timeouts(Some(LIMIT), Some(LIMIT)).is_err() || socket.send(PING, &[]).is_err() {
        return false;
    }
    // Some programs greet a new peer first, and may have much to tell; the pong comes among it.
    let mut packet = vec![0; stafette_wire::MAX_PACKET];
    let end = Instant::now() + LIMIT;
    while Instant::now() < end {
        match socket.recv(&mut packet) {
            Ok((1, _)) if packet.first() == Some(&b'P') => return true,
            Ok((1.., _)) => {}
            Ok((0, _)) | Err(_) => return false,
        }
    }
    false
}

fn greets(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect_timeout(&address, LIMIT) else {
        return false;
    };
    let mut greeting = [0; 4];
    let greeted = stream.set_read_timeout(Some(LIMIT)).is_ok()
        && stream.read_exact(&mut greeting).is_ok()
        && greeting == *b"220 ";
    // The session was only a knock; what the server still says to it does not matter.
    drop(stream.write_all(b"QUIT\r\n"));
    greeted
}

/// Where smtpd listens, as a client on this machine reaches it.
pub(crate) fn smtp_addresses(folder: &Folder) -> Vec<SocketAddr> {
    let control = Control::new(folder.directory("etc"));
    let lines = control
        .lines("smtplisten")
        .ok()
        .flatten()
        .unwrap_or_default();
    lines
        .iter()
        .filter_map(|line| line.text.parse::<SocketAddr>().ok())
        .map(|mut address| {
            match address.ip() {
                IpAddr::V4(ip) if ip.is_unspecified() => {
                    address.set_ip(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
                }
                IpAddr::V6(ip) if ip.is_unspecified() => {
                    address.set_ip(IpAddr::V6(std::net::Ipv6Addr::LOCALHOST));
                }
                _ => {}
            }
            address
        })
        .collect()
}
