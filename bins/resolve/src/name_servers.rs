//! Which name servers are asked: those of the control file `nameservers`, else those of resolv.conf, read again when they change.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hickory_resolver::system_conf::parse_resolv_conf;
use stafette_control::Settings;
use stafette_log::{Event, event};

use crate::lookup::Dns;

/// Where the system names its name servers.
pub(crate) const RESOLV_CONF: &str = "/etc/resolv.conf";
/// How often at most the files are looked at.
const LOOK: Duration = Duration::from_secs(1);
const PORT: u16 = 53;

/// What tells one version of a file from another: inode, size, seconds and nanoseconds of its last change.
type Print = Option<(u64, u64, i64, i64)>;

/// The resolver for the name servers that are named now.
pub(crate) struct NameServers {
    settings: Settings,
    files: [PathBuf; 2],
    state: RefCell<State>,
    looked: Cell<Instant>,
}

struct State {
    prints: [Print; 2],
    servers: Vec<SocketAddr>,
    dns: Dns,
}

impl NameServers {
    /// Reads the files. Needs a running runtime.
    pub(crate) fn new(settings: Settings) -> io::Result<Self> {
        let files = [
            settings.control().directory().join("nameservers"),
            PathBuf::from(RESOLV_CONF),
        ];
        let prints = [print(&files[0]), print(&files[1])];
        let servers = servers(&settings);
        let dns = Dns::new(&servers).map_err(io::Error::other)?;
        Ok(Self {
            settings,
            files,
            state: RefCell::new(State {
                prints,
                servers,
                dns,
            }),
            looked: Cell::new(Instant::now()),
        })
    }

    /// Logs what is wrong with the control file.
    pub(crate) fn log_problems(&self) {
        self.settings.log_problems();
    }

    /// The resolver to ask. A change of the files makes a new one, with an empty cache.
    pub(crate) fn dns(&self) -> Dns {
        if self.looked.get().elapsed() >= LOOK {
            self.looked.set(Instant::now());
            self.look();
        }
        self.state.borrow().dns.clone()
    }

    fn look(&self) {
        let prints = self.files.each_ref().map(|file| print(file));
        let mut state = self.state.borrow_mut();
        if prints == state.prints {
            return;
        }
        state.prints = prints;
        let servers = servers(&self.settings);
        self.log_problems();
        if servers == state.servers {
            return;
        }
        match Dns::new(&servers) {
            Ok(dns) => {
                state.servers = servers;
                state.dns = dns;
            }
            Err(problem) => event(
                Event::Warning,
                None,
                &[
                    ("reason", b"name servers changed and cannot be used"),
                    ("problem", problem.to_string().as_bytes()),
                ],
            ),
        }
    }
}

/// The name servers in the order in which they are asked; the machine itself if none are named, as the C library has it.
fn servers(settings: &Settings) -> Vec<SocketAddr> {
    let mut servers = settings.nameservers();
    if servers.is_empty() {
        servers =
            std::fs::read(RESOLV_CONF).map_or_else(|_| Vec::new(), |text| from_resolv_conf(&text));
    }
    if servers.is_empty() {
        servers.push(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT));
    }
    servers
}

fn from_resolv_conf(text: &[u8]) -> Vec<SocketAddr> {
    let Ok((config, _)) = parse_resolv_conf(text) else {
        return Vec::new();
    };
    let ips = config.name_servers().iter().map(|server| server.ip);
    ips.map(|ip| SocketAddr::new(ip, PORT)).collect()
}

fn print(file: &Path) -> Print {
    let data = std::fs::metadata(file).ok()?;
    Some((data.ino(), data.size(), data.mtime(), data.mtime_nsec()))
}

#[cfg(test)]
mod tests {
    use super::from_resolv_conf;

    #[test]
    fn name_servers_of_both_kinds_are_read() {
        let text =
            b"# x\nsearch lan\nnameserver 192.0.2.53\nnameserver 2001:db8::53\noptions edns0\n";
        let servers: Vec<String> = from_resolv_conf(text)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(servers, ["192.0.2.53:53", "[2001:db8::53]:53"]);
    }

    #[test]
    fn a_file_without_name_servers_names_none() {
        assert!(from_resolv_conf(b"search lan\n").is_empty());
        assert!(from_resolv_conf(b"\xff\0").is_empty());
    }
}
