//! Postfix: main.cf, master.cf, and the maps they name.

mod access;
mod conf;
mod listen;
mod maps;
mod other;
mod routes;
mod virtuals;

use stafette_control::parse_pattern;

use self::conf::Conf;
use super::files::{Files, named, word};
use super::imported::Imported;

/// Reads the settings; none without main.cf.
pub(crate) fn read(files: &dyn Files) -> Option<Imported> {
    let mut out = Imported::default();
    if !matches!(files.read("main.cf"), Ok(Some(_))) {
        return None;
    }
    let mut conf = Conf::read(files, &mut out);
    names(files, &mut conf, &mut out);
    domains(files, &mut conf, &mut out);
    networks(files, &mut conf, &mut out);
    delivery(&mut conf, &mut out);
    aliases(files, &mut conf, &mut out);
    routes::read(files, &mut conf, &mut out);
    virtuals::read(files, &mut conf, &mut out);
    routes::masquerade(files, &mut conf, &mut out);
    access::read(files, &mut conf, &mut out);
    listen::read(files, &mut conf, &mut out);
    other::read(&mut conf, &mut out);
    Some(out)
}

fn names(files: &dyn Files, conf: &mut Conf, out: &mut Imported) {
    let place = conf.place("myhostname");
    let me = conf.get("myhostname");
    if conf.is_set("myhostname") {
        out.one("me", &place, &me);
    } else {
        out.note(
            "main.cf",
            "myhostname is not set",
            "me has its default, /etc/mailname or the name of the host: write the file me if that is not right, and see whether locals has the name",
        );
    }
    let origin = conf.get("myorigin");
    if conf.is_set("myorigin") {
        let place = conf.place("myorigin");
        let origin = if origin.starts_with('/') {
            let lines = named(files, out, &place, &origin, false);
            lines.first().map(|line| line.text.clone())
        } else {
            Some(origin)
        };
        if let Some(origin) = origin {
            conf.origin.clone_from(&origin);
            if origin != me {
                out.one("defaulthost", &place, &origin);
            }
        }
    } else {
        conf.origin = origin;
    }
    if conf.is_set("append_dot_mydomain") && conf.get("append_dot_mydomain") == "yes" {
        let place = conf.place("append_dot_mydomain");
        let domain = conf.get("mydomain");
        out.one("defaultdomain", &place, &domain);
    }
}

fn domains(files: &dyn Files, conf: &mut Conf, out: &mut Imported) {
    let place = conf.place("mydestination");
    for (place, domain) in list(files, conf, out, &place, "mydestination") {
        // It knows itself by its addresses without being told.
        out.add("locals", &place, &domain);
    }
    out.list("locals", "mydestination of Postfix was empty");
    let place = conf.place("relay_domains");
    for (place, domain) in list(files, conf, out, &place, "relay_domains") {
        out.add("rcpthosts", &place, &domain);
        if !domain.starts_with('.') && !domain.starts_with('[') && parse_pattern(&domain).is_ok() {
            // parent_domain_matches_subdomains
            out.add("rcpthosts", &place, &format!(".{domain}"));
        }
    }
}

fn networks(files: &dyn Files, conf: &mut Conf, out: &mut Imported) {
    let place = conf.place("mynetworks");
    if conf.is_set("mynetworks") {
        for (place, network) in list(files, conf, out, &place, "mynetworks") {
            out.add("relayclients", &place, &network);
        }
        if conf.is_set("mynetworks_style") {
            out.not_needed("mynetworks_style");
        }
        return;
    }
    for network in ["127.0.0.0/8", "::1"] {
        out.add("relayclients", "main.cf", network);
    }
    if !["", "host"].contains(&conf.get("mynetworks_style").as_str()) {
        let place = conf.place("mynetworks_style");
        out.note(
            &place,
            "mynetworks_style: the networks of this host's interfaces may relay",
            "write those networks into relayclients",
        );
    }
}

fn delivery(conf: &mut Conf, out: &mut Imported) {
    let place = conf.place("home_mailbox");
    let home = conf.get("home_mailbox");
    if !home.is_empty() {
        out.one("defaultdelivery", &place, &format!("./{home}"));
        return;
    }
    let place = conf.place("mail_spool_directory");
    let mut spool = conf.get("mail_spool_directory");
    if spool.is_empty() {
        spool.push_str("/var/mail");
    }
    let is_maildir = spool.ends_with('/');
    let end = if is_maildir { "/" } else { "" };
    let path = spool.trim_end_matches('/').replace('%', "%%");
    out.one("defaultdelivery", &place, &format!("{path}/%u{end}"));
}

fn aliases(files: &dyn Files, conf: &mut Conf, out: &mut Imported) {
    let place = conf.place("alias_maps");
    let is_set = conf.is_set("alias_maps");
    let value = conf.get("alias_maps");
    for spec in conf::words(&value) {
        let Some(path) = maps::path(out, &place, &spec) else {
            continue;
        };
        if !is_set && !matches!(files.read(&path), Ok(Some(_))) {
            continue;
        }
        out.alias_files.push(path.clone());
        for line in named(files, out, &place, &path, true) {
            out.add("aliases", &line.place, &line.text);
        }
    }
}

/// The words of a parameter that is a list, with those of the files and maps that it names.
fn list(
    files: &dyn Files,
    conf: &mut Conf,
    out: &mut Imported,
    place: &str,
    name: &str,
) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for item in conf::words(&conf.get(name)) {
        if item.starts_with('!') {
            out.note(
                place,
                format!("{name}: the exception {item}"),
                "write the list without it, or refuse it in access",
            );
        } else if item.starts_with('/') {
            for line in named(files, out, place, &item, true) {
                let words = line.text.split_ascii_whitespace();
                found.extend(words.map(|text| (line.place.clone(), text.to_owned())));
            }
        } else if item.contains(":/") || maps::is_typed(&item) {
            let Some(path) = maps::path(out, place, &item) else {
                continue;
            };
            for line in named(files, out, place, &path, true) {
                found.push((line.place.clone(), word(&line.text).0.to_owned()));
            }
        } else {
            found.push((place.to_owned(), item));
        }
    }
    found
}
