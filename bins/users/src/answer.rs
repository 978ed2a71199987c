//! One question, answered from the directory, access, SRS and the DNS.

use std::sync::Arc;

use stafette_addr::{Mailbox, ReversePath};
use stafette_directory::{Directory, Resolution, What};
use stafette_log::{Event, event};
use stafette_sys::clock;
use stafette_table::access::Action;
use stafette_users::srs::Srs;
use stafette_wire::delivery::NextHop;
use stafette_wire::envelope::Expanded;
use stafette_wire::users::{FromUsers, Target, ToUsers};

use crate::exchanger::Exchangers;

/// Bytes of targets in one packet: well below what a packet holds.
const PACKET: usize = 64 * 1024;
/// Bytes of a target besides its address.
const OVERHEAD: usize = 16;

/// A question.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) seq: u32,
    pub(crate) mailbox: Mailbox,
    pub(crate) purpose: Purpose,
}

/// Who asks, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// send: where does it go?
    Lookup {
        expanded: Expanded,
        forwarded: Option<ReversePath>,
    },
    /// smtpd: is it to be taken?
    Check,
}

impl Asked {
    /// The question of a packet; none for a ping.
    pub(crate) fn from_packet(packet: ToUsers) -> Option<Self> {
        match packet {
            ToUsers::Lookup {
                seq,
                mailbox,
                expanded,
                forwarded,
            } => Some(Self {
                seq,
                mailbox,
                purpose: Purpose::Lookup {
                    expanded,
                    forwarded,
                },
            }),
            ToUsers::Check { seq, mailbox } => Some(Self {
                seq,
                mailbox,
                purpose: Purpose::Check,
            }),
            ToUsers::Ping {} => None,
        }
    }

    fn expanded(&self) -> Expanded {
        match &self.purpose {
            Purpose::Lookup { expanded, .. } => *expanded,
            Purpose::Check => Expanded::No,
        }
    }

    fn later(&self, reason: String) -> Vec<FromUsers> {
        let seq = self.seq;
        vec![FromUsers::Later { seq, reason }]
    }
}

/// All that decides, as it was read.
#[derive(Debug, Clone)]
pub(crate) struct Knowledge {
    pub(crate) directory: Directory,
    /// Whether forwards to other hosts get an address of ours.
    pub(crate) signs: bool,
    pub(crate) srs: Srs,
    pub(crate) has_secret: bool,
    pub(crate) exchangers: Arc<Exchangers>,
}

impl Knowledge {
    /// The answer, if it can be given without waiting.
    pub(crate) fn answer_fast(&self, asked: &Asked) -> Option<Vec<FromUsers>> {
        self.answer_with(
            asked,
            |mailbox, expanded| self.directory.resolve_fast(mailbox, expanded),
            |mailbox| match self.exchangers.known(mailbox.domain())? {
                // Whose it is then may take asking.
                true => None,
                false => Some(Ok(false)),
            },
        )
    }

    /// The answer. May wait for the account database and the DNS.
    pub(crate) fn answer(&self, asked: &Asked) -> Vec<FromUsers> {
        self.answer_with(
            asked,
            |mailbox, expanded| Some(self.directory.resolve(mailbox, expanded)),
            |mailbox| Some(self.exchangers.ask(mailbox.domain())),
        )
        .unwrap_or_else(|| asked.later("the look-up failed".to_owned()))
    }

