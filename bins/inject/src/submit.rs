//! Takes one message from standard input into the queue.

use std::collections::HashSet;
use std::fs::File;

use stafette_addr::{Domain, LocalPart, Mailbox, ReversePath};
use stafette_control::Instance;
use stafette_message::{date, id};
use stafette_sys::clock;
use stafette_wire::QueueId;
use stafette_wire::envelope::{Body, Sender};
use stafette_wire::exit::SysExit;

use crate::body;
use crate::channel::Channel;
use crate::compose::{Completion, Composed, compose};
use crate::failure::Failure;
use crate::identity::{Caller, Names, is_complete};
use crate::phrase::phrase;
use crate::request::{Mode, Request};
use crate::source::{Header, Source};
use crate::transcript::{Transcript, Way};
use crate::watch::Watch;
use crate::{rmail, warning};

/// Submits the message. After `Ok` it is on the disk.
pub(crate) fn run(instance: &Instance, request: &Request) -> Result<(), Failure> {
    let mut transcript = Transcript::open(request.transcript.as_deref())?;
    let heard = transcript
        .try_clone()
        .map_err(|error| Failure::later(format!("unable to write two ways: {error}")))?;
    let watch = request.verbose.then(|| Watch::connect(instance));
    match submit(instance, request, heard) {
        Ok(id) => {
            transcript.write(Way::Out, format!("queued as {id}").as_bytes());
            if let Some(watch) = watch {
                watch.follow(id);
            }
            Ok(())
        }
        Err(failure) => {
            transcript.write(Way::Out, failure.text.as_bytes());
            Err(failure)
        }
    }
}

fn submit(
    instance: &Instance,
    request: &Request,
    transcript: Transcript,
) -> Result<QueueId, Failure> {
    let is_uucp = request.mode == Mode::Uucp;
    let names = Names::read(instance);
    let caller = Caller::look_up()?;
    let own = Mailbox::new(caller.login.clone(), names.host.clone());
    check_hops(instance, request.hops)?;
    let mut recipients = Vec::new();
    for operand in &request.operands {
        if is_uucp {
            recipients.push(rmail::recipient(&names, request, operand)?);
        } else {
            recipients.extend(names.recipients(operand, request.gateway)?);
        }
    }
    if recipients.is_empty() && !request.header_recipients {
        return Err(Failure::new(
            SysExit::Usage,
            "no recipients: name them as arguments, or give -t",
        ));
    }
    let mut is_verp = request.verp.is_some();
    let mut named = None;
    if let Some((_, text)) = &request.sender {
        // qmail's way to ask for VERP.
        let plain = text.strip_suffix(b"-@[]");
        is_verp |= plain.is_some();
        named = Some(names.sender(plain.unwrap_or(text))?);
    }
    let mut source: Source<File> = Source::standard_input(request.dot_is_content || is_uucp)?;
    source.transcript = transcript;
    let header = source.header()?;
    if is_uucp {
        named = Some(rmail::sender(&names, request, &header.from_lines)?);
    }
    let warning = warning::text(instance, request, &names, &caller, &own, named.as_ref());
    let named = named.unwrap_or_else(|| ReversePath::Mailbox(own.clone()));
    let author = named.mailbox().unwrap_or(&own);
    let composed = complete(&header, request, &names, &caller, author)?;
    let from = match request.verp {
        Some(before) => verp(&named, before)?,
        None => named,
    };
    for listed in composed.recipients {
        let shown = listed.local.to_string();
        if request.gateway && !is_complete(&listed) {
            return Err(Failure::new(
                SysExit::DataErr,
                format!("recipient {shown} in the header has no domain, which -G asks for"),
            ));
        }
        let mailbox = names.checked(listed);
        recipients.push(mailbox.ok_or_else(|| {
            Failure::new(
                SysExit::DataErr,
                format!("recipient {shown} in the header begins with -"),
            )
        })?);
    }
    let mut known = HashSet::new();
    recipients.retain(|mailbox| known.insert(mailbox.clone()));
    if recipients.is_empty() {
        return Err(Failure::new(
            SysExit::DataErr,
            "no recipients in To, Cc or Bcc",
        ));
    }
    let sender = Sender {
        smtputf8: from.needs_smtputf8() || recipients.iter().any(Mailbox::needs_smtputf8),
        from,
        // The queue looks at the content itself, and believes no 7 that it does not see.
        body: if request.is_seven_bit {
            Body::SevenBit
        } else {
            Body::EightBit
        },
        ret: request.ret,
        envid: request.envid.as_deref().map(Into::into),
        verp: is_verp,
    };
    let mut section = composed.section;
    section.extend_from_slice(warning.unwrap_or_default().as_bytes());
    section.push(b'\n');
    let mut open = || -> Result<Channel, Failure> {
        let mut channel = Channel::begin(instance, &sender)?;
        for mailbox in &recipients {
            channel.recipient(mailbox, request.notify)?;
        }
        channel.content(&section)?;
        Ok(channel)
    };
    body::send(&mut source, header.body, header.is_crlf, &mut open)
}

/// `-h`: a message that says that it came too far is in a loop.
fn check_hops(instance: &Instance, hops: u32) -> Result<(), Failure> {
    if u64::from(hops) < instance.settings().maxhops() {
        return Ok(());
    }
    Err(Failure::new(
        SysExit::Unavailable,
        "too many hops: the message is in a loop",
    ))
}

/// The reverse-path whose local-part each recipient's address is added to.
fn verp(from: &ReversePath, before: char) -> Result<ReversePath, Failure> {
    let bad = |why: &str| Failure::new(SysExit::Usage, format!("-XV: {why}"));
    let mailbox = from
        .mailbox()
        .ok_or_else(|| bad("the null sender has no addresses of its own"))?;
    let local = format!("{}{before}", mailbox.local().as_str());
    let local =
        LocalPart::from_unquoted(local.as_bytes()).map_err(|error| bad(&error.to_string()))?;
    let domain: Domain = mailbox.domain().clone();
    Ok(ReversePath::Mailbox(Mailbox::new(local, domain)))
}

fn complete(
    header: &Header,
    request: &Request,
    names: &Names,
    caller: &Caller,
    author: &Mailbox,
) -> Result<Composed, Failure> {
    let name = phrase(request.full_name.as_deref().unwrap_or(&caller.full_name));
    let author = if name.is_empty() {
        author.to_string()
    } else {
        format!("{name} <{author}>")
    };
    let me = names.me.to_ascii().unwrap_or_else(|| names.me.to_string());
    let completion = Completion {
        date: &date::rfc5322(clock::now()),
        message_id: &id::message_id(&me),
        author: &author,
        domain: &names.host,
        recipients: request.header_recipients,
        is_complete: request.gateway || request.mode == Mode::Uucp,
    };
    compose(&header.section, &completion)
        .map_err(|bad| Failure::new(SysExit::DataErr, format!("{}: {}", bad.text, bad.error)))
}
