//! What a program of a user finds in its environment: qmail-command's variables, those of Postfix, and nothing inherited
//! but the zone and the language.

use std::ffi::OsString;

use stafette_addr::{Mailbox, ReversePath};

/// Where programs are looked for.
pub const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";
/// What is passed on from our own environment.
const KEPT: [&str; 2] = ["TZ", "LANG"];
/// The same, so that programs of a folder instance reach that instance.
const INSTANCE: [&str; 3] = ["STAFETTE_ETC", "STAFETTE_SPOOL", "STAFETTE_RUN"];

/// One variable.
pub type Variable = (&'static str, OsString);

/// About one message for one recipient.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The account.
    pub user: &'a str,
    /// Its home.
    pub home: &'a std::path::Path,
    /// The recipient.
    pub to: &'a Mailbox,
    /// The recipient as the sender wrote it, if that is known.
    pub original: &'a str,
    /// The extension.
    pub ext: &'a str,
    /// What `default` in the name of the file stands for.
    pub default: Option<&'a str>,
    /// The reverse-path.
    pub from: &'a ReversePath,
    /// The reverse-path of forwards.
    pub new_sender: &'a ReversePath,
    /// The `From ` line of mailboxes, with its end.
    pub from_line: &'a [u8],
}

/// What programs get of our own environment, to be taken at the start. A set-id program has nothing to give.
#[must_use]
pub fn inherited() -> Vec<Variable> {
    if stafette_sys::inherit::is_set_id() {
        return Vec::new();
    }
    let all = KEPT.into_iter().chain(INSTANCE);
    all.filter_map(|name| Some((name, std::env::var_os(name)?)))
        .collect()
}

/// All variables of a program.
#[must_use]
pub fn variables(about: &About<'_>, inherited: &[Variable]) -> Vec<Variable> {
    let host = about.to.domain().as_str();
    let local = about.to.local().as_str();
    let mut all = inherited.to_vec();
    let mut set = |name, value: &str| all.push((name, OsString::from(harmless(value))));
    set("PATH", PATH);
    set("SHELL", "/bin/sh");
    set("USER", about.user);
    set("LOGNAME", about.user);
    set("SENDER", about.from.as_str());
    set("NEWSENDER", about.new_sender.as_str());
    set("RECIPIENT", about.to.as_str());
    set("ORIGINAL_RECIPIENT", about.original);
    set("LOCAL", local);
    set("EXTENSION", about.ext);
    set("DOMAIN", host);
    for (name, value) in ["HOST", "HOST2", "HOST3", "HOST4"]
        .into_iter()
        .zip(hosts(host))
    {
        set(name, value);
    }
    for (name, value) in ["EXT", "EXT2", "EXT3", "EXT4"]
        .into_iter()
        .zip(extensions(about.ext))
    {
        set(name, value);
    }
    if let Some(default) = about.default {
        set("DEFAULT", default);
    }
    set("DTLINE", &format!("Delivered-To: {}\n", about.to));
    set(
        "RPLINE",
        &format!("Return-Path: <{}>\n", about.from.as_str()),
    );
    set("UFLINE", &String::from_utf8_lossy(about.from_line));
    all.push(("HOME", about.home.into()));
    all
}

/// Old shells ran what stood behind `() {` in any variable (CVE-2014-6271), and a local-part can begin so.
fn harmless(value: &str) -> String {
    match value.strip_prefix('(') {
        Some(rest) => format!("_{rest}"),
        None => value.to_owned(),
    }
}

/// The host, then what stands before its last dot, and so on.
fn hosts(host: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(host), |host| {
        Some(host.rsplit_once('.').map_or(*host, |(before, _)| before))
    })
}

/// The extension, then what stands behind its first hyphen, and so on.
fn extensions(ext: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(ext), |ext| {
        Some(ext.split_once('-').map_or("", |(_, behind)| behind))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_variable_begins_as_a_function_of_a_shell() {
        assert_eq!(harmless("() { :;}; id"), "_) { :;}; id");
        assert_eq!(harmless("a() {"), "a() {");
    }

    #[test]
    fn a_program_finds_what_qmail_command_says() {
        let to = Mailbox::parse(b"joe-a-b.c@mx.example.org").unwrap();
        let from = ReversePath::parse(b"jim@example.net").unwrap();
        let about = About {
            user: "joe",
            home: std::path::Path::new("/home/joe"),
            to: &to,
            original: to.as_str(),
            ext: "a-b.c",
            default: Some("b.c"),
            from: &from,
            new_sender: &ReversePath::Null,
            from_line: b"From jim@example.net Thu Jan  1 00:00:00 1970\n",
        };
        let all = variables(&about, &[("TZ", "UTC".into())]);
        let value = |name: &str| {
            let found: Vec<_> = all.iter().filter(|(each, _)| *each == name).collect();
            assert_eq!(found.len(), 1, "{name}");
            found[0].1.to_str().unwrap()
        };
        for (name, expected) in [
            ("TZ", "UTC"),
            ("USER", "joe"),
            ("HOME", "/home/joe"),
            ("SENDER", "jim@example.net"),
            ("NEWSENDER", ""),
            ("RECIPIENT", "joe-a-b.c@mx.example.org"),
            ("LOCAL", "joe-a-b.c"),
            ("HOST", "mx.example.org"),
            ("HOST2", "mx.example"),
            ("HOST3", "mx"),
            ("HOST4", "mx"),
            ("EXT", "a-b.c"),
            ("EXT2", "b.c"),
            ("EXT3", ""),
            ("DEFAULT", "b.c"),
            ("DTLINE", "Delivered-To: joe-a-b.c@mx.example.org\n"),
            ("RPLINE", "Return-Path: <jim@example.net>\n"),
            ("UFLINE", "From jim@example.net Thu Jan  1 00:00:00 1970\n"),
        ] {
            assert_eq!(value(name), expected, "{name}");
        }
    }
}
