//! sendmail.mc: macros of m4 with quoted arguments. Nothing is expanded.

use super::option::option;
use crate::import::Imported;

/// A macro that is called.
#[derive(Debug)]
struct Call {
    place: String,
    name: String,
    arguments: Vec<String>,
}

/// Macros that choose what sendmail is made of.
const NOT_NEEDED: [&str; 8] = [
    "VERSIONID",
    "OSTYPE",
    "DOMAIN",
    "divert",
    "MAILER",
    "undefine",
    "changequote",
    "MAILER_DEFINITIONS",
];

pub(super) fn read(out: &mut Imported, file: &str, bytes: &[u8]) {
    for call in calls(out, file, bytes) {
        translate(out, &call);
    }
}

fn translate(out: &mut Imported, call: &Call) {
    let Call {
        place,
        name,
        arguments,
    } = call;
    let first = arguments.first().map_or("", String::as_str);
    let second = arguments.get(1).map_or("", String::as_str);
    let words = || first.split_ascii_whitespace();
    match name.as_str() {
        "define" => match first {
            "SMART_HOST" => super::smart_host(out, place, second),
            "LOCAL_RELAY" | "MAIL_HUB" | "LUSER_RELAY" => out.note(
                place,
                format!("{first} {second}"),
                "write the domain into mailertable, or names into aliases",
            ),
            _ if !first.starts_with("conf")
                && ["_FILE", "_PATH", "_DIR", "_FLAGS", "_ARGS", "_MAX"]
                    .iter()
                    .any(|end| first.ends_with(end)) =>
            {
                out.not_needed(first);
            }
            _ => option(out, place, first, second),
        },
        "MASQUERADE_AS" => out.one("masquerade", place, first),
        "MASQUERADE_DOMAIN" => words().for_each(|word| out.add("masqueradedomains", place, word)),
        "EXPOSED_USER" => words().for_each(|word| out.add("masqueradeexceptions", place, word)),
        "LOCAL_DOMAIN" => words().for_each(|word| out.add("local-host-names", place, word)),
        "RELAY_DOMAIN" => words().for_each(|word| super::relay(out, place, word)),
        "DAEMON_OPTIONS" => daemon(out, place, first),
        // m4 itself and Debian's certificates.
        "include" if first.ends_with("cf.m4") => out.not_needed("include"),
        "include" | "sinclude" => out.note(place, format!("the included file {first}"), "it was not read: see what it says, such as about TLS and AUTH, which come later in Stafette"),
        "FEATURE" => feature(out, place, first, second),
        "INPUT_MAIL_FILTER" | "MAIL_FILTER" => out.note(
            place,
            format!("the filter {first}"),
            "Stafette has no milters yet: filter in a relay before or behind",
        ),
        _ if NOT_NEEDED.contains(&name.as_str()) => out.not_needed(name),
        _ => out.note(
            place,
            format!("{name} {first}"),
            "Stafette has no such macro; see stafette-control(5) for the settings that it has",
        ),
    }
}

fn feature(out: &mut Imported, place: &str, name: &str, value: &str) {
    match name {
        // The tables are read, or it is as Stafette does it anyway.
        "access_db" | "virtusertable" | "mailertable" | "genericstable" | "domaintable" | "use_cw_file" | "use_ct_file"
        | "always_add_domain" | "local_no_masquerade" | "limited_masquerade" | "delay_checks" | "blacklist_recipients"
        | "blocklist_recipients" | "virtuser_entire_domain" | "relay_entire_domain" | "nocanonify" | "no_default_msa" | "greet_pause"
        | "conncontrol" | "ratecontrol" | "preserve_local_plus_detail" => out.not_needed(name),
        "masquerade_envelope" => out.one("masqueradeenvelope", place, "1"),
        "allmasquerade" => out.one("allmasquerade", place, "1"),
        "bestmx_is_local" => out.one("bestmxislocal", place, "1"),
        "nullclient" => {
            super::smart_host(out, place, value);
            out.list("locals", "a null client of sendmail delivers nothing on this host");
        }
        "local_procmail" | "local_lmtp" => out.note(place, format!("FEATURE {name}"), "Stafette delivers by itself to defaultdelivery; a user's .forward can run a program"),
        "authinfo" => out.note(place, "FEATURE authinfo", "AUTH comes later in Stafette; passwords are not copied"),
        _ => out.note(place, format!("FEATURE {name} {value}"), "Stafette has no such feature: see whether access or a setting of stafette-control(5) does what you need"),
    }
}

