//! Completes the header section of a submitted message (RFC 6409 section 8) and finds the recipients in it.
//!
//! Fields stay in their order and, but for what is said here, byte for byte. Bcc, Return-Path and Content-Length go; missing Date,
//! Message-ID, From and To come to the end; addresses without a domain get one in From, To and Cc. If a message is resent (it has
//! Resent- fields), only Resent- fields are completed and read for recipients (RFC 5322 section 3.6.6).

use stafette_addr::Domain;
use stafette_message::addresses::{ListError, Listed, addresses};
use stafette_message::header::{Field, fields, unfold};
use stafette_text::quote;

/// What is put into a section.
#[derive(Debug)]
pub(crate) struct Completion<'a> {
    /// Date, as it would be written.
    pub(crate) date: &'a str,
    /// Message-ID with its brackets.
    pub(crate) message_id: &'a str,
    /// The author for From, as it would be written.
    pub(crate) author: &'a str,
    /// What addresses without a domain get.
    pub(crate) domain: &'a Domain,
    /// Whether recipients are read from the section.
    pub(crate) recipients: bool,
    /// Whether nothing is completed: a gateway hands over what was complete elsewhere.
    pub(crate) is_complete: bool,
}

/// A completed section.
#[derive(Debug, PartialEq, Eq, Default)]
pub(crate) struct Composed {
    /// All fields, each with its line end; the empty line is not among them.
    pub(crate) section: Vec<u8>,
    /// Recipients from To, Cc and Bcc, in their order, if they were asked for.
    pub(crate) recipients: Vec<Listed>,
}

/// A recipient field that cannot be read: its name, its text, why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadField {
    /// The field's name and text, in one printable word.
    pub(crate) text: String,
    /// What is wrong with it.
    pub(crate) error: ListError,
}

/// Which of the fields that a message must have are there.
#[derive(Debug, Default)]
struct Present {
    date: bool,
    message_id: bool,
    from: bool,
    destination: bool,
}

/// Completes `section`, whose lines end in LF.
pub(crate) fn compose(section: &[u8], completion: &Completion<'_>) -> Result<Composed, BadField> {
    let resent = fields(section).any(|field| has_prefix(&field, b"resent-"));
    let prefix = if resent { "Resent-" } else { "" };
    let mut composed = Composed {
        section: Vec::with_capacity(section.len() + 512),
        ..Composed::default()
    };
    let mut present = Present::default();
    for field in fields(section) {
        let name = field.name.to_ascii_lowercase();
        let plain = match (resent, name.strip_prefix(b"resent-")) {
            (true, Some(plain)) => plain,
            (true, None) => b"",
            (false, _) => &name[..],
        };
        match plain {
            b"date" => present.date = true,
            b"message-id" => present.message_id = true,
            b"from" => present.from = true,
            b"to" | b"cc" | b"bcc" => {
                present.destination |= plain != b"bcc";
                if completion.recipients {
                    read_recipients(&field, &mut composed.recipients)?;
                }
            }
            _ => {}
        }
        let name = name.strip_prefix(b"resent-").unwrap_or(&name);
        match name {
            b"bcc" if completion.recipients => {}
            _ if completion.is_complete => push(&mut composed.section, field.raw),
            b"bcc" | b"return-path" | b"content-length" => {}
            b"from" | b"to" | b"cc" => {
                push(&mut composed.section, &qualified(&field, completion.domain));
            }
            _ => push(&mut composed.section, field.raw),
        }
    }
    if completion.is_complete {
        return Ok(composed);
    }
    let mut add = |there: bool, name: &str, body: &str| {
        if !there && !body.is_empty() {
            push(
                &mut composed.section,
                format!("{prefix}{name}: {body}").as_bytes(),
            );
        }
    };
    add(present.from, "From", completion.author);
    add(
        present.destination || resent,
        "To",
        "undisclosed-recipients:;",
    );
    add(present.date, "Date", completion.date);
    add(present.message_id, "Message-ID", completion.message_id);
    Ok(composed)
}

