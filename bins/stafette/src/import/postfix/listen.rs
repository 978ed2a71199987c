//! Where Postfix listens: inet_interfaces, inet_protocols and the services of master.cf.

use super::conf::{Conf, words};
use crate::import::Imported;
use crate::import::files::{Files, named};

/// Services that every installation has and that other programs of ours do.
const USUAL: [&str; 28] = [
    "pickup",
    "cleanup",
    "qmgr",
    "tlsmgr",
    "rewrite",
    "bounce",
    "defer",
    "trace",
    "verify",
    "flush",
    "proxymap",
    "proxywrite",
    "smtp",
    "relay",
    "showq",
    "error",
    "retry",
    "discard",
    "local",
    "virtual",
    "lmtp",
    "anvil",
    "scache",
    "postlog",
    "smtpd",
    "dnsblog",
    "tlsproxy",
    "qmqpd",
];

pub(super) fn read(files: &dyn Files, conf: &mut Conf, out: &mut Imported) {
    let mut ports: Vec<(String, String)> = Vec::new();
    let has_master = matches!(files.read("master.cf"), Ok(Some(_)));
    for line in named(files, out, "master.cf", "master.cf", true) {
        let fields: Vec<&str> = line.text.split_ascii_whitespace().collect();
        let (Some(service), Some(kind), Some(command)) =
            (fields.first(), fields.get(1), fields.get(7))
        else {
            out.note(&line.place, line.text, "not a service of master.cf");
            continue;
        };
        match (*kind, *command) {
            ("inet", "smtpd" | "postscreen") => {
                if *command == "postscreen" {
                    out.note(
                        &line.place,
                        "postscreen",
                        "Stafette's smtpd takes the connections itself; it asks no lists of the DNS about clients",
                    );
                }
                service_port(out, &line.place, service, &mut ports);
                overrides(out, &line.place, fields.get(8..).unwrap_or_default());
            }
            ("inet", _) => out.note(
                &line.place,
                format!("the service {service}"),
                "Stafette has no such service",
            ),
            (_, "pipe") => {
                let argv = fields
                    .iter()
                    .skip_while(|field| !field.starts_with("argv="));
                let words: Vec<&str> = argv.copied().collect();
                let words = words.join(" ");
                let program = words.strip_prefix("argv=").unwrap_or(&words);
                out.note(
                    &line.place,
                    format!("the service {service} runs {program}"),
                    "if mail goes there, write a line DOMAIN |PROGRAM ARGUMENTS into mailertable; $u is the recipient, $h its domain, $f the sender",
                );
            }
            _ if USUAL.contains(service) || USUAL.contains(command) => {
                overrides(out, &line.place, fields.get(8..).unwrap_or_default());
            }
            _ => out.note(
                &line.place,
                format!("the service {service}"),
                "Stafette has no such service",
            ),
        }
    }
    if has_master && ports.is_empty() {
        out.note(
            "master.cf",
            "no service listens for SMTP",
            "Stafette would listen on port 25: do not run its smtpd, or write 127.0.0.1:25 into smtplisten",
        );
        return;
    }
    if !has_master {
        ports.push((String::new(), "25".to_owned()));
    }
    write(conf, out, &ports);
}

/// Options of a service alone.
fn overrides(out: &mut Imported, place: &str, arguments: &[&str]) {
    for (at, argument) in arguments.iter().enumerate() {
        let option = match argument.strip_prefix("-o") {
            Some("") => arguments.get(at + 1).copied().unwrap_or_default(),
            Some(option) => option,
            None => continue,
        };
        // As in the file that comes with Postfix: a name for the log, and a relay that is no fallback.
        if ["syslog_name", "smtp_fallback_relay", "fallback_relay"]
            .iter()
            .any(|usual| option.starts_with(usual))
        {
            continue;
        }
        out.note(
            place,
            format!("-o {option}"),
            "Stafette has one set of settings for all ports; see whether that is what you need",
        );
    }
}

fn service_port(out: &mut Imported, place: &str, service: &str, ports: &mut Vec<(String, String)>) {
    let (host, name) = service.rsplit_once(':').unwrap_or(("", service));
    let port = match name {
        "smtp" | "25" => "25",
        "submission" | "587" | "smtps" | "submissions" | "465" => {
            out.note(
                place,
                format!("the port {name} for users who log in"),
                "AUTH and TLS come later in Stafette; until then only relayclients may send to others, on port 25",
            );
            return;
        }
        number if number.bytes().all(|byte| byte.is_ascii_digit()) => number,
        _ => {
            out.note(
                place,
                format!("the port {service}"),
                "write ADDRESS:PORT into smtplisten",
            );
            return;
        }
    };
    let host = if host == "localhost" {
        "127.0.0.1"
    } else {
        host
    };
    ports.push((host.to_owned(), port.to_owned()));
}

/// What is not the default becomes smtplisten.
fn write(conf: &mut Conf, out: &mut Imported, ports: &[(String, String)]) {
    let place = conf.place("inet_interfaces");
    let protocols = words(&conf.get("inet_protocols"));
    let allows = |family: &str| {
        protocols
            .iter()
            .any(|protocol| protocol == "all" || protocol == family)
    };
    let mut hosts: Vec<String> = Vec::new();
    for name in words(&conf.get("inet_interfaces")) {
        match name.as_str() {
            "all" => hosts.extend(["[::]".to_owned(), "0.0.0.0".to_owned()]),
            "loopback-only" | "localhost" => {
                hosts.extend(["[::1]".to_owned(), "127.0.0.1".to_owned()]);
            }
            _ => {
                let bare = name.trim_start_matches('[').trim_end_matches(']');
                match bare.parse::<std::net::IpAddr>() {
                    Ok(std::net::IpAddr::V6(address)) => hosts.push(format!("[{address}]")),
                    Ok(address) => hosts.push(address.to_string()),
                    Err(_) => out.note(
                        &place,
                        format!("inet_interfaces: {name}"),
                        "write its address and port into smtplisten",
                    ),
                }
            }
        }
    }
    hosts.retain(|host| {
        allows(if host.starts_with('[') {
            "ipv6"
        } else {
            "ipv4"
        })
    });
    let mut lines: Vec<String> = Vec::new();
    for (host, port) in ports {
        if host.is_empty() {
            lines.extend(hosts.iter().map(|host| format!("{host}:{port}")));
        } else {
            lines.push(format!("{host}:{port}"));
        }
    }
    lines.dedup();
    if lines != ["[::]:25", "0.0.0.0:25"] {
        for line in lines {
            out.add("smtplisten", &place, &line);
        }
    }
}
