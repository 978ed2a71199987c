//! Exim: Debian's update-exim4.conf.conf, or what is literal in the main part of a whole configuration.

use super::files::{Files, lines, optional};
use super::imported::Imported;

/// Reads the settings; none if nothing of Exim is there.
pub(crate) fn read(files: &dyn Files) -> Option<Imported> {
    let mut out = Imported::default();
    let is_there = |name: &&&str| matches!(files.read(name), Ok(Some(_)));
    let whole = ["exim4.conf", "configure", "exim.conf"];
    // A whole configuration wins over Debian's answers, as it does for Debian.
    if let Some(name) = whole.iter().find(is_there) {
        configure(files, &mut out, name);
    } else {
        let name = "update-exim4.conf.conf";
        let bytes = files.read(name).ok()??;
        debian(files, &mut out, name, &bytes);
    }
    if let Some(found) = optional(files, &mut out, "/etc/mailname")
        && let Some(line) = found.first()
    {
        out.one("defaulthost", &line.place, &line.text);
    }
    if let Ok(Some(bytes)) = files.read("/etc/aliases") {
        out.alias_files.push("/etc/aliases".to_owned());
        for line in lines(&mut out, "/etc/aliases", &bytes, true) {
            out.add("aliases", &line.place, &line.text);
        }
    }
    for line in optional(files, &mut out, "/etc/email-addresses").unwrap_or_default() {
        let (user, address) = line.text.split_once(':').unwrap_or((&line.text, ""));
        out.add(
            "genericstable",
            &line.place,
            &format!("{}\t{}", user.trim(), address.trim()),
        );
    }
    for line in optional(files, &mut out, "hubbed_hosts").unwrap_or_default() {
        let (domain, host) = line.text.split_once(':').unwrap_or((&line.text, ""));
        let domain = domain.trim().trim_start_matches('*');
        out.add(
            "mailertable",
            &line.place,
            &format!("{domain}\tsmtp:[{}]", host.trim()),
        );
    }
    if is_there(&&"passwd.client") {
        out.note(
            "passwd.client",
            "passwords for relays",
            "AUTH comes later in Stafette. They were not copied: settings are open to everybody; until then use a relay that knows this host by its address",
        );
    }
    for name in [
        "exim4.conf.localmacros",
        "local_host_blacklist",
        "local_sender_blacklist",
        "local_rcpt_callout",
    ] {
        if is_there(&&name) {
            out.note(
                name,
                "a file of your own",
                "write what it refuses into access; Stafette has no macros",
            );
        }
    }
    Some(out)
}

fn debian(files: &dyn Files, out: &mut Imported, name: &str, bytes: &[u8]) {
    let text = lines(out, name, bytes, false);
    let get = |key: &str| {
        let line = text.iter().rev().find_map(|line| {
            let (there, value) = line.text.split_once('=')?;
            (there == key).then(|| {
                (
                    line.place.clone(),
                    value.trim_matches(['\'', '"']).to_owned(),
                )
            })
        });
        line.unwrap_or_else(|| (name.to_owned(), String::new()))
    };
    let (place, kind) = get("dc_eximconfig_configtype");
    let hides = get("dc_hide_mailname").1 == "true";
    if kind != "satellite" {
        out.add("locals", name, "localhost");
        if let Some(host) = optional(files, out, "/etc/hostname")
            .unwrap_or_default()
            .first()
            && host.text.contains('.')
        {
            out.add("locals", &host.place, &host.text);
        }
    }
    for (key, ours) in [
        ("dc_other_hostnames", "locals"),
        ("dc_relay_domains", "rcpthosts"),
        ("dc_relay_nets", "relayclients"),
        ("dc_local_interfaces", "smtplisten"),
    ] {
        let (place, value) = get(key);
        for item in value
            .split(';')
            .map(str::trim)
            .filter(|item| !item.is_empty())
        {
            out.add(ours, &place, item.strip_prefix('*').unwrap_or(item));
        }
    }
    for address in ["127.0.0.1", "::1"] {
        out.add("relayclients", name, address);
    }
    let (relay_place, relay) = get("dc_smarthost");
    match kind.as_str() {
        "internet" => {}
        "smarthost" | "satellite" => smarthost(out, &relay_place, &relay),
        "local" => out.add(
            "mailertable",
            &place,
            ".\terror:nohost mail to other hosts is not sent from here",
        ),
        _ => out.note(
            &place,
            format!("the kind of configuration {kind}"),
            "see control(5) for what this host is to do",
        ),
    }
    if kind == "satellite" {
        out.list(
            "locals",
            "a satellite of Exim delivers nothing on this host but for its other names",
        );
    }
    let (place, visible) = get("dc_readhost");
    if hides && !visible.is_empty() {
        out.one("masquerade", &place, &visible);
        out.one("masqueradeenvelope", &place, "1");
    } else if kind == "smarthost" {
        out.list(
            "masqueradedomains",
            "Exim replaced no domain: senders stay as they are",
        );
    }
    let (place, delivery) = get("dc_localdelivery");
    match delivery.as_str() {
        "mail_spool" | "" => out.one("defaultdelivery", &place, "/var/mail/%u"),
        "maildir_home" => out.one("defaultdelivery", &place, "./Maildir/"),
        other => out.note(
            &place,
            format!("the delivery {other}"),
            "write the place of users' mail into defaultdelivery",
        ),
    }
    for line in &text {
        let key = line.text.split('=').next().unwrap_or_default();
        match key {
            "dc_minimaldns" | "dc_use_split_config" | "CFILEMODE" | "dc_mailname_in_oh" => {
                out.not_needed(key);
            }
            "dc_eximconfig_configtype"
            | "dc_other_hostnames"
            | "dc_local_interfaces"
            | "dc_readhost"
            | "dc_relay_domains"
            | "dc_relay_nets"
            | "dc_smarthost"
            | "dc_hide_mailname"
            | "dc_localdelivery" => {}
            _ => out.note(
                &line.place,
                line.text.clone(),
                "not one of Debian's answers: see what it was for",
            ),
        }
    }
}

