//! Where a session can be had: an address of a host, or a socket of this machine.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use stafette_dns::Target;

/// A place to connect to. Printed as reports and logs have it: `host[address]:port`, `[address]:port` for a host that was named by
/// its address alone, or `lmtp:/path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// By TCP.
    Host(Target),
    /// A Unix socket.
    Socket(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(Target { host, address }) => {
                let is_address = host.starts_with('[') || host.parse::<IpAddr>().is_ok();
                let name = if is_address { "" } else { host.as_str() };
                write!(f, "{name}[{}]:{}", address.ip(), address.port())
            }
            Self::Socket(path) => write!(f, "lmtp:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_named_once() {
        for (host, address, text) in [
            ("mx.example", "192.0.2.1:25", "mx.example[192.0.2.1]:25"),
            (
                "mx.example",
                "[2001:db8::1]:26",
                "mx.example[2001:db8::1]:26",
            ),
            ("[192.0.2.1]", "192.0.2.1:25", "[192.0.2.1]:25"),
            ("192.0.2.1", "192.0.2.1:25", "[192.0.2.1]:25"),
            ("[IPv6:2001:db8::1]", "[2001:db8::1]:25", "[2001:db8::1]:25"),
        ] {
            let (host, address) = (host.to_owned(), address.parse().unwrap());
            let place = Place::Host(Target { host, address });
            assert_eq!(place.to_string(), text);
        }
        let socket = Place::Socket("/run/dovecot/lmtp".into());
        assert_eq!(socket.to_string(), "lmtp:/run/dovecot/lmtp");
    }
}
