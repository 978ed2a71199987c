//! Where Postfix sends mail: relayhost, transport_maps, and under which names: masquerading and generic maps.

use super::conf::{Conf, words};
use super::maps::{self, Entry};
use crate::import::Imported;
use crate::import::files::Files;

pub(super) fn read(files: &dyn Files, conf: &mut Conf, out: &mut Imported) {
    let place = conf.place("relayhost");
    let relayhost = conf.get("relayhost");
    let place_of_maps = conf.place("transport_maps");
    let value = conf.get("transport_maps");
    for entry in maps::entries(files, out, &place_of_maps, &value) {
        transport(out, &entry, &relayhost);
    }
    if !relayhost.is_empty()
        && !out
            .settings
            .get("mailertable")
            .is_some_and(|lines| has_rest(lines))
    {
        relay(out, &place, &relayhost);
    }
    let name = "virtual_mailbox_domains";
    let place = conf.place(name);
    if conf.is_set(name) {
        let transport = conf.get("virtual_transport");
        for (place, domain) in super::list(files, conf, out, &place, name) {
            mailboxes(out, &place, &domain, &transport);
        }
    }
}

fn has_rest(lines: &[String]) -> bool {
    lines.iter().any(|line| line.starts_with(".\t"))
}

/// A relay in brackets is one host; without brackets its exchangers are asked for, which smtproutes do not do.
fn relay(out: &mut Imported, place: &str, relayhost: &str) {
    let host = relayhost.strip_prefix("smtp:").unwrap_or(relayhost);
    let Some(rest) = host.strip_prefix('[') else {
        return out.add("mailertable", place, &format!(".\tsmtp:{}", port(host)));
    };
    let (name, port_part) = rest.split_once(']').unwrap_or((rest, ""));
    let name = if name.contains(':') {
        format!(
            "[{}]",
            name.trim_start_matches("IPv6:").trim_start_matches("ipv6:")
        )
    } else {
        name.to_owned()
    };
    let port_part = port(port_part);
    out.add("smtproutes", place, &format!(":{name}{port_part}"));
}

/// Names of ports as numbers.
fn port(text: &str) -> String {
    match text.rsplit_once(':') {
        Some((host, "smtp")) => format!("{host}:25"),
        Some((host, "submission")) => format!("{host}:587"),
        Some((host, "submissions" | "smtps")) => format!("{host}:465"),
        _ => text.to_owned(),
    }
}

/// A line of the transport map.
fn transport(out: &mut Imported, entry: &Entry, relayhost: &str) {
    let Entry { place, key, value } = entry;
    let advice = match key.as_str() {
        "*" => None,
        key if key.contains('@') => Some(
            "mailertable has domains only: give the address another one in virtusertable, whose domain has a line in mailertable",
        ),
        key if out.has("locals", key) => Some(
            "the domain is in mydestination, and mailertable is asked for other domains only: take it out of locals and write it into rcpthosts if its mail is not delivered here",
        ),
        _ => None,
    };
    if let Some(advice) = advice {
        return out.note(place, format!("{key} {value}"), advice);
    }
    let key = if key == "*" { "." } else { key };
    match mailer(value, relayhost) {
        Some(mailer) => out.add("mailertable", place, &format!("{key}\t{mailer}")),
        None => out.note(
            place,
            format!("{key} {value}"),
            "write a line of mailertable: smtp:HOST, lmtp:unix:/SOCKET, error:nohost TEXT or |PROGRAM",
        ),
    }
}

