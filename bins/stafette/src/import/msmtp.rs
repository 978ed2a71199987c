//! msmtp: the default account of a msmtprc, with what it takes over from others.

use std::collections::BTreeMap;

use super::files::{Files, Line, lines, named, word};
use super::imported::Imported;

/// The places of settings by their names.
type Account = BTreeMap<String, Line>;

/// The account that everything before the first one is for.
const DEFAULTS: &str = "";

/// Reads the settings; none without a msmtprc.
pub(crate) fn read(files: &dyn Files) -> Option<Imported> {
    let mut out = Imported::default();
    let (name, bytes) =
        ["msmtprc", ".msmtprc", "config"]
            .into_iter()
            .find_map(|name| match files.read(name) {
                Ok(Some(bytes)) => Some((name, bytes)),
                _ => None,
            })?;
    let text = lines(&mut out, name, &bytes, false);
    if !text
        .iter()
        .any(|line| ["host", "account", "defaults"].contains(&word(&line.text).0))
    {
        return None;
    }
    let (accounts, first) = accounts(&mut out, text);
    let chosen = if accounts.contains_key("default") {
        "default".to_owned()
    } else {
        first
    };
    for other in accounts.keys() {
        if ![DEFAULTS, "default", &chosen].contains(&other.as_str()) {
            out.note(
                name,
                format!("the account {other}"),
                "Stafette has one relay for all mail; what the default account takes from it was taken",
            );
        }
    }
    let account = accounts.get(&chosen).or_else(|| accounts.get(DEFAULTS))?;
    translate(files, &mut out, name, account);
    out.list("locals", "msmtp delivers nothing on this host");
    for address in ["127.0.0.1:25", "[::1]:25"] {
        out.add("smtplisten", name, address);
    }
    Some(out)
}

/// The accounts, each with what it has from the defaults and from those that it names, and the name of the first.
fn accounts(out: &mut Imported, text: Vec<Line>) -> (BTreeMap<String, Account>, String) {
    let mut accounts: BTreeMap<String, Account> = BTreeMap::new();
    let mut now = DEFAULTS.to_owned();
    let mut first = String::new();
    for line in text {
        let (name, value) = word(&line.text);
        let (name, value) = (name.to_owned(), value.trim_matches('"').to_owned());
        match name.as_str() {
            "defaults" => now = DEFAULTS.to_owned(),
            "account" => {
                let (account, bases) = value.split_once(':').unwrap_or((&value, ""));
                let mut whole = accounts.get(DEFAULTS).cloned().unwrap_or_default();
                for base in bases
                    .split(',')
                    .map(str::trim)
                    .filter(|base| !base.is_empty())
                {
                    match accounts.get(base) {
                        Some(base) => whole.extend(base.clone()),
                        None => out.note(
                            &line.place,
                            format!("no account {base} before this line"),
                            "msmtp would say so too",
                        ),
                    }
                }
                account.trim().clone_into(&mut now);
                if first.is_empty() {
                    first.clone_from(&now);
                }
                accounts.insert(now.clone(), whole);
            }
            _ => {
                let place = line.place;
                let line = Line { place, text: value };
                accounts.entry(now.clone()).or_default().insert(name, line);
            }
        }
    }
    (accounts, first)
}

fn translate(files: &dyn Files, out: &mut Imported, file: &str, account: &Account) {
    match account.get("host") {
        None => out.note(file, "no host is named", "write :HOST:PORT into smtproutes"),
        Some(host) => {
            let port = account.get("port").map_or("25", |port| &port.text);
            let bare = host.text.trim_matches(['[', ']']);
            let host_text = if bare.contains(':') {
                format!("[{bare}]")
            } else {
                bare.to_owned()
            };
            out.add("smtproutes", &host.place, &format!(":{host_text}:{port}"));
        }
    }
    for (name, line) in account {
        let Line { place, text } = line;
        match name.as_str() {
            "host" | "port" => {}
            "domain" if text.contains('.') => out.one("helohost", place, text),
            "maildomain" => out.one("defaulthost", place, text),
            "timeout" if text == "off" => out.not_needed("timeout off"),
            "timeout" => out.one("timeoutconnect", place, text),
            "aliases" => aliases(files, out, place, text),
            "from" => {
                if !account.contains_key("maildomain")
                    && let Some((_, domain)) = text.rsplit_once('@')
                {
                    out.one("defaulthost", place, domain);
                }
                out.note(
                    place,
                    format!("from {text}"),
                    "names without a domain get this one; to have all users under one address, write lines USER ADDRESS into genericstable",
                );
            }
            "user" => out.note(place, "user", AUTH),
            _ if name.starts_with("password") || name == "auth" || name == "ntlmdomain" => {
                out.note(place, name.clone(), AUTH);
            }
            _ if name.starts_with("tls") => {
                out.note(
                    place,
                    format!("{name} {text}"),
                    "TLS comes later in Stafette",
                );
            }
            "logfile"
            | "logfile_time_format"
            | "syslog"
            | "protocol"
            | "eval"
            | "add_missing_from_header"
            | "add_missing_date_header"
            | "auto_from" => out.not_needed(name),
            _ => out.note(
                place,
                format!("{name} {text}"),
                "Stafette has no such setting; see stafette-control(5) for those that it has",
            ),
        }
    }
}

const AUTH: &str = "AUTH comes later in Stafette. Passwords were not copied: settings are open to everybody; until then use a relay that knows this host by its address";

fn aliases(files: &dyn Files, out: &mut Imported, place: &str, path: &str) {
    out.alias_files.push(path.to_owned());
    for line in named(files, out, place, path, false) {
        if line.text.starts_with("default:") {
            out.note(
                &line.place,
                line.text,
                "write @HOST ADDRESS into virtusertable for the name of this host",
            );
        } else {
            out.add("aliases", &line.place, &line.text);
        }
    }
}
