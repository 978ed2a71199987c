//! A name server in a thread, which says what a closure tells it to.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

/// What to answer.
pub(crate) enum Says {
    /// These records, each `TYPE data`.
    Records(Vec<String>),
    /// A CNAME, and these records of its target.
    Alias(&'static str, Vec<String>),
    /// "Truncated" by UDP, these records by TCP.
    Truncated(Vec<String>),
    /// An error.
    Code(&'static str),
    /// Nothing at all.
    Nothing,
}

impl Says {
    pub(crate) fn records(list: &[&str]) -> Self {
        Self::Records(list.iter().map(ToString::to_string).collect())
    }
    pub(crate) fn alias(target: &'static str, list: &[&str]) -> Self {
        Self::Alias(target, list.iter().map(ToString::to_string).collect())
    }
}

pub(crate) struct NameServer {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl NameServer {
    /// Serves until the test ends; the closure gets the name with its last dot, in lower case, and the type.
    pub(crate) fn new(says: impl Fn(&str, &str) -> Says + Send + Sync + 'static) -> Self {
        let (udp, tcp) = sockets();
        let address = udp.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let says = Arc::new(says);
        let (count, tell) = (Arc::clone(&asked), Arc::clone(&says));
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok((length, peer)) = udp.recv_from(&mut buffer) {
                count.fetch_add(1, Ordering::SeqCst);
                if let Some(answer) = answer(&buffer[..length], &*tell, true) {
                    udp.send_to(&answer, peer).unwrap();
                }
            }
        });
        thread::spawn(move || {
            for stream in tcp.incoming() {
                let mut stream = stream.unwrap();
                let mut head = [0; 2];
                while stream.read_exact(&mut head).is_ok() {
                    let mut question = vec![0; usize::from(u16::from_be_bytes(head))];
                    stream.read_exact(&mut question).unwrap();
                    if let Some(answer) = answer(&question, &*says, false) {
                        let length = u16::try_from(answer.len()).unwrap().to_be_bytes();
                        stream.write_all(&[&length[..], &answer].concat()).unwrap();
                    }
                }
            }
        });
        Self { address, asked }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Datagrams so far.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// UDP and TCP on one port.
fn sockets() -> (UdpSocket, TcpListener) {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()) {
            return (udp, tcp);
        }
    }
}

fn answer(question: &[u8], says: &dyn Fn(&str, &str) -> Says, udp: bool) -> Option<Vec<u8>> {
    let question = Message::from_vec(question).unwrap();
    let query = question.queries[0].clone();
    let name = query.name().clone();
    let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
    answer.metadata.recursion_desired = question.metadata.recursion_desired;
    answer.metadata.recursion_available = true;
    answer.add_query(query.clone());
    match says(
        &name.to_lowercase().to_ascii(),
        &query.query_type().to_string(),
    ) {
        Says::Records(list) => add(&mut answer, &name, &list),
        Says::Alias(target, list) => {
            let target = Name::from_ascii(target).unwrap();
            add(&mut answer, &name, &[format!("CNAME {target}")]);
            add(&mut answer, &target, &list);
        }
        Says::Truncated(_) if udp => answer.metadata.truncation = true,
        Says::Truncated(list) => add(&mut answer, &name, &list),
        Says::Code(code) => {
            answer.metadata.response_code = match code {
                "NXDOMAIN" => ResponseCode::NXDomain,
                "REFUSED" => ResponseCode::Refused,
                _ => ResponseCode::ServFail,
            };
        }
        Says::Nothing => return None,
    }
    if answer.answers.is_empty() {
        let soa = "ns.example. hostmaster.example. 1 3600 600 86400 300";
        answer.add_authority(record(&name, &format!("SOA {soa}")));
    }
    Some(answer.to_vec().unwrap())
}

fn add(answer: &mut Message, name: &Name, list: &[String]) {
    for text in list {
        answer.add_answer(record(name, text));
    }
}

fn record(name: &Name, text: &str) -> Record {
    let (kind, data) = text.split_once(' ').unwrap();
    let kind = RecordType::from_str(kind).unwrap();
    Record::from_rdata(name.clone(), 300, RData::try_from_str(kind, data).unwrap())
}