    fn answer_with(
        &self,
        asked: &Asked,
        resolve: impl Fn(&Mailbox, Expanded) -> Option<Resolution>,
        is_best_exchanger: impl Fn(&Mailbox) -> Option<Result<bool, String>>,
    ) -> Option<Vec<FromUsers>> {
        let mut may_relay = false;
        if asked.purpose == Purpose::Check {
            match self.access(asked) {
                Ok(Access::Silent) => {}
                Ok(Access::Relay) => may_relay = true,
                Ok(Access::Said(packet)) => return Some(vec![packet]),
                Err(reason) => return Some(asked.later(reason)),
            }
        }
        if let Some(packets) = self.way_back(asked) {
            return Some(packets);
        }
        let expanded = asked.expanded();
        let mut resolution = resolve(&asked.mailbox, expanded)?;
        let domain = asked.mailbox.domain();
        let is_by_exchangers =
            matches!(&resolution.what, What::Elsewhere { next_hop, .. } if next_hop.mx);
        if expanded == Expanded::No
            && is_by_exchangers
            && self.directory.asks_for_best_exchanger(domain)
        {
            match is_best_exchanger(&asked.mailbox)? {
                Ok(true) => {
                    resolution = self.directory.resolve_as_ours(&asked.mailbox);
                    if let Err(reason) = self.take_over(&mut resolution) {
                        return Some(asked.later(reason));
                    }
                }
                Ok(false) => {}
                Err(reason) => return Some(asked.later(reason)),
            }
        }
        log_loops(asked, &resolution);
        Some(match &asked.purpose {
            Purpose::Check => vec![checked(asked.seq, resolution.what, may_relay)],
            Purpose::Lookup { forwarded, .. } => {
                self.looked_up(asked, resolution.what, forwarded.as_ref())
            }
        })
    }

    /// What the table access says of a recipient.
    fn access(&self, asked: &Asked) -> Result<Access, String> {
        let seq = asked.seq;
        let Some((action, _)) = self.directory.access_to(&asked.mailbox)? else {
            return Ok(Access::Silent);
        };
        Ok(match action {
            Action::Ok => Access::Silent,
            Action::Relay => Access::Relay,
            Action::Discard => Access::Said(FromUsers::Discard { seq }),
            Action::Reject => Access::Said(refused(
                seq,
                550,
                "5.7.1".to_owned(),
                "Access denied".to_owned(),
            )),
            Action::Reply(reply) => {
                Access::Said(refused(seq, reply.code, reply.status, reply.text))
            }
        })
    }

    /// An SRS address of ours means the sender that it was made for.
    fn way_back(&self, asked: &Asked) -> Option<Vec<FromUsers>> {
        let seq = asked.seq;
        if asked.expanded() == Expanded::Lines {
            return None;
        }
        let found = self.srs.reverse(&asked.mailbox, clock::now())?;
        if !self.has_secret {
            return Some(asked.later("there is no secret for SRS".to_owned()));
        }
        Some(match found {
            Err(wrong) => vec![refused(seq, 550, "5.1.1".to_owned(), wrong.to_string())],
            Ok(_) if asked.purpose == Purpose::Check => vec![FromUsers::Accepted { seq }],
            Ok(mailbox) => {
                let target = Target {
                    mailbox,
                    expanded: Expanded::Mailbox,
                };
                expansion(seq, vec![target], None)
            }
        })
    }

    /// An address whose best exchanger we are becomes one of this host, which local knows without asking the DNS.
    fn take_over(&self, resolution: &mut Resolution) -> Result<(), String> {
        let expanded = match &resolution.what {
            What::Account(_) | What::Mailer { .. } => Expanded::Mailbox,
            What::Lines { .. } => Expanded::Lines,
            _ => return Ok(()),
        };
        let me = self.directory.me()?.clone();
        let mailbox = Mailbox::new(resolution.mailbox.local().clone(), me);
        resolution.what = What::Expand {
            targets: vec![Target { mailbox, expanded }],
            owner: None,
        };
        Ok(())
    }

