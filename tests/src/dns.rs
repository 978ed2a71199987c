//! A real DNS server: nsd with one zone, on an address of its own.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::{address, wait};

/// A running nsd. Dropping it ends it.
pub struct Dns {
    _folder: tempfile::TempDir,
    child: Child,
    address: Ipv4Addr,
}

const PORT: u16 = 5353;

impl Dns {
    /// Serves `zone` (records of the zone `name`, as in a zone file without SOA and NS).
    #[must_use]
    pub fn serving(name: &str, records: &str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("stafette-nsd-")
            .tempdir()
            .expect("a folder for nsd");
        let address = address::fresh();
        let path = folder.path();
        let zone = format!(
            "$ORIGIN {name}.\n$TTL 1\n@ SOA ns.{name}. hostmaster.{name}. 1 3600 600 86400 1\n@ NS ns.{name}.\nns A {address}\n{records}\n"
        );
        write(&path.join("zone"), &zone);
        let own = path.display();
        write(
            &path.join("nsd.conf"),
            &format!(
                "server:\n ip-address: {address}@{PORT}\n server-count: 1\n username: \"\"\n chroot: \"\"\n zonesdir: \"{own}\"\n pidfile: \"\"\n xfrdfile: \"{own}/xfrd\"\n zonelistfile: \"{own}/zonelist\"\n xfrdir: \"{own}\"\n logfile: \"{own}/log\"\n rrl-ratelimit: 0\nremote-control:\n control-enable: no\nzone:\n name: \"{name}\"\n zonefile: \"zone\"\n"
            ),
        );
        let child = Command::new("/usr/sbin/nsd")
            .args(["-d", "-c"])
            .arg(path.join("nsd.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nsd");
        wait::until_true("nsd to answer", || {
            std::net::TcpStream::connect((address, PORT)).is_ok()
        });
        Self {
            _folder: folder,
            child,
            address,
        }
    }

    /// As the control file `nameservers` wants it.
    #[must_use]
    pub fn nameserver(&self) -> String {
        format!("{}:{PORT}", self.address)
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        crate::instance::signal(self.child.id(), "TERM");
        drop(self.child.wait());
    }
}

fn write(file: &Path, text: &str) {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test's file needs no durability"
    )]
    std::fs::write(file, text).expect("a file for nsd");
}
