//! Command line to request: what the caller wants, without looking at anything but the words.
//!
//! Options end at `--` or at the first word that is none; a later word with a leading `-` is then an address, and none that we
//! take, so that no address can ever act as an option.

use std::fmt;

use stafette_addr::xtext_decode;
use stafette_wire::envelope::{Notify, Ret};

use crate::option::{Arg, find};

/// Octets of a decoded envelope identifier (RFC 3461 section 4.4).
const ENVID_LIMIT: usize = 100;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Mode {
    /// Take a message from standard input (`-bm`).
    #[default]
    Submit,
    /// Speak SMTP on standard input and output (`-bs`).
    Smtp,
    /// List the queue (`-bp`).
    List,
    /// Try what waits, perhaps for one domain only (`-q`).
    Flush(Option<String>),
    /// Rebuild tables (`-bi`).
    Aliases,
    /// Something that sendmail has and this program has not, such as `-bd`; with its letter.
    Unsupported(char),
    /// Something that may be ignored (`-bh`, `-bH`).
    Nothing,
}

/// A read command line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Request {
    /// What to do.
    pub(crate) mode: Mode,
    /// `-f` or `-r`: the reverse-path as written.
    pub(crate) sender: Option<Vec<u8>>,
    /// `-F`: the sender's full name.
    pub(crate) full_name: Option<Vec<u8>>,
    /// `-t`: recipients also from the header section.
    pub(crate) header_recipients: bool,
    /// `-i`: a lone dot is content.
    pub(crate) dot_is_content: bool,
    /// `-N`.
    pub(crate) notify: Option<Notify>,
    /// `-R`.
    pub(crate) ret: Option<Ret>,
    /// `-V`, decoded.
    pub(crate) envid: Option<Vec<u8>>,
    /// Recipients as written.
    pub(crate) operands: Vec<Vec<u8>>,
}

/// What is wrong with a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UsageError {
    /// No option has this letter.
    Unknown(char),
    /// The option's argument is missing.
    NoArgument(char),
    /// The option cannot have this argument.
    BadArgument(char, String),
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(letter) => write!(f, "unknown option -{letter}"),
            Self::NoArgument(letter) => write!(f, "option -{letter} wants an argument"),
            Self::BadArgument(letter, value) => write!(f, "option -{letter} cannot be {value}"),
        }
    }
}

impl Request {
    /// Reads the words behind the program's name. `name` is that name without directories.
    pub(crate) fn parse(name: &[u8], words: &[Vec<u8>]) -> Result<Self, UsageError> {
        let mut request = Self {
            mode: mode_of_name(name),
            ..Self::default()
        };
        let mut words = words.iter();
        while let Some(word) = words.as_slice().first() {
            let Some(mut letters) = word
                .strip_prefix(b"-")
                .filter(|letters| !letters.is_empty())
            else {
                break;
            };
            words.next();
            if letters == b"-" {
                break;
            }
            while let Some((letter, rest)) = letters.split_first() {
                let shown = printable(*letter);
                let spec = find(*letter).ok_or(UsageError::Unknown(shown))?;
                let value = match spec.arg {
                    Arg::None => {
                        request.flag(*letter);
                        letters = rest;
                        continue;
                    }
                    Arg::Attached => rest,
                    Arg::Word if !rest.is_empty() => rest,
                    Arg::Word => words.next().ok_or(UsageError::NoArgument(shown))?,
                };
                if spec.effect {
                    request.value(*letter, value)?;
                }
                break;
            }
        }
        request.operands = words.cloned().collect();
        Ok(request)
    }

    fn flag(&mut self, letter: u8) {
        match letter {
            b'i' => self.dot_is_content = true,
            b't' => self.header_recipients = true,
            b'I' => self.mode = Mode::Aliases,
            _ => {}
        }
    }

    fn value(&mut self, letter: u8, value: &[u8]) -> Result<(), UsageError> {
        let bad = || UsageError::BadArgument(printable(letter), stafette_text::quote(value, 60));
        match letter {
            b'b' => self.mode = mode_of_letter(value.first().copied().ok_or_else(bad)?),
            b'f' | b'r' => self.sender = Some(value.to_vec()),
            b'F' => self.full_name = Some(value.to_vec()),
            b'o' if value == b"i" => self.dot_is_content = true,
            b'q' => self.mode = Mode::Flush(flush_domain(value)),
            b'N' => self.notify = Some(Notify::parse(value).ok_or_else(bad)?),
            b'R' => {
                self.ret = Some(match value.to_ascii_lowercase().as_slice() {
                    b"full" => Ret::Full,
                    b"hdrs" => Ret::Headers,
                    _ => return Err(bad()),
                });
            }
            b'V' => {
                let envid = xtext_decode(value).filter(|envid| {
                    !envid.is_empty()
                        && envid.len() <= ENVID_LIMIT
                        && envid.iter().all(|byte| matches!(byte, 0x20..=0x7e))
                });
                self.envid = Some(envid.ok_or_else(bad)?);
            }
            _ => {}
        }
        Ok(())
    }
}

fn mode_of_name(name: &[u8]) -> Mode {
    match name {
        b"mailq" => Mode::List,
        b"newaliases" => Mode::Aliases,
        b"hoststat" | b"purgestat" => Mode::Nothing,
        _ => Mode::Submit,
    }
}