fn has_prefix(field: &Field<'_>, prefix: &[u8]) -> bool {
    field
        .name
        .get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn push(section: &mut Vec<u8>, field: &[u8]) {
    section.extend_from_slice(field);
    section.push(b'\n');
}

fn read_recipients(field: &Field<'_>, recipients: &mut Vec<Listed>) -> Result<(), BadField> {
    for item in addresses(field.body()) {
        recipients.push(item.map_err(|error| BadField {
            text: quote(&[field.name, b": ", &unfold(field.body())].concat(), 200),
            error,
        })?);
    }
    Ok(())
}

/// The field with `@domain` behind each address that has none; unreadable items and `host!user` stay as they are.
fn qualified(field: &Field<'_>, domain: &Domain) -> Vec<u8> {
    let start = field.raw.len() - field.body().len();
    let mut raw = field.raw.to_vec();
    for item in addresses(field.body())
        .into_iter()
        .rev()
        .flatten()
        .filter(|item| item.domain.is_none() && !item.local.as_str().contains('!'))
    {
        let at = (start + item.end).min(raw.len());
        let tail = raw.split_off(at);
        raw.push(b'@');
        raw.extend_from_slice(domain.as_str().as_bytes());
        raw.extend_from_slice(&tail);
    }
    raw
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(section: &str) -> (String, Vec<String>) {
        let domain = Domain::parse(b"x.test").unwrap();
        let completion = Completion {
            date: "DATE",
            message_id: "<ID>",
            author: "AUTHOR",
            domain: &domain,
            recipients: true,
            is_complete: false,
        };
        let composed = compose(section.as_bytes(), &completion).unwrap();
        let recipients = composed
            .recipients
            .into_iter()
            .map(|listed| listed.qualified(&domain).to_string())
            .collect();
        (String::from_utf8(composed.section).unwrap(), recipients)
    }

    #[test]
    fn nothing_is_added_to_a_complete_section() {
        let section = "X: 1\nFrom: a@b.test\nDate: then\nTo: c@d.test,\n\te@f.test\nMessage-Id: <x>\nSubject:  s \n";
        assert_eq!(
            run(section),
            (
                section.to_owned(),
                vec!["c@d.test".to_owned(), "e@f.test".to_owned()]
            )
        );
    }

    #[test]
    fn what_is_missing_comes_to_the_end() {
        assert_eq!(
            run("Subject: s\n").0,
            "Subject: s\nFrom: AUTHOR\nTo: undisclosed-recipients:;\nDate: DATE\nMessage-ID: <ID>\n"
        );
        assert!(!run("Cc: a\n").0.contains("undisclosed"));
    }

    #[test]
    fn bcc_is_read_and_removed() {
        let (section, recipients) = run(
            "To: a@b.test\nBcc: secret@b.test,\n other@b.test\nReturn-Path: <x>\nContent-Length: 5\n",
        );
        assert_eq!(recipients, ["a@b.test", "secret@b.test", "other@b.test"]);
        assert!(
            section.starts_with("To: a@b.test\nFrom: AUTHOR\n"),
            "{section}"
        );
        assert!(
            !section.contains("secret")
                && !section.contains("other@")
                && !section.contains("Return")
        );
    }

    #[test]
    fn what_a_gateway_brings_stays_as_it_is() {
        let domain = Domain::parse(b"x.test").unwrap();
        let mut completion = Completion {
            date: "DATE",
            message_id: "<ID>",
            author: "AUTHOR",
            domain: &domain,
            recipients: false,
            is_complete: true,
        };
        let section = b"From: a!joe\nBcc: b@x.test\nReturn-Path: <a@b.test>\n";
        assert_eq!(compose(section, &completion).unwrap().section, section);
        completion.recipients = true;
        assert_eq!(
            compose(section, &completion).unwrap().section,
            b"From: a!joe\nReturn-Path: <a@b.test>\n"
        );
    }

    #[test]
    fn only_bcc_leaves_a_destination_that_says_nothing() {
        let (section, recipients) = run("Bcc: secret@b.test\n");
        assert_eq!(recipients, ["secret@b.test"]);
        assert!(section.contains("To: undisclosed-recipients:;\n"));
    }

    #[test]
    fn addresses_without_a_domain_get_one() {
        let (section, recipients) =
            run("From: root (Cron Daemon)\nTo: joe, \"J D\" <jane>,\n ok@y.test\nReply-To: joe\n");
        assert!(section.starts_with(
            "From: root@x.test (Cron Daemon)\nTo: joe@x.test, \"J D\" <jane@x.test>,\n ok@y.test\nReply-To: joe\n"
        ), "{section}");
        assert_eq!(recipients, ["joe@x.test", "jane@x.test", "ok@y.test"]);
    }

    #[test]
    fn a_resent_message_goes_to_its_resent_recipients_only() {
        let (section, recipients) = run(
            "Resent-To: new@x.test\nResent-Bcc: b@x.test\nTo: old@x.test\nBcc: older@x.test\nFrom: a@b.test\n",
        );
        assert_eq!(recipients, ["new@x.test", "b@x.test"]);
        assert!(
            section.ends_with("Resent-From: AUTHOR\nResent-Date: DATE\nResent-Message-ID: <ID>\n"),
            "{section}"
        );
        assert!(!section.contains("Bcc"));
    }

    #[test]
    fn a_recipient_that_is_none_is_told_with_its_field() {
        let domain = Domain::parse(b"x.test").unwrap();
        let completion = Completion {
            date: "",
            message_id: "",
            author: "",
            domain: &domain,
            recipients: true,
            is_complete: false,
        };
        let error = compose(b"To: ok@x.test, two\n words\n", &completion).unwrap_err();
        assert_eq!(error.text, "\"To: ok@x.test, two words\"");
    }
}
