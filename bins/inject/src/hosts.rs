//! `hoststat`: sendmail's table of what is known of other hosts.
//!
//! No word of a peer makes a line of its own: every word from outside is printed with its control characters as `?`.

use std::io::{self, Write};

use stafette_sys::clock;
use stafette_wire::operator::HostEntry;

use crate::listing::plain;

const HEADING: &str =
    "-------------- Hostname --------------- How long ago ---------Results---------";
/// Columns of a result.
const RESULT: usize = 200;

/// Writes hosts as they come. Nothing at all is printed where nothing is known, as by sendmail.
#[derive(Debug)]
pub(crate) struct Table<W: Write> {
    out: W,
    is_begun: bool,
}

impl<W: Write> Table<W> {
    pub(crate) fn new(out: W) -> Self {
        Self {
            out,
            is_begun: false,
        }
    }

    /// One host.
    pub(crate) fn host(&mut self, host: &HostEntry) -> io::Result<()> {
        if !std::mem::replace(&mut self.is_begun, true) {
            writeln!(self.out, "{HEADING}")?;
        }
        let name = plain(host.destination.as_bytes(), 300);
        let ago = match host.tried {
            0 => "never".to_owned(),
            tried => interval(clock::now().saturating_sub(tried)),
        };
        let reply = plain(&host.reply.0, RESULT);
        let result = match (host.dead_until, reply.as_str()) {
            (0, "") => "OK".to_owned(),
            (0, reply) => reply.to_owned(),
            (_, "") => "Deferred".to_owned(),
            (_, reply) => format!("Deferred: {reply}"),
        };
        writeln!(self.out, "{name:<39} {ago:>12} {result}")
    }

    /// That was all.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A time that has passed, as `hh:mm:ss`, with the days in front.
fn interval(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (hours, minutes) = (rest / 3600, rest % 3600 / 60);
    let clock = format!("{hours:02}:{minutes:02}:{:02}", rest % 60);
    if days > 0 {
        format!("{days}+{clock}")
    } else {
        clock
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(hosts: &[HostEntry]) -> String {
        let mut text = Vec::new();
        let mut table = Table::new(&mut text);
        for host in hosts {
            table.host(host).unwrap();
        }
        table.finish().unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn nothing_known_is_nothing_said() {
        assert_eq!(table(&[]), "");
    }

    #[test]
    fn each_host_has_a_line_and_no_reply_makes_another() {
        let host = HostEntry {
            destination: "example.org".into(),
            relay: "mx.example.org".into(),
            tried: 0,
            dead_until: 5,
            waiting: 2,
            reply: "451 no\nfake.example  00:00:01 OK".into(),
        };
        let text = table(&[host]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], HEADING);
        assert!(
            lines[1].starts_with("example.org   ")
                && lines[1].ends_with(" never Deferred: 451 no?fake.example  00:00:01 OK"),
            "{text}"
        );
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn times_are_told_in_days_and_hours() {
        assert_eq!(interval(59), "00:00:59");
        assert_eq!(interval(90_061), "1+01:01:01");
    }
}