fn mode_of_letter(letter: u8) -> Mode {
    match letter {
        b'm' => Mode::Submit,
        b's' => Mode::Smtp,
        b'p' => Mode::List,
        b'i' => Mode::Aliases,
        b'h' | b'H' => Mode::Nothing,
        other => Mode::Unsupported(printable(other)),
    }
}

/// The domain of `-qRdomain`; anything else behind `-q` (an interval, `f`, an ID) means everything.
fn flush_domain(value: &[u8]) -> Option<String> {
    let name = value.strip_prefix(b"R")?;
    let name = name.rsplit(|byte| *byte == b'@').next()?;
    stafette_addr::Domain::parse(name)
        .ok()
        .map(|domain| domain.to_string())
}

fn printable(byte: u8) -> char {
    if byte.is_ascii_graphic() {
        char::from(byte)
    } else {
        '?'
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Request, UsageError> {
        let words: Vec<Vec<u8>> = line
            .split_whitespace()
            .map(|word| word.as_bytes().to_vec())
            .collect();
        Request::parse(b"sendmail", &words)
    }

    fn operands(line: &str) -> Vec<String> {
        let request = parse(line).unwrap();
        request
            .operands
            .iter()
            .map(|word| String::from_utf8(word.clone()).unwrap())
            .collect()
    }

    #[test]
    fn the_calls_of_well_known_programs_are_understood() {
        let cron = parse("-i -FCronDaemon -B8BITMIME -oem root").unwrap();
        assert!(cron.dot_is_content);
        assert_eq!(cron.full_name.as_deref(), Some(&b"CronDaemon"[..]));
        let mutt = parse("-oem -oi -f joe@example.org -- jane@example.org").unwrap();
        assert!(mutt.dot_is_content);
        assert_eq!(mutt.sender.as_deref(), Some(&b"joe@example.org"[..]));
        assert_eq!(
            operands("-oem -oi -- jane@example.org -x"),
            ["jane@example.org", "-x"]
        );
        let php = parse("-t -i -fwww@example.org").unwrap();
        assert!(php.header_recipients && php.dot_is_content && php.mode == Mode::Submit);
        let git = parse("-ti").unwrap();
        assert!(git.header_recipients && git.dot_is_content);
    }

    #[test]
    fn flags_combine_and_the_last_may_have_its_argument() {
        let request = parse("-tif joe").unwrap();
        assert!(request.header_recipients && request.dot_is_content);
        assert_eq!(request.sender.as_deref(), Some(&b"joe"[..]));
        assert_eq!(
            parse("-vtifjoe").unwrap().sender.as_deref(),
            Some(&b"joe"[..])
        );
    }

    #[test]
    fn options_end_at_the_first_word_that_is_none() {
        assert_eq!(operands("-i joe -fjane -t"), ["joe", "-fjane", "-t"]);
        assert_eq!(operands("-- -t"), ["-t"]);
        assert_eq!(operands("- -t"), ["-", "-t"]);
        assert!(!parse("joe -t").unwrap().header_recipients);
    }

    #[test]
    fn every_option_is_accepted_whatever_its_argument() {
        let all = "-A c -B 8BITMIME -C /x -E -F x -G -J -L tag -N never -O a=b -R hdrs -U -V id -X log -bm -c -d0.1 -d -em -f x -h 3 -i -m -n -odb -oQ/x -p x -s -t -v -x joe";
        assert_eq!(operands(all), ["joe"]);
    }

    #[test]
    fn modes_come_from_options_and_from_names() {
        for (line, mode) in [
            ("-bp", Mode::List),
            ("-bs", Mode::Smtp),
            ("-bi", Mode::Aliases),
            ("-I", Mode::Aliases),
            ("-bd", Mode::Unsupported('d')),
            ("-bH", Mode::Nothing),
            ("-q", Mode::Flush(None)),
            ("-q30m", Mode::Flush(None)),
            ("-qf", Mode::Flush(None)),
            (
                "-qRjoe@Example.ORG",
                Mode::Flush(Some("example.org".into())),
            ),
        ] {
            assert_eq!(parse(line).unwrap().mode, mode, "{line}");
        }
        for (name, mode) in [
            ("mailq", Mode::List),
            ("newaliases", Mode::Aliases),
            ("send-mail", Mode::Submit),
        ] {
            assert_eq!(Request::parse(name.as_bytes(), &[]).unwrap().mode, mode);
        }
    }

    #[test]
    fn wrong_use_is_told() {
        assert_eq!(parse("-Z"), Err(UsageError::Unknown('Z')));
        assert_eq!(parse("-tZ"), Err(UsageError::Unknown('Z')));
        assert_eq!(parse("-f"), Err(UsageError::NoArgument('f')));
        assert!(matches!(
            parse("-N sometimes"),
            Err(UsageError::BadArgument('N', _))
        ));
        assert!(matches!(
            parse("-V a+b"),
            Err(UsageError::BadArgument('V', _))
        ));
        assert!(matches!(
            parse("-V a+0Ab"),
            Err(UsageError::BadArgument('V', _))
        ));
        assert_eq!(
            parse("-V a+2Bb").unwrap().envid.as_deref(),
            Some(&b"a+b"[..])
        );
    }
}