/// A transport and next hop as a right side of the mailertable.
fn mailer(value: &str, relayhost: &str) -> Option<String> {
    let (kind, hop) = value.split_once(':').unwrap_or((value, ""));
    let hop = hop.trim();
    Some(match (kind, hop) {
        ("", "") if relayhost.is_empty() => "smtp:".to_owned(),
        ("", "") => format!("smtp:{}", port(relayhost)),
        ("" | "smtp" | "relay" | "esmtp", hop) => format!("smtp:{}", port(hop)),
        ("lmtp", hop) => lmtp(hop),
        ("local", _) => "local:".to_owned(),
        ("uucp", hop) if !hop.is_empty() => format!("uucp:{hop}"),
        ("error", hop) if hop.starts_with(|sign: char| sign.is_ascii_digit()) => {
            let (status, text) = hop.split_once(' ').unwrap_or((hop, "refused"));
            format!("error:{status}:{text}")
        }
        ("error", hop) => format!("error:nohost {hop}"),
        ("retry", hop) => {
            let is_status = hop.starts_with("4.");
            let text = if is_status {
                hop.split_once(' ').map_or("", |(_, text)| text)
            } else {
                hop
            };
            format!("error:tempfail {text}").trim_end().to_owned()
        }
        _ => return None,
    })
}

fn lmtp(hop: &str) -> String {
    match hop.strip_prefix("unix:") {
        Some(path) if !path.starts_with('/') => format!("lmtp:unix:/var/spool/postfix/{path}"),
        _ => format!("lmtp:{hop}"),
    }
}

/// A domain of virtual mailboxes: a delivery agent that speaks LMTP goes on taking its mail.
fn mailboxes(out: &mut Imported, place: &str, domain: &str, transport: &str) {
    let Some(mailer) = mailer(transport, "").filter(|mailer| mailer.starts_with("lmtp:")) else {
        return out.note(
            place,
            format!("the virtual mailbox domain {domain} ({transport})"),
            "write DOMAIN:PREPEND into virtualdomains and the mailboxes into users/assign",
        );
    };
    out.add("mailertable", place, &format!("{domain}\t{mailer}"));
    out.add("rcpthosts", place, domain);
    out.note(
        place,
        format!("which names {domain} has (virtual_mailbox_maps)"),
        "mail for any name is taken and what the LMTP server refuses is bounced: refuse names in access with To: where that is too much",
    );
}

/// Under which addresses mail goes out.
pub(super) fn masquerade(files: &dyn Files, conf: &mut Conf, out: &mut Imported) {
    for name in [
        "smtp_generic_maps",
        "sender_canonical_maps",
        "canonical_maps",
    ] {
        let place = conf.place(name);
        let value = conf.get(name);
        if name != "smtp_generic_maps" && !value.is_empty() {
            out.note(
                &place,
                format!("{name} counts for all mail"),
                "its entries are in genericstable, which changes addresses only on the way to other hosts",
            );
        }
        for entry in maps::entries(files, out, &place, &value) {
            let line = format!("{}\t{}", entry.key, entry.value);
            out.add("genericstable", &entry.place, &line);
        }
    }
    let place = conf.place("masquerade_domains");
    let domains = words(&conf.get("masquerade_domains"));
    let classes = words(&conf.get("masquerade_classes"));
    let exceptions = words(&conf.get("masquerade_exceptions"));
    match domains.first() {
        Some(domain) if !domain.starts_with('!') => {
            out.one("masquerade", &place, domain);
            out.add("masqueradedomains", &place, &format!(".{domain}"));
            let flag = |is_on: bool| if is_on { "1" } else { "0" };
            let has = |class: &str| classes.iter().any(|there| there == class);
            out.one("masqueradeenvelope", &place, flag(has("envelope_sender")));
            out.one("allmasquerade", &place, flag(has("header_recipient")));
            for exception in exceptions {
                out.add("masqueradeexceptions", &place, &exception);
            }
        }
        _ => {
            let rest = out.settings.get("mailertable");
            if !conf.get("relayhost").is_empty() || rest.is_some_and(|lines| has_rest(lines)) {
                // A host with one relay for everything would show /etc/mailname by itself.
                let remark = "Postfix replaced no domain: senders stay as they are";
                out.list("masqueradedomains", remark);
            }
        }
    }
    let others = domains.iter().skip(1);
    let first = domains
        .iter()
        .take(1)
        .filter(|domain| domain.starts_with('!'));
    for domain in others.chain(first) {
        out.note(
            &place,
            format!("masquerade_domains: {domain}"),
            "Stafette has one masquerade domain: write @HOST.DOMAIN lines or addresses into genericstable",
        );
    }
}
