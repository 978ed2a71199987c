//! The lines that a client sends, made from what the peer offers.
//!
//! A message that needs what the peer lacks is not sent in some lesser form: the [`Lack`] says why, with the status for the report.

use std::fmt;

use stafette_addr::{Mailbox, ReversePath};

use crate::command::{EnvelopeId, RcptParams, Ret};
use crate::extension::Extensions;
use crate::status::Status;

/// What a message asks of the server that is to take it.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// Who is told of failures.
    pub from: &'a ReversePath,
    /// The size with CRLF.
    pub size: u64,
    /// Whether the content has octets above 127.
    pub eight_bit: bool,
    /// Whether the header section has any; only SMTPUTF8 allows that (RFC 6532 section 3).
    pub utf8_header: bool,
    /// Whether any recipient of this transaction needs SMTPUTF8.
    pub utf8_recipient: bool,
    /// RET as it came.
    pub ret: Option<Ret>,
    /// ENVID as it came.
    pub envid: Option<&'a EnvelopeId>,
}

impl Envelope<'_> {
    /// Whether MAIL says SMTPUTF8 to this server.
    #[must_use]
    pub fn says_smtputf8(&self, offered: &Extensions) -> bool {
        offered.smtputf8 && (self.utf8_header || self.utf8_recipient || self.from.needs_smtputf8())
    }
}

/// Why a server cannot take a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// An address or the header section needs SMTPUTF8 (RFC 6531 section 3.6).
    SmtpUtf8,
    /// The content needs 8BITMIME (RFC 6152 section 3).
    EightBitMime,
    /// The message is larger than the server takes (RFC 1870 section 6).
    Size {
        /// What it takes.
        limit: u64,
    },
}

impl Lack {
    /// The status for the report: RFC 3463 sections 3.4 and 3.7, RFC 6531 section 3.6.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::SmtpUtf8 => Status::permanent(6, 7),
            Self::EightBitMime => Status::permanent(6, 3),
            Self::Size { .. } => Status::permanent(3, 4),
        }
    }
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SmtpUtf8 => {
                f.write_str("message needs SMTPUTF8, which the next host does not offer")
            }
            Self::EightBitMime => {
                f.write_str("message needs 8BITMIME, which the next host does not offer")
            }
            Self::Size { limit } => write!(
                f,
                "message is larger than the {limit} octets that the next host takes"
            ),
        }
    }
}

impl std::error::Error for Lack {}

/// `EHLO name`; with `HELO` for servers that know no extensions, with `LHLO` for those of LMTP.
#[must_use]
pub fn hello_line(verb: Hello, name: &str) -> Vec<u8> {
    let verb = match verb {
        Hello::Ehlo => "EHLO",
        Hello::Helo => "HELO",
        Hello::Lhlo => "LHLO",
    };
    line(format!("{verb} {name}"))
}

/// How a client introduces itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hello {
    /// RFC 5321 section 4.1.1.1.
    Ehlo,
    /// For servers that refused EHLO.
    Helo,
    /// RFC 2033 section 4.1: the server speaks LMTP. Its reply is that to EHLO.
    Lhlo,
}

/// The MAIL command with the parameters that the peer knows.
///
/// # Errors
/// The peer cannot take this message.
pub fn mail_line(offered: &Extensions, message: &Envelope<'_>) -> Result<Vec<u8>, Lack> {
    if let Some(limit) = offered.size_limit().filter(|&limit| message.size > limit) {
        return Err(Lack::Size { limit });
    }
    let said = message.says_smtputf8(offered);
    if message.utf8_header && !said {
        return Err(Lack::SmtpUtf8);
    }
    if message.eight_bit && !offered.eightbitmime {
        return Err(Lack::EightBitMime);
    }
    let mut words = String::from("MAIL FROM:<");
    if let Some(mailbox) = message.from.mailbox() {
        words.push_str(spelled(said, mailbox)?.as_str());
    }
    words.push('>');
    if offered.size.is_some() {
        words.push_str(&format!(" SIZE={}", message.size));
    }
    if message.eight_bit {
        words.push_str(" BODY=8BITMIME");
    }
    if said {
        words.push_str(" SMTPUTF8");
    }
    if offered.dsn {
        if let Some(ret) = message.ret {
            words.push_str(&format!(" RET={ret}"));
        }
        if let Some(envid) = message.envid {
            words.push_str(&format!(" ENVID={envid}"));
        }
    }
    Ok(line(words))
}

/// The RCPT command with the parameters that the peer knows. What DSN parameters ask for is not passed on to a peer without DSN:
/// the caller then reports for itself (RFC 3461 section 5.2.2).
///
/// # Errors
/// The peer cannot take this recipient.
pub fn rcpt_line(
    offered: &Extensions,
    message: &Envelope<'_>,
    to: &Mailbox,
    params: &RcptParams,
) -> Result<Vec<u8>, Lack> {
    let to = spelled(message.says_smtputf8(offered), to)?;
    let mut words = format!("RCPT TO:<{to}>");
    if offered.dsn {
        if let Some(notify) = params.notify {
            words.push_str(&format!(" NOTIFY={notify}"));
        }
        if let Some(orcpt) = &params.orcpt {
            words.push_str(&format!(" ORCPT={orcpt}"));
        }
    }
    Ok(line(words))
}

/// `BDAT size`, with LAST for the last chunk.
#[must_use]
pub fn bdat_line(size: u64, last: bool) -> Vec<u8> {
    line(format!("BDAT {size}{}", if last { " LAST" } else { "" }))
}

