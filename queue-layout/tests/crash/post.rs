//! What queue and send do, in little: accept, try, defer, bounce, remove. Any of it may end by loss of power.

use std::collections::BTreeSet;
use std::io;

use stafette_queue_layout::sim::SimDisk;
use stafette_queue_layout::{
    Admission, Attempt, ChildKind, Draft, Event, Message, Record, Recorder, Scan, Sealed, Standing,
    TakeIn, Then, Verdict, commit, drop_in, prepare_children, take_in,
};
use stafette_wire::QueueId;

use crate::world::{NOW, World, bounce_of, envelope, forwards_of};

/// A message ready to be accepted.
pub(crate) fn sealed(
    disk: &SimDisk,
    world: &mut World,
    content: &str,
    to: &[&str],
) -> io::Result<Sealed<SimDisk>> {
    let mut draft = Draft::create(disk, world.new_id())?;
    draft.write(content.as_bytes())?;
    draft.seal(&envelope("sender", to, None), 0)
}

/// Accepts messages as one batch, each a content and its recipients.
pub(crate) fn accept(disk: &SimDisk, world: &mut World, messages: &[(&str, &[&str])]) {
    let mut batch = Vec::new();
    let mut names = Vec::new();
    for (content, to) in messages {
        if let Ok(sealed) = sealed(disk, world, content, to) {
            batch.push(sealed);
            names.push((*content, *to));
        }
    }
    for ((content, to), result) in names.into_iter().zip(commit(disk, &mut batch)) {
        if result.is_ok() {
            promise(world, content, to);
        }
    }
}

pub(crate) fn promise(world: &mut World, content: &str, to: &[&str]) {
    let to = to.iter().map(|to| (*to).to_owned()).collect();
    world.promised.insert(content.to_owned(), to);
}

/// The one-shot program: leaves a message in drop/.
pub(crate) fn leave(disk: &SimDisk, world: &mut World, content: &str, to: &[&str]) {
    let mut left = || -> io::Result<QueueId> {
        let mut draft = Draft::create_in_drop(disk, world.new_id())?;
        draft.write(content.as_bytes())?;
        drop_in(disk, draft.seal(&envelope("sender", to, None), 0)?)
    };
    if left().is_ok() {
        promise(world, content, to);
    }
}

/// The service: takes in what was left.
pub(crate) fn take(disk: &SimDisk, world: &mut World) -> io::Result<Vec<TakeIn>> {
    take_in(disk, &mut || world.new_id(), &mut |offer| {
        Admission::Take(offer.envelope.clone())
    })
}

/// send, clean and the mailboxes, until nothing waits or nothing goes on.
pub(crate) fn send_all(disk: &SimDisk, world: &mut World) {
    let mut recorder = Recorder::new(disk);
    let mut given_up = BTreeSet::new();
    for _ in 0..8 {
        let waiting: Vec<QueueId> = Scan::living(disk)
            .filter_map(|found| Some(found.ok()?.id))
            .filter(|id| !given_up.contains(id))
            .collect();
        if waiting.is_empty() {
            return;
        }
        for id in waiting {
            if send(disk, world, &mut recorder, id).is_none() {
                // What could not be recorded is not tried again in this life.
                given_up.insert(id);
            }
        }
    }
}

