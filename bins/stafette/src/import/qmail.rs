//! qmail: control/ has nearly our names; users/assign, alias/ and the rules of tcpserver.

use stafette_control::parse_assign;
use stafette_table::target::Item;

use super::files::{Files, lines, named, optional};
use super::imported::Imported;

/// Files of one value, under their names and ours.
const ONE: [(&str, &str); 18] = [
    ("me", "me"),
    ("databytes", "databytes"),
    ("concurrencylocal", "concurrencylocal"),
    ("concurrencyremote", "concurrencyremote"),
    ("concurrencyincoming", "concurrencyincoming"),
    ("queuelifetime", "queuelifetime"),
    ("defaultdomain", "defaultdomain"),
    ("defaulthost", "defaulthost"),
    ("helohost", "helohost"),
    ("bouncefrom", "bouncefrom"),
    ("bouncehost", "bouncehost"),
    ("doublebounceto", "doublebounceto"),
    ("doublebouncehost", "doublebouncehost"),
    ("smtpgreeting", "smtpgreeting"),
    ("timeoutconnect", "timeoutconnect"),
    ("timeoutremote", "timeoutremote"),
    ("timeoutsmtpd", "timeoutcommand"),
    ("defaultdelivery", "defaultdelivery"),
];

/// Lists, under their names and ours.
const LISTS: [(&str, &str); 5] = [
    ("locals", "locals"),
    ("virtualdomains", "virtualdomains"),
    ("rcpthosts", "rcpthosts"),
    ("morercpthosts", "rcpthosts"),
    ("smtproutes", "smtproutes"),
];

/// Reads the settings; none without control/.
pub(crate) fn read(files: &dyn Files) -> Option<Imported> {
    let there = files.list("control");
    if there.is_empty() {
        return None;
    }
    let mut out = Imported::default();
    for name in &there {
        control(files, &mut out, name);
    }
    if !there.iter().any(|name| name == "rcpthosts") {
        out.note(
            "control/rcpthosts",
            "it is not there: qmail relayed for anybody, an open relay",
            "Stafette takes mail for locals and virtualdomains only; write further domains into rcpthosts",
        );
    }
    delivery(files, &mut out);
    assign(files, &mut out);
    aliases(files, &mut out);
    for path in [
        "tcp.smtp",
        "control/tcp.smtp",
        "/etc/tcp.smtp",
        "/etc/tcprules.d/tcp.qmail-smtpd",
    ] {
        if let Ok(Some(bytes)) = files.read(path) {
            for line in lines(&mut out, path, &bytes, false) {
                rule(&mut out, &line.place, &line.text);
            }
            break;
        }
    }
    Some(out)
}

fn control(files: &dyn Files, out: &mut Imported, name: &str) {
    let path = format!("control/{name}");
    if let Some((_, ours)) = ONE.iter().find(|(theirs, _)| *theirs == name) {
        let found = named(files, out, &path, &path, false);
        if let Some(line) = found.first() {
            out.one(ours, &line.place, &line.text);
        }
    } else if let Some((_, ours)) = LISTS.iter().find(|(theirs, _)| *theirs == name) {
        let found = named(files, out, &path, &path, false);
        if *ours == "locals" && found.is_empty() {
            out.list("locals", "control/locals of qmail was empty");
        }
        for line in found {
            if *ours == "smtproutes" && line.text.contains([' ', '\t']) {
                let route = line
                    .text
                    .split_ascii_whitespace()
                    .next()
                    .unwrap_or_default();
                let advice =
                    "AUTH comes later in Stafette. The password was not copied; the route was";
                out.note(&line.place, "a user and a password behind a route", advice);
                out.add(ours, &line.place, route);
            } else {
                out.add(ours, &line.place, &line.text);
            }
        }
    } else if name == "badmailfrom" {
        for line in named(files, out, &path, &path, false) {
            let key = line.text.strip_prefix('@').unwrap_or(&line.text);
            out.add("access", &line.place, &format!("From:{key}\tREJECT"));
        }
    } else if matches!(name, "morercpthosts.cdb" | "tcp.smtp" | "tcp.smtp.cdb") {
        out.not_needed(name);
    } else {
        let advice = match name {
            "percenthack" | "plusdomain" | "envnoathost" | "localiphost" => {
                "Stafette has no such rewriting: write the domains into locals, virtualdomains or virtusertable"
            }
            "idhost" => "Stafette makes message IDs from the name in me",
            "badrcptto" | "badmailto" => "write lines To:ADDRESS REJECT into access",
            _ if name.contains("cert") || name.contains("tls") => "TLS comes later in Stafette",
            _ => {
                "not a file of qmail as it was published: see what the patch or program does that reads it"
            }
        };
        out.note(&path, format!("the file {name}"), advice);
    }
}

