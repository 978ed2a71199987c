//! Restrictions: access maps become entries of our access table; what Stafette does anyway is not listed; the rest is.

use super::conf::{Conf, words};
use super::maps;
use crate::import::Imported;
use crate::import::files::{Files, word};

/// What our smtpd does or allows without being told, if what it says is written.
const ANYWAY: [&str; 12] = [
    "permit_mynetworks",
    "reject_unauth_destination",
    "defer_unauth_destination",
    "reject_unauth_pipelining",
    "permit",
    "permit_inet_interfaces",
    "permit_auth_destination",
    "reject_non_fqdn_recipient",
    "reject_unlisted_recipient",
    "reject_invalid_hostname",
    "reject_invalid_helo_hostname",
    "reject_non_fqdn_helo_hostname",
];

pub(super) fn read(files: &dyn Files, conf: &mut Conf, out: &mut Imported) {
    for name in conf.names("smtpd_", "_restrictions") {
        let place = conf.place(&name);
        let mut items = words(&conf.get(&name)).into_iter();
        while let Some(item) = items.next() {
            let tag = match item.as_str() {
                "check_client_access" => "Connect:",
                "check_sender_access" => "From:",
                "check_recipient_access" => "To:",
                "permit_sasl_authenticated" => {
                    out.note(
                        &place,
                        format!("{name}: {item}"),
                        "AUTH comes later in Stafette; until then only relayclients may send to others",
                    );
                    continue;
                }
                _ if ANYWAY.contains(&item.as_str()) => {
                    out.not_needed(&item);
                    continue;
                }
                _ => {
                    let argument = if item.starts_with("reject_rb")
                        || item.starts_with("reject_rhsbl")
                        || item.starts_with("permit_dnswl")
                        || item.starts_with("check_")
                        || item == "sleep"
                    {
                        items.next().unwrap_or_default()
                    } else {
                        String::new()
                    };
                    let what = format!("{name}: {item} {argument}");
                    out.note(&place, what.trim_end(), advice(&item));
                    continue;
                }
            };
            let map = items.next().unwrap_or_default();
            for entry in maps::entries(files, out, &place, &map) {
                line(out, &entry, tag, &name);
            }
        }
    }
}

fn advice(item: &str) -> &'static str {
    if item.contains("rbl") || item.contains("dnswl") {
        "Stafette asks no lists in the DNS about clients yet: leave it to a filter, or refuse networks in access"
    } else if item.starts_with("check_policy_service") {
        "Stafette asks no policy service yet"
    } else {
        "Stafette has no such rule: see whether an entry of access does what you need"
    }
}

/// An entry of an access map.
fn line(out: &mut Imported, entry: &maps::Entry, tag: &str, list: &str) {
    let maps::Entry { place, key, value } = entry;
    let (word, text) = word(value);
    let is_number = |text: &str| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    let lets_relay = ["smtpd_relay_restrictions", "smtpd_recipient_restrictions"].contains(&list)
        && tag != "To:";
    let action = match word.to_ascii_uppercase().as_str() {
        "OK" if tag == "Connect:" && lets_relay => "RELAY".to_owned(),
        "OK" => "OK".to_owned(),
        "REJECT" if text.is_empty() => "REJECT".to_owned(),
        "REJECT" => reply("550", text),
        "DEFER" | "DEFER_IF_PERMIT" | "DEFER_IF_REJECT" => reply(
            "450",
            if text.is_empty() {
                "try again later"
            } else {
                text
            },
        ),
        "DISCARD" => "DISCARD".to_owned(),
        word if is_number(word) && word.starts_with(['4', '5']) => value.clone(),
        word if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()) => {
            "OK".to_owned()
        }
        _ => {
            let advice = "access has OK, REJECT, RELAY, DISCARD and replies only: leave the entry out, or write what comes nearest";
            return out.note(place, format!("{key} {value}"), advice);
        }
    };
    if action == "OK" && lets_relay {
        out.note(
            place,
            format!("{tag}{key} {value}"),
            "an OK in these restrictions lets anybody relay under that name: Stafette's OK does not, write RELAY only if that was meant",
        );
    }
    // The first groups of an IPv6 address.
    let is_v6 = tag == "Connect:" && key.contains(':') && !key.starts_with('[');
    let key = if is_v6 {
        format!("IPv6:{key}")
    } else {
        key.clone()
    };
    out.add("access", place, &format!("{tag}{key}\t{action}"));
}

fn reply(code: &str, text: &str) -> String {
    format!("{code} {text}")
}
