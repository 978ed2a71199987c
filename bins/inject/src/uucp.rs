//! Addresses of UUCP: `host!user`, and the `From_` lines of a message that came that way (rmail(8)).

use stafette_addr::{Domain, LocalPart, Mailbox};

/// What stands behind a host's name that has no dot.
const SUFFIX: &str = "UUCP";

/// The mailbox that `host!rest` means: `rest@host`, or `rest@host.UUCP` if the host has no dot (`suffix`: or another suffix).
pub(crate) fn mailbox(path: &[u8], suffix: Option<&str>) -> Option<Mailbox> {
    let at = path.iter().position(|byte| *byte == b'!')?;
    let (host, rest) = (path.get(..at)?, path.get(at + 1..)?);
    let host = std::str::from_utf8(host).ok()?;
    let host = if host.contains('.') {
        host.to_owned()
    } else {
        format!("{host}.{}", suffix.unwrap_or(SUFFIX))
    };
    let domain = Domain::parse(host.as_bytes()).ok()?;
    let local = LocalPart::from_unquoted(rest).ok()?;
    Some(Mailbox::new(local, domain))
}

/// One `From_` line: `From user date remote from host`, also behind `>`. The user, and the host if one is named.
fn from_line(line: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let line = line.strip_prefix(b">").unwrap_or(line).trim_ascii_end();
    let rest = line.strip_prefix(b"From ")?.trim_ascii_start();
    let length = rest
        .iter()
        .position(u8::is_ascii_whitespace)
        .unwrap_or(rest.len());
    let (user, rest) = rest.split_at_checked(length)?;
    if user.is_empty() {
        return None;
    }
    let mark = b" remote from ";
    let at = rest.windows(mark.len()).rposition(|part| part == mark);
    let host = at
        .and_then(|at| rest.get(at + mark.len()..))
        .map(<[u8]>::trim_ascii)
        .filter(|host| !host.is_empty());
    Some((user, host))
}

/// The reverse-path in the words of the `From_` lines, newest first: `a!b!user`, or `user@host`, or nothing for the null one.
/// None if there is no such line.
pub(crate) fn sender(lines: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut path: Vec<u8> = Vec::new();
    let mut user: Option<&[u8]> = None;
    for line in lines {
        let (who, host) = from_line(line)?;
        let (host, who) = match host {
            Some(host) => (Some(host), who),
            // Without a host by its own name, all but the last part is the way.
            None => match who.iter().rposition(|byte| *byte == b'!') {
                Some(at) => (who.get(..at), who.get(at + 1..).unwrap_or_default()),
                None => (None, who),
            },
        };
        if let Some(host) = host {
            path.extend_from_slice(host);
            path.push(b'!');
        }
        user = Some(who);
    }
    let user = user?;
    let last = user.rsplit(|byte| *byte == b'!').next().unwrap_or(user);
    if matches!(user, b"<>" | b"\"\"") || last.eq_ignore_ascii_case(b"mailer-daemon") {
        return Some(Vec::new());
    }
    // A full address means the same wherever it is.
    if last.contains(&b'@') {
        return Some(last.to_vec());
    }
    path.extend_from_slice(user);
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> Option<String> {
        mailbox(path.as_bytes(), None).map(|mailbox| mailbox.to_string())
    }

    fn from(lines: &[&str]) -> Option<String> {
        let lines: Vec<Vec<u8>> = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
        sender(&lines).map(|path| String::from_utf8(path).unwrap())
    }

    #[test]
    fn a_path_is_an_address_at_its_first_host() {
        assert_eq!(of("a!joe").as_deref(), Some("joe@a.uucp"));
        assert_eq!(of("a!b!joe").as_deref(), Some("b!joe@a.uucp"));
        assert_eq!(
            of("gw.example.org!joe").as_deref(),
            Some("joe@gw.example.org")
        );
        assert_eq!(
            mailbox(b"a!joe", Some("x.test")).unwrap().to_string(),
            "joe@a.x.test"
        );
        for bad in ["joe", "!joe", "a!", "-a!joe", "a b!joe", "a!jo\ne"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_sender_is_the_way_back_through_all_hosts() {
        for (lines, path) in [
            (
                &["From joe Sun Nov 22 18:00:00 2026 remote from a\n"][..],
                "a!joe",
            ),
            (
                &[
                    "From uucp Sun Nov 22 18:00:00 2026 remote from b\n",
                    ">From joe Sun Nov 22 17:00:00 2026 remote from a\n",
                ],
                "b!a!joe",
            ),
            (&["From a!b!joe Sun Nov 22 18:00:00 2026\n"], "a!b!joe"),
            (&["From joe\n"], "joe"),
            (
                &["From joe@x.test Sun Nov 22 2026 remote from a\n"],
                "joe@x.test",
            ),
            (&["From MAILER-DAEMON Sun Nov 22 2026 remote from a\n"], ""),
            (&["From <> Sun Nov 22 2026 remote from a\n"], ""),
            (&["From joe remote from x remote from a\n"], "a!joe"),
        ] {
            assert_eq!(from(lines).as_deref(), Some(path), "{lines:?}");
        }
        assert_eq!(from(&[]), None);
        assert_eq!(from(&["From \n"]), None);
    }
}
