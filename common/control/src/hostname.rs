//! The name of this host when the settings do not say it.

use stafette_addr::Domain;
use std::fs::File;
use std::io::Read as _;

/// No file that is looked at here counts beyond this.
const LIMIT: u64 = 64 * 1024;

/// /etc/mailname; else the kernel's host name, made full by /etc/hosts if it has no dot; else `localhost`.
pub(crate) fn default_me() -> Domain {
    let host = stafette_sys::host::name().unwrap_or_default();
    choose(&read("/etc/mailname"), &host, &read("/etc/hosts"))
}

fn read(path: &str) -> String {
    let mut bytes = Vec::new();
    // A file that cannot be read says as much as one that is not there: nothing.
    drop(File::open(path).and_then(|file| file.take(LIMIT).read_to_end(&mut bytes)));
    String::from_utf8_lossy(&bytes).into_owned()
}

fn choose(mailname: &str, host: &str, hosts: &str) -> Domain {
    let host = host.trim_matches(['.', ' ']);
    let full = if host.contains('.') {
        None
    } else {
        full_name(host, hosts)
    };
    let named = [
        mailname.lines().next().unwrap_or_default(),
        full.unwrap_or_default(),
        host,
    ];
    named
        .iter()
        .find_map(|name| name_of(name))
        .or_else(|| name_of("localhost"))
        .unwrap_or_else(loopback)
}

/// A domain that is no literal.
fn name_of(text: &str) -> Option<Domain> {
    Domain::parse(text.trim_ascii().as_bytes())
        .ok()
        .filter(|domain| !domain.is_literal())
}

fn loopback() -> Domain {
    Domain::from(std::net::IpAddr::from([127, 0, 0, 1]))
}

/// The name with a dot that stands in the line of /etc/hosts in which `host` stands (hosts(5)).
fn full_name<'a>(host: &str, hosts: &'a str) -> Option<&'a str> {
    hosts.lines().find_map(|line| {
        let names = line.split('#').next()?.split_ascii_whitespace().skip(1);
        let is_ours = names.clone().any(|name| name.eq_ignore_ascii_case(host));
        names
            .clone()
            .find(|name| is_ours && name.contains('.') && !name.starts_with("localhost."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTS: &str =
        "127.0.0.1 localhost.localdomain localhost\n127.0.1.1 mx1.example.org mx1 # us\n";

    #[test]
    fn mailname_comes_first() {
        assert_eq!(
            choose("example.org\n", "mx1", HOSTS).as_str(),
            "example.org"
        );
    }

    #[test]
    fn a_short_host_name_is_made_full() {
        assert_eq!(choose("", "mx1", HOSTS).as_str(), "mx1.example.org");
        assert_eq!(choose("", "mx2", HOSTS).as_str(), "mx2");
        assert_eq!(
            choose("", "MX.example.net", HOSTS).as_str(),
            "mx.example.net"
        );
        assert_eq!(choose("", "localhost", HOSTS).as_str(), "localhost");
    }

    #[test]
    fn whatever_the_machine_says_there_is_a_name() {
        for (mailname, host) in [("", ""), ("a b\n", "(none)"), ("[127.0.0.1]", "..")] {
            assert_eq!(choose(mailname, host, "").as_str(), "localhost");
        }
    }
}
