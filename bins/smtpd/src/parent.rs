//! The listening parent: accepts, counts, forks. It reads nothing that a client says.

use std::collections::HashMap;
use std::io::Write;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use stafette_control::{Instance, Networks};
use stafette_log::{Event, event};
use stafette_smtp::DataDecoder;
use stafette_smtp::line::LineReader;
use stafette_sys::fork::{self, Pid};
use stafette_sys::packet::{Listener, Socket};
use stafette_sys::poll::{Interest, Poller};
use stafette_sys::signal::{self, Signal, Signals};
use stafette_table::Tables;
use stafette_wire::Packet;
use stafette_wire::submission::{FromQueue, ToQueue};

use crate::client::Client;
use crate::connection::Connection;
use crate::limits::Limits;
use crate::{listeners, needs, talk};

const SIGNALS: u64 = u64::MAX;
const PINGS: u64 = u64::MAX - 1;
/// Connections accepted from one socket before the others are looked at.
const BURST: usize = 64;
/// When the system has no descriptor or memory for a connection.
const PAUSE: Duration = Duration::from_millis(100);
/// How long running sessions get to say 421 when we stop.
const FAREWELL: Duration = Duration::from_millis(300);

struct Parent<'a> {
    instance: &'a Instance,
    limits: Limits,
    relayclients: Networks,
    /// Mapped here, once for all children.
    tables: Tables,
    most: usize,
    most_per_client: usize,
    children: HashMap<Pid, IpAddr>,
    per_client: HashMap<IpAddr, usize>,
}

/// Listens until SIGTERM.
pub(crate) fn serve(instance: &Instance) -> Result<(), String> {
    let settings = instance.settings();
    stafette_log::open(needs::NAME, settings.logto());
    let listeners = listeners::open(&settings)?;
    let ping = Listener::bind(&instance.socket("smtpd"), 0o666).map_err(|error| {
        format!(
            "unable to listen on {}: {error}",
            instance.socket("smtpd").display()
        )
    })?;
    signal::ignore_sigpipe().map_err(|error| format!("unable to ignore SIGPIPE: {error}"))?;
    let signals = Signals::block(&[Signal::Term, Signal::Int, Signal::Hup, Signal::Child])
        .map_err(|error| format!("unable to block signals: {error}"))?;
    let mut parent = Parent::new(instance);
    needs::confine_service(instance)?;
    let poller = Poller::new().map_err(|error| format!("unable to poll: {error}"))?;
    let watch =
        |result: std::io::Result<()>| result.map_err(|error| format!("unable to poll: {error}"));
    watch(poller.add(&signals, SIGNALS, Interest::Read))?;
    watch(poller.add(&ping, PINGS, Interest::Read))?;
    for (listener, token) in listeners.iter().zip(0..) {
        watch(poller.add(listener, token, Interest::Read))?;
    }
    listening(&listeners);
    learn_processor();
    loop {
        let events = poller
            .wait(None)
            .map_err(|error| format!("unable to poll: {error}"))?;
        for ready in events {
            match ready.token {
                SIGNALS => {
                    while let Ok(Some(signal)) = signals.next() {
                        match signal {
                            Signal::Child => parent.reap(),
                            Signal::Hup => parent.reload(),
                            _ => {
                                drop(listeners);
                                parent.stop(&signals);
                                return Ok(());
                            }
                        }
                    }
                }
                PINGS => answer_ping(&ping),
                token => {
                    if let Some(listener) = usize::try_from(token)
                        .ok()
                        .and_then(|index| listeners.get(index))
                    {
                        parent.accept(listener);
                    }
                }
            }
        }
    }
}

/// Says where it listens.
fn listening(listeners: &[TcpListener]) {
    let addresses: Vec<String> = listeners
        .iter()
        .filter_map(|listener| listener.local_addr().ok())
        .map(|address| address.to_string())
        .collect();
    event(
        Event::ProgramListens,
        None,
        &[
            ("program", needs::NAME.as_bytes()),
            ("listen", addresses.join(",").as_bytes()),
        ],
    );
}

/// Lets the search for line ends ask the processor what it can do, once and here: in a virtual machine each such
/// question is a trap, and a child that asked anew would spend more time on it than on a message.
fn learn_processor() {
    let mut content = Vec::new();
    let fed = DataDecoder::new().feed(b"line\r\n.\r\n", &mut content);
    let (used, _) = LineReader::default().feed(b"NOOP\r\n");
    debug_assert!(fed.ended && used > 0);
}

/// Answers one ping; whoever asks and sends nothing at once is not waited for.
fn answer_ping(listener: &Listener) {
    let Ok(socket) = listener.try_accept() else {
        return;
    };
    let quick = Some(Duration::from_millis(50));
    let mut packet = [0; 16];
    let asked = |socket: &Socket, packet: &mut [u8]| {
        socket
            .set_timeouts(quick, quick)
            .and_then(|()| socket.recv(packet))
    };
    if let Ok((length, _)) = asked(&socket, &mut packet)
        && ToQueue::decode(packet.get(..length).unwrap_or_default()) == Ok(ToQueue::Ping {})
    {
        // A peer that has gone away needs no answer.
        drop(socket.send(&FromQueue::Pong {}.encode(), &[]));
    }
}

