//! control.5, made from the list of settings. The committed page must equal it; a test compares them.

use crate::setting::{Default, Kind, Setting};
use crate::setting_list::SETTINGS;

const HEAD: &str = r#".\" Made from common/control/src/setting_list.rs; do not edit. See common/control/src/manual.rs.
.Dd November 22, 2026
.Dt STAFETTE-CONTROL 5
.Os Stafette
.Sh NAME
.Nm stafette-control
.Nd the settings of Stafette
.Sh DESCRIPTION
Settings are small plain files in
.Pa /etc/stafette ,
or in the directory that the environment variable
.Ev STAFETTE_ETC
names: one file a setting, or a list with an entry a line.
A line that begins with
.Ql #
is a comment; empty lines and blanks around a line do not count.
A setting whose file is not there has its default, and with an empty directory the host takes mail for its own name.
.Pp
A line that is wrong is logged as
.Cm setting-bad
and not used; the others are.
.Ic stafette check
names every wrong line and what would be right.
A file has at most 64 MiB, a line at most 4096 bytes.
.Pp
A domain in a list stands for itself;
.Ql .example.org
stands for every domain below example.org.
.Sh SETTINGS
.Bl -tag -width Ds
"#;

const FOOT: &str = r#".El
.Sh ACCOUNTS
A line of
.Pa users/assign
is one of
.Pp
.Dl =LOCAL:USER:UID:GID:HOME:DASH:EXT:
.Dl +PREFIX:USER:UID:GID:HOME:DASH:PRE:
.Pp
and its last line is a single dot.
The first gives the address LOCAL to an account; the second every address that begins with PREFIX, and what follows the prefix is added to PRE.
An exact line wins over prefixes, the longest prefix over shorter ones, the first of two equal lines over the second.
Local-parts are compared in lower case.
UID and GID may not be 0.
An address whose line is wrong gets its mail later, when the line is right; so does every address that is not found in a table without its last line.
.Pp
An address that is not in the table belongs to the account of the system with its name, or with its name up to a
.Ql -
or
.Ql + ,
the longest name first.
root, nobody and accounts below
.Pa minuid
get no mail of their own.
.Sh FILES
.Bl -tag -width Ds
.It Pa /etc/stafette
The settings.
.It Pa /etc/mailname
The default of
.Pa me .
.El
.Sh SEE ALSO
.Xr stafette-log 5 ,
.Xr stafette 8
"#;

/// The manual page control.5 in mdoc.
#[must_use]
pub fn manual() -> String {
    let mut settings: Vec<&Setting> = SETTINGS.iter().collect();
    settings.sort_by_key(|setting| setting.name);
    let mut page = String::from(HEAD);
    for setting in settings {
        page.push_str(&format!(
            ".It Pa {}\n{}\n",
            setting.name,
            escape(setting.help)
        ));
        page.push_str(&format!("Holds {}.\n", kind(setting.kind)));
        page.push_str(&format!("Default: {}.\n", default(setting.default)));
        page.push_str(&format!("Read by {}.\n", readers(setting.read_by)));
    }
    page.push_str(FOOT);
    page
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Line => "a line of printable ASCII".to_owned(),
        Kind::Text => "a line of text".to_owned(),
        Kind::Choice(words) => format!("one of {}", words.join(", ")),
        Kind::Host => "a domain name".to_owned(),
        Kind::LocalPart => "a local-part".to_owned(),
        Kind::Flag => "1 or 0".to_owned(),
        Kind::Number { min, max } => format!("a number from {min} to {max}"),
        Kind::Seconds { min, max } => format!("seconds, from {min} to {max}"),
        Kind::Bytes => "a number of bytes".to_owned(),
        Kind::Domains => "a list of domains".to_owned(),
        Kind::Networks => "a list of networks".to_owned(),
        Kind::Routes => "a list of routes".to_owned(),
        Kind::Addresses { port } => {
            format!("a list of addresses, with port {port} where none is said")
        }
        Kind::Lines => "a list".to_owned(),
        Kind::Table => "a table".to_owned(),
    }
}

fn default(default: Default) -> String {
    match default {
        Default::Text(text) => text.lines().collect::<Vec<_>>().join(" and "),
        Default::SameAs(other) => format!("what {other} says"),
        Default::Empty => "none".to_owned(),
        Default::HostName => "/etc/mailname, else the name of the host".to_owned(),
    }
}

fn readers(programs: &[&str]) -> String {
    if programs.contains(&"all") {
        return "all programs".to_owned();
    }
    programs
        .iter()
        .map(|program| format!("stafette-{program}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Text as mdoc takes it: no backslash, no line that begins a request.
fn escape(text: &str) -> String {
    let text = text.replace('\\', "\\e");
    if text.starts_with(['.', '\'']) {
        format!("\\&{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    /// After a change of the list: `STAFETTE_BLESS=1 cargo test -p stafette-control` writes the page anew.
    #[test]
    fn the_committed_page_is_the_one_made_from_the_list() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/control.5");
        if std::env::var_os("STAFETTE_BLESS").is_some() {
            std::fs::File::create(path)
                .and_then(|mut file| file.write_all(manual().as_bytes()))
                .expect("written");
        }
        let committed = std::fs::read_to_string(path).expect("common/control/control.5");
        assert!(
            committed == manual(),
            "control.5 is not up to date: run this test with STAFETTE_BLESS=1"
        );
    }
}