/// `qmail-start ./Mailbox` in rc.
fn delivery(files: &dyn Files, out: &mut Imported) {
    if out.has_any("defaultdelivery") {
        return;
    }
    let rc = optional(files, out, "rc").unwrap_or_default();
    let found = rc.iter().find_map(|line| {
        let mut words = line.text.split_ascii_whitespace();
        let word = words.find(|word| word.trim_matches(['"', '\'']).starts_with("./"))?;
        Some((
            line.place.clone(),
            word.trim_matches(['"', '\'']).to_owned(),
        ))
    });
    let (place, path) = found.unwrap_or_else(|| ("rc".to_owned(), "./Mailbox".to_owned()));
    out.one("defaultdelivery", &place, &path);
}

/// The accounts, if all lines are right: a table with a wrong line makes mail wait.
fn assign(files: &dyn Files, out: &mut Imported) {
    let Ok(Some(bytes)) = files.read("users/assign") else {
        return;
    };
    let mut wrong = Vec::new();
    drop(parse_assign(&bytes, |number, mistake| {
        wrong.push((number, mistake));
    }));
    let bad: Vec<usize> = wrong.iter().map(|(number, _)| *number).collect();
    for (number, mistake) in wrong {
        let place = format!("users/assign:{number}");
        out.note(&place, mistake.message, mistake.advice);
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut has_end = false;
    for (line, number) in text.lines().zip(1_usize..) {
        if has_end || bad.contains(&number) || line.trim().is_empty() {
            continue;
        }
        has_end = line == ".";
        out.add("users/assign", &format!("users/assign:{number}"), line);
    }
    if !has_end && out.has_any("users/assign") {
        out.add("users/assign", "users/assign", ".");
    }
}

/// `alias/.qmail-NAME` as an alias.
fn aliases(files: &dyn Files, out: &mut Imported) {
    for file in files.list("alias") {
        let Some(name) = file.strip_prefix(".qmail-") else {
            continue;
        };
        let path = format!("alias/{file}");
        if name == "default" || name.ends_with("-default") {
            out.note(&path, "an alias for all names that begin so", "write @DOMAIN TARGET into virtusertable, or put the file into the home of an account that users/assign gives these names");
            continue;
        }
        let found = named(files, out, &path, &path, false);
        if found.is_empty() {
            out.note(
                &path,
                "an empty file: mail stays with the user alias",
                "write an alias for it",
            );
            continue;
        }
        let mut targets = Vec::new();
        for line in found {
            let text = line.text.as_str();
            if let Some(command) = text.strip_prefix('|') {
                targets.push(Item::Program(command.trim().to_owned()).to_string());
            } else if text.starts_with('/') {
                targets.push(Item::File(text.into()).to_string());
            } else if text.starts_with('.') || text.starts_with('+') {
                out.note(&line.place, text, "a file in the home of the user alias: write it with its whole path into aliases");
            } else {
                targets.push(text.strip_prefix('&').unwrap_or(text).trim().to_owned());
            }
        }
        if !targets.is_empty() {
            let name = name.replace(':', ".");
            out.add("aliases", &path, &format!("{name}: {}", targets.join(", ")));
        }
    }
}

/// A rule of tcpserver, such as `192.168.1.:allow,RELAYCLIENT=""`.
fn rule(out: &mut Imported, place: &str, text: &str) {
    let (who, what) = text.split_once(':').unwrap_or((text, ""));
    let mut words = what.split(',');
    let verdict = words.next().unwrap_or_default();
    let variables: Vec<&str> = words.collect();
    let relays = variables
        .iter()
        .any(|word| word.starts_with("RELAYCLIENT="));
    for other in variables
        .iter()
        .filter(|word| !word.starts_with("RELAYCLIENT="))
    {
        let name = other.split('=').next().unwrap_or_default();
        out.note(
            place,
            format!("{who}: the variable {name}"),
            "Stafette's smtpd reads no such variables",
        );
    }
    let parts: Vec<&str> = who.trim_end_matches('.').split('.').collect();
    let is_address = parts.len() <= 4 && parts.iter().all(|part| part.parse::<u8>().is_ok());
    match (verdict, is_address) {
        ("allow", _) if !relays => {}
        ("allow", true) => {
            let missing = 4 - parts.len().min(4);
            let bits = parts.len() * 8;
            let address = format!("{}{}", parts.join("."), ".0".repeat(missing));
            let network = if missing == 0 {
                address
            } else {
                format!("{address}/{bits}")
            };
            out.add("relayclients", place, &network);
        }
        ("deny", true) => {
            let key = parts.join(".");
            out.add("access", place, &format!("Connect:{key}\tREJECT"));
        }
        ("allow", false) if who.is_empty() => {
            out.note(
                place,
                "everybody may relay",
                "it was an open relay: write the networks that may into relayclients",
            );
        }
        _ => out.note(
            place,
            text.split('"').next().unwrap_or_default(),
            "write the networks into relayclients, or Connect: lines into access",
        ),
    }
}
