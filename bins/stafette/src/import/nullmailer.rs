//! nullmailer: one file a setting, as in qmail; everything goes to a relay.

use super::files::{Files, Line, lines, optional};
use super::imported::Imported;

/// Files whose one value is ours as it is.
const SAME: [(&str, &str); 5] = [
    ("me", "me"),
    ("defaultdomain", "defaultdomain"),
    ("defaulthost", "defaulthost"),
    ("helohost", "helohost"),
    ("queuelifetime", "queuelifetime"),
];

/// Files that Stafette needs no setting for.
const NOTES: [(&str, &str); 6] = [
    ("idhost", "Stafette makes message IDs from the name in me"),
    (
        "allmailfrom",
        "write masquerade and masqueradedomains, or lines USER ADDRESS into genericstable",
    ),
    (
        "bouncehost",
        "write it into bouncehost if it is a name alone",
    ),
    (
        "sendtimeout",
        "Stafette has limits for each step: timeoutconnect and timeoutremote",
    ),
    (
        "pausetime",
        "Stafette waits longer from try to try by itself",
    ),
    (
        "maxpause",
        "Stafette waits longer from try to try by itself",
    ),
];

/// Reads the settings; none if nothing of nullmailer is there.
pub(crate) fn read(files: &dyn Files) -> Option<Imported> {
    let is_there = |name: &str| !matches!(files.read(name), Ok(None));
    if !["remotes", "me", "defaultdomain"].into_iter().any(is_there) {
        return None;
    }
    let mut out = Imported::default();
    for (theirs, ours) in SAME {
        if let Some(line) = first(files, &mut out, theirs) {
            out.one(ours, &line.place, &line.text);
        }
    }
    if !out.has_any("me")
        && let Some(line) = first(files, &mut out, "/etc/mailname")
    {
        out.one("me", &line.place, &line.text);
    }
    relays(files, &mut out);
    administrator(files, &mut out);
    out.list("locals", "nullmailer delivers nothing on this host");
    for address in ["127.0.0.1:25", "[::1]:25"] {
        out.add("smtplisten", "remotes", address);
    }
    if let Some(line) = first(files, &mut out, "doublebounceto") {
        let (local, domain) = line.text.split_once('@').unwrap_or((&line.text, ""));
        out.one("doublebounceto", &line.place, local);
        if !domain.is_empty() {
            out.one("doublebouncehost", &line.place, domain);
        }
    }
    for (name, advice) in NOTES {
        if let Some(line) = first(files, &mut out, name) {
            out.note(&line.place, format!("{name}: {}", line.text), advice);
        }
    }
    let known = ["remotes", "adminaddr", "doublebounceto"];
    for name in files.list("") {
        let is_known = known.contains(&name.as_str())
            || SAME.iter().any(|(there, _)| *there == name)
            || NOTES.iter().any(|(there, _)| *there == name);
        if !is_known {
            out.note(
                &name,
                "an unknown file",
                "see whether anything depends on it",
            );
        }
    }
    Some(out)
}

fn first(files: &dyn Files, out: &mut Imported, name: &str) -> Option<Line> {
    optional(files, out, name)?.into_iter().next()
}

/// `HOST [PROTOCOL] [OPTIONS]`; the first one takes everything.
fn relays(files: &dyn Files, out: &mut Imported) {
    let found = match files.read("remotes") {
        Ok(Some(bytes)) => lines(out, "remotes", &bytes, false),
        Ok(None) => Vec::new(),
        Err(why) => {
            return out.note("remotes", why, "write :HOST:PORT into smtproutes");
        }
    };
    if found.is_empty() {
        out.note(
            "remotes",
            "no relay is named",
            "mail goes to the exchangers of its domains; write :HOST into smtproutes for a relay",
        );
    }
    for (index, line) in found.iter().enumerate() {
        let mut words = line.text.split_ascii_whitespace();
        let host = words.next().unwrap_or_default();
        if index > 0 {
            out.note(
                &line.place,
                format!("a further relay, {host}"),
                "Stafette has one relay for all: give one name several addresses or exchangers in the DNS",
            );
            continue;
        }
        let mut port = String::new();
        for word in words {
            let option = word.trim_start_matches(['-', '\'', '"']);
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            match name {
                "smtp" => {}
                "port" => port = format!(":{value}"),
                "user" | "pass" | "auth-login" => out.note(
                    &line.place,
                    format!("--{name}"),
                    "AUTH comes later in Stafette. The password was not copied: settings are open to everybody; until then use a relay that knows this host by its address",
                ),
                "ssl" | "starttls" | "tls" | "insecure" => out.note(
                    &line.place,
                    format!("--{name}"),
                    "TLS comes later in Stafette",
                ),
                _ if name.starts_with("x509") || name.starts_with("tls") => {
                    out.note(&line.place, format!("--{name}"), "TLS comes later in Stafette");
                }
                _ => out.note(
                    &line.place,
                    format!("the option {name}"),
                    "Stafette speaks SMTP to relays, without options",
                ),
            }
        }
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        out.add("smtproutes", &line.place, &format!(":{host}{port}"));
    }
}

/// All mail for names of this host goes to one address.
fn administrator(files: &dyn Files, out: &mut Imported) {
    let Some(line) = first(files, out, "adminaddr") else {
        return;
    };
    let me = out
        .settings
        .get("me")
        .and_then(|lines| lines.first())
        .cloned();
    for domain in me.iter().map(String::as_str).chain(["localhost"]) {
        out.add(
            "virtusertable",
            &line.place,
            &format!("@{domain}\t{}", line.text),
        );
    }
}
