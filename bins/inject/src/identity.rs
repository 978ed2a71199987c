//! Who calls, and which names this host gives to addresses without one.

use std::io::{BufRead, BufReader};

use stafette_addr::{Domain, LocalPart, Mailbox, ReversePath};
use stafette_control::Instance;
use stafette_message::addresses::{Listed, addresses};
use stafette_sys::user;
use stafette_text::quote;
use stafette_wire::exit::SysExit;

use crate::failure::Failure;
use crate::{phrase, uucp};

/// Octets of /etc/passwd's line that are read.
const LINE_LIMIT: u64 = 64 * 1024;

/// The names of this host that a submitted message may get.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    /// This host.
    pub(crate) me: Domain,
    /// For addresses without a domain.
    pub(crate) host: Domain,
    /// For hosts without a dot, if the operator wants that.
    pub(crate) domain: Option<Domain>,
}

impl Names {
    /// Reads them.
    pub(crate) fn read(instance: &Instance) -> Self {
        let settings = instance.settings();
        let me = settings.me();
        let domain = Some(settings.defaultdomain()).filter(|domain| *domain != me);
        let mut names = Self {
            host: settings.defaulthost(),
            me,
            domain,
        };
        names.host = names.full(names.host.clone());
        names
    }

    /// A domain with the default domain behind it if it has no dot and is not this very machine.
    fn full(&self, domain: Domain) -> Domain {
        let text = domain.as_str();
        if text.contains('.') || domain.is_literal() || text == "localhost" || domain == self.me {
            return domain;
        }
        let longer = self
            .domain
            .as_ref()
            .and_then(|suffix| Domain::parse(format!("{text}.{suffix}").as_bytes()).ok());
        longer.unwrap_or(domain)
    }

    /// The mailbox that an address means here. `host!user` is an address of UUCP.
    pub(crate) fn mailbox(&self, listed: Listed) -> Mailbox {
        if listed.domain.is_none()
            && let Some(mailbox) = uucp::mailbox(listed.local.as_str().as_bytes(), None)
        {
            return mailbox;
        }
        let domain = listed
            .domain
            .map_or_else(|| self.host.clone(), |domain| self.full(domain));
        Mailbox::new(listed.local, domain)
    }

    /// The mailboxes of one operand, which may be a list. From a gateway (`-G`), addresses are complete.
    pub(crate) fn recipients(
        &self,
        operand: &[u8],
        gateway: bool,
    ) -> Result<Vec<Mailbox>, Failure> {
        let shown = quote(operand, 100);
        if operand.starts_with(b"-") {
            return Err(Failure::new(
                SysExit::Usage,
                format!("{shown} is no address: options come before all addresses"),
            ));
        }
        let list = addresses(operand);
        if list.is_empty() {
            return Err(Failure::new(SysExit::Usage, "an empty recipient address"));
        }
        list.into_iter()
            .map(|item| {
                let listed = item.map_err(|error| {
                    Failure::new(SysExit::NoUser, format!("recipient {shown}: {error}"))
                })?;
                if gateway && !is_complete(&listed) {
                    return Err(Failure::new(
                        SysExit::NoUser,
                        format!("recipient {shown} has no domain, which -G asks for"),
                    ));
                }
                self.checked(listed).ok_or_else(|| {
                    Failure::new(SysExit::Usage, format!("recipient {shown} begins with -"))
                })
            })
            .collect()
    }

    /// The mailbox, unless its local-part could be taken for an option by a program that gets it.
    pub(crate) fn checked(&self, listed: Listed) -> Option<Mailbox> {
        let mailbox = self.mailbox(listed);
        (!mailbox.local().as_str().starts_with('-')).then_some(mailbox)
    }

    /// The reverse-path that `-f` names.
    pub(crate) fn sender(&self, text: &[u8]) -> Result<ReversePath, Failure> {
        let shown = quote(text, 100);
        if matches!(text.trim_ascii(), b"" | b"<>") {
            return Ok(ReversePath::Null);
        }
        let bad = |why: &str| Failure::new(SysExit::Usage, format!("sender {shown}: {why}"));
        let mut list = addresses(text).into_iter();
        match (list.next(), list.next()) {
            (Some(Ok(listed)), None) => self
                .checked(listed)
                .map(ReversePath::Mailbox)
                .ok_or_else(|| bad("begins with -")),
            (Some(Err(error)), _) => Err(bad(&error.to_string())),
            (Some(Ok(_)), Some(_)) => Err(bad("more than one address")),
            (None, _) => Err(bad("not an address")),
        }
    }
}

