//! The separator of an mbox: its `From ` line, and the quoting of lines that look like one.
//!
//! This is the `mboxrd` form, as qmail writes it: every line of the message that is `From ` behind any number of `>`
//! gets one more `>`, so that a reader can take exactly one away again. The date is UTC, as in qmail.

use stafette_addr::ReversePath;

const SEPARATOR: &[u8] = b"From ";

/// `From SENDER Thu Jan  1 00:00:00 1970` with its line end. The null reverse-path is `MAILER-DAEMON`, and blanks in
/// a quoted local-part become `-`, since a reader looks for the date behind the first blank.
#[must_use]
pub fn from_line(from: &ReversePath, unix_seconds: i64) -> Vec<u8> {
    let sender = if from.is_null() {
        "MAILER-DAEMON"
    } else {
        from.as_str()
    };
    let mut line = SEPARATOR.to_vec();
    line.extend(sender.bytes().map(|byte| match byte {
        b' ' | b'\t' | b'\n' | b'\r' => b'-',
        other => other,
    }));
    line.push(b' ');
    line.extend_from_slice(asctime(unix_seconds).as_bytes());
    line.push(b'\n');
    line
}

/// The same line as rmail wants it: `From SENDER DATE remote from HOST`.
#[must_use]
pub fn remote_from_line(from: &ReversePath, unix_seconds: i64, host: &str) -> Vec<u8> {
    let mut line = from_line(from, unix_seconds);
    line.pop();
    line.extend_from_slice(format!(" remote from {host}\n").as_bytes());
    line
}

/// The 24 characters of asctime(3), in UTC.
fn asctime(unix_seconds: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let days = unix_seconds.div_euclid(86_400);
    let second = unix_seconds.rem_euclid(86_400);
    let (year, month, day) = civil_date(days);
    let weekday = usize::try_from(days.rem_euclid(7)).ok();
    let weekday = weekday
        .and_then(|at| DAYS.get(at))
        .copied()
        .unwrap_or("Thu");
    let month = usize::try_from(month - 1).ok();
    let month = month
        .and_then(|at| MONTHS.get(at))
        .copied()
        .unwrap_or("Jan");
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{weekday} {month} {day:2} {hour:02}:{minute:02}:{second:02} {year}")
}

/// Year, month and day of a number of days since 1970-01-01, counted in years that begin in March so that the leap
/// day is a year's last, and in eras of 400 years, which all have the same length.
fn civil_date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// Quotes a message as it streams by. A few numbers of memory, wherever the pieces are cut.
#[derive(Debug, Clone)]
pub struct FromQuoter {
    /// `>` seen at the start of this line and not written yet; none inside a line.
    start: Option<usize>,
    /// Octets of `From ` seen behind them and not written yet.
    matched: usize,
    /// Whether the last octet was a line end (or none came).
    ended: bool,
}

impl Default for FromQuoter {
    fn default() -> Self {
        Self {
            start: Some(0),
            matched: 0,
            ended: true,
        }
    }
}

impl FromQuoter {
    /// At the start of a message.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends to `out` what `piece` becomes.
    pub fn feed(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let mut rest = piece;
        while let Some((first, behind)) = rest.split_first() {
            self.ended = *first == b'\n';
            match self.start {
                None => {
                    let end = rest.iter().position(|byte| *byte == b'\n');
                    let (line, tail) = rest.split_at(end.map_or(rest.len(), |end| end + 1));
                    out.extend_from_slice(line);
                    self.ended = end.is_some();
                    if self.ended {
                        self.start = Some(0);
                    }
                    rest = tail;
                }
                Some(quotes) if self.matched == 0 && *first == b'>' => {
                    self.start = Some(quotes + 1);
                    rest = behind;
                }
                Some(_) if SEPARATOR.get(self.matched) == Some(first) => {
                    self.matched += 1;
                    rest = behind;
                    if self.matched == SEPARATOR.len() {
                        out.push(b'>');
                        self.release(out);
                    }
                }
                // The octet itself is written in the next turn, as the inside of the line.
                Some(_) => self.release(out),
            }
        }
    }

    /// Appends what is still held back, a line end if the last line has none, and the blank line behind a message.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        self.release(out);
        if !self.ended {
            out.push(b'\n');
        }
        out.push(b'\n');
    }

    fn release(&mut self, out: &mut Vec<u8>) {
        let quotes = self.start.take().unwrap_or(0);
        out.resize(out.len() + quotes, b'>');
        out.extend_from_slice(SEPARATOR.get(..self.matched).unwrap_or_default());
        self.matched = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(pieces: &[&[u8]]) -> String {
        let mut quoter = FromQuoter::new();
        let mut out = Vec::new();
        for piece in pieces {
            quoter.feed(piece, &mut out);
        }
        quoter.finish(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn only_lines_that_look_like_a_separator_are_quoted_once_more() {
        let message = b"From: a\nFrom x\n>From y\n>>From z\n>>Fromm\n From n\nxFrom m\nFrom\n\n>\n";
        let expected = ">From x\n>>From y\n>>>From z\n>>Fromm\n From n\nxFrom m\nFrom\n\n>\n";
        assert_eq!(quoted(&[message]), format!("From: a\n{expected}\n"));
    }

    #[test]
    fn quoting_does_not_depend_on_where_the_message_is_cut() {
        let message = b"Subject: x\n\nFrom a\n>>From b\nFro\n>>>\nFrom ";
        let whole = quoted(&[message]);
        assert!(whole.ends_with("\n>From \n\n"), "{whole:?}");
        for cut in 0..message.len() {
            let (head, tail) = message.split_at(cut);
            assert_eq!(quoted(&[head, tail]), whole, "cut at {cut}");
        }
        let single: Vec<&[u8]> = message.chunks(1).collect();
        assert_eq!(quoted(&single), whole);
    }

    #[test]
    fn a_message_ends_in_a_line_end_and_a_blank_line() {
        assert_eq!(quoted(&[b"a\n"]), "a\n\n");
        assert_eq!(quoted(&[b"a"]), "a\n\n");
        assert_eq!(quoted(&[]), "\n");
        assert_eq!(quoted(&[b">"]), ">\n\n");
    }

    #[test]
    fn the_separator_names_the_sender_and_the_date_as_asctime_does() {
        let line = |from: &str, at| {
            String::from_utf8(from_line(&ReversePath::parse(from.as_bytes()).unwrap(), at)).unwrap()
        };
        assert_eq!(
            remote_from_line(&ReversePath::Null, 0, "far"),
            b"From MAILER-DAEMON Thu Jan  1 00:00:00 1970 remote from far\n"
        );
        assert_eq!(line("", 0), "From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n");
        assert_eq!(
            line("a@b.example", 1_793_697_300),
            "From a@b.example Tue Nov  3 09:15:00 2026\n"
        );
        assert_eq!(
            line("\"a b\"@c.example", 951_782_400),
            "From \"a-b\"@c.example Tue Feb 29 00:00:00 2000\n"
        );
    }
}
