//! A session with one host: greeting, EHLO, and later QUIT (RFC 5321 sections 3.1, 3.2, 3.8); LHLO with LMTP (RFC 2033).

use std::net::IpAddr;
use std::time::Duration;

use stafette_addr::Domain;
use stafette_smtp::client::{Hello, hello_line};
use stafette_smtp::{Class, Extensions, Status};
use stafette_wire::delivery::{NextHop, Protocol};

use crate::peer::Peer;
use crate::place::Place;
use crate::stage::{Stage, TimeLimits};
use crate::verdict::Verdict;

/// Messages sent over one connection at most.
const MOST_MESSAGES: u32 = 100;
/// How long the reply to QUIT is waited for.
const GOODBYE: Duration = Duration::from_secs(1);

/// How we introduce ourselves, and how patient we are.
#[derive(Debug, Clone)]
pub(crate) struct Manners {
    /// `helohost` in ASCII; none if it is no full name, and the address literal stands in (RFC 5321 section 4.1.3).
    pub(crate) name: Option<String>,
    /// Time limits.
    pub(crate) limits: TimeLimits,
}

/// An open session.
#[derive(Debug)]
pub(crate) struct Session {
    /// The connection.
    pub(crate) peer: Peer,
    /// What the peer offers.
    pub(crate) offered: Extensions,
    /// Its place as text.
    pub(crate) relay: String,
    /// A transaction was begun and not ended: RSET must come before the next.
    pub(crate) is_dirty: bool,
    hop: NextHop,
    messages: u32,
}

impl Session {
    /// Connects and says hello. Whatever goes wrong is no verdict about any message: a refusal in the greeting, too, is for the
    /// next host or another day (RFC 5321 section 4.2.4.2 leaves that to us).
    pub(crate) fn open(
        hop: &NextHop,
        place: &Place,
        limit: Duration,
        manners: &Manners,
    ) -> Result<Self, Verdict> {
        let relay = place.to_string();
        let limits = manners.limits;
        let mut peer =
            Peer::connect(place, limit.min(limits.connect), limits).map_err(|error| {
                Verdict::deferred(
                    Status::transient(4, 1),
                    &format!("{relay}: unable to connect: {error}"),
                )
            })?;
        let offered = greet(&mut peer, hop.protocol, manners)
            .map_err(|refusal| refusal.into_verdict(&relay))?;
        Ok(Self {
            peer,
            offered,
            relay,
            is_dirty: false,
            hop: hop.clone(),
            messages: 0,
        })
    }

    /// Whether the next message to `hop` can go over this session. A peer that has said something meanwhile, as by closing, is left.
    pub(crate) fn is_fit_for(&self, hop: &NextHop) -> bool {
        self.hop == *hop && self.peer.is_quiet()
    }

    /// Whether each recipient gets a reply of its own after the content (RFC 2033 section 4.2).
    pub(crate) fn is_lmtp(&self) -> bool {
        self.hop.protocol != Protocol::Smtp
    }

    /// Counts a message. Whether one more may follow it.
    pub(crate) fn count_message(&mut self) -> bool {
        self.messages = self.messages.saturating_add(1);
        self.messages < MOST_MESSAGES
    }

    /// Whether a message went over this session before.
    pub(crate) fn is_used(&self) -> bool {
        self.messages > 0
    }

    /// Says goodbye, and for a moment waits for the answer.
    pub(crate) fn quit(mut self) {
        if self.peer.write(b"QUIT\r\n", Stage::Hello).is_ok() {
            drop(self.peer.reply_within(Stage::Hello, GOODBYE));
        }
    }

    /// Says goodbye and does not wait: there is something to do.
    pub(crate) fn leave(mut self) {
        drop(self.peer.write(b"QUIT\r\n", Stage::Hello));
    }
}

/// Why there is no session.
enum Refusal {
    Lost(crate::peer::Lost),
    Said(stafette_smtp::PeerReply),
}

impl From<crate::peer::Lost> for Refusal {
    fn from(lost: crate::peer::Lost) -> Self {
        Self::Lost(lost)
    }
}

impl Refusal {
    fn into_verdict(self, relay: &str) -> Verdict {
        match self {
            Self::Lost(lost) => Verdict::lost(&lost, relay),
            Self::Said(reply) => Verdict::deferral(&reply),
        }
    }
}

/// Greeting, EHLO, and HELO for a peer that does not know EHLO (RFC 5321 section 4.1.4); with LMTP, LHLO alone.
fn greet(peer: &mut Peer, protocol: Protocol, manners: &Manners) -> Result<Extensions, Refusal> {
    let greeting = peer.reply(Stage::Greeting)?;
    if greeting.code != 220 {
        drop(peer.write(b"QUIT\r\n", Stage::Greeting));
        return Err(Refusal::Said(greeting));
    }
    let name = match &manners.name {
        Some(name) => name.clone(),
        None => own_literal(peer),
    };
    let hellos: &[Hello] = match protocol {
        Protocol::Smtp => &[Hello::Ehlo, Hello::Helo],
        Protocol::Lmtp | Protocol::LmtpUnix => &[Hello::Lhlo],
    };
    for &hello in hellos {
        peer.check_in_step(Stage::Hello)?;
        peer.write(&hello_line(hello, &name), Stage::Hello)?;
        let reply = peer.reply(Stage::Hello)?;
        if reply.is_positive() {
            return Ok(match hello {
                Hello::Ehlo | Hello::Lhlo => Extensions::parse(&reply.words),
                Hello::Helo => Extensions::default(),
            });
        }
        if hello != Hello::Ehlo || reply.class() != Class::Permanent {
            drop(peer.write(b"QUIT\r\n", Stage::Hello));
            return Err(Refusal::Said(reply));
        }
    }
    Ok(Extensions::default())
}

/// The address by which the peer sees us.
fn own_literal(peer: &Peer) -> String {
    let unknown = || IpAddr::from([127, 0, 0, 1]);
    let ip = peer
        .local_address()
        .map_or_else(unknown, |address| address.ip());
    Domain::from(ip.to_canonical()).to_string()
}
