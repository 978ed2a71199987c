//! The service: two sockets, a thread a connection, one committing thread, and a look into drop/ every other second.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use stafette_control::Instance;
use stafette_log::{Event, event};
use stafette_queue_layout::RealDisk;
use stafette_sys::packet::{Credentials, Listener, Socket};
use stafette_sys::signal::{Signal, Signals};
use stafette_sys::{clock, poll, user};
use stafette_wire::Packet;
use stafette_wire::submission::{FromQueue, Refusal};

use crate::committer::{Desktop, Work, run as commit_all};
use crate::connection::serve;
use crate::drops;
use crate::introduction::Client;
use crate::needs::NAME;
use crate::needs::confine_service;
use crate::peers::Peers;
use crate::places::Places;
use crate::pool::Pool;
use crate::rules::Rules;
use crate::space::Room;
use crate::transaction::Desk;

/// Complete messages that may wait for the committing thread: a bound for open files.
const WAITING: usize = 1024;
/// How often drop/ is looked into.
const LOOK: Duration = Duration::from_secs(2);
/// How long a service may take for its answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// A limit that is reached is logged once in so many seconds.
const LOG_EVERY: i64 = 10;
/// Pause when a connection cannot be accepted, for want of descriptors for example.
const PAUSE: Duration = Duration::from_millis(100);

/// What all threads share.
struct Office {
    desk: Desk,
    desktop: Desktop,
    peers: Peers,
    places: Arc<Places>,
    pool: Arc<Pool>,
    logged: AtomicI64,
}

/// Runs until SIGTERM.
pub(crate) fn run(instance: &Instance) -> ExitCode {
    match work(instance) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            event(
                Event::Error,
                None,
                &[
                    ("program", NAME.as_bytes()),
                    ("problem", error.to_string().as_bytes()),
                    ("reason", b"the service cannot run"),
                ],
            );
            ExitCode::FAILURE
        }
    }
}

fn work(instance: &Instance) -> io::Result<()> {
    let rules = Rules::read(instance);
    let mut peers = Peers::look_up();
    let signals = Signals::block(&[Signal::Term, Signal::Int])?;
    let queue = instance.queue();
    if !user::is_root() {
        std::fs::create_dir_all(&instance.spool)?;
        RealDisk::prepare(&queue)?;
    }
    let services = Listener::bind_in(&instance.socket("queue"), 0o666, 0o755)?;
    let users = Listener::bind_in(&instance.socket("inject"), 0o666, 0o755)?;
    confine_service(instance)?;
    peers.became(user::effective_uid());
    let disk = RealDisk::open(&queue)?;
    let (send, receive) = sync_channel(WAITING);
    let committer = {
        let disk = disk.clone();
        std::thread::Builder::new().spawn(move || commit_all(&disk, &receive))?
    };
    let places = Places::new(rules.injectconnections, rules.injectperuser);
    let room = Room::new(queue, rules.minfree);
    let office = Arc::new(Office {
        desk: Desk {
            disk,
            rules,
            room,
            is_drop: false,
        },
        desktop: Desktop(send.clone()),
        peers,
        places,
        pool: Arc::default(),
        logged: AtomicI64::new(0),
    });
    for (listener, welcome) in [
        (services, welcome_service as Welcome),
        (users, welcome_user),
    ] {
        let office = Arc::clone(&office);
        std::thread::Builder::new().spawn(move || accept(&office, &listener, welcome))?;
    }
    while signals.next()?.is_none() {
        for id in drops::take(&office.desk) {
            drop(send.send(Work::Arrived(id)));
        }
        poll::readable(&signals, Some(LOOK))?;
    }
    // What is complete is flushed and answered; the other connections end with the process.
    drop(send.send(Work::Stop));
    drop(committer.join());
    event(Event::ProgramStopped, None, &[("program", NAME.as_bytes())]);
    Ok(())
}

type Welcome = fn(&Arc<Office>, Socket, Credentials);

fn accept(office: &Arc<Office>, listener: &Listener, welcome: Welcome) {
    loop {
        match listener
            .accept()
            .and_then(|socket| Ok((socket.peer()?, socket)))
        {
            Ok((peer, socket)) => welcome(office, socket, peer),
            Err(error) => {
                office.log_seldom(
                    Event::Warning,
                    &[
                        ("problem", error.to_string().as_bytes()),
                        ("reason", b"unable to accept a connection"),
                    ],
                );
                std::thread::sleep(PAUSE);
            }
        }
    }
}

fn welcome_service(office: &Arc<Office>, socket: Socket, peer: Credentials) {
    let Some(client) = office.peers.client(peer.uid) else {
        let (uid, pid) = (peer.uid.to_string(), peer.pid.to_string());
        return event(
            Event::PeerMisbehaved,
            None,
            &[
                ("uid", uid.as_bytes()),
                ("pid", pid.as_bytes()),
                ("reason", b"no service of ours"),
            ],
        );
    };
    // A service may be silent as long as its own client may.
    if socket.set_timeouts(None, Some(PATIENCE)).is_ok() {
        start(office, socket, client, ());
    }
}

fn welcome_user(office: &Arc<Office>, socket: Socket, peer: Credentials) {
    let place = match office.places.take(peer.uid) {
        Ok(place) => place,
        Err(limit) => {
            let uid = peer.uid.to_string();
            office.log_seldom(
                Event::LimitReached,
                &[("limit", limit.as_bytes()), ("uid", uid.as_bytes())],
            );
            return turn_away(&socket, &format!("too many connections ({limit})"));
        }
    };
    if socket
        .set_timeouts(Some(office.desk.rules.injecttimeout), Some(PATIENCE))
        .is_ok()
    {
        start(office, socket, Client::User(peer.uid), place);
    }
}

/// Serves on a thread; `place` is kept until the end.
fn start(office: &Arc<Office>, socket: Socket, client: Client, place: impl Send + 'static) {
    let socket = Arc::new(socket);
    let job = {
        let (office, socket) = (Arc::clone(office), Arc::clone(&socket));
        Box::new(move |buffer: &mut [u8]| {
            let _place = place;
            serve(&socket, client, &office.desk, &office.desktop, buffer);
        })
    };
    if let Err(error) = office.pool.run(job) {
        office.log_seldom(
            Event::Warning,
            &[
                ("problem", error.to_string().as_bytes()),
                ("reason", b"unable to start a thread"),
            ],
        );
        turn_away(&socket, "no thread for another connection");
    }
}

fn turn_away(socket: &Socket, reason: &str) {
    let refused = FromQueue::Refused {
        refusal: Refusal::Temporary,
        reason: reason.to_owned(),
    };
    // Whoever does not take it sees the end of the connection.
    drop(socket.try_send(&refused.encode(), &[]));
}

impl Office {
    fn log_seldom(&self, kind: Event, fields: &[(&str, &[u8])]) {
        let now = clock::now();
        if (now - self.logged.swap(now, Ordering::Relaxed)).abs() >= LOG_EVERY {
            event(kind, None, fields);
        }
    }
}
