//! Virtual aliases. Postfix takes the most specific key, our table the first line that fits: so the lines are put in that order.

use super::conf::{Conf, words};
use super::maps::{self, Entry};
use crate::import::Imported;
use crate::import::files::Files;

pub(super) fn read(files: &dyn Files, conf: &mut Conf, out: &mut Imported) {
    let place = conf.place("virtual_alias_maps");
    // What it was called before Postfix 2.0.
    let old = conf.get("virtual_maps");
    let value = format!("{} {old}", conf.get("virtual_alias_maps"));
    let mut entries = maps::entries(files, out, &place, &value);
    let mut domains = domains(files, conf, out, &value, &entries);
    entries.retain(|entry| {
        let is_domain = is_domain_line(entry) && domains.iter().any(|(_, d)| *d == entry.key);
        !is_domain
    });
    let is_plus = conf.get("recipient_delimiter").contains('+');
    let mut lines: Vec<(u8, &Entry, String)> = Vec::new();
    for entry in &entries {
        let value = targets(
            &entry.value,
            &conf.origin,
            out,
            is_plus && !entry.key.contains('+'),
        );
        for key in keys(&entry.key, out) {
            lines.push((rank(&entry.key), entry, format!("{key}\t{value}")));
        }
    }
    lines.sort_by_key(|(rank, _, _)| *rank);
    for (_, entry, line) in lines {
        out.add("virtusertable", &entry.place, &line);
    }
    domains.sort();
    domains.dedup_by(|a, b| a.1 == b.1);
    for (place, domain) in domains {
        let catch_all = format!("@{domain}");
        let is_caught = entries
            .iter()
            .any(|entry| entry.key.eq_ignore_ascii_case(&catch_all));
        if out.has("locals", &domain) {
            out.note(
                &place,
                format!("{domain} is in mydestination and a virtual alias domain"),
                "Postfix warns of that as well: it stays in locals",
            );
        } else if !is_caught {
            let line = format!("{catch_all}\terror:nouser User unknown in virtual alias table");
            out.add("virtusertable", &place, &line);
        }
    }
}

/// The virtual alias domains, with where they stand.
fn domains(
    files: &dyn Files,
    conf: &mut Conf,
    out: &mut Imported,
    maps: &str,
    entries: &[Entry],
) -> Vec<(String, String)> {
    let name = "virtual_alias_domains";
    let value = conf.get(name);
    // The keys of the alias maps that are domains, unless another list was named.
    let is_default = !conf.is_set(name) || words(&value) == words(maps);
    if is_default {
        let of_maps = entries.iter().filter(|entry| is_domain_line(entry));
        return of_maps
            .map(|entry| (entry.place.clone(), entry.key.clone()))
            .collect();
    }
    let place = conf.place(name);
    super::list(files, conf, out, &place, name)
}

/// `example.org anything`, which says that the domain is virtual.
fn is_domain_line(entry: &Entry) -> bool {
    !entry.key.contains('@') && entry.key.contains('.') && !entry.key.starts_with('.')
}

/// The more specific, the smaller.
fn rank(key: &str) -> u8 {
    match (key.split_once('@'), key.contains('+')) {
        (Some(("", _)), _) => 4,
        (Some(_), true) => 0,
        (Some(_), false) => 1,
        (None, true) => 2,
        (None, false) => 3,
    }
}

/// A key without a domain stands for all domains of this host.
fn keys(key: &str, out: &Imported) -> Vec<String> {
    if key.contains('@') {
        return vec![key.to_owned()];
    }
    let locals = out.settings.get("locals").into_iter().flatten();
    let locals = locals.filter(|domain| !domain.starts_with(['#', '.']));
    locals.map(|domain| format!("{key}@{domain}")).collect()
}

/// The targets; what stands behind a `+` in the address goes on with them.
fn targets(value: &str, origin: &str, out: &Imported, goes_on: bool) -> String {
    let is_here = origin.is_empty() || out.has("locals", origin);
    let targets = value.split(',').map(|target| {
        let target = target.trim();
        let is_plain = !target.is_empty()
            && !target.contains(|sign: char| sign.is_whitespace() || "\"\\()<>:|/%".contains(sign));
        if !is_plain {
            return target.replace('%', "%%");
        }
        match target.split_once('@') {
            // The whole domain: the same name there.
            Some(("", domain)) => format!("%1%3@{domain}"),
            Some((local, domain)) if goes_on => format!("{local}%3@{domain}"),
            Some(_) => target.to_owned(),
            None => {
                let more = if goes_on { "%3" } else { "" };
                if is_here {
                    format!("{target}{more}")
                } else {
                    format!("{target}{more}@{origin}")
                }
            }
        }
    });
    targets.collect::<Vec<_>>().join(", ")
}
