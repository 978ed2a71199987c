//! The socket: connections, and many questions at a time on each.

use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::rc::Rc;
use std::time::Duration;

use stafette_dns::Answer;
use stafette_log::{Event, event};
use stafette_sys::packet::{Callers, Listener, Socket};
use stafette_wire::Packet;
use stafette_wire::resolve::{FromResolve, ToResolve};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::spawn_local;
use tokio::time::sleep;

use crate::name_servers::NameServers;

/// Questions under way at most, of all connections together; what comes beyond is told to come later.
const MOST_PENDING: usize = 1_000;
/// Connections at most.
const MOST_CONNECTIONS: usize = 900;
/// The longest question: a name, a number, a byte.
const QUESTION: usize = 1_024;
/// The pause when no connection can be accepted (out of descriptors).
const PAUSE: Duration = Duration::from_millis(100);

/// What tokio wants to see of a descriptor.
struct Raw<T>(T);

impl<T: AsFd> AsRawFd for Raw<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

#[expect(
    deprecated,
    reason = "its successor is unsafe, for values that could close their descriptor; ours own theirs as long as they live"
)]
fn watch<T: AsFd>(owner: T, interest: Interest) -> io::Result<AsyncFd<Raw<T>>> {
    AsyncFd::with_interest(Raw(owner), interest)
}

type Connection = Rc<AsyncFd<Raw<Socket>>>;

/// What all connections share.
struct Shared {
    names: Rc<NameServers>,
    pending: Cell<usize>,
    connections: Cell<usize>,
}

/// One more of something, as long as it lives.
struct Counted<F: Fn(&Shared) -> &Cell<usize>>(Rc<Shared>, F);

impl<F: Fn(&Shared) -> &Cell<usize>> Counted<F> {
    /// Counts one more, unless there are `most` already.
    fn new(shared: &Rc<Shared>, most: usize, which: F) -> Option<Self> {
        let cell = which(shared);
        let count = cell.get();
        if count >= most {
            return None;
        }
        cell.set(count.saturating_add(1));
        Some(Self(Rc::clone(shared), which))
    }
}

impl<F: Fn(&Shared) -> &Cell<usize>> Drop for Counted<F> {
    fn drop(&mut self) {
        let cell = self.1(&self.0);
        cell.set(cell.get().saturating_sub(1));
    }
}

/// Serves for ever.
pub(crate) async fn serve(
    listener: Listener,
    callers: Callers,
    names: Rc<NameServers>,
) -> io::Result<()> {
    let shared = Rc::new(Shared {
        names,
        pending: Cell::new(0),
        connections: Cell::new(0),
    });
    let listener = watch(listener, Interest::READABLE)?;
    loop {
        let accepted = listener.async_io(Interest::READABLE, |raw| raw.0.try_accept());
        match accepted.await {
            Ok(socket) => admit(socket, &callers, &shared)?,
            Err(problem) => {
                warn(Event::Warning, "unable to accept a connection", &problem);
                sleep(PAUSE).await;
            }
        }
    }
}

fn admit(socket: Socket, callers: &Callers, shared: &Rc<Shared>) -> io::Result<()> {
    let peer = socket.peer()?;
    if !callers.allows(peer) {
        event(
            Event::PeerMisbehaved,
            None,
            &[
                ("program", b"stafette-resolve"),
                ("uid", peer.uid.to_string().as_bytes()),
                ("reason", b"may not ask"),
            ],
        );
        return Ok(());
    }
    let Some(counted) = Counted::new(shared, MOST_CONNECTIONS, |shared| &shared.connections) else {
        return Ok(());
    };
    socket.set_max_fds(0);
    let connection = Rc::new(watch(socket, Interest::READABLE | Interest::WRITABLE)?);
    let shared = Rc::clone(shared);
    spawn_local(async move {
        if let Err(problem) = attend(&connection, &shared).await {
            warn(Event::PeerMisbehaved, "connection closed", &problem);
        }
        drop(counted);
    });
    Ok(())
}

/// Takes questions until the peer goes away. Each is answered when its answer is there, in any order.
async fn attend(connection: &Connection, shared: &Rc<Shared>) -> io::Result<()> {
    let mut buffer = [0; QUESTION];
    loop {
        let received = connection.async_io(Interest::READABLE, |raw| raw.0.try_recv(&mut buffer));
        let length = match received.await {
            Ok((length, _)) => length,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(()),
            Err(error) => return Err(error),
        };
        let packet = buffer.get(..length).unwrap_or_default();
        if packet.is_empty() {
            return Ok(());
        }
        let question = ToResolve::decode(packet).map_err(io::Error::other)?;
        let Some(counted) = Counted::new(shared, MOST_PENDING, |shared| &shared.pending) else {
            tell(connection, &too_many(&question)).await;
            continue;
        };
        let (connection, names) = (Rc::clone(connection), Rc::clone(&shared.names));
        spawn_local(async move {
            let answer = answer(&names, question).await;
            tell(&connection, &answer).await;
            drop(counted);
        });
    }
}

/// Sends an answer. A peer that is gone does not want it.
async fn tell(connection: &Connection, answer: &FromResolve) {
    let packet = answer.encode();
    let sent = connection.async_io(Interest::WRITABLE, |raw| raw.0.try_send(&packet, &[]));
    sent.await.unwrap_or(());
}

async fn answer(names: &NameServers, question: ToResolve) -> FromResolve {
    match question {
        ToResolve::Ping {} => FromResolve::Pong {},
        ToResolve::Exchangers { seq, domain } => match names.dns().exchangers(&domain).await {
            Answer::Found(exchangers) => FromResolve::Exchangers { seq, exchangers },
            other => denial(seq, other),
        },
        ToResolve::Addresses { seq, host } => match names.dns().addresses(&host).await {
            Answer::Found(addresses) => FromResolve::Addresses { seq, addresses },
            other => denial(seq, other),
        },
        ToResolve::Name { seq, address } => match names.dns().name(address).await {
            Answer::Found(name) => FromResolve::Name { seq, name },
            other => denial(seq, other),
        },
    }
}

fn denial<T>(seq: u32, answer: Answer<T>) -> FromResolve {
    match answer {
        Answer::Found(_) | Answer::NoSuchName => FromResolve::NoSuchName { seq },
        Answer::Later(reason) | Answer::OutOfReach(reason) => FromResolve::Later { seq, reason },
    }
}

fn too_many(question: &ToResolve) -> FromResolve {
    match question {
        ToResolve::Ping {} => FromResolve::Pong {},
        ToResolve::Exchangers { seq, .. }
        | ToResolve::Addresses { seq, .. }
        | ToResolve::Name { seq, .. } => FromResolve::Later {
            seq: *seq,
            reason: "too many questions at once".to_owned(),
        },
    }
}

fn warn(kind: Event, reason: &str, problem: &io::Error) {
    event(
        kind,
        None,
        &[
            ("program", b"stafette-resolve"),
            ("reason", reason.as_bytes()),
            ("problem", problem.to_string().as_bytes()),
        ],
    );
}
