//! The mailertable: where the mail of a domain goes, and by which means.
//!
//! Keys are `domain` (itself alone), `.domain` (all below it) and `.` (all the rest), the longest first. `%1` in a right side is what
//! stands in front of a `.domain`.

use std::path::PathBuf;

use stafette_addr::{Domain, LocalPart};
use stafette_control::Mistake;

use crate::reply::Reply;
use crate::tables::{Entry, Tables};
use crate::{Table, key};

/// The port of SMTP.
const SMTP_PORT: u16 = 25;
/// The port of LMTP where none is said (RFC 2033 section 5 forbids 25).
const LMTP_PORT: u16 = 24;

/// A right side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mailer {
    /// By SMTP.
    Smtp {
        /// A name or an address without brackets; none for the domain itself.
        host: Option<String>,
        /// The port.
        port: u16,
        /// Whether the exchangers of the host are asked for; not for a host in brackets.
        mx: bool,
    },
    /// By LMTP over TCP.
    Lmtp {
        /// A name or an address without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// By LMTP over a Unix socket.
    LmtpUnix {
        /// Its absolute path.
        path: PathBuf,
    },
    /// By uux to this host.
    Uucp {
        /// The neighbour; empty if it is called as the domain.
        host: String,
    },
    /// To this host.
    Local {
        /// All to this user; else as if the domain were ours.
        user: Option<String>,
    },
    /// Refused.
    Error(Reply),
    /// To a program, without a shell.
    Program {
        /// Its absolute path and its arguments.
        argv: Vec<String>,
    },
}

/// Reads a right side.
///
/// # Errors
/// What is wrong with it.
pub fn parse(value: &str) -> Result<Mailer, Mistake> {
    let value = value.trim();
    if let Some(line) = value.strip_prefix('|') {
        return Ok(Mailer::Program { argv: argv(line)? });
    }
    let (mailer, rest) = value.split_once(':').ok_or_else(|| unknown(value))?;
    let rest = rest.trim();
    match mailer.to_ascii_lowercase().as_str() {
        "smtp" | "esmtp" | "relay" | "smtp8" | "dsmtp" => smtp(rest),
        "lmtp" => lmtp(rest),
        "uucp" | "uucp-dom" | "uucp-new" | "uucp-old" | "uucp-uudom" | "suucp" => {
            let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"._-%".contains(&byte);
            if rest.starts_with('-') || !rest.bytes().all(is_sign) {
                return Err(host_mistake(rest));
            }
            let host = rest.to_owned();
            Ok(Mailer::Uucp { host })
        }
        "local" => {
            let user = if rest.is_empty() {
                None
            } else {
                let local = LocalPart::parse(rest.as_bytes()).map_err(|_| {
                    Mistake::new(format!("not a name: {rest}"), "write local: or local:USER")
                })?;
                Some(local.as_str().to_owned())
            };
            Ok(Mailer::Local { user })
        }
        "error" => Reply::parse_error(rest).map(Mailer::Error),
        _ => Err(unknown(value)),
    }
}

fn unknown(value: &str) -> Mistake {
    let shown: String = value.chars().take(80).collect();
    Mistake::new(
        format!("not a mailer: {shown}"),
        "write smtp:HOST, smtp:[HOST]:PORT, lmtp:HOST:PORT, lmtp:unix:/PATH, uucp:HOST, local:, local:USER, error:nohost TEXT or |/PATH/OF/PROGRAM ARGUMENTS",
    )
}

fn host_mistake(text: &str) -> Mistake {
    Mistake::new(
        format!("not a host: {text}"),
        "write HOST, HOST:PORT, [HOST] or [HOST]:PORT",
    )
}

fn smtp(text: &str) -> Result<Mailer, Mistake> {
    if text.is_empty() {
        return Ok(Mailer::Smtp {
            host: None,
            port: SMTP_PORT,
            mx: true,
        });
    }
    let (host, port, mx) = host_and_port(text, SMTP_PORT)?;
    let host = Some(host);
    Ok(Mailer::Smtp { host, port, mx })
}

