//! The fields for programs (RFC 3464 section 2), or their international form (RFC 6533 section 4).

use super::safe::{WORDS_LIMIT, fold, text};
use super::{Action, Recipient, Report};
use crate::date;

/// The body of the second part.
pub(super) fn status(report: &Report<'_>, global: bool) -> Vec<u8> {
    let mut out = String::new();
    field(
        &mut out,
        "Reporting-MTA",
        "dns",
        report.reporting_mta.as_bytes(),
        global,
    );
    if let Some(envid) = report.envelope_id {
        fold(
            &mut out,
            "Original-Envelope-Id: ",
            &text(envid, 100, global),
            " ",
        );
    }
    fold(
        &mut out,
        "X-Queue-Id: ",
        &text(report.queue_id.as_bytes(), 100, false),
        " ",
    );
    fold(
        &mut out,
        "Arrival-Date: ",
        &date::rfc5322(report.arrived),
        " ",
    );
    for recipient in report.recipients {
        out.push('\n');
        push_recipient(&mut out, recipient, global);
    }
    out.into_bytes()
}

fn push_recipient(out: &mut String, recipient: &Recipient<'_>, global: bool) {
    if let Some((kind, address)) = recipient.original.and_then(split_original) {
        field(out, "Original-Recipient", &kind, address, global);
    }
    let address = recipient.mailbox.as_str();
    let kind = if address.is_ascii() {
        "rfc822"
    } else {
        "utf-8"
    };
    field(out, "Final-Recipient", kind, address.as_bytes(), global);
    fold(out, "Action: ", recipient.action.as_str(), " ");
    fold(
        out,
        "Status: ",
        status_code(recipient.status, recipient.action),
        " ",
    );
    if let Some(remote) = recipient.remote.filter(|remote| !remote.is_empty()) {
        field(out, "Remote-MTA", "dns", remote.as_bytes(), global);
    }
    if let Some(diagnostic) = &recipient.diagnostic
        && !diagnostic.words.is_empty()
    {
        let kind = if diagnostic.from_peer {
            "smtp"
        } else {
            "x-stafette"
        };
        field(out, "Diagnostic-Code", kind, diagnostic.words, global);
    }
    if let Some(time) = recipient.last_attempt {
        fold(out, "Last-Attempt-Date: ", &date::rfc5322(time), " ");
    }
    if let Some(time) = recipient
        .retry_until
        .filter(|_| recipient.action == Action::Delayed)
    {
        fold(out, "Will-Retry-Until: ", &date::rfc5322(time), " ");
    }
}

/// A field of a type and a value: `Name: type; value`.
fn field(out: &mut String, name: &str, kind: &str, value: &[u8], global: bool) {
    let value = text(value, WORDS_LIMIT, global);
    fold(out, &format!("{name}: {kind}; "), &value, " ");
}

/// `type;address` (RFC 3461 section 4.2); none if the type is no atom.
fn split_original(original: &[u8]) -> Option<(String, &[u8])> {
    let at = original.iter().position(|byte| *byte == b';')?;
    let (kind, rest) = original.split_at_checked(at)?;
    let kind = str::from_utf8(kind.trim_ascii()).ok()?;
    let good = !kind.is_empty()
        && kind.len() <= 40
        && kind
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    good.then(|| {
        (
            kind.to_owned(),
            rest.get(1..).unwrap_or_default().trim_ascii(),
        )
    })
}

/// The code, if it is one whose class fits the action (RFC 3463 section 2, RFC 3464 section 2.3.4).
pub(super) fn status_code(status: &str, action: Action) -> &str {
    let mut parts = status.split('.');
    let class = parts.next().unwrap_or_default();
    let numbers: Vec<&str> = parts.collect();
    let sound = numbers.len() == 2
        && numbers.iter().all(|number| {
            (1..=3).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
        });
    let (classes, fallback): (&[&str], &str) = match action {
        Action::Failed => (&["4", "5"], "5.0.0"),
        Action::Delayed => (&["4"], "4.0.0"),
        Action::Delivered | Action::Relayed | Action::Expanded => (&["2"], "2.0.0"),
    };
    if sound && classes.contains(&class) {
        status
    } else {
        fallback
    }
}