    fn looked_up(
        &self,
        asked: &Asked,
        what: What,
        forwarded: Option<&ReversePath>,
    ) -> Vec<FromUsers> {
        let seq = asked.seq;
        let packet = match what {
            What::Account(account) => FromUsers::Local {
                seq,
                account: account.key().to_owned(),
            },
            What::Lines { user, .. } | What::Mailer { user, .. } => {
                let account = user;
                FromUsers::Local { seq, account }
            }
            What::Expand { targets, owner } => return expansion(seq, targets, owner),
            What::Elsewhere { next_hop, .. } => self.remote(asked, next_hop, forwarded),
            What::NoSuchUser => FromUsers::NoSuchUser { seq },
            What::Refused { code, status, text } => refused(seq, code, status, text),
            What::Later(reason) => FromUsers::Later { seq, reason },
        };
        vec![packet]
    }

    fn remote(
        &self,
        asked: &Asked,
        next_hop: NextHop,
        forwarded: Option<&ReversePath>,
    ) -> FromUsers {
        let seq = asked.seq;
        match self.sender(forwarded) {
            Ok(sender) => FromUsers::Remote {
                seq,
                next_hop,
                sender,
            },
            Err(reason) => FromUsers::Later { seq, reason },
        }
    }

    /// What a forward says instead of its sender.
    fn sender(&self, forwarded: Option<&ReversePath>) -> Result<Option<ReversePath>, String> {
        let Some(sender) = forwarded.and_then(ReversePath::mailbox) else {
            return Ok(None);
        };
        let is_ours =
            sender.domain() == self.srs.domain() || self.directory.is_ours(sender.domain())?;
        if !self.signs || is_ours {
            return Ok(None);
        }
        let ours = self.srs.forward(sender, clock::now());
        Ok(ours.map(ReversePath::Mailbox))
    }
}

/// What access says.
enum Access {
    /// Nothing that matters here.
    Silent,
    /// Anybody may send there.
    Relay,
    /// This.
    Said(FromUsers),
}

fn checked(seq: u32, what: What, may_relay: bool) -> FromUsers {
    match what {
        What::Account(_) | What::Lines { .. } | What::Expand { .. } => FromUsers::Accepted { seq },
        What::Elsewhere { in_rcpthosts, .. } | What::Mailer { in_rcpthosts, .. } => {
            if in_rcpthosts || may_relay {
                FromUsers::Accepted { seq }
            } else {
                FromUsers::NotOurs { seq }
            }
        }
        What::NoSuchUser => FromUsers::NoSuchUser { seq },
        What::Refused { code, status, text } => refused(seq, code, status, text),
        What::Later(reason) => FromUsers::Later { seq, reason },
    }
}

fn refused(seq: u32, code: u16, status: String, text: String) -> FromUsers {
    FromUsers::Refused {
        seq,
        code,
        status,
        text,
    }
}

/// As many packets as the targets take, at least one.
fn expansion(seq: u32, targets: Vec<Target>, owner: Option<Mailbox>) -> Vec<FromUsers> {
    let owner = owner.map(ReversePath::Mailbox);
    let mut parts = vec![Vec::new()];
    let mut room = PACKET;
    for target in targets {
        let size = target.mailbox.as_str().len() + OVERHEAD;
        if size > room {
            parts.push(Vec::new());
            room = PACKET;
        }
        room = room.saturating_sub(size);
        if let Some(part) = parts.last_mut() {
            part.push(target);
        }
    }
    let count = parts.len();
    parts
        .into_iter()
        .zip(1..)
        .map(|(targets, at)| FromUsers::Expand {
            seq,
            targets,
            owner: owner.clone(),
            more: at < count,
        })
        .collect()
}

/// A loop that left others is no reason to refuse mail, and one for the operator to look.
fn log_loops(asked: &Asked, resolution: &Resolution) {
    if asked.purpose == Purpose::Check {
        return;
    }
    let loops = resolution
        .decided
        .iter()
        .filter(|decision| decision.is_loop());
    for decision in loops.take(3) {
        let problem = decision.text.as_bytes();
        let fields: [(&str, &[u8]); 3] = [
            ("problem", problem),
            ("file", decision.file.as_bytes()),
            ("to", resolution.mailbox.as_str().as_bytes()),
        ];
        event(Event::Warning, None, &fields);
    }
}
