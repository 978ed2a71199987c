//! What the operator's table access says of a client and of a sender.
//!
//! The client is judged once a session, before its first MAIL, by its address and, if the table names hosts at all, by its name, which is
//! asked for only then and must lead back to the address. Each sender is judged by the table as it is at that moment. What is said of a
//! sender never lets anybody relay: a reverse-path is whatever the client likes. A table that cannot be read means "later".

use std::net::IpAddr;
use std::time::{Duration, Instant};

use stafette_addr::ReversePath;
use stafette_control::Instance;
use stafette_dns::Answer;
use stafette_log::{Event, event};
use stafette_smtp::{Class, Reply, Status};
use stafette_table::access::{self, Action, Found};
use stafette_table::{Table, Tables};

use crate::client::Client;

/// How long a client waits at most for its name to be found.
const NAME_LIMIT: Duration = Duration::from_secs(5);

/// What is to be done with mail. Reasons are for the log and name the line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ruling {
    /// Nothing speaks against it.
    Take,
    /// Say that it was taken, and throw it away.
    Discard(String),
    /// Say this.
    Refuse(Reply, String),
    /// Nobody knows now: 451.
    Later(String),
}

/// The table, and what it said of the client.
pub(crate) struct Gate {
    tables: Option<Tables>,
    client: Option<Ruling>,
}

impl Gate {
    /// Without tables nobody is judged.
    pub(crate) fn new(tables: Option<Tables>) -> Self {
        Self {
            tables,
            client: None,
        }
    }

    /// What is said of the client. Its name, if it was found, and its leave to relay, if it has any, are noted with it.
    pub(crate) fn client(&mut self, instance: &Instance, client: &mut Client) -> Ruling {
        if let Some(ruling) = &self.client {
            return ruling.clone();
        }
        let (Some(tables), Some(ip)) = (&mut self.tables, client.address) else {
            return Ruling::Take;
        };
        tables.refresh();
        let found = access::has_connect_names(tables).and_then(|names| {
            let name = names.then(|| find_name(instance, ip)).flatten();
            let found = access::connect(tables, ip, name.as_deref());
            client.name = name.unwrap_or_else(|| std::mem::take(&mut client.name));
            found
        });
        if let Ok(Some((Action::Relay, _))) = &found {
            client.relay.get_or_insert_default();
        }
        let ruling = rule(tables, found);
        if !matches!(ruling, Ruling::Later(_)) {
            self.client = Some(ruling.clone());
        }
        ruling
    }

    /// What is said of a sender.
    pub(crate) fn sender(&mut self, from: &ReversePath) -> Ruling {
        let Some(tables) = &mut self.tables else {
            return Ruling::Take;
        };
        tables.refresh();
        rule(tables, access::from(tables, from))
    }
}

fn rule(tables: &Tables, found: Result<Found, String>) -> Ruling {
    let (action, entry) = match found {
        Ok(None) => return Ruling::Take,
        Ok(Some(found)) => found,
        Err(reason) => return Ruling::Later(reason),
    };
    let file = tables.file_name(Table::Access);
    let reason = format!("{file} line {}: {}", entry.line, entry.value);
    match action {
        Action::Ok | Action::Relay => Ruling::Take,
        Action::Discard => Ruling::Discard(reason),
        Action::Reject => Ruling::Refuse(
            Reply::new(550, Status::permanent(7, 1), "access denied"),
            reason,
        ),
        Action::Reply(reply) => {
            Ruling::Refuse(table_reply(reply.code, &reply.status, reply.text), reason)
        }
    }
}

/// A reply in a table's words; what is no refusal, or says two things at once, is put right.
pub(crate) fn table_reply(code: u16, status: &str, text: String) -> Reply {
    let code = if (400..600).contains(&code) {
        code
    } else {
        550
    };
    let class = Class::of_code(code).unwrap_or(Class::Permanent);
    let status = Status::parse(status.as_bytes())
        .filter(|status| status.class() == class)
        .unwrap_or_else(|| Status::new(class, 7, 1));
    Reply::new(code, status, text)
}

/// The client's name; a name that cannot be found now is none.
fn find_name(instance: &Instance, ip: IpAddr) -> Option<String> {
    let started = Instant::now();
    let mut resolve = stafette_dns::Client::new(instance.socket("resolve"));
    resolve.set_deadline(started.checked_add(NAME_LIMIT));
    match resolve.name(ip) {
        Answer::Found(name) => name,
        Answer::NoSuchName => None,
        Answer::Later(reason) | Answer::OutOfReach(reason) => {
            event(
                Event::LookupFailed,
                None,
                &[
                    ("name", ip.to_string().as_bytes()),
                    ("type", b"PTR"),
                    ("reason", b"the client counts as one without a name"),
                    ("problem", reason.as_bytes()),
                ],
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_table_nobody_is_judged() {
        let mut gate = Gate::new(None);
        assert_eq!(gate.sender(&ReversePath::Null), Ruling::Take);
    }

    #[test]
    fn a_reply_of_a_table_is_a_refusal_that_says_one_thing() {
        let reply = |code, status: &str| {
            let reply = table_reply(code, status, "no\r\n250 ok".to_owned());
            String::from_utf8(reply.to_wire()).unwrap()
        };
        assert_eq!(reply(553, "5.3.0"), "553 5.3.0 no??250 ok\r\n");
        assert_eq!(reply(451, "5.3.0"), "451 4.7.1 no??250 ok\r\n");
        assert_eq!(reply(250, "2.0.0"), "550 5.7.1 no??250 ok\r\n");
        assert_eq!(reply(550, "nonsense"), "550 5.7.1 no??250 ok\r\n");
    }
}