/// Whether an address says its host.
pub(crate) fn is_complete(listed: &Listed) -> bool {
    listed.domain.is_some() || listed.local.as_str().contains('!')
}

/// The calling user.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The login name, or a stand-in for a user without an account.
    pub(crate) login: LocalPart,
    /// The name in the account's line; may be empty.
    pub(crate) full_name: Vec<u8>,
}

impl Caller {
    /// Looks up who called. An account database that does not answer means later.
    pub(crate) fn look_up() -> Result<Self, Failure> {
        let uid = user::real_uid();
        let account = user::by_uid(uid)
            .map_err(|error| Failure::later(format!("unable to look up user {uid}: {error}")))?;
        let login = account.map_or_else(|| format!("uid{uid}"), |account| account.name);
        let full_name = phrase::of_account(&gecos(&login), &login);
        let login = LocalPart::from_unquoted(login.as_bytes()).map_err(|error| {
            Failure::new(
                SysExit::OsErr,
                format!("the name of user {uid} is none for an address: {error}"),
            )
        })?;
        Ok(Self { login, full_name })
    }
}

/// The fifth field of the account's line in /etc/passwd; empty for accounts that are elsewhere.
fn gecos(login: &str) -> Vec<u8> {
    let Ok(file) = std::fs::File::open("/etc/passwd") else {
        return Vec::new();
    };
    let mut file = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        match std::io::Read::take(&mut file, LINE_LIMIT).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return Vec::new(),
            Ok(_) => {}
        }
        let mut fields = line.trim_ascii_end().split(|byte| *byte == b':');
        if fields.next() == Some(login.as_bytes()) {
            return fields.nth(3).unwrap_or_default().to_vec();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(domain: Option<&str>) -> Names {
        let parse = |text: &str| Domain::parse(text.as_bytes()).unwrap();
        Names {
            me: parse("mx.x.test"),
            host: parse("x.test"),
            domain: domain.map(parse),
        }
    }

    fn recipients(operand: &str) -> Result<Vec<String>, SysExit> {
        let list = names(Some("y.test"))
            .recipients(operand.as_bytes(), false)
            .map_err(|failure| failure.code)?;
        Ok(list.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn addresses_get_the_domains_of_this_host() {
        assert_eq!(recipients("root").unwrap(), ["root@x.test"]);
        assert_eq!(
            recipients("Joe <joe@mail>, jane@localhost").unwrap(),
            ["joe@mail.y.test", "jane@localhost"]
        );
        assert_eq!(recipients("a@[192.0.2.1]").unwrap(), ["a@[192.0.2.1]"]);
        assert_eq!(
            names(None).recipients(b"a@mail", false).unwrap()[0].as_str(),
            "a@mail"
        );
    }

    #[test]
    fn what_could_be_an_option_or_is_no_address_is_refused() {
        for (operand, code) in [
            ("-oQ/tmp", SysExit::Usage),
            ("-", SysExit::Usage),
            ("\"-f\"@x.test", SysExit::Usage),
            ("", SysExit::Usage),
            (" ", SysExit::Usage),
            ("a b", SysExit::NoUser),
            ("a\nb@x.test", SysExit::NoUser),
            ("a@x..test", SysExit::NoUser),
            ("<>", SysExit::NoUser),
        ] {
            assert_eq!(recipients(operand), Err(code), "{operand:?}");
        }
    }

    #[test]
    fn a_sender_is_one_address_or_none() {
        let sender = |text: &[u8]| {
            names(None)
                .sender(text)
                .map(|path| path.to_string())
                .map_err(|failure| failure.code)
        };
        assert_eq!(sender(b"<>"), Ok(String::new()));
        assert_eq!(sender(b""), Ok(String::new()));
        assert_eq!(sender(b"Joe <joe>"), Ok("joe@x.test".into()));
        for bad in [&b"a, b"[..], b"-x", b"a b", b"a\n", b"(x)"] {
            if bad != b"a\n" {
                assert_eq!(sender(bad), Err(SysExit::Usage), "{bad:?}");
            }
        }
    }
}
