//! log.5, made from the list of events and keys. The committed page must equal it; a test compares them.

use crate::{EVENTS, KEYS, LINE_LIMIT, Severity, VALUE_LIMIT};

const HEAD: &str = r#".\" Made from common/log/src/event.rs and key.rs; do not edit. See common/log/src/manual.rs.
.Dd November 22, 2026
.Dt STAFETTE-LOG 5
.Os Stafette
.Sh NAME
.Nm stafette-log
.Nd the log lines of Stafette
.Sh DESCRIPTION
Every program of Stafette logs one event a line, to standard error or, if the control file
.Pa logto
says so, to
.Xr syslog 3
with the facility mail.
A line is
.Pp
.Dl id=ID EVENT KEY=VALUE KEY=VALUE ...
.Pp
where ID is the queue id of the message concerned, or
.Ql - .
If standard error is a regular file or a terminal, a stamp stands in front, as RFC 3339 writes it, in UTC; otherwise whoever reads the lines stamps them.
.Pp
A value is printable ASCII without blanks, or stands in double quotes, inside of which
.Ql \e\(dq
and
.Ql \e\e
are a quote and a backslash and
.Ql \exHH
is any other byte.
"#;

const FOOT: &str = r#".Sh NOTES
Events and keys are never renamed; new ones may come, and new keys may stand anywhere behind the event.
The keys
.Cm sid , reason , problem
and
.Cm cut
may stand with any event.
.Pp
Deliveries are logged by
.Xr stafette-send 8
alone, acceptances by
.Xr stafette-queue 8 ,
refusals by whoever refuses.
A line that cannot be written is lost, because mail does not wait for its log; the next one is preceded by
.Cm log-lost .
What became of each message stands durably in its queue file as long as it is queued.
.Sh SEE ALSO
.Xr stafette-control 5 ,
.Xr stafette 8
"#;

/// The manual page log.5 in mdoc.
#[must_use]
pub fn manual() -> String {
    let mut page = String::from(HEAD);
    page.push_str(&format!(
        "Of a value at most {VALUE_LIMIT} bytes are written, of a line at most {LINE_LIMIT}.\n"
    ));
    page.push_str(".Sh EVENTS\nIn parentheses: the level for syslog.\n.Bl -tag -width Ds\n");
    for event in EVENTS {
        let (name, level, help) = (event.name(), level(event.severity()), escape(event.help()));
        let keys = event.keys().join(", ");
        page.push_str(&format!(
            ".It Cm {name} Pq {level}\n{help}\nKeys: {keys}.\n"
        ));
    }
    page.push_str(".El\n.Sh KEYS\n.Bl -tag -width destination\n");
    for key in KEYS {
        page.push_str(&format!(".It Cm {}\n{}\n", key.name, escape(key.help)));
    }
    page.push_str(".El\n");
    page.push_str(FOOT);
    page
}

/// The name that syslog has for a severity.
fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Notice => "notice",
        Severity::Warning => "warning",
        Severity::Error => "err",
    }
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

    /// After a change of the list: `STAFETTE_BLESS=1 cargo test -p stafette-log` writes the page anew.
    #[test]
    fn the_committed_page_is_the_one_made_from_the_list() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/log.5");
        if std::env::var_os("STAFETTE_BLESS").is_some() {
            std::fs::File::create(path)
                .and_then(|mut file| file.write_all(manual().as_bytes()))
                .expect("written");
        }
        let committed = std::fs::read_to_string(path).expect("common/log/log.5");
        assert!(
            committed == manual(),
            "log.5 is not up to date: run this test with STAFETTE_BLESS=1"
        );
    }
}
