//! The words for people: what happened, to whom, why, and whether anything need be done.

use super::safe::{WORDS_LIMIT, fold, text};
use super::{Action, Audience, Recipient, Report};
use crate::date;

/// The action that the report is about: the gravest of its recipients.
fn gravest(report: &Report<'_>) -> Action {
    let order = [
        Action::Failed,
        Action::Delayed,
        Action::Expanded,
        Action::Relayed,
        Action::Delivered,
    ];
    order
        .into_iter()
        .find(|action| {
            report
                .recipients
                .iter()
                .any(|recipient| recipient.action == *action)
        })
        .unwrap_or(Action::Failed)
}

/// The Subject field.
pub(super) fn subject(report: &Report<'_>) -> &'static str {
    match (report.audience, gravest(report)) {
        (Audience::Postmaster, _) => "Report for the postmaster: a report could not be delivered",
        (Audience::Sender, Action::Failed) => "Undelivered mail: your message was not delivered",
        (Audience::Sender, Action::Delayed) => "Delayed mail: your message is still being tried",
        (Audience::Sender, Action::Relayed) => "Your message was passed on",
        (Audience::Sender, Action::Delivered | Action::Expanded) => "Your message was delivered",
    }
}

/// The body of the first part.
pub(super) fn human(report: &Report<'_>, global: bool) -> Vec<u8> {
    let mut out = String::new();
    let host = text(report.reporting_mta.as_bytes(), 255, global);
    fold(
        &mut out,
        "",
        &format!("This is the mail system at {host}."),
        "",
    );
    out.push('\n');
    if report.audience == Audience::Postmaster {
        out.push_str(
            "A message without a return address, such as a report about other mail,\n\
             could not be delivered. Nobody but you is told.\n\n",
        );
    }
    for action in [
        Action::Failed,
        Action::Delayed,
        Action::Delivered,
        Action::Expanded,
        Action::Relayed,
    ] {
        let about: Vec<&Recipient<'_>> = report
            .recipients
            .iter()
            .filter(|recipient| recipient.action == action)
            .collect();
        if about.is_empty() {
            continue;
        }
        out.push_str(opening(action));
        out.push('\n');
        for recipient in about {
            push_recipient(&mut out, recipient, global);
        }
    }
    fold(
        &mut out,
        "",
        &format!(
            "The message came in on {} and was known here as {}.",
            date::rfc5322(report.arrived),
            text(report.queue_id.as_bytes(), 100, false)
        ),
        "",
    );
    out.into_bytes()
}

fn opening(action: Action) -> &'static str {
    match action {
        Action::Failed => {
            "Your message could not be delivered to the recipients below.\n\
             It will not be tried again.\n"
        }
        Action::Delayed => {
            "Your message could not be delivered yet to the recipients below.\n\
             This is a warning only: it is still being tried, and you need do nothing.\n"
        }
        Action::Delivered => "Your message was delivered to the recipients below.\n",
        Action::Expanded => "Your message was delivered to the lists below.\n",
        Action::Relayed => {
            "Your message was passed on for the recipients below, to hosts that send\n\
             no reports of success. No further report will come.\n"
        }
    }
}

fn push_recipient(out: &mut String, recipient: &Recipient<'_>, global: bool) {
    let address = text(recipient.mailbox.as_str().as_bytes(), 600, global);
    fold(out, "", &format!("<{address}>:"), "    ");
    if let Some(diagnostic) = recipient
        .diagnostic
        .as_ref()
        .filter(|diagnostic| !diagnostic.words.is_empty())
    {
        // RFC 3463 section 3.5: X.4.7, delivery time expired.
        if recipient.action == Action::Failed && recipient.status.ends_with(".4.7") {
            out.push_str(
                "    It was tried again and again until its time was over. The last answer was:\n",
            );
        }
        let words = text(diagnostic.words, WORDS_LIMIT, global);
        let who = match recipient.remote.filter(|remote| !remote.is_empty()) {
            Some(remote) if diagnostic.from_peer => {
                format!("{} said: ", text(remote.as_bytes(), 255, global))
            }
            _ => String::new(),
        };
        fold(out, "    ", &format!("{who}{words}"), "    ");
    }
    if let Some(time) = recipient
        .retry_until
        .filter(|_| recipient.action == Action::Delayed)
    {
        fold(
            out,
            "    ",
            &format!("It is tried until {}.", date::rfc5322(time)),
            "    ",
        );
    }
    out.push('\n');
}
