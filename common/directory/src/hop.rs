//! Where mail goes that is not for a mailbox of ours: mailertable, UUCP, smtproutes, exchangers.

use std::path::Path;

use stafette_addr::{Domain, LocalPart, Mailbox};
use stafette_control::RelayHost;
use stafette_table::mailer::{self, Mailer};
use stafette_table::{Entry, Table};
use stafette_wire::delivery::{NextHop, Protocol};

use crate::resolution::is_plain_for_uucp;
use crate::walk::{Stop, Walk, refused};
use crate::{Decision, MailerProgram, What};

/// The port of SMTP.
const SMTP_PORT: u16 = 25;

/// What the lists and the mailertable say of an address.
#[derive(Debug)]
pub(crate) enum Place {
    /// Its local-part is one of ours.
    Ours { decision: Decision },
    /// All its mail is for this name of ours.
    OursAs { decision: Decision, user: String },
    /// It is an account's by virtualdomains.
    Virtual { decision: Decision, prepend: String },
    /// It is no mailbox of ours.
    Others {
        decision: Option<Decision>,
        what: What,
    },
}

/// `host!rest`, a path of UUCP.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bang<'a> {
    host: &'a str,
    rest: &'a str,
}

impl<'a> Bang<'a> {
    pub(crate) fn parse(local: &'a LocalPart) -> Option<Self> {
        let (host, rest) = local.as_str().split_once('!')?;
        Some(Self { host, rest })
    }
}

impl Walk<'_> {
    /// Where the address belongs, behind the virtusertable.
    pub(crate) fn place(&self, mailbox: &Mailbox) -> Result<Place, Stop> {
        let domain = mailbox.domain();
        if let Some(listed) = self.decisive.locals.find(domain) {
            let decision = listed.decision.clone();
            return Ok(Place::Ours { decision });
        }
        if let Some(listed) = self.decisive.virtual_user(mailbox) {
            return Ok(Place::Virtual {
                decision: listed.decision.clone(),
                prepend: listed.value.clone(),
            });
        }
        let in_rcpthosts = self.decisive.rcpthosts.find(domain).is_some();
        let found = mailer::find(&self.directory.tables, domain).map_err(Stop::later)?;
        if let Some((mailer, entry)) = found {
            return self.mailer(mailbox, mailer, &entry, in_rcpthosts);
        }
        if let Some(host) = uucp_host(domain) {
            let what = self.uucp(&host, mailbox.local().as_str(), in_rcpthosts)?;
            let decision = Some(Decision {
                file: "mailertable".to_owned(),
                line: 0,
                text: format!("{domain} has no line: .uucp is a neighbour by UUCP"),
            });
            return Ok(Place::Others { decision, what });
        }
        let (next_hop, decision) = self.next_hop(domain);
        let what = What::Elsewhere {
            next_hop,
            in_rcpthosts,
        };
        Ok(Place::Others { decision, what })
    }

    fn mailer(
        &self,
        mailbox: &Mailbox,
        mailer: Mailer,
        entry: &Entry,
        in_rcpthosts: bool,
    ) -> Result<Place, Stop> {
        let domain = mailbox.domain();
        let text = format!("{domain} {}", entry.value);
        let decision = self.directory.decision(Table::Mailertable, entry, text);
        let what = match mailer {
            Mailer::Local { user: None } => return Ok(Place::Ours { decision }),
            Mailer::Local { user: Some(user) } => {
                return Ok(Place::OursAs { decision, user });
            }
            Mailer::Error(reply) => refused(&reply),
            Mailer::Uucp { host } => {
                let host = if host.is_empty() {
                    uucp_host(domain).unwrap_or_else(|| ascii(domain))
                } else {
                    host
                };
                let user = match uucp_host(domain) {
                    // By another neighbour than the one that is named.
                    Some(far) if !far.eq_ignore_ascii_case(&host) => {
                        format!("{far}!{}", mailbox.local().as_str())
                    }
                    Some(_) => mailbox.local().as_str().to_owned(),
                    None => mailbox.to_string(),
                };
                self.uucp(&host, &user, in_rcpthosts)?
            }
            Mailer::Program { argv } => {
                let user = mailbox.to_string();
                if user.starts_with('-') {
                    return Err(bad_address("an address that begins with a hyphen"));
                }
                What::Mailer {
                    user: self.decisive.alias_user.clone(),
                    program: MailerProgram::Words {
                        words: argv,
                        user,
                        host: domain.to_string(),
                    },
                    in_rcpthosts,
                }
            }
            Mailer::Smtp { host, port, mx } => {
                let host = host.unwrap_or_else(|| ascii(domain));
                let is_exchangers = mx && !domain.is_literal();
                let next_hop = if is_exchangers {
                    by_exchangers(host, port)
                } else {
                    to_host(&relay(&host), port, Protocol::Smtp)
                };
                What::Elsewhere {
                    next_hop,
                    in_rcpthosts,
                }
            }
            Mailer::Lmtp { host, port } => What::Elsewhere {
                next_hop: to_host(&relay(&host), port, Protocol::Lmtp),
                in_rcpthosts,
            },
            Mailer::LmtpUnix { path } => What::Elsewhere {
                next_hop: to_socket(&path)?,
                in_rcpthosts,
            },
        };
        let decision = Some(decision);
        Ok(Place::Others { decision, what })
    }

    /// Where mail for a domain of others goes: by its route, else to its exchangers, or to the address it is.
    fn next_hop(&self, domain: &Domain) -> (NextHop, Option<Decision>) {
        let route = self.decisive.routes.find(domain);
        let decision = route.map(|route| route.decision.clone());
        let next_hop = match route.map(|route| &route.value) {
            Some(route) => match &route.relay {
                Some(relay) => to_host(relay, route.port, Protocol::Smtp),
                None => by_exchangers(ascii(domain), route.port),
            },
            None => by_exchangers(ascii(domain), SMTP_PORT),
        };
        let next_hop = NextHop {
            mx: next_hop.mx && !domain.is_literal(),
            ..next_hop
        };
        (next_hop, decision)
    }

    /// `host!rest` at a domain of ours, as if it were `rest@host.uucp`.
    pub(crate) fn bang(&mut self, bang: &Bang<'_>, mailbox: &Mailbox) -> Result<What, Stop> {
        let neighbour = format!("{}.uucp", bang.host);
        let domain = Domain::parse(neighbour.as_bytes())
            .map_err(|_| bad_address("the path of a neighbour that has no name"))?;
        let local = LocalPart::from_unquoted(bang.rest.as_bytes())
            .map_err(|_| bad_address("a path without a user"))?;
        self.decided.push(Decision {
            file: "mailertable".to_owned(),
            line: 0,
            text: format!("{} is a path: {local}@{domain}", mailbox.local()),
        });
        match self.place(&Mailbox::new(local, domain))? {
            Place::Others { decision, what } => {
                self.decided.extend(decision);
                Ok(what)
            }
            Place::Ours { .. } | Place::OursAs { .. } | Place::Virtual { .. } => {
                Err(bad_address("a path that leads back here"))
            }
        }
    }

    /// What uux hands to rmail goes through a shell on some hosts, so that only plain signs may be in it.
    fn uucp(&self, host: &str, user: &str, in_rcpthosts: bool) -> Result<What, Stop> {
        // Each host of a path hands on what stands behind it, which must be no option there either.
        let is_option = |text: &str| text.split('!').any(|part| part.starts_with('-'));
        let is_host =
            is_plain_for_uucp(host) && !host.contains(['+', '=', '!', '@', ':', ',', '/']);
        if !is_host || !is_plain_for_uucp(user) || is_option(host) || is_option(user) {
            return Err(bad_address("an address with signs that UUCP cannot carry"));
        }
        Ok(What::Mailer {
            user: self.decisive.alias_user.clone(),
            program: MailerProgram::Uucp {
                host: host.to_owned(),
                user: user.to_owned(),
            },
            in_rcpthosts,
        })
    }
}

