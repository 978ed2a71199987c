//! Where mail for an address goes, and which lines said so.

use std::fmt;
use std::path::PathBuf;

use stafette_addr::{Mailbox, ReversePath};
use stafette_control::Account;
use stafette_wire::delivery::{NextHop, Protocol};
pub use stafette_wire::users::Target;

/// One line that had a part in a decision.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Decision {
    /// The file as operators name it: relative to the settings, else its whole path; or `accounts of the system`.
    pub file: String,
    /// The line, from 1; 0 for the file as a whole, or where there is no line.
    pub line: usize,
    /// What stands there, or what follows from it.
    pub text: String,
}

/// How the text of a loop begins.
pub(crate) const LOOP: &str = "alias loop: ";

impl Decision {
    /// Whether it names a way that came back to where it was, and was left out.
    #[must_use]
    pub fn is_loop(&self) -> bool {
        self.text.starts_with(LOOP)
    }
}

/// `FILE:LINE: TEXT`
impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}", self.text)
    }
}

/// What an alias does besides sending mail on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Line {
    /// A command for a shell, as it stands behind the `|`.
    Program(String),
    /// A file: a Maildir if its path ends in `/`, else an mbox.
    File(PathBuf),
}

/// A program that takes mail instead of a mail server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum MailerProgram {
    /// Taylor UUCP: `rmail` on that host is handed the message.
    Uucp {
        /// The neighbour.
        host: String,
        /// The address there, such as `user` or `further!user`.
        user: String,
    },
    /// A program line of the mailertable, split into words; no shell reads it.
    Words {
        /// The words, of which `$u`, `$h` and `$f` are still to be filled in.
        words: Vec<String>,
        /// `$u`: the recipient.
        user: String,
        /// `$h`: the domain.
        host: String,
    },
}

impl MailerProgram {
    /// The arguments, the program first, for a message with this reverse-path. No argument comes from a message but what
    /// stands for an address, and each stays one argument.
    #[must_use]
    pub fn arguments(&self, from: &ReversePath) -> Vec<String> {
        // Nothing of an address may be taken for an option.
        let sender = if from.is_null() {
            "MAILER-DAEMON".to_owned()
        } else {
            from.as_str().trim_start_matches('-').to_owned()
        };
        match self {
            Self::Uucp { host, user } => {
                // Whom uuxqt tells of failures; it reads a blank as the end of a word.
                let asker = if is_plain_for_uucp(&sender) {
                    sender.as_str()
                } else {
                    "MAILER-DAEMON"
                };
                vec![
                    "uux".to_owned(),
                    "-".to_owned(),
                    "-r".to_owned(),
                    format!("-a{asker}"),
                    "-gC".to_owned(),
                    format!("{host}!rmail"),
                    format!("({user})"),
                ]
            }
            Self::Words { words, user, host } => words
                .iter()
                .map(|word| fill(word, user, host, &sender))
                .collect(),
        }
    }
}

/// Whether it has only signs that uux, uuxqt and a shell behind them take for nothing but themselves.
pub(crate) fn is_plain_for_uucp(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+=%!@:,/".contains(&byte);
    !text.is_empty() && text.bytes().all(is_plain)
}

/// Fills in what stands behind `$` in one pass, so that nothing that was filled in is read again. `$$` is a dollar sign.
fn fill(word: &str, user: &str, host: &str, sender: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut signs = word.chars().peekable();
    while let Some(sign) = signs.next() {
        let value = match (sign, signs.peek()) {
            ('$', Some('u')) => user,
            ('$', Some('h')) => host,
            ('$', Some('f' | 'g')) => sender,
            ('$', Some('$')) => "$",
            _ => {
                out.push(sign);
                continue;
            }
        };
        signs.next();
        out.push_str(value);
    }
    out
}

/// What becomes of mail for an address.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum What {
    /// It is this account's.
    Account(Account),
    /// It goes to the programs and files of one alias, as the alias user, whose home is `Instance::alias_home`.
    Lines {
        /// The alias, as the table has it.
        alias: String,
        /// The setting `aliasuser`. In an instance that does not run as root it is whoever runs it.
        user: String,
        /// At least one.
        lines: Vec<Line>,
    },
    /// A program takes it, as the alias user.
    Mailer {
        /// The setting `aliasuser`, as above.
        user: String,
        /// The program.
        program: MailerProgram,
        /// Anybody may send there through us.
        in_rcpthosts: bool,
    },
    /// It goes to others instead, as a child of the message.
    Expand {
        /// Each once. None at all: it is thrown away, as the table says (`/dev/null`).
        targets: Vec<Target>,
        /// `owner-NAME`, if there is that alias: the reverse-path from then on.
        owner: Option<Mailbox>,
    },
    /// It goes to another host.
    Elsewhere {
        /// Where to.
        next_hop: NextHop,
        /// Anybody may send there through us.
        in_rcpthosts: bool,
    },
    /// The domain is ours, and nobody has that name.
    NoSuchUser,
    /// The tables refuse it.
    Refused {
        /// SMTP reply code, 4xx or 5xx.
        code: u16,
        /// Enhanced status code.
        status: String,
        /// In the table's words.
        text: String,
    },
    /// That cannot be said now.
    Later(String),
}