/// The mailbox as the peer can read it: without SMTPUTF8, where only the domain is in another script, its A-labels will do.
fn spelled(smtputf8: bool, mailbox: &Mailbox) -> Result<Mailbox, Lack> {
    if smtputf8 || !mailbox.needs_smtputf8() {
        return Ok(mailbox.clone());
    }
    let ascii = mailbox.with_ascii_domain();
    if ascii.needs_smtputf8() {
        Err(Lack::SmtpUtf8)
    } else {
        Ok(ascii)
    }
}

fn line(mut words: String) -> Vec<u8> {
    words.push_str("\r\n");
    words.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Command, MailParams, Notify, OriginalRecipient, RcptPath, parse_command};

    fn all() -> Extensions {
        Extensions::parse(b"h\nSIZE 1000\n8BITMIME\nSMTPUTF8\nDSN")
    }

    fn message(from: &ReversePath) -> Envelope<'_> {
        Envelope {
            from,
            size: 500,
            eight_bit: false,
            utf8_header: false,
            utf8_recipient: false,
            ret: None,
            envid: None,
        }
    }

    fn sender(text: &str) -> ReversePath {
        text.parse().unwrap()
    }

    fn text(line: Result<Vec<u8>, Lack>) -> String {
        String::from_utf8(line.unwrap()).unwrap()
    }

    #[test]
    fn a_server_without_extensions_is_told_the_addresses_alone() {
        let from = sender("a@b.example");
        let envid = EnvelopeId::parse("x").unwrap();
        let mut plain = message(&from);
        plain.ret = Some(Ret::Full);
        plain.envid = Some(&envid);
        let none = Extensions::default();
        assert_eq!(
            text(mail_line(&none, &plain)),
            "MAIL FROM:<a@b.example>\r\n"
        );
        let to = Mailbox::parse(b"c@d.example").unwrap();
        let params = RcptParams {
            notify: Some(Notify::default()),
            orcpt: OriginalRecipient::parse("rfc822;x"),
        };
        assert_eq!(
            text(rcpt_line(&none, &plain, &to, &params)),
            "RCPT TO:<c@d.example>\r\n"
        );
    }

    #[test]
    fn our_own_server_reads_what_our_client_says() {
        let from = sender("\"a b\"@b.example");
        let envid = EnvelopeId::parse("x+2By").unwrap();
        let mut full = message(&from);
        full.eight_bit = true;
        full.utf8_recipient = true;
        full.ret = Some(Ret::Headers);
        full.envid = Some(&envid);
        let line = text(mail_line(&all(), &full));
        let params = MailParams {
            size: Some(500),
            body: Some(crate::command::Body::EightBitMime),
            smtputf8: true,
            ret: Some(Ret::Headers),
            envid: Some(envid.clone()),
            auth: None,
        };
        assert_eq!(
            parse_command(line.trim_end().as_bytes()),
            Ok(Command::Mail {
                from: from.clone(),
                params
            })
        );

        let to: Mailbox = "jürgen@bücher.example".parse().unwrap();
        let params = RcptParams {
            notify: Notify::parse("SUCCESS,DELAY"),
            orcpt: OriginalRecipient::parse("utf-8;jürgen@bücher.example"),
        };
        let line = text(rcpt_line(&all(), &full, &to, &params));
        assert_eq!(
            parse_command(line.trim_end().as_bytes()),
            Ok(Command::Rcpt {
                to: RcptPath::Mailbox(to),
                params
            })
        );
    }

    #[test]
    fn a_message_that_needs_what_the_server_lacks_is_refused_with_the_reason() {
        let (plain, other) = (sender("a@b.example"), sender("ä@b.example"));
        let none = Extensions::default();
        let cases = [
            (
                Envelope {
                    utf8_header: true,
                    ..message(&plain)
                },
                "5.6.7",
            ),
            (message(&other), "5.6.7"),
            (
                Envelope {
                    eight_bit: true,
                    ..message(&plain)
                },
                "5.6.3",
            ),
        ];
        for (envelope, status) in cases {
            let lack = mail_line(&none, &envelope).unwrap_err();
            assert_eq!(lack.status().to_string(), status, "{lack}");
            assert!(mail_line(&all(), &envelope).is_ok());
        }
        let large = Envelope {
            size: 1001,
            ..message(&plain)
        };
        assert_eq!(mail_line(&all(), &large), Err(Lack::Size { limit: 1000 }));
        assert!(mail_line(&none, &large).is_ok());
    }

    #[test]
    fn a_domain_in_another_script_is_spelled_for_servers_without_smtputf8() {
        let from = sender("a@bücher.example");
        let none = Extensions::default();
        assert_eq!(
            text(mail_line(&none, &message(&from))),
            "MAIL FROM:<a@xn--bcher-kva.example>\r\n"
        );
        let to: Mailbox = "ü@bücher.example".parse().unwrap();
        let params = RcptParams::default();
        assert_eq!(
            rcpt_line(&none, &message(&from), &to, &params),
            Err(Lack::SmtpUtf8)
        );
    }

    #[test]
    fn the_other_lines_are_what_a_server_expects() {
        assert_eq!(
            hello_line(Hello::Ehlo, "me.example"),
            b"EHLO me.example\r\n"
        );
        assert_eq!(
            hello_line(Hello::Helo, "me.example"),
            b"HELO me.example\r\n"
        );
        assert_eq!(
            hello_line(Hello::Lhlo, "me.example"),
            b"LHLO me.example\r\n"
        );
        assert_eq!(bdat_line(10, false), b"BDAT 10\r\n");
        assert_eq!(bdat_line(0, true), b"BDAT 0 LAST\r\n");
    }
}