/// `Family=inet, Name=MTA, Port=smtp, Addr=127.0.0.1`
pub(super) fn daemon(out: &mut Imported, place: &str, options: &str) {
    let get = |key: &str| {
        options.split(',').find_map(|option| {
            let (name, value) = option.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case(key)
                .then(|| value.trim().to_owned())
        })
    };
    let port = match get("Port").or_else(|| get("P")).as_deref() {
        None | Some("smtp" | "25") => "25".to_owned(),
        Some(port @ ("submission" | "587" | "smtps" | "465" | "submissions")) => {
            return out.note(place, format!("the port {port} for users who log in"), "AUTH and TLS come later in Stafette; until then only relayclients may send to others, on port 25");
        }
        Some(port) => port.to_owned(),
    };
    let is_v6 = get("Family").as_deref() == Some("inet6");
    let address = get("Addr")
        .or_else(|| get("A"))
        .unwrap_or_else(|| if is_v6 { "::" } else { "0.0.0.0" }.to_owned());
    let address = address.trim_start_matches("IPv6:");
    let address = if address.contains(':') {
        format!("[{address}]")
    } else {
        address.to_owned()
    };
    out.add("smtplisten", place, &format!("{address}:{port}"));
}

/// The macros that are called, with their arguments without quotes.
fn calls(out: &mut Imported, file: &str, bytes: &[u8]) -> Vec<Call> {
    let text = String::from_utf8_lossy(bytes);
    let mut found = Vec::new();
    let mut number = 1;
    let mut rest = text.as_ref();
    while !rest.is_empty() {
        let place = format!("{file}:{number}");
        let trimmed = rest.trim_start_matches([' ', '\t']);
        let end = trimmed
            .find(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_')
            .unwrap_or(trimmed.len());
        let (name, behind) = trimmed.split_at_checked(end).unwrap_or((trimmed, ""));
        let after = if name == "dnl" || trimmed.starts_with('#') {
            line_end(trimmed)
        } else if let Some(inner) = behind.strip_prefix('(').filter(|_| !name.is_empty()) {
            let (arguments, after) = arguments(inner);
            let name = name.to_owned();
            found.push(Call {
                place,
                name,
                arguments,
            });
            after
        } else if let Some(after) = trimmed.strip_prefix('\n') {
            after
        } else {
            let after = line_end(trimmed);
            let length = trimmed.len() - after.len();
            let line = trimmed.get(..length).unwrap_or_default().trim();
            if !line.is_empty()
                && !["LOCAL_CONFIG", "LOCAL_RULESETS", "MAILER_DEFINITIONS"].contains(&line)
            {
                out.note(
                    &place,
                    line,
                    "not a macro that is known: say it with the settings of stafette-control(5)",
                );
            }
            after
        };
        let read = rest.get(..rest.len() - after.len()).unwrap_or_default();
        number += read.bytes().filter(|byte| *byte == b'\n').count();
        rest = after;
    }
    found
}

fn line_end(text: &str) -> &str {
    text.split_once('\n').map_or("", |(_, after)| after)
}

/// The arguments up to the parenthesis that closes them, and what stands behind it.
fn arguments(text: &str) -> (Vec<String>, &str) {
    let mut found = vec![String::new()];
    let (mut quotes, mut depth) = (0_usize, 0_usize);
    let mut is_comment = false;
    let mut signs = text.chars();
    for sign in signs.by_ref() {
        if is_comment {
            is_comment = sign != '\n';
            continue;
        }
        match sign {
            '`' => {
                quotes += 1;
                continue;
            }
            '\'' if quotes > 0 => {
                quotes -= 1;
                continue;
            }
            '(' if quotes == 0 => depth += 1,
            ')' if quotes == 0 && depth == 0 => break,
            ')' if quotes == 0 => depth -= 1,
            ',' if quotes == 0 && depth == 0 => {
                found.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = found.last_mut() {
            last.push(sign);
            if quotes == 0
                && let Some(before) = last.strip_suffix("dnl")
                && !before.ends_with(|sign: char| sign.is_ascii_alphanumeric() || sign == '_')
            {
                last.truncate(last.len() - 3);
                is_comment = true;
            }
        }
    }
    let found = found.iter().map(|argument| argument.trim().to_owned());
    (found.collect(), signs.as_str())
}