/// `host`, `host::port`, or several with semicolons between.
fn smarthost(out: &mut Imported, place: &str, text: &str) {
    let mut hosts = text
        .split(';')
        .map(str::trim)
        .filter(|host| !host.is_empty());
    match hosts.next() {
        None => out.note(
            place,
            "no smarthost is named",
            "write :HOST:PORT into smtproutes",
        ),
        Some(first) => {
            let (host, port) = first.split_once("::").unwrap_or((first, "25"));
            let host = host.trim_matches(['[', ']']);
            out.add("smtproutes", place, &format!(":{host}:{port}"));
        }
    }
    for host in hosts {
        out.note(
            place,
            format!("a further smarthost, {host}"),
            "Stafette has one relay for all: give one name several addresses in the DNS",
        );
    }
}

/// The main part of a configuration: what is literal.
fn configure(files: &dyn Files, out: &mut Imported, name: &str) {
    for line in optional(files, out, name).unwrap_or_default() {
        let place = &line.place;
        if let Some(section) = line.text.strip_prefix("begin ") {
            out.note(place, format!("the section {section}"), "Stafette has no routers, transports or ACLs to write: say what they did with virtusertable, mailertable, access, aliases and defaultdelivery");
            continue;
        }
        if out
            .untranslated
            .iter()
            .any(|there| there.what.starts_with("the section "))
        {
            continue;
        }
        let (key, value) = line.text.split_once('=').unwrap_or((&line.text, ""));
        let key: Vec<&str> = key.split_ascii_whitespace().collect();
        let value = value.trim();
        let is_literal =
            !value.contains(['$', '/', '!', '+', '\\']) || key.first() == Some(&"hostlist");
        match (key.as_slice(), is_literal) {
            (["primary_hostname"], true) => out.one("me", place, value),
            (["qualify_domain"], true) => out.one("defaulthost", place, value),
            (["domainlist", "local_domains"], true) => items(out, place, "locals", value),
            (["domainlist", "relay_to_domains"], true) => items(out, place, "rcpthosts", value),
            (["hostlist", "relay_from_hosts"], _) => items(out, place, "relayclients", value),
            (["message_size_limit"], true) => match bytes(value) {
                Some(bytes) => out.one("databytes", place, &bytes.to_string()),
                None => out.note(place, line.text.clone(), "write it into databytes"),
            },
            (["hide", ..], _) => out.note(place, "a setting that is hidden", "it may be a password: it was not copied"),
            // What a person would not want to see on a screen.
            _ if ["pass", "secret"].iter().any(|word| line.text.to_lowercase().contains(word)) => {
                out.note(place, "a line that may have a password", "it was not copied");
            }
            _ => out.note(place, line.text.clone(), "only names and lists of domains and networks are read from a whole configuration of Exim"),
        }
    }
}

fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = match text.to_ascii_uppercase() {
        text if text.ends_with('K') => (text.trim_end_matches('K').to_owned(), 1 << 10),
        text if text.ends_with('M') => (text.trim_end_matches('M').to_owned(), 1 << 20),
        text => (text, 1),
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// A list of Exim's: colons between, or the sign behind `<`.
fn items(out: &mut Imported, place: &str, ours: &'static str, value: &str) {
    let (separator, rest) = match value.strip_prefix('<') {
        Some(rest) => {
            let mut signs = rest.chars();
            (signs.next().unwrap_or(':'), signs.as_str())
        }
        None => (':', value),
    };
    // A colon that is meant stands twice.
    let rest = if separator == ':' {
        rest.replace("::", "\u{1}")
    } else {
        rest.to_owned()
    };
    for item in rest.split(separator) {
        let item = item.trim().replace('\u{1}', ":");
        match item.as_str() {
            "" => {}
            "@" => {
                let me = out
                    .settings
                    .get("me")
                    .and_then(|lines| lines.first())
                    .cloned();
                match me {
                    Some(me) => out.add(ours, place, &me),
                    None => out.note(
                        place,
                        "@, the name of this host",
                        format!("write it into {ours}"),
                    ),
                }
            }
            "localhost" if ours == "relayclients" => {
                out.add(ours, place, "127.0.0.1");
                out.add(ours, place, "::1");
            }
            item => out.add(ours, place, item.strip_prefix('*').unwrap_or(item)),
        }
    }
}
