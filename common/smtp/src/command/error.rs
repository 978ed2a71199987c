//! The replies to lines that are no command.

use stafette_addr::AddrError;

use crate::reply::Reply;
use crate::status::Status;

/// Why a line is not obeyed, as the reply to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandError {
    /// The reply code.
    pub code: u16,
    /// The enhanced status.
    pub status: Status,
    /// The words; they never repeat what the client said.
    pub text: &'static str,
}

impl CommandError {
    /// A control character, or octets that are not UTF-8.
    pub const NOT_TEXT: Self = Self::new(500, 5, 2, "control character or broken UTF-8 in command");
    /// A line that ends otherwise than with CRLF, or holds a CR or LF.
    pub const BARE_LINE_END: Self =
        Self::new(500, 5, 2, "bare CR or LF in command, lines end with CRLF");
    /// A line that is longer than [`crate::line::COMMAND_LINE_MAX`].
    pub const LINE_TOO_LONG: Self = Self::new(500, 5, 2, "command line too long");
    /// A verb that we do not know.
    pub const UNKNOWN: Self = Self::new(500, 5, 1, "command not recognized");
    /// A verb of another protocol: a browser was made to talk to us.
    pub const OTHER_PROTOCOL: Self = Self::new(500, 5, 1, "this is SMTP");
    pub(crate) const MAIL_SYNTAX: Self =
        Self::new(501, 5, 4, "syntax: MAIL FROM:<address> [parameters]");
    pub(crate) const RCPT_SYNTAX: Self =
        Self::new(501, 5, 4, "syntax: RCPT TO:<address> [parameters]");
    pub(crate) const SENDER_SYNTAX: Self = Self::new(
        501,
        1,
        7,
        "the sender's address belongs into <angle brackets>",
    );
    pub(crate) const RECIPIENT_SYNTAX: Self = Self::new(
        501,
        1,
        3,
        "the recipient's address belongs into <angle brackets>",
    );
    pub(crate) const BDAT_SYNTAX: Self = Self::new(501, 5, 4, "syntax: BDAT size [LAST]");
    pub(crate) const ETRN_SYNTAX: Self = Self::new(501, 5, 4, "syntax: ETRN domain");
    pub(crate) const BAD_NAME: Self =
        Self::new(501, 5, 4, "a host name or address literal is needed here");
    pub(crate) const NO_ARGUMENT: Self = Self::new(501, 5, 4, "this command takes no argument");
    pub(crate) const ARGUMENT_MISSING: Self =
        Self::new(501, 5, 4, "this command needs an argument");
    pub(crate) const PARAM_TWICE: Self = Self::new(501, 5, 4, "parameter given twice");
    pub(crate) const PARAM_VALUE: Self = Self::new(501, 5, 4, "bad value of parameter");
    /// A parameter that we did not offer (RFC 5321 section 4.1.1.11).
    pub const PARAM_UNKNOWN: Self = Self::new(555, 5, 4, "parameter not recognized");

    const fn new(code: u16, subject: u16, detail: u16, text: &'static str) -> Self {
        Self {
            code,
            status: Status::permanent(subject, detail),
            text,
        }
    }

    pub(crate) fn bad_sender(why: AddrError) -> Self {
        // RFC 3463 section 3.2: X.1.7 bad sender's mailbox address syntax, X.1.8 bad sender's system address.
        Self::new(501, 1, if why.is_domain() { 8 } else { 7 }, describe(why))
    }

    pub(crate) fn bad_recipient(why: AddrError) -> Self {
        // RFC 3463 section 3.2: X.1.3 bad destination mailbox address syntax.
        Self::new(501, 1, 3, describe(why))
    }
}

fn describe(why: AddrError) -> &'static str {
    match why {
        AddrError::NotUtf8 | AddrError::ControlCharacter => "bad character in address",
        AddrError::NoLocalPart => "address without a local-part",
        AddrError::BadLocalPart => "bad address syntax",
        AddrError::LocalPartTooLong => "local-part too long",
        AddrError::NoDomain => "address without a domain",
        AddrError::BadDomain => "bad domain in address",
        AddrError::DomainTooLong => "domain too long",
        AddrError::BadLiteral => "bad address literal",
    }
}

impl From<CommandError> for Reply {
    fn from(error: CommandError) -> Self {
        Self::new(error.code, error.status, error.text)
    }
}
