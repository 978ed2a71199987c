//! Who is at the other end, and whether it may relay.

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::AsFd;

use stafette_control::{Networks, Settings};

/// The client of one session.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// Its address; none for a local program on a pipe.
    pub(crate) address: Option<IpAddr>,
    /// Its name, if somebody looked it up for us; empty if not.
    pub(crate) name: String,
    /// It may send anywhere; the text is appended to each recipient (qmail's RELAYCLIENT), usually empty.
    pub(crate) relay: Option<String>,
    /// Started by a user of this machine: mail goes to queue's socket for users, and no one is asked about recipients.
    pub(crate) local: bool,
}

impl Client {
    /// A client that the listening parent accepted.
    pub(crate) fn accepted(peer: SocketAddr, relayclients: &Networks) -> Self {
        let relay = relayclients.contains(peer.ip()).then(String::new);
        Self {
            address: Some(peer.ip()),
            name: String::new(),
            relay,
            local: false,
        }
    }

    /// The client that tcpserver, inetd or sendmail gave us on descriptor 0: UCSPI's variables, or the socket's peer.
    pub(crate) fn from_environment(settings: &Settings) -> Self {
        let word = |name: &str| std::env::var(name).ok();
        let address = word("TCPREMOTEIP")
            .and_then(|text| text.parse::<IpAddr>().ok())
            .or_else(standard_peer)
            .map(|ip| ip.to_canonical());
        let relay = word("RELAYCLIENT").or_else(|| {
            address
                .filter(|ip| settings.relayclients().contains(*ip))
                .map(|_| String::new())
        });
        let name = word("TCPREMOTEHOST")
            .filter(|name| name != "unknown")
            .unwrap_or_default();
        Self {
            address,
            name,
            relay,
            local: address.is_none() && !stafette_sys::user::is_root(),
        }
    }

    /// As the log names it.
    pub(crate) fn log_name(&self) -> String {
        self.address
            .map_or_else(|| "local".to_owned(), |ip| ip.to_string())
    }
}

/// The peer of descriptor 0, if that is a TCP socket, as under inetd.
fn standard_peer() -> Option<IpAddr> {
    let socket = TcpStream::from(std::io::stdin().as_fd().try_clone_to_owned().ok()?);
    socket.peer_addr().ok().map(|peer| peer.ip())
}
