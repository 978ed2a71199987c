//! The story of one message, for reading: the first line explained, envelope, recipients, events, header section.

use std::io::Write;

use stafette_message::date;
use stafette_message::section::{Section, Taken};
use stafette_queue_layout::{
    Attempt, Event, Journal, Message, Place, RealDisk, RecipientState, Standing,
};
use stafette_text::{Line, quote};
use stafette_wire::envelope::{Body, Recipient, Ret};

use crate::failure::Failure;
use crate::json::{kind_of, standing};

/// Octets of a header section that are shown.
const HEADER_LIMIT: usize = 64 * 1024;

/// Tells everything about `message`, whose file is `file` and whose content `is_sound` or not.
pub(crate) fn tell(
    message: &Message<RealDisk>,
    file: &str,
    is_sound: bool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    first_line(message, file, is_sound, out)?;
    envelope(&message.journal, out)?;
    writeln!(out, "\nRecipients")?;
    for (number, recipient, state) in message.journal.recipients() {
        writeln!(out, "  {number}  {}", one_recipient(recipient, state))?;
    }
    writeln!(out, "\nEvents")?;
    let mut told = Ok(());
    let reading = message.each_event(|words, event| {
        if told.is_ok() {
            told = writeln!(out, "  {}", one_event(words, event, &message.journal));
        }
    });
    let system = |error| Failure::system(&format!("read {file}"), &error);
    reading.map_err(system)?;
    told?;
    writeln!(out, "\nHeader section")?;
    header(message, out, &system)
}

fn place(place: Place) -> &'static str {
    match place {
        Place::Tmp => "tmp: being written, or a child that its parent does not name yet",
        Place::Drop => "drop: accepted while queue did not run; it takes it in when it starts",
        Place::New => "new: accepted, not yet tried",
        Place::Cur => "cur: tried, waits for its next time",
        Place::Hold => "hold: held by the operator",
        Place::Bad => "bad: could not be read once, put aside",
    }
}

fn first_line(
    message: &Message<RealDisk>,
    file: &str,
    is_sound: bool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let head = &message.head;
    let verdict = if is_sound {
        "which is right"
    } else {
        "WHICH IS WRONG: the content is damaged"
    };
    writeln!(out, "Message {}", message.id)?;
    writeln!(out, "  file     {file}")?;
    writeln!(out, "  place    {}", place(message.place))?;
    writeln!(
        out,
        "  content  {} octets ({} with CRLF) from offset {}",
        head.octets,
        head.crlf_octets,
        head.content()
    )?;
    writeln!(out, "           checksum {:08x}, {verdict}", head.crc32)?;
    writeln!(out, "  journal  from offset {}", head.journal())?;
    let journal = &message.journal;
    if journal.skipped > 0 {
        writeln!(
            out,
            "           {} damaged lines in it are skipped",
            journal.skipped
        )?;
    }
    if journal.unknown > 0 {
        writeln!(
            out,
            "           {} lines in it are of another version and mean nothing to this one",
            journal.unknown
        )?;
    }
    Ok(())
}

fn envelope(journal: &Journal, out: &mut impl Write) -> Result<(), Failure> {
    let envelope = &journal.envelope;
    let mut came = Line::new("");
    came.field("protocol", &envelope.origin.protocol);
    if !envelope.origin.helo.0.is_empty() {
        came.field("helo", &envelope.origin.helo.0);
    }
    if let Some(address) = envelope.origin.address {
        came.field("address", address.to_string());
    }
    if !envelope.origin.name.0.is_empty() {
        came.field("name", &envelope.origin.name.0);
    }
    if let Some(uid) = envelope.uid {
        came.field("uid", uid.to_string());
    }
    if let Some(parent) = envelope.parent {
        came.field("parent", parent.as_str());
    }
    let sender = &envelope.sender;
    let mut from = Line::new("");
    from.word(sender.from.as_str()).field(
        "body",
        if sender.body == Body::SevenBit {
            "7bit"
        } else {
            "8bit"
        },
    );
    if sender.smtputf8 {
        from.field("smtputf8", "yes");
    }
    if let Some(ret) = sender.ret {
        from.field("ret", if ret == Ret::Full { "full" } else { "headers" });
    }
    if let Some(envid) = &sender.envid {
        from.field("envid", &envid.0);
    }
    writeln!(out, "\nEnvelope")?;
    writeln!(out, "  arrived  {} {came}", date::rfc3339(envelope.arrived))?;
    writeln!(out, "  from     {from}")?;
    for field in &envelope.add {
        writeln!(out, "  adds     {}", quote(&field.0, usize::MAX))?;
    }
    Ok(())
}

