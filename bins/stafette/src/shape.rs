//! Listings in the shapes of others: Postfix's `mailq` and qmail's `qmail-qread`, which other programs read.
//!
//! Nothing that a sender or a peer said can make a line of its own.

use std::io::{self, Write};

use stafette_control::DomainSet;
use stafette_message::date;
use stafette_wire::operator::{Entry, Standing};

const HEADING: &str = "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------";
/// Octets of a reason that are shown.
const REASON_LIMIT: usize = 400;

/// One message in Postfix's columns.
pub(crate) fn postfix(out: &mut impl Write, entry: &Entry, is_first: bool) -> io::Result<()> {
    if is_first {
        writeln!(out, "{HEADING}")?;
    } else {
        writeln!(out)?;
    }
    let mark = match entry.standing {
        Standing::Active => '*',
        Standing::Held => '!',
        Standing::Bad => '?',
        Standing::Waiting => ' ',
    };
    let sender = match entry.from.as_str() {
        "" => "MAILER-DAEMON",
        address => address,
    };
    let name = format!("{}{mark}", entry.id);
    let arrived = date::listing(entry.arrived);
    let sender = plain(sender.as_bytes(), usize::MAX);
    writeln!(out, "{name:<17} {:>8} {arrived}  {sender}", entry.octets)?;
    let mut reason: Option<&[u8]> = None;
    for recipient in &entry.recipients {
        if !recipient.reason.0.is_empty() && reason != Some(&recipient.reason.0) {
            let text = format!("({})", plain(&recipient.reason.0, REASON_LIMIT));
            writeln!(out, "{text:>width$}", width = HEADING.len() + 3)?;
        }
        reason = Some(&recipient.reason.0);
        let address = plain(recipient.mailbox.as_str().as_bytes(), usize::MAX);
        writeln!(out, "{:41} {address}", "")?;
    }
    Ok(())
}

/// Postfix's closing line.
pub(crate) fn postfix_end(out: &mut impl Write, messages: u64, octets: u64) -> io::Result<()> {
    let kilobytes = octets.div_ceil(1024);
    match messages {
        0 => writeln!(out, "Mail queue is empty"),
        1 => writeln!(out, "\n-- {kilobytes} Kbytes in 1 Request."),
        count => writeln!(out, "\n-- {kilobytes} Kbytes in {count} Requests."),
    }
}

/// One message in the lines of qmail-qread: recipients at `ours` are local ones. Recipients that are done are not listed.
pub(crate) fn qmail(out: &mut impl Write, entry: &Entry, ours: &DomainSet) -> io::Result<()> {
    writeln!(
        out,
        "{} GMT  #{}  {}  <{}> ",
        date::qmail(entry.arrived),
        entry.id,
        entry.octets,
        ascii(entry.from.as_str())
    )?;
    for is_local in [true, false] {
        let channel = if is_local { "local" } else { "remote" };
        for recipient in &entry.recipients {
            if ours.contains(recipient.mailbox.domain()) == is_local {
                writeln!(out, "\t{channel}\t{}", ascii(recipient.mailbox.as_str()))?;
            }
        }
    }
    Ok(())
}

/// As qmail-qread prints an address: octets that are not printable ASCII are `_`.
fn ascii(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if matches!(byte, 32..=126) {
                char::from(byte)
            } else {
                '_'
            }
        })
        .collect()
}

/// Text that stays on its line.
fn plain(bytes: &[u8], limit: usize) -> String {
    let cut = bytes.get(..limit.min(bytes.len())).unwrap_or_default();
    let mut text: String = String::from_utf8_lossy(cut)
        .chars()
        .map(|sign| {
            if sign.is_control() || sign == char::REPLACEMENT_CHARACTER {
                '?'
            } else {
                sign
            }
        })
        .collect();
    if cut.len() < bytes.len() {
        text.push_str("...");
    }
    text
}
