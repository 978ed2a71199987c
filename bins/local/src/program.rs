//! What the end of a program means: qmail-command's exit codes, or those of sysexits.h.

use std::time::Duration;

use stafette_sys::command::Finished;
use stafette_sys::fork::Ended;

use crate::step::Language;
use crate::verdict::Verdict;

/// Octets of a program's output that are kept for the words.
pub const OUTPUT: usize = 1024;
/// Characters of a command that are shown.
const SHOWN: usize = 80;

/// What follows from the end of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It has done its part.
    Done,
    /// The same, and nothing that stands behind it is done.
    DoneForAll,
    /// Not, and so nothing was.
    Not(Verdict),
}

/// Judges the end of the program `name`.
#[must_use]
pub fn judge(language: Language, name: &str, finished: &Finished, limit: Duration) -> End {
    let soft = |how: String| End::Not(Verdict::deferred("4.3.0", told(name, &how, finished)));
    let code = match finished.ended {
        None => return soft(format!("was killed after {} s", limit.as_secs())),
        Some(Ended::Killed(signal)) => return soft(format!("was killed by signal {signal}")),
        Some(Ended::Exited(code)) => code,
    };
    let how = format!("exited with status {code}");
    match (language, code) {
        (_, 0) => End::Done,
        (Language::Qmail, 99) => End::DoneForAll,
        (Language::Qmail, 100 | 64 | 65 | 70 | 76 | 77 | 78 | 112)
        | (Language::Sendmail | Language::Uucp, 1..=70 | 72 | 73 | 76..) => {
            let words = told(name, &how, finished);
            End::Not(Verdict::failed(status(code), words))
        }
        _ => soft(how),
    }
}

/// The status of sysexits.h's codes, as mailers have it.
fn status(code: i32) -> &'static str {
    match code {
        65 => "5.6.0", // data error
        67 => "5.1.1", // no such user
        68 => "5.1.2", // no such host
        73 => "5.2.0", // the mailbox cannot be made
        76 => "5.5.0", // protocol
        77 => "5.7.0", // not permitted
        78 => "5.3.5", // configuration
        _ => "5.3.0",
    }
}

/// The last line of what the program said is the one that tells why it gave up.
fn told(name: &str, how: &str, finished: &Finished) -> String {
    let output = String::from_utf8_lossy(&finished.output);
    let last = output.lines().map(str::trim).rfind(|line| !line.is_empty());
    match last {
        Some(line) => format!("{name} {how}: {line}"),
        None => format!("{name} {how}"),
    }
}

/// A command as words name it.
#[must_use]
pub fn name(command: &[u8]) -> String {
    let text = String::from_utf8_lossy(command);
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    format!("program \"|{shown}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use stafette_wire::delivery::Fate;

    fn end(language: Language, ended: Option<Ended>, output: &str) -> End {
        let finished = Finished {
            ended,
            output: output.as_bytes().to_vec(),
        };
        judge(
            language,
            "program \"|x\"",
            &finished,
            Duration::from_secs(9),
        )
    }

    fn fate(language: Language, code: i32) -> Option<Fate> {
        match end(language, Some(Ended::Exited(code)), "") {
            End::Not(verdict) => Some(verdict.fate),
            _ => None,
        }
    }

    #[test]
    fn the_exit_codes_of_qmail_command() {
        for code in [100, 64, 65, 70, 76, 77, 78, 112] {
            assert_eq!(fate(Language::Qmail, code), Some(Fate::Failed), "{code}");
        }
        for code in [111, 1, 67, 69, 71, 74, 75, 126, 127, 255] {
            assert_eq!(fate(Language::Qmail, code), Some(Fate::Deferred), "{code}");
        }
        assert_eq!(end(Language::Qmail, Some(Ended::Exited(0)), "x"), End::Done);
        assert_eq!(
            end(Language::Qmail, Some(Ended::Exited(99)), ""),
            End::DoneForAll
        );
    }

    #[test]
    fn the_exit_codes_of_sysexits() {
        for code in [1, 64, 67, 69, 70, 73, 77, 78, 99, 100, 111, 127] {
            assert_eq!(fate(Language::Sendmail, code), Some(Fate::Failed), "{code}");
        }
        for code in [71, 74, 75] {
            assert_eq!(fate(Language::Uucp, code), Some(Fate::Deferred), "{code}");
        }
        let End::Not(verdict) = end(
            Language::Sendmail,
            Some(Ended::Exited(67)),
            "trying\nno such user \n\n",
        ) else {
            panic!("it is not delivered");
        };
        assert_eq!(verdict.status, "5.1.1");
        assert_eq!(
            verdict.words,
            "program \"|x\" exited with status 67: no such user"
        );
    }

    #[test]
    fn a_signal_or_the_time_limit_is_never_for_good() {
        for ended in [None, Some(Ended::Killed(11))] {
            let End::Not(verdict) = end(Language::Sendmail, ended, "") else {
                panic!("it is not delivered");
            };
            assert_eq!(verdict.fate, Fate::Deferred);
        }
    }

    #[test]
    fn a_long_command_is_shown_short() {
        assert_eq!(name(b"vacation joe"), "program \"|vacation joe\"");
        assert!(name(&[0xff; 500]).chars().count() < 100);
    }
}
