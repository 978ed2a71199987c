//! `stafette-queue drop`: the service's packets on descriptor 0, for messages that go into drop/ because no service runs.
//!
//! inject starts it. Set-group-id to a group that can do nothing but create files in drop/; who sends is who called.

use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use stafette_control::Instance;
use stafette_queue_layout::{RealDisk, drop_in};
use stafette_sys::packet::Socket;
use stafette_sys::user;
use stafette_wire::Packet;
use stafette_wire::exit::QueueExit;
use stafette_wire::submission::FromQueue;

use crate::connection::{BUFFER, Outbox, serve};
use crate::introduction::Client;
use crate::needs::confine_one_shot;
use crate::rules::Rules;
use crate::space::Room;
use crate::transaction::{Desk, Ready, Refused};

/// How long the caller may be silent: as long as qmail-queue waits.
const SILENCE: Duration = Duration::from_secs(86_400);

/// Serves the connection on descriptor 0.
pub(crate) fn run(instance: &Instance) -> ExitCode {
    let Ok(descriptor) = std::io::stdin().as_fd().try_clone_to_owned() else {
        return ExitCode::from(QueueExit::Communication as u8);
    };
    let socket = Socket::from(descriptor);
    if socket.set_timeouts(Some(SILENCE), Some(SILENCE)).is_err() {
        return ExitCode::from(QueueExit::Communication as u8);
    }
    let desk = match desk(instance) {
        Ok(desk) => desk,
        Err(text) => {
            eprintln!("stafette-queue: {text}");
            return ExitCode::from(QueueExit::QueueDirectory as u8);
        }
    };
    let client = Client::User(user::real_uid());
    serve(
        &Arc::new(socket),
        client,
        &desk,
        &AtOnce(&desk),
        &mut vec![0; BUFFER],
    );
    ExitCode::SUCCESS
}

/// The way into drop/, confined to it.
pub(crate) fn desk(instance: &Instance) -> Result<Desk, String> {
    let rules = Rules::read_quietly(instance);
    let queue = instance.queue();
    let disk = match RealDisk::open(&queue) {
        // An instance in a folder may be used before any of its programs ran.
        Err(error) if error.kind() == ErrorKind::NotFound && !instance.is_installed() => {
            RealDisk::prepare(&queue)
        }
        result => result,
    };
    let disk = disk.map_err(|error| format!("unable to enter {}: {error}", queue.display()))?;
    confine_one_shot(&queue).map_err(|error| format!("unable to confine: {error}"))?;
    let room = Room::new(queue, rules.minfree);
    Ok(Desk {
        disk,
        rules,
        room,
        is_drop: true,
    })
}

/// Flushes each message alone and answers.
struct AtOnce<'a>(&'a Desk);

impl Outbox for AtOnce<'_> {
    fn submit(&self, ready: Ready, socket: &Arc<Socket>) {
        let answer = match drop_in(&self.0.disk, ready.sealed) {
            Ok(id) => FromQueue::Queued { id },
            Err(error) => Refused::from_io(&error, "flush a queue file").into(),
        };
        // The caller may be gone; the message is there all the same.
        drop(socket.send(&answer.encode(), &[]));
    }

    fn subscribe(&self, _: &Arc<Socket>) {}
}
