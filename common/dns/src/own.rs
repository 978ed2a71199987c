//! Who we are, so that mail does not loop back.

use std::net::{IpAddr, SocketAddr};

/// Our own names, and the addresses at which our own smtpd listens.
#[derive(Debug, Clone)]
pub struct Own {
    names: Vec<String>,
    listens: Vec<SocketAddr>,
    local: fn(IpAddr) -> bool,
}

impl Own {
    /// `names` are what we call ourselves; `listens` are addresses of our smtpd, of which the unspecified ones stand for
    /// each address for which `local` says yes.
    #[must_use]
    pub fn new(names: &[String], listens: Vec<SocketAddr>, local: fn(IpAddr) -> bool) -> Self {
        let names = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        Self {
            names,
            listens,
            local,
        }
    }

    /// Whether `host` is what we call ourselves.
    #[must_use]
    pub fn is_name(&self, host: &str) -> bool {
        self.names
            .iter()
            .any(|name| name.eq_ignore_ascii_case(host))
    }

    /// Whether our own smtpd would answer at `address`.
    #[must_use]
    pub fn is_address(&self, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        self.listens
            .iter()
            .filter(|listen| listen.port() == address.port())
            .any(|listen| {
                if listen.ip().is_unspecified() {
                    ip.is_unspecified() || ip.is_loopback() || (self.local)(ip)
                } else {
                    listen.ip().to_canonical() == ip
                }
            })
    }
}

/// Whether an interface of this machine has the address now. If the interfaces cannot be asked, the answer is no.
#[must_use]
pub fn is_local_address(ip: IpAddr) -> bool {
    stafette_sys::tcp::own_addresses().is_ok_and(|addresses| addresses.contains(&ip))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(listens: &[&str]) -> Own {
        Own::new(
            &["Mail.Example".to_owned()],
            listens.iter().map(|text| text.parse().unwrap()).collect(),
            |ip| ip == IpAddr::from([198, 51, 100, 7]),
        )
    }

    #[test]
    fn an_address_is_ours_only_where_our_smtpd_listens() {
        let own = own(&["0.0.0.0:25", "127.0.0.1:2525"]);
        for ours in [
            "198.51.100.7:25",
            "127.0.0.9:25",
            "[::1]:25",
            "0.0.0.0:25",
            "[::ffff:198.51.100.7]:25",
            "127.0.0.1:2525",
        ] {
            assert!(own.is_address(ours.parse().unwrap()), "{ours}");
        }
        for other in ["198.51.100.8:25", "198.51.100.7:2525", "127.0.0.2:2525"] {
            assert!(!own.is_address(other.parse().unwrap()), "{other}");
        }
    }

    #[test]
    fn our_name_is_ours_in_any_case() {
        assert!(own(&[]).is_name("mail.EXAMPLE"));
        assert!(!own(&[]).is_name("example"));
    }

    #[test]
    fn loopback_is_local_and_documentation_addresses_are_not() {
        assert!(is_local_address([127, 0, 0, 1].into()));
        assert!(!is_local_address([192, 0, 2, 1].into()));
    }
}