/// The answer about one address.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Resolution {
    /// The address that was asked for.
    pub mailbox: Mailbox,
    /// What becomes of its mail.
    pub what: What,
    /// Which lines of which files decided, in the order in which they were met.
    pub decided: Vec<Decision>,
}

impl Resolution {
    /// The way, as sendmail calls it: `local`, `esmtp`, `lmtp`, `prog`, `*file*`, `uucp`, `alias`, `discard`, `error`.
    #[must_use]
    pub fn mailer(&self) -> &'static str {
        match &self.what {
            What::Account(_) => "local",
            What::Lines { lines, .. } => match lines.first() {
                Some(Line::File(_)) => "*file*",
                _ => "prog",
            },
            What::Mailer { program, .. } => match program {
                MailerProgram::Uucp { .. } => "uucp",
                MailerProgram::Words { .. } => "prog",
            },
            What::Expand { targets, .. } if targets.is_empty() => "discard",
            What::Expand { .. } => "alias",
            What::Elsewhere { next_hop, .. } => match next_hop.protocol {
                Protocol::Smtp => "esmtp",
                Protocol::Lmtp | Protocol::LmtpUnix => "lmtp",
            },
            What::NoSuchUser | What::Refused { .. } | What::Later(_) => "error",
        }
    }

    /// The host or socket that is spoken to; empty if none is.
    #[must_use]
    pub fn host(&self) -> String {
        match &self.what {
            What::Elsewhere { next_hop, .. } => {
                let is_plain =
                    next_hop.mx || next_hop.port == 25 || next_hop.protocol == Protocol::LmtpUnix;
                if is_plain {
                    next_hop.host.clone()
                } else {
                    format!("{}:{}", next_hop.host, next_hop.port)
                }
            }
            What::Mailer { program, .. } => match program {
                MailerProgram::Uucp { host, .. } | MailerProgram::Words { host, .. } => {
                    host.clone()
                }
            },
            _ => String::new(),
        }
    }

    /// For whom: the account, the address, the programs and files, or the words of a refusal.
    #[must_use]
    pub fn user(&self) -> String {
        match &self.what {
            What::Account(account) => account.name.clone(),
            What::Lines { lines, .. } => {
                let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
                lines.join(", ")
            }
            What::Mailer { program, .. } => match program {
                MailerProgram::Uucp { user, .. } | MailerProgram::Words { user, .. } => {
                    user.clone()
                }
            },
            What::Expand { .. } | What::Elsewhere { .. } => self.mailbox.to_string(),
            What::NoSuchUser => "5.1.1 User unknown".to_owned(),
            What::Refused { code, status, text } => format!("{code} {status} {text}"),
            What::Later(reason) => reason.clone(),
        }
    }
}

/// As it stands in an alias.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program(command) => write!(f, "|{command}"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// `mailer M, host H, user U`, as `sendmail -bv` has it.
impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mailer {}", self.mailer())?;
        let host = self.host();
        if !host.is_empty() {
            write!(f, ", host {host}")?;
        }
        write!(f, ", user {}", self.user())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_into_a_program_line_is_never_read_again_nor_an_option() {
        let program = MailerProgram::Words {
            words: ["/bin/x", "-f", "$f", "$u", "a$h$$u"]
                .map(str::to_owned)
                .into(),
            user: "$h@x".to_owned(),
            host: "h.example".to_owned(),
        };
        let from = ReversePath::parse(b"--x@y.example").unwrap();
        assert_eq!(
            program.arguments(&from),
            ["/bin/x", "-f", "x@y.example", "$h@x", "ah.example$u"]
        );
    }

    #[test]
    fn a_neighbour_by_uucp_runs_rmail() {
        let program = MailerProgram::Uucp {
            host: "far".to_owned(),
            user: "joe".to_owned(),
        };
        assert_eq!(
            program.arguments(&ReversePath::Null),
            [
                "uux",
                "-",
                "-r",
                "-aMAILER-DAEMON",
                "-gC",
                "far!rmail",
                "(joe)"
            ]
        );
        for from in ["\"a b\"@x.example", "\"a;b\"@x.example", "a(b@x.example"] {
            if let Ok(from) = ReversePath::parse(from.as_bytes()) {
                assert_eq!(program.arguments(&from)[3], "-aMAILER-DAEMON");
            }
        }
        let from = ReversePath::parse(b"joe+x@x.example").unwrap();
        assert_eq!(program.arguments(&from)[3], "-ajoe+x@x.example");
    }
}