fn lmtp(text: &str) -> Result<Mailer, Mistake> {
    if let Some(path) = text
        .strip_prefix("unix:")
        .or_else(|| text.starts_with('/').then_some(text))
    {
        if !path.starts_with('/') {
            return Err(Mistake::new(
                "a socket without an absolute path",
                "write lmtp:unix:/PATH/OF/SOCKET",
            ));
        }
        let path = PathBuf::from(path);
        return Ok(Mailer::LmtpUnix { path });
    }
    let (host, port, _) = host_and_port(text.strip_prefix("inet:").unwrap_or(text), LMTP_PORT)?;
    Ok(Mailer::Lmtp { host, port })
}

/// The host, its port, and whether its exchangers count.
fn host_and_port(text: &str, default: u16) -> Result<(String, u16, bool), Mistake> {
    let (host, port, mx) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or_else(|| host_mistake(text))?;
            let port = match port {
                "" => None,
                port => Some(port.strip_prefix(':').ok_or_else(|| host_mistake(text))?),
            };
            (host, port, false)
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port), true),
            None => (text, None, true),
        },
    };
    let port = match port {
        None => default,
        Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or_else(|| {
            Mistake::new(
                format!("not a port: {port}"),
                "write a number from 1 to 65535",
            )
        })?,
    };
    let without_tag = host
        .get(..5)
        .filter(|tag| tag.eq_ignore_ascii_case("ipv6:"))
        .map_or(host, |_| host.get(5..).unwrap_or_default());
    if let Ok(address) = without_tag.parse::<std::net::IpAddr>() {
        return Ok((address.to_string(), port, false));
    }
    let probe = host.replace("%1", "x");
    match Domain::parse(probe.as_bytes()) {
        Ok(domain) if !domain.is_literal() => Ok((host.to_ascii_lowercase(), port, mx)),
        _ => Err(host_mistake(text)),
    }
}

/// The words of a program line: blanks part them, single and double quotes hold them together, a backslash takes the next sign as it is.
fn argv(line: &str) -> Result<Vec<String>, Mistake> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let mut quote = None;
    let mut signs = line.chars();
    while let Some(sign) = signs.next() {
        match (quote, sign) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (Some('"') | None, '\\') => word.get_or_insert_default().extend(signs.next()),
            (None, '\'' | '"') => {
                quote = Some(sign);
                word.get_or_insert_default();
            }
            (None, ' ' | '\t') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(sign),
        }
    }
    if quote.is_some() {
        return Err(Mistake::new("a quote without its second", "close it"));
    }
    words.extend(word);
    if !words
        .first()
        .is_some_and(|program| program.starts_with('/'))
    {
        return Err(Mistake::new(
            "a program without an absolute path",
            "write |/PATH/OF/PROGRAM ARGUMENTS; there is no shell",
        ));
    }
    Ok(words)
}

/// The compiled form of a key, in lower case.
pub(crate) fn compiled_key(text: &str) -> Result<String, Mistake> {
    if text == "." {
        return Ok(text.to_owned());
    }
    let (dot, name) = match text.strip_prefix('.') {
        Some(name) => (".", name),
        None => ("", text),
    };
    key::domain(name)
        .map(|name| format!("{dot}{name}"))
        .ok_or_else(|| {
            Mistake::new(
                format!("not a domain: {text}"),
                "write DOMAIN, .DOMAIN for all below it, or . for all the rest",
            )
        })
}

/// What the table says of a domain.
///
/// # Errors
/// Why that cannot be said now.
pub fn find(tables: &Tables, domain: &Domain) -> Result<Option<(Mailer, Entry)>, String> {
    if !tables.is_there(Table::Mailertable) {
        return Ok(None);
    }
    let name = key::lower_domain(domain);
    let mut keys = vec![(name.clone(), "")];
    if !domain.is_literal() {
        for (at, _) in name.match_indices('.') {
            let (front, suffix) = name.split_at(at);
            keys.push((suffix.to_owned(), front));
        }
    }
    keys.push((".".to_owned(), name.as_str()));
    for (key, front) in keys {
        if let Some(entry) = tables.get(Table::Mailertable, &key)? {
            let mailer = parse(&entry.value).map_err(|mistake| {
                let file = tables.file_name(Table::Mailertable);
                format!("{file} line {}: {mistake}", entry.line)
            })?;
            return Ok(Some((put_in(mailer, front), entry)));
        }
    }
    Ok(None)
}