impl<'a> Parent<'a> {
    fn new(instance: &'a Instance) -> Self {
        let settings = instance.settings();
        let most = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let parent = Self {
            instance,
            limits: Limits::read(&settings),
            relayclients: settings.relayclients(),
            tables: Tables::open(instance),
            most: most(settings.concurrencyincoming()),
            most_per_client: most(settings.concurrencyperclient()),
            children: HashMap::new(),
            per_client: HashMap::new(),
        };
        settings.log_problems();
        parent
    }

    /// Reads the settings again; sessions under way keep theirs.
    fn reload(&mut self) {
        let fresh = Self::new(self.instance);
        let children = std::mem::take(&mut self.children);
        let per_client = std::mem::take(&mut self.per_client);
        *self = Self {
            children,
            per_client,
            ..fresh
        };
    }

    fn accept(&mut self, listener: &TcpListener) {
        for _ in 0..BURST {
            match stafette_sys::tcp::accept(listener, self.limits.command_time) {
                Ok(Some((stream, peer))) => self.admit(stream, peer),
                Ok(None) => return,
                Err(error) => {
                    event(
                        Event::LimitReached,
                        None,
                        &[
                            ("limit", b"accept"),
                            ("reason", error.to_string().as_bytes()),
                        ],
                    );
                    // The connection still waits: without a pause this would be said again at once, and again.
                    std::thread::sleep(PAUSE);
                    return;
                }
            }
        }
    }

    fn admit(&mut self, stream: TcpStream, peer: SocketAddr) {
        let ip = peer.ip();
        let here = self.per_client.get(&ip).copied().unwrap_or(0);
        if self.children.len() >= self.most {
            return turn_away(
                &stream,
                ip,
                "concurrencyincoming",
                self.most,
                "421 4.3.2 Too many connections here, try again later\r\n",
            );
        }
        if here >= self.most_per_client {
            return turn_away(
                &stream,
                ip,
                "concurrencyperclient",
                self.most_per_client,
                "421 4.7.0 Too many connections from your address, try again later\r\n",
            );
        }
        let client = Client::accepted(peer, &self.relayclients);
        self.tables.refresh();
        let (limits, instance, tables) = (&self.limits, self.instance, &self.tables);
        let forked = fork::fork_child(|| {
            // The child keeps nothing of the parent's but what it needs; the parent's death ends it.
            if fork::die_with_parent().is_err() || signal::catch_termination().is_err() {
                return 111;
            }
            let tables = Some(tables.clone());
            talk::session(Connection::socket(stream), client, limits, instance, tables);
            0
        });
        match forked {
            Ok(pid) => {
                self.children.insert(pid, ip);
                *self.per_client.entry(ip).or_insert(0) += 1;
            }
            Err(error) => event(
                Event::LimitReached,
                None,
                &[
                    ("limit", b"processes"),
                    ("reason", error.to_string().as_bytes()),
                ],
            ),
        }
    }

    fn reap(&mut self) {
        while let Ok(Some((pid, ended))) = fork::reap() {
            let Some(ip) = self.children.remove(&pid) else {
                continue;
            };
            if let Some(count) = self.per_client.get_mut(&ip) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.per_client.remove(&ip);
                }
            }
            if ended != fork::Ended::Exited(0) {
                let number = pid.number().to_string();
                event(
                    Event::WorkerDied,
                    None,
                    &[
                        ("program", needs::NAME.as_bytes()),
                        ("pid", number.as_bytes()),
                        ("reason", format!("{ended:?}").as_bytes()),
                    ],
                );
            }
        }
    }

    /// Lets sessions say goodbye at their next command, and ends those that do not.
    fn stop(&mut self, signals: &Signals) {
        let tell = |signal| {
            self.children
                .keys()
                .for_each(|pid| drop(fork::kill(*pid, signal)));
        };
        tell(Signal::Term);
        let end = Instant::now() + FAREWELL;
        while !self.children.is_empty() && Instant::now() < end {
            drop(stafette_sys::poll::readable(
                signals,
                Some(end.saturating_duration_since(Instant::now())),
            ));
            while let Ok(Some(_)) = signals.next() {}
            self.reap();
        }
        self.children
            .keys()
            .for_each(|pid| drop(fork::kill(*pid, Signal::Kill)));
        event(
            Event::ProgramStopped,
            None,
            &[
                ("program", needs::NAME.as_bytes()),
                ("reason", b"asked to stop"),
            ],
        );
    }
}

/// Says 421 without waiting for anything.
fn turn_away(mut stream: &TcpStream, ip: IpAddr, limit: &str, count: usize, reply: &str) {
    drop(
        stream
            .set_nonblocking(true)
            .and_then(|()| stream.write_all(reply.as_bytes())),
    );
    let mut words = reply.split(' ');
    let (code, dsn) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    event(
        Event::SessionRefused,
        None,
        &[
            ("client", ip.to_string().as_bytes()),
            ("limit", limit.as_bytes()),
            ("count", count.to_string().as_bytes()),
            ("code", code.as_bytes()),
            ("dsn", dsn.as_bytes()),
        ],
    );
}