fn send(
    disk: &SimDisk,
    world: &mut World,
    recorder: &mut Recorder<SimDisk>,
    id: QueueId,
) -> Option<()> {
    let message = Message::open(disk, id).ok()?;
    let mut content = vec![0; usize::try_from(message.head.octets).unwrap()];
    message.read_content(&mut content, 0).ok()?;
    let content = String::from_utf8(content).unwrap();
    let mut events = Vec::new();
    for (number, recipient, state) in message.journal.recipients() {
        if state.standing == Standing::Pending {
            let name = recipient.mailbox.local().as_str();
            if name.starts_with("alias") {
                events.push(forward(disk, world, id, &content, number)?);
                continue;
            }
            let verdict = verdict_of(name, state.attempts);
            if verdict == Verdict::Delivered {
                world.mail.insert((id, name.to_owned()), content.clone());
            }
            events.push(attempt(number, verdict));
        }
    }
    if !events.is_empty() && message.journal.states.len() > 1 {
        events.push(Event::Due {
            at: NOW,
            next: NOW,
            to: Vec::new(),
        });
        return record(world, recorder, id, events, Then::Keep);
    }
    if let [Event::Attempt(attempt)] = events.as_slice()
        && attempt.verdict != Verdict::Delivered
    {
        return record(world, recorder, id, events, Then::Keep);
    }
    let failed: Vec<u32> = message
        .journal
        .recipients()
        .filter(|(_, _, state)| state.standing == Standing::Failed && !state.reported)
        .map(|(number, _, _)| number)
        .collect();
    if !failed.is_empty() {
        events.push(bounce(disk, world, id, &content, failed)?);
    }
    record(world, recorder, id, events, Then::Remove)
}

fn verdict_of(name: &str, attempts: u32) -> Verdict {
    match name.as_bytes().first() {
        Some(b'f') => Verdict::Failed,
        Some(b'l') if attempts == 0 => Verdict::Deferred,
        _ => Verdict::Delivered,
    }
}

pub(crate) fn attempt(number: u32, verdict: Verdict) -> Event {
    Event::Attempt(Attempt {
        at: NOW,
        verdict,
        to: vec![number],
        relay: "mx.example.org[192.0.2.1]:25".to_owned(),
        status: "4.0.0".to_owned(),
        reply: b"451 not now".to_vec(),
        from_peer: true,
        peer_reports: false,
    })
}

/// Makes a bounce, complete and flushed in tmp/, and the event that names it.
pub(crate) fn bounce(
    disk: &SimDisk,
    world: &mut World,
    parent: QueueId,
    content: &str,
    failed: Vec<u32>,
) -> Option<Event> {
    let mut draft = Draft::create(disk, world.new_id()).ok()?;
    draft.write(bounce_of(content).as_bytes()).ok()?;
    let sealed = draft
        .seal(&envelope("", &["sender"], Some(parent)), 0)
        .ok()?;
    let id = sealed.id();
    prepare_children(disk, &mut [sealed]).pop()?.ok()?;
    Some(Event::Child {
        at: NOW,
        id,
        kind: ChildKind::Failed,
        to: failed,
    })
}

/// Makes the children that a message goes on as, complete and flushed in tmp/, and the event that names them.
pub(crate) fn forward(
    disk: &SimDisk,
    world: &mut World,
    parent: QueueId,
    content: &str,
    number: u32,
) -> Option<Event> {
    let mut ids = Vec::new();
    for content in forwards_of(content) {
        let mut draft = Draft::create(disk, world.new_id()).ok()?;
        draft.write(content.as_bytes()).ok()?;
        let sealed = draft
            .seal(&envelope("sender", &["ok"], Some(parent)), 0)
            .ok()?;
        ids.push(sealed.id());
        prepare_children(disk, &mut [sealed]).pop()?.ok()?;
    }
    Some(Event::Forwarded {
        at: NOW,
        ids,
        relay: "alias".to_owned(),
        to: vec![number],
    })
}

/// Has something recorded, and believes the answer.
pub(crate) fn record(
    world: &mut World,
    recorder: &mut Recorder<SimDisk>,
    id: QueueId,
    events: Vec<Event>,
    then: Then,
) -> Option<()> {
    if then == Then::Remove {
        world.removing.insert(id);
    }
    let record = Record { id, events, then };
    recorder.record(std::slice::from_ref(&record)).pop()?.ok()?;
    note(world, &record);
    Some(())
}

/// Notes that a record was answered with yes.
pub(crate) fn note(world: &mut World, record: &Record) {
    if record.then == Then::Remove {
        world.gone.insert(record.id);
    }
    for event in &record.events {
        let to = match event {
            Event::Attempt(attempt) if attempt.verdict != Verdict::Deferred => &attempt.to,
            Event::Forwarded { to, .. } => to,
            _ => continue,
        };
        world.recorded.entry(record.id).or_default().extend(to);
    }
}
