//! sendmail: sendmail.mc, else sendmail.cf, and the tables beside it, which are ours in syntax.

mod cf;
mod mc;
mod option;

use super::files::{Files, lines, optional, word};
use super::imported::Imported;

/// Reads the settings; none without sendmail.mc or sendmail.cf.
pub(crate) fn read(files: &dyn Files) -> Option<Imported> {
    let mut out = Imported::default();
    match files.read("sendmail.mc") {
        Ok(Some(bytes)) => mc::read(&mut out, "sendmail.mc", &bytes),
        _ => {
            let bytes = files.read("sendmail.cf").ok()??;
            cf::read(files, &mut out, "sendmail.cf", &bytes);
        }
    }
    tables(files, &mut out);
    for path in ["aliases", "/etc/aliases", "/etc/mail/aliases"] {
        if let Ok(Some(bytes)) = files.read(path) {
            out.alias_files.push(path.to_owned());
            for line in lines(&mut out, path, &bytes, true) {
                out.add("aliases", &line.place, &line.text);
            }
            break;
        }
    }
    if !out.has_any("defaultdelivery") {
        out.one("defaultdelivery", "sendmail.mc", "/var/mail/%u");
    }
    for address in ["127.0.0.1", "::1"] {
        // sendmail lets its own host relay.
        out.add("relayclients", "sendmail.mc", address);
    }
    if out.has_any("smtproutes") && !out.has_any("masquerade") {
        out.list(
            "masqueradedomains",
            "sendmail replaced no domain: senders stay as they are",
        );
    }
    Some(out)
}

fn tables(files: &dyn Files, out: &mut Imported) {
    for name in ["access", "mailertable", "genericstable"] {
        for line in optional(files, out, name).unwrap_or_default() {
            out.add(name, &line.place, &line.text);
        }
    }
    // sendmail takes the most specific line, ours the first one that fits.
    let mut virtuals = optional(files, out, "virtusertable").unwrap_or_default();
    virtuals.sort_by_key(|line| match word(&line.text).0.split_once('@') {
        Some(("", _)) => 4,
        Some((local, _)) if local.starts_with('+') => 3,
        Some((local, _)) if local.ends_with("+*") || local.ends_with("++") => 1,
        Some((local, _)) if local.contains('+') => 0,
        _ => 2,
    });
    for line in virtuals {
        out.add("virtusertable", &line.place, &line.text);
    }
    for line in optional(files, out, "domaintable").unwrap_or_default() {
        let (old, new) = word(&line.text);
        out.add("virtusertable", &line.place, &format!("@{old}\t%1%3@{new}"));
        out.note(
            &line.place,
            format!("domaintable: {old} for {new}"),
            "recipients are changed by virtusertable; write senders into genericstable",
        );
    }
    for line in optional(files, out, "local-host-names").unwrap_or_default() {
        out.add("local-host-names", &line.place, &line.text);
    }
    for line in optional(files, out, "relay-domains").unwrap_or_default() {
        relay(out, &line.place, &line.text);
    }
    for line in optional(files, out, "trusted-users").unwrap_or_default() {
        out.add("trustedusers", &line.place, &line.text);
    }
    for name in files.list("") {
        if ["authinfo", "default-auth-info"].contains(&name.as_str()) {
            out.note(&name, "passwords for relays", "AUTH comes later in Stafette. They were not copied: settings are open to everybody");
        } else if ["uudomain", "bitdomain", "userdb", "spamlist"].contains(&name.as_str()) {
            out.note(
                &name,
                "a table that Stafette has not",
                "see whether virtusertable or mailertable does what you need",
            );
        }
    }
}

/// A class R entry: a domain with all below it, or clients by their addresses.
fn relay(out: &mut Imported, place: &str, text: &str) {
    let parts: Vec<&str> = text.trim_end_matches('.').split('.').collect();
    if parts.len() <= 4 && parts.iter().all(|part| part.parse::<u8>().is_ok()) {
        let missing = 4 - parts.len().min(4);
        let bits = parts.len() * 8;
        let network = format!("{}{}/{bits}", parts.join("."), ".0".repeat(missing));
        out.add("relayclients", place, &network);
        return;
    }
    let domain = text.trim_start_matches('.');
    out.add("relay-domains", place, domain);
    out.add("relay-domains", place, &format!(".{domain}"));
}

/// A smart host: `host`, `[host]`, `mailer:host`.
fn smart_host(out: &mut Imported, place: &str, value: &str) {
    let (mailer, host) = match value.split_once(':') {
        Some((mailer, host)) if !value.starts_with('[') => (mailer, host),
        _ => ("relay", value),
    };
    if let Some(inner) = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        out.add("smtproutes", place, &format!(":{inner}"));
    } else {
        // Its exchangers are asked for, which smtproutes do not do.
        out.add("mailertable", place, &format!(".\t{mailer}:{host}"));
    }
}
