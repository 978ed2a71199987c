//! Delivery status notifications (RFC 3464), and their international form (RFC 6533).
//!
//! [`compose`] turns what is known about recipients into one whole message: words for people, the fields for
//! programs, and the original's header section or all of it. It is pure. Everything that a peer, a user or the original
//! message said is made harmless on the way: it can neither end a field nor a part. The report is bounded by what the caller
//! gives of the original, plus some hundred bytes and [`WORDS_LIMIT`] for each recipient.

mod fields;
mod original;
mod safe;
mod words;

use stafette_addr::Mailbox;

use crate::date;
pub use original::{FULL_LIMIT, HEADER_LIMIT, Original};
pub use safe::WORDS_LIMIT;

/// What became of a recipient (RFC 3464 section 2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// It will not be delivered.
    Failed,
    /// It is late, and still tried.
    Delayed,
    /// It is in the mailbox.
    Delivered,
    /// It was given to a host that does not report itself.
    Relayed,
    /// It was given to a list of further recipients.
    Expanded,
}

impl Action {
    /// The word of the Action field.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Relayed => "relayed",
            Self::Expanded => "expanded",
        }
    }
}

/// Why, in somebody's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic<'a> {
    /// The words are an SMTP reply of the remote host (RFC 3464 section 2.3.6); otherwise they are our own.
    pub from_peer: bool,
    /// The words, any bytes, lines separated by LF or CRLF.
    pub words: &'a [u8],
}

/// What is said about one recipient.
#[derive(Debug, Clone)]
pub struct Recipient<'a> {
    /// The forward-path.
    pub mailbox: &'a Mailbox,
    /// ORCPT decoded from xtext (`rfc822;user@example.org`), if it was given.
    pub original: Option<&'a [u8]>,
    /// What became of it.
    pub action: Action,
    /// Enhanced status code (RFC 3463), such as `5.1.1`; anything else is replaced by the undefined one of the action.
    pub status: &'a str,
    /// Name of the host that spoke, if one did.
    pub remote: Option<&'a str>,
    /// Why.
    pub diagnostic: Option<Diagnostic<'a>>,
    /// Unix time of the last attempt.
    pub last_attempt: Option<i64>,
    /// Unix time until which it is tried, for delays.
    pub retry_until: Option<i64>,
}

/// To whom the report goes, which decides its first words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The sender of the original.
    Sender,
    /// The postmaster, since the original was a report itself and could not be delivered.
    Postmaster,
}

/// All that a report is made of.
#[derive(Debug, Clone)]
pub struct Report<'a> {
    /// Our name (RFC 3464 section 2.2.2).
    pub reporting_mta: &'a str,
    /// Whom the report is from, such as `MAILER-DAEMON@example.org`.
    pub from: &'a Mailbox,
    /// Whom it goes to.
    pub to: &'a Mailbox,
    /// Which words.
    pub audience: Audience,
    /// Unix time of the report.
    pub now: i64,
    /// Its Message-ID with the angle brackets.
    pub message_id: &'a str,
    /// A word that no message can guess, for the boundary.
    pub chance: u64,
    /// The original's queue ID.
    pub queue_id: &'a str,
    /// ENVID decoded from xtext, if it was given.
    pub envelope_id: Option<&'a [u8]>,
    /// Unix time at which we took the original.
    pub arrived: i64,
    /// Whom it is about; at least one.
    pub recipients: &'a [Recipient<'a>],
    /// What is given back.
    pub original: Original<'a>,
}

/// A report, and what its envelope must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// The message, lines ended by LF.
    pub content: Vec<u8>,
    /// Octets over 127 occur: BODY=8BITMIME.
    pub eight_bit: bool,
    /// An address in the header section is not ASCII: SMTPUTF8.
    pub smtputf8: bool,
}

/// Writes the report.
#[must_use]
pub fn compose(report: &Report<'_>) -> Composed {
    let global = is_global(report);
    let human = words::human(report, global);
    let status = fields::status(report, global);
    let back = original::part(&report.original, global);
    let boundary = boundary(report.chance, &[&human, &status, &back.bytes]);

    let mut out = Vec::with_capacity(human.len() + status.len() + back.bytes.len() + 1500);
    let mut line = |text: &str| {
        out.extend_from_slice(text.as_bytes());
        out.push(b'\n');
    };
    line(&format!(
        "From: Mail Delivery System <{}>",
        report.from.as_str()
    ));
    line(&format!("To: {}", report.to.as_str()));
    line(&format!("Subject: {}", words::subject(report)));
    line(&format!("Date: {}", date::rfc5322(report.now)));
    line(&format!(
        "Message-ID: {}",
        safe::text(report.message_id.as_bytes(), 300, false)
    ));
    line("Auto-Submitted: auto-replied");
    line("MIME-Version: 1.0");
    line("Content-Type: multipart/report; report-type=delivery-status;");
    line(&format!("\tboundary=\"{boundary}\""));
    let eight_bit = [&human, &status, &back.bytes]
        .iter()
        .any(|part| !part.is_ascii());
    if eight_bit {
        line("Content-Transfer-Encoding: 8bit");
    }
    line("");
    line("This is a report in MIME format, in three parts.");
    line("");
    let mut part = |kind: &str, description: &str, bytes: &[u8]| {
        let encoding = if bytes.is_ascii() { "7bit" } else { "8bit" };
        out.extend_from_slice(
            format!(
                "--{boundary}\nContent-Type: {kind}\nContent-Description: {description}\nContent-Transfer-Encoding: {encoding}\n\n"
            )
            .as_bytes(),
        );
        out.extend_from_slice(bytes);
        // This line end belongs to the boundary (RFC 2046 section 5.1.1).
        out.push(b'\n');
    };
    let charset = if human.is_ascii() {
        "us-ascii"
    } else {
        "utf-8"
    };
    part(
        &format!("text/plain; charset={charset}"),
        "Notification",
        &human,
    );
    part(
        if global {
            "message/global-delivery-status"
        } else {
            "message/delivery-status"
        },
        "Delivery report",
        &status,
    );
    part(back.kind, back.description, &back.bytes);
    out.extend_from_slice(format!("--{boundary}--\n").as_bytes());
    Composed {
        content: out,
        eight_bit,
        smtputf8: report.to.needs_smtputf8() || report.from.needs_smtputf8(),
    }
}

/// RFC 6533 section 3: the fields need UTF-8 if an address does.
fn is_global(report: &Report<'_>) -> bool {
    report.recipients.iter().any(|recipient| {
        recipient.mailbox.needs_smtputf8()
            || recipient
                .original
                .is_some_and(|original| !original.is_ascii() && str::from_utf8(original).is_ok())
    })
}

/// A delimiter that occurs in no part (RFC 2046 section 5.1.1).
fn boundary(chance: u64, parts: &[&Vec<u8>]) -> String {
    let mut number = chance;
    loop {
        let boundary = format!("=_report_{number:016x}");
        let line = format!("--{boundary}");
        let occurs = parts.iter().any(|part| {
            part.split(|byte| *byte == b'\n')
                .any(|found| found.starts_with(line.as_bytes()))
        });
        if !occurs {
            return boundary;
        }
        number = number.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests;
