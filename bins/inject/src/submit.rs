//! Takes one message from standard input into the queue.

use std::collections::HashSet;

use stafette_addr::{Mailbox, ReversePath};
use stafette_control::Instance;
use stafette_message::{date, id};
use stafette_sys::clock;
use stafette_wire::envelope::{Body, Sender};
use stafette_wire::exit::SysExit;

use crate::body;
use crate::channel::Channel;
use crate::compose::{Completion, Composed, compose};
use crate::failure::Failure;
use crate::identity::{Caller, Names};
use crate::phrase::phrase;
use crate::request::Request;
use crate::source::{Header, Source};

/// Submits the message. After `Ok` it is on the disk.
pub(crate) fn run(instance: &Instance, request: &Request) -> Result<(), Failure> {
    let names = Names::read(instance);
    let caller = Caller::look_up()?;
    let own = Mailbox::new(caller.login.clone(), names.host.clone());
    let from = match &request.sender {
        Some(text) => names.sender(text)?,
        None => ReversePath::Mailbox(own.clone()),
    };
    let mut recipients = Vec::new();
    for operand in &request.operands {
        recipients.extend(names.recipients(operand)?);
    }
    if recipients.is_empty() && !request.header_recipients {
        return Err(Failure::new(
            SysExit::Usage,
            "no recipients: name them as arguments, or give -t",
        ));
    }
    let mut source = Source::standard_input(request.dot_is_content)?;
    let header = source.header()?;
    let composed = complete(
        &header,
        request,
        &names,
        &caller,
        from.mailbox().unwrap_or(&own),
    )?;
    for listed in composed.recipients {
        let shown = listed.local.to_string();
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
        // The queue looks at the content itself.
        body: Body::EightBit,
        ret: request.ret,
        envid: request.envid.as_deref().map(Into::into),
        verp: false,
    };
    let mut section = composed.section;
    section.push(b'\n');
    let mut open = || -> Result<Channel, Failure> {
        let mut channel = Channel::begin(instance, &sender)?;
        for mailbox in &recipients {
            channel.recipient(mailbox, request.notify)?;
        }
        channel.content(&section)?;
        Ok(channel)
    };
    body::send(&mut source, header.body, header.is_crlf, &mut open).map(drop)
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
    };
    compose(&header.section, &completion)
        .map_err(|bad| Failure::new(SysExit::DataErr, format!("{}: {}", bad.text, bad.error)))
}
