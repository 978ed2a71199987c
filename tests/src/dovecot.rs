//! A real Dovecot: POP3 and LMTP over Maildirs, on an address of its own.

use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::{address, file, maildir, skip, wait};

/// A running Dovecot. Dropping it ends it.
pub struct Dovecot {
    folder: tempfile::TempDir,
    child: Child,
    address: Ipv4Addr,
}

/// Everybody's password.
pub const PASSWORD: &str = "secret";

const POP3: u16 = 1110;
const LMTP: u16 = 2424;

/// Whose the Maildirs are: nobody's.
const OWNER: u32 = 65_534;

impl Dovecot {
    /// Starts one with these users.
    #[must_use]
    pub fn with_users(names: &[&str]) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("stafette-dovecot-")
            .tempdir()
            .expect("a folder for Dovecot");
        let path = folder.path();
        file::mode(path, 0o755);
        let address = address::fresh();
        let mut users = String::new();
        for name in names {
            let home = path.join("home").join(name);
            file::directory(&home, 0o700);
            file::give(&home, OWNER);
            users.push_str(&format!("{name}::{OWNER}:{OWNER}::{}::\n", home.display()));
        }
        file::put(&path.join("users"), users);
        file::put(&path.join("dovecot.conf"), settings(path, address));
        let child = Command::new("dovecot")
            .arg("-F")
            .arg("-c")
            .arg(path.join("dovecot.conf"))
            .stdin(Stdio::null())
            .spawn()
            .expect("dovecot");
        let dovecot = Self {
            folder,
            child,
            address,
        };
        wait::until_true("Dovecot to answer", || {
            dovecot.socket().exists()
                && [dovecot.pop3(), dovecot.lmtp()]
                    .iter()
                    .all(|address| TcpStream::connect(address).is_ok())
        });
        dovecot
    }

    /// Whether a test may go on that needs this.
    #[must_use]
    pub fn possible() -> bool {
        skip::unless_root() && skip::unless_installed("dovecot")
    }

    /// Where POP3 listens.
    #[must_use]
    pub fn pop3(&self) -> SocketAddrV4 {
        SocketAddrV4::new(self.address, POP3)
    }

    /// Where LMTP listens.
    #[must_use]
    pub fn lmtp(&self) -> SocketAddrV4 {
        SocketAddrV4::new(self.address, LMTP)
    }

    /// LMTP's Unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("run/lmtp")
    }

    /// Messages of a user.
    #[must_use]
    pub fn mail(&self, name: &str) -> Vec<String> {
        maildir::messages(&self.folder.path().join("home").join(name).join("Maildir"))
            .iter()
            .map(|message| String::from_utf8_lossy(message).into_owned())
            .collect()
    }

    /// Waits until a user has so many messages, and gives them.
    #[must_use]
    pub fn wait_for_mail(&self, name: &str, count: usize) -> Vec<String> {
        wait::until(&format!("{count} messages for {name} in Dovecot"), || {
            Some(self.mail(name)).filter(|mail| mail.len() >= count)
        })
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "Dovecot's log:\n{}",
                file::read(&self.folder.path().join("log"))
            );
        }
        crate::instance::signal(self.child.id(), "TERM");
        drop(self.child.wait());
    }
}

/// Its configuration file.
fn settings(folder: &Path, address: Ipv4Addr) -> String {
    let folder = folder.display();
    format!(
        "base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
listen = {address}
protocols = pop3 lmtp
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:~/Maildir
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = passwd-file
  args = username_format=%n {folder}/users
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {POP3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
  inet_listener lmtp {{
    port = {LMTP}
  }}
}}
protocol lmtp {{
  postmaster_address = postmaster@dovecot.test
  auth_username_format = %Ln
}}
"
    )
}
