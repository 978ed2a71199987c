//! SMTP command lines.

use stafette_smtp::client::{Envelope, mail_line, rcpt_line};
use stafette_smtp::command::{Body, Command, MailParams, RcptParams, RcptPath, parse_command};
use stafette_smtp::{Extensions, Reply};

/// Nothing that comes out of a command line holds a control character, every refusal is a reply of one line, and what our client
/// says about the same message is read as the same by our server.
pub fn smtp_commands_hold_no_control_character(data: &[u8]) {
    match parse_command(data) {
        Err(error) => {
            assert!((500..600).contains(&error.code));
            let wire = Reply::from(error).to_wire();
            assert_eq!(wire.iter().filter(|&&b| b == b'\n').count(), 1);
        }
        Ok(Command::Ehlo(name) | Command::Helo(name)) => assert_harmless(name.as_str()),
        Ok(Command::Etrn(argument) | Command::Vrfy(argument) | Command::Expn(argument)) => {
            assert_harmless(&argument);
        }
        Ok(Command::Mail { from, params }) => check_mail(from, params),
        Ok(Command::Rcpt {
            to: RcptPath::Mailbox(to),
            params,
        }) => {
            assert_harmless(to.as_str());
            if let Some(orcpt) = &params.orcpt {
                assert_harmless(orcpt.kind());
                assert_harmless(orcpt.address());
                if orcpt.to_string().len() > 500 {
                    return; // escapes may be longer than what came
                }
            }
            let envelope = Envelope {
                from: &stafette_addr::ReversePath::Null,
                size: 0,
                eight_bit: false,
                utf8_header: false,
                utf8_recipient: true,
                ret: None,
                envid: None,
            };
            let line =
                rcpt_line(&everything(), &envelope, &to, &params).expect("nothing is lacking");
            let again = parse_command(line.strip_suffix(b"\r\n").expect("CRLF"));
            assert_eq!(
                again,
                Ok(Command::Rcpt {
                    to: RcptPath::Mailbox(to),
                    params: RcptParams { ..params }
                })
            );
        }
        Ok(_) => {}
    }
}

fn check_mail(from: stafette_addr::ReversePath, params: MailParams) {
    assert_harmless(from.as_str());
    if let Some(envid) = &params.envid {
        assert_harmless(envid.as_str());
    }
    if let Some(Some(mailbox)) = &params.auth {
        assert_harmless(mailbox.as_str());
    }
    let envelope = Envelope {
        from: &from,
        size: params.size.unwrap_or(0),
        eight_bit: params.body == Some(Body::EightBitMime),
        utf8_header: params.smtputf8,
        utf8_recipient: false,
        ret: params.ret,
        envid: params.envid.as_ref(),
    };
    let line = mail_line(&everything(), &envelope).expect("nothing is lacking");
    let expected = MailParams {
        size: Some(envelope.size),
        body: params.body.filter(|&b| b == Body::EightBitMime),
        smtputf8: params.smtputf8 || from.needs_smtputf8(),
        auth: None,
        ..params.clone()
    };
    let again = parse_command(line.strip_suffix(b"\r\n").expect("CRLF"));
    assert_eq!(
        again,
        Ok(Command::Mail {
            from: from.clone(),
            params: expected
        })
    );
}

fn everything() -> Extensions {
    Extensions::parse(b"host\nSIZE\n8BITMIME\nSMTPUTF8\nDSN")
}

fn assert_harmless(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
}