fn put_in(mailer: Mailer, front: &str) -> Mailer {
    let put = |text: String| text.replace("%1", front);
    match mailer {
        Mailer::Smtp { host, port, mx } => Mailer::Smtp {
            host: host.map(put),
            port,
            mx,
        },
        Mailer::Lmtp { host, port } => Mailer::Lmtp {
            host: put(host),
            port,
        },
        Mailer::Uucp { host } => Mailer::Uucp { host: put(host) },
        Mailer::Program { argv } => Mailer::Program {
            argv: argv.into_iter().map(put).collect(),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_mean_the_host_itself() {
        let smtp = |host: &str, port, mx| {
            let host = Some(host.to_owned());
            Ok(Mailer::Smtp { host, port, mx })
        };
        assert_eq!(parse("smtp:mail.example"), smtp("mail.example", 25, true));
        assert_eq!(
            parse("esmtp:[mail.example]"),
            smtp("mail.example", 25, false)
        );
        assert_eq!(
            parse("relay:mail.example:2525"),
            smtp("mail.example", 2525, true)
        );
        assert_eq!(parse("SMTP:[192.0.2.1]:26"), smtp("192.0.2.1", 26, false));
        assert_eq!(
            parse("smtp:[IPv6:2001:db8::1]:26"),
            smtp("2001:db8::1", 26, false)
        );
        assert!(
            parse("smtp:a b").is_err() && parse("smtp:[a").is_err() && parse("smtp:a:0").is_err()
        );
    }

    #[test]
    fn lmtp_goes_to_a_socket_or_a_port() {
        let path = PathBuf::from("/run/dovecot/lmtp");
        assert_eq!(
            parse("lmtp:unix:/run/dovecot/lmtp"),
            Ok(Mailer::LmtpUnix { path })
        );
        let host = "127.0.0.1".to_owned();
        assert_eq!(
            parse("lmtp:[127.0.0.1]:2424"),
            Ok(Mailer::Lmtp { host, port: 2424 })
        );
        assert!(parse("lmtp:unix:relative").is_err());
    }

    #[test]
    fn a_program_line_is_split_without_a_shell() {
        let words = |text| match parse(text) {
            Ok(Mailer::Program { argv }) => argv,
            other => vec![format!("{other:?}")],
        };
        assert_eq!(
            words("|/bin/x -f \"a b\" 'c \"d' e\\ f ''"),
            ["/bin/x", "-f", "a b", "c \"d", "e f", ""]
        );
        assert!(parse("|x").is_err() && parse("|").is_err() && parse("|/bin/x 'a").is_err());
    }

    #[test]
    fn the_rest_of_the_mailers_are_read() {
        let host = "neighbour".to_owned();
        assert_eq!(parse("uucp-dom:neighbour"), Ok(Mailer::Uucp { host }));
        // The handbook's last line: the neighbour is called as the domain.
        let host = String::new();
        assert_eq!(parse("uucp-dom:"), Ok(Mailer::Uucp { host }));
        assert_eq!(parse("local:"), Ok(Mailer::Local { user: None }));
        let user = Some("joe".to_owned());
        assert_eq!(parse("local:joe"), Ok(Mailer::Local { user }));
        assert!(matches!(parse("error:nohost gone"), Ok(Mailer::Error(_))));
        assert!(matches!(
            parse("error:5.1.2:550 gone"),
            Ok(Mailer::Error(_))
        ));
        assert!(parse("uucp:-oProxy").is_err() && parse("fax:5").is_err() && parse("").is_err());
    }
}
