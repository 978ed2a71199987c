//! `stafette hosts`: what send knows of other hosts, and having it forgotten.

use std::io::Write;

use stafette_control::Instance;
use stafette_message::date;
use stafette_text::Line;
use stafette_wire::operator::{FromSend, HostEntry, ToSend};

use crate::ask::Send;
use crate::failure::Failure;

/// Octets of a reply that are shown.
const REPLY_LIMIT: usize = 200;

/// Lists it: a line for each host.
pub(crate) fn list(instance: &Instance, out: &mut impl Write) -> Result<(), Failure> {
    let mut send = connect(instance)?;
    send.say(&ToSend::Hosts {})?;
    let mut count = 0u64;
    loop {
        match send.hear()? {
            FromSend::Host { host } => {
                writeln!(out, "{}", line(&host))?;
                count += 1;
            }
            FromSend::End {} => break,
            FromSend::Refused { text } => {
                return Err(Failure::Never(format!("send refuses: {text}")));
            }
            other => return Err(Failure::Later(format!("send misbehaved: {other:?}"))),
        }
    }
    if count == 0 {
        writeln!(out, "nothing is known of other hosts")?;
    }
    Ok(())
}

/// Has it forgotten.
pub(crate) fn forget(instance: &Instance, out: &mut impl Write) -> Result<(), Failure> {
    let text = connect(instance)?.order(&ToSend::ForgetHosts {})?;
    writeln!(out, "{}", if text.is_empty() { "forgotten" } else { &text })?;
    Ok(())
}

fn connect(instance: &Instance) -> Result<Send, Failure> {
    Send::connect(instance)?.ok_or_else(|| {
        Failure::Later("send does not run, so nothing is known of other hosts".to_owned())
    })
}

fn line(host: &HostEntry) -> String {
    let mut line = Line::new("");
    line.word(&host.destination)
        .word(if host.dead_until > 0 { "dead" } else { "alive" })
        .field("waiting", host.waiting.to_string());
    if host.tried > 0 {
        line.field("tried", date::rfc3339(host.tried));
    }
    if host.dead_until > 0 {
        line.field("until", date::rfc3339(host.dead_until));
    }
    if !host.relay.is_empty() {
        line.field("relay", &host.relay);
    }
    if !host.reply.0.is_empty() {
        line.field_within("reply", &host.reply.0, REPLY_LIMIT);
    }
    line.to_string()
}
