//! Command line to request: what the caller wants, without looking at anything but the words.
//!
//! Options end at `--` or at the first word that is none; a later word with a leading `-` is then an address, and none that we
//! take, so that no address can ever act as an option.

use std::fmt;

use stafette_addr::xtext_decode;
use stafette_wire::envelope::{Body, Notify, Ret};
use stafette_wire::operator::{By, Selection};

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
    /// Try what waits (`-q`): what is selected, or everything.
    Flush,
    /// Compile tables (`-bi`).
    Aliases,
    /// Start the service (`-bd`), and stay with it (`-bD`).
    Daemon {
        /// In the foreground.
        stays: bool,
    },
    /// Say what is known of other hosts (`-bh`).
    Hosts,
    /// Forget it (`-bH`).
    ForgetHosts,
    /// Say where mail for addresses goes (`-bv`).
    Verify,
    /// The same in a dialogue (`-bt`).
    Test,
    /// Take a message from UUCP (`rmail`).
    Uucp,
    /// Something that no sendmail has, with its letter.
    Unsupported(char),
}

/// A read command line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Request {
    /// What to do.
    pub(crate) mode: Mode,
    /// `-f` or `-r`: the reverse-path as written, with the letter that was used.
    pub(crate) sender: Option<(char, Vec<u8>)>,
    /// `-F`: the sender's full name.
    pub(crate) full_name: Option<Vec<u8>>,
    /// `-t`: recipients also from the header section.
    pub(crate) header_recipients: bool,
    /// `-i`: a lone dot is content.
    pub(crate) dot_is_content: bool,
    /// `-B7BIT`: the caller says that all octets are under 128.
    pub(crate) is_seven_bit: bool,
    /// `-G`: a gateway hands over what was complete elsewhere.
    pub(crate) gateway: bool,
    /// `-v`: show the delivery.
    pub(crate) verbose: bool,
    /// `-eq`: failures are told by the exit status alone.
    pub(crate) quiet: bool,
    /// `-j`: the listing is one JSON object a line.
    pub(crate) json: bool,
    /// `-XV`: each recipient gets a reverse-path of its own; what stands in front of the recipient.
    pub(crate) verp: Option<char>,
    /// `-X`: the file to write the session to.
    pub(crate) transcript: Option<Vec<u8>>,
    /// `-h`: hops so far.
    pub(crate) hops: u32,
    /// `-q`: which messages.
    pub(crate) selection: Option<Selection>,
    /// `-N`.
    pub(crate) notify: Option<Notify>,
    /// `-R`.
    pub(crate) ret: Option<Ret>,
    /// `-V`, decoded.
    pub(crate) envid: Option<Vec<u8>>,
    /// `-D` of rmail: the domain of hosts without one.
    pub(crate) uucp_domain: Option<Vec<u8>>,
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
                let (arg, effect) = request.arg_of(*letter).ok_or(UsageError::Unknown(shown))?;
                let value = match arg {
                    Arg::None => {
                        request.flag(*letter);
                        letters = rest;
                        continue;
                    }
                    Arg::Attached => rest,
                    Arg::Word if !rest.is_empty() => rest,
                    Arg::Word => words.next().ok_or(UsageError::NoArgument(shown))?,
                };
                if effect {
                    request.value(*letter, value)?;
                }
                break;
            }
        }
        request.operands = words.cloned().collect();
        Ok(request)
    }

    /// What follows an option, and whether it has an effect. rmail has options of its own, and no others, as its arguments come from another host.
    fn arg_of(&self, letter: u8) -> Option<(Arg, bool)> {
        match (&self.mode, letter) {
            (Mode::Uucp, b'D') => Some((Arg::Word, true)),
            (Mode::Uucp, b'T') => Some((Arg::None, false)),
            (Mode::Uucp, _) => None,
            _ => find(letter).map(|spec| (spec.arg, spec.effect)),
        }
    }

    fn flag(&mut self, letter: u8) {
        match letter {
            b'G' => self.gateway = true,
            b'I' => self.mode = Mode::Aliases,
            b'i' => self.dot_is_content = true,
            b'j' => self.json = true,
            b't' => self.header_recipients = true,
            b'v' => self.verbose = true,
            _ => {}
        }
    }

    fn value(&mut self, letter: u8, value: &[u8]) -> Result<(), UsageError> {
        let bad = || UsageError::BadArgument(printable(letter), stafette_text::quote(value, 60));
        match letter {
            b'B' => self.is_seven_bit = body(value).ok_or_else(bad)? == Body::SevenBit,
            b'b' => self.mode = mode_of_letter(value.first().copied().ok_or_else(bad)?),
            b'D' => self.uucp_domain = Some(value.to_vec()),
            b'e' => self.quiet = value.starts_with(b"q"),
            b'f' | b'r' => self.sender = Some((printable(letter), value.to_vec())),
            b'F' => self.full_name = Some(value.to_vec()),
            b'h' => {
                let text = std::str::from_utf8(value).ok();
                self.hops = text.and_then(|text| text.parse().ok()).ok_or_else(bad)?;
            }
            b'o' => self.short(value),
            b'O' => self.long(value),
            b'q' => {
                self.selection = selection(value).ok_or_else(bad)?;
                // A daemon that runs the queue, too, schedules by itself; a listing shows what is selected.
                if !matches!(self.mode, Mode::Daemon { .. } | Mode::List) {
                    self.mode = Mode::Flush;
                }
            }
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
            b'X' => match value {
                b"V" => self.verp = Some('+'),
                [b'V', before, b'='] if before.is_ascii_punctuation() && *before != b'@' => {
                    self.verp = Some(printable(*before));
                }
                [b'V', before, behind]
                    if before.is_ascii_punctuation() && behind.is_ascii_punctuation() =>
                {
                    return Err(bad());
                }
                _ => self.transcript = Some(value.to_vec()),
            },
            _ => {}
        }
        Ok(())
    }

    /// `-oX`, the short form of sendmail's options.
    fn short(&mut self, value: &[u8]) {
        match value.split_first() {
            Some((b'i', b"" | b"t" | b"T" | b"true")) => self.dot_is_content = true,
            Some((b'e', rest)) => self.quiet = rest.starts_with(b"q"),
            Some((b'v', b"")) => self.verbose = true,
            _ => {}
        }
    }

    /// `-O NAME=VALUE`, the long form.
    fn long(&mut self, value: &[u8]) {
        let at = value.iter().position(|byte| *byte == b'=');
        let (name, value) = match at {
            Some(at) => (
                value.get(..at).unwrap_or_default(),
                value.get(at + 1..).unwrap_or_default(),
            ),
            None => (value, &b"true"[..]),
        };
        let is_true = matches!(value.first(), None | Some(b't' | b'T' | b'y' | b'Y'));
        match name.trim_ascii().to_ascii_lowercase().as_slice() {
            b"ignoredots" => self.dot_is_content = is_true,
            b"errormode" => self.quiet = value.starts_with(b"q"),
            b"verbose" => self.verbose = is_true,
            _ => {}
        }
    }
}