fn bad_address(text: &str) -> Stop {
    Stop::Said(What::Refused {
        code: 553,
        status: "5.1.3".to_owned(),
        text: text.to_owned(),
    })
}

/// `host` of `host.uucp`.
fn uucp_host(domain: &Domain) -> Option<String> {
    domain
        .as_str()
        .strip_suffix(".uucp")
        .filter(|host| !host.is_empty() && !domain.is_literal())
        .map(str::to_owned)
}

fn ascii(domain: &Domain) -> String {
    crate::lists::key(domain)
}

/// A host of the mailertable, which has no brackets.
fn relay(host: &str) -> RelayHost {
    host.parse()
        .map_or_else(|_| RelayHost::Name(host.to_owned()), RelayHost::Address)
}

fn by_exchangers(host: String, port: u16) -> NextHop {
    let line = if port == SMTP_PORT {
        host.clone()
    } else {
        format!("{host}:{port}")
    };
    NextHop {
        line,
        host,
        port,
        mx: true,
        protocol: Protocol::Smtp,
    }
}

fn to_host(relay: &RelayHost, port: u16, protocol: Protocol) -> NextHop {
    let line = match protocol {
        Protocol::Smtp => format!("{relay}:{port}"),
        Protocol::Lmtp | Protocol::LmtpUnix => format!("lmtp:{relay}:{port}"),
    };
    NextHop {
        line,
        host: relay.to_string(),
        port,
        mx: false,
        protocol,
    }
}

fn to_socket(path: &Path) -> Result<NextHop, Stop> {
    let host = path
        .to_str()
        .ok_or_else(|| Stop::later("the path of a socket is not UTF-8"))?;
    Ok(NextHop {
        line: format!("lmtp:{host}"),
        host: host.to_owned(),
        port: 0,
        mx: false,
        protocol: Protocol::LmtpUnix,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_parted_at_its_first_mark() {
        let local = LocalPart::from_unquoted(b"a!b!c").unwrap();
        assert_eq!(
            Bang::parse(&local),
            Some(Bang {
                host: "a",
                rest: "b!c"
            })
        );
        assert_eq!(Bang::parse(&LocalPart::postmaster()), None);
    }
}