fn one_recipient(recipient: &Recipient, state: &RecipientState) -> Line {
    let mut line = Line::new("");
    line.word(recipient.mailbox.as_str())
        .word(standing(state.standing))
        .field("attempts", state.attempts.to_string());
    if state.standing == Standing::Pending && state.due > 0 {
        line.field("next", date::rfc3339(state.due));
    }
    if let Some(notify) = recipient.notify {
        line.field("notify", notify.to_text());
    }
    if let Some(orcpt) = &recipient.orcpt {
        line.field("orcpt", &orcpt.0);
    }
    if state.warned {
        line.field("warned", "yes");
    }
    if state.reported {
        line.field("reported", "yes");
    }
    if let Some(last) = &state.last {
        line.field("last", &last.reply);
    }
    line
}

/// One event as a line: when, what, about whom.
fn one_event(words: &str, event: Option<Event>, journal: &Journal) -> Line {
    match event {
        None => {
            let mut line = Line::new("unknown");
            line.field("words", words);
            line
        }
        Some(Event::Attempt(attempt)) => one_attempt(&attempt, journal),
        Some(Event::Due { at, next, to }) => {
            let mut line = begin(at, "due");
            line.field("next", date::rfc3339(next));
            about(line, &to, journal)
        }
        Some(Event::Child { at, id, kind, to }) => {
            let mut line = begin(at, "child");
            line.field("id", id.as_str()).field("kind", kind_of(kind));
            about(line, &to, journal)
        }
        Some(Event::Forwarded { at, ids, relay, to }) => {
            let ids: Vec<&str> = ids.iter().map(stafette_wire::QueueId::as_str).collect();
            let mut line = begin(at, "forwarded");
            line.field("ids", ids.join(",")).field("relay", relay);
            about(line, &to, journal)
        }
        Some(Event::Settled { at, to, reason }) => {
            let mut line = begin(at, "settled");
            line.field("reason", reason);
            about(line, &to, journal)
        }
        Some(Event::Held { at, by }) => by_whom(at, "held", by),
        Some(Event::Released { at, by }) => by_whom(at, "released", by),
    }
}

fn one_attempt(attempt: &Attempt, journal: &Journal) -> Line {
    let mut line = begin(attempt.at, attempt.verdict.word());
    if !attempt.relay.is_empty() {
        line.field("relay", &attempt.relay);
    }
    line.field("status", &attempt.status)
        .field("reply", &attempt.reply);
    about(line, &attempt.to, journal)
}

fn begin(at: i64, word: &str) -> Line {
    let mut line = Line::new(&date::rfc3339(at));
    line.word(word);
    line
}

fn by_whom(at: i64, word: &str, uid: u32) -> Line {
    let mut line = begin(at, word);
    line.field("by", uid.to_string());
    line
}

/// The line with the recipients it is about at its end; none named means all.
fn about(mut line: Line, to: &[u32], journal: &Journal) -> Line {
    for number in to {
        let recipient = usize::try_from(*number)
            .ok()
            .and_then(|number| journal.envelope.recipients.get(number));
        if let Some(recipient) = recipient {
            line.field("to", recipient.mailbox.as_str());
        }
    }
    line
}

fn header(
    message: &Message<RealDisk>,
    out: &mut impl Write,
    system: &impl Fn(std::io::Error) -> Failure,
) -> Result<(), Failure> {
    let mut section = Section::new(HEADER_LIMIT);
    let mut buffer = vec![0; HEADER_LIMIT];
    let mut offset = 0;
    let mut end = "";
    loop {
        let count = message.read_content(&mut buffer, offset).map_err(system)?;
        if count == 0 {
            break;
        }
        offset += u64::try_from(count).unwrap_or(0);
        match section.feed(buffer.get(..count).unwrap_or_default()) {
            Taken::All => {}
            Taken::Ended(_) => break,
            Taken::TooLong => {
                end = "  (and more)\n";
                break;
            }
        }
    }
    for line in section
        .finish()
        .0
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        writeln!(out, "  {}", harmless(line))?;
    }
    out.write_all(end.as_bytes())?;
    Ok(())
}

/// A line of a header section as it is, but for what would steer a terminal.
fn harmless(line: &[u8]) -> String {
    let is_harmless = |c: &char| !c.is_control() || *c == '\t';
    String::from_utf8_lossy(line)
        .chars()
        .map(|c| if is_harmless(&c) { c } else { '?' })
        .collect()
}