fn mode_of_name(name: &[u8]) -> Mode {
    match name {
        b"mailq" => Mode::List,
        b"newaliases" => Mode::Aliases,
        b"hoststat" => Mode::Hosts,
        b"purgestat" => Mode::ForgetHosts,
        b"rmail" => Mode::Uucp,
        b"smtpd" => Mode::Daemon { stays: false },
        _ => Mode::Submit,
    }
}

fn mode_of_letter(letter: u8) -> Mode {
    match letter {
        // -ba: the old ARPANET form of a message has been plain mail for long.
        b'm' | b'a' => Mode::Submit,
        b's' => Mode::Smtp,
        b'p' => Mode::List,
        b'i' => Mode::Aliases,
        b'd' | b'l' => Mode::Daemon { stays: false },
        b'D' => Mode::Daemon { stays: true },
        b'h' => Mode::Hosts,
        b'H' => Mode::ForgetHosts,
        b'v' => Mode::Verify,
        b't' => Mode::Test,
        other => Mode::Unsupported(printable(other)),
    }
}

fn body(value: &[u8]) -> Option<Body> {
    match value.to_ascii_uppercase().as_slice() {
        b"7BIT" => Some(Body::SevenBit),
        b"8BITMIME" => Some(Body::EightBit),
        _ => None,
    }
}

/// What `-q` selects: `Rtext`, `Stext`, `Itext`; anything else (an interval, `f`, a queue group) means everything. That a message
/// must not match (`!`), or lies in a place that we have not (`Q`, `L`), is refused, as everything would be the opposite.
fn selection(value: &[u8]) -> Option<Option<Selection>> {
    let (by, text) = match value.split_first() {
        Some((b'R', text)) => (By::Recipient, text),
        Some((b'S', text)) => (By::Sender, text),
        Some((b'I', text)) => (By::Id, text),
        Some((b'!' | b'Q' | b'L', _)) => return None,
        _ => return Some(None),
    };
    let text = std::str::from_utf8(text)
        .ok()
        .filter(|text| !text.is_empty() && text.len() <= 500)?;
    Some(Some(Selection {
        by,
        text: text.to_owned(),
    }))
}

fn printable(byte: u8) -> char {
    if byte.is_ascii_graphic() {
        char::from(byte)
    } else {
        '?'
    }
}

#[cfg(test)]
mod tests;
