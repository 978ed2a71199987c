//! Who is at the other end of a connection, and the trace field that says so.

use stafette_addr::Mailbox;
use stafette_message::trace::{Received, Via, received};
use stafette_wire::submission::Origin;

/// The protocols of children: reports, and messages on their way to another address.
const OURS: [&str; 3] = ["bounce", "double-bounce", "forward"];

/// A client of this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    /// One of our own programs.
    Service {
        /// It is send (or the instance's owner): it may make children and subscribe.
        is_send: bool,
    },
    /// A user of this machine, by number, as the kernel says.
    User(u32),
}

impl Client {
    /// Whether it may make children and be told of arrivals.
    pub(crate) fn is_send(self) -> bool {
        matches!(self, Self::Service { is_send: true })
    }

    /// The user's number.
    pub(crate) fn uid(self) -> Option<u32> {
        match self {
            Self::User(uid) => Some(uid),
            Self::Service { .. } => None,
        }
    }

    /// The origin that is believed: a user's own words about it are not.
    pub(crate) fn origin(self, said: Origin) -> Origin {
        match self {
            Self::Service { .. } => said,
            Self::User(_) => Origin {
                protocol: "local".to_owned(),
                helo: b""[..].into(),
                address: None,
                name: b""[..].into(),
            },
        }
    }

    /// The Received field (RFC 5321 section 4.4) for a message that it hands over; a child came from ourselves.
    pub(crate) fn received(
        self,
        origin: &Origin,
        recipient: Option<&Mailbox>,
        by: &str,
        id: &str,
        time: i64,
    ) -> String {
        let via = match self {
            Self::User(uid) => Via::User(uid),
            Self::Service { .. } if OURS.contains(&origin.protocol.as_str()) => Via::Ourselves,
            Self::Service { .. } => Via::Client {
                helo: &origin.helo.0,
                name: &origin.name.0,
                address: origin.address,
            },
        };
        received(&Received {
            via,
            by,
            with: &origin.protocol,
            id,
            recipient,
            time,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_cannot_pass_for_a_client_of_the_network() {
        let said = Origin {
            protocol: "ESMTP".into(),
            helo: "x".into(),
            address: "192.0.2.1".parse().ok(),
            name: "y".into(),
        };
        let client = Client::User(1000);
        let origin = client.origin(said.clone());
        assert_eq!((origin.protocol.as_str(), origin.address), ("local", None));
        let field = client.received(&origin, None, "me.test", "ID", 0);
        assert!(
            field.starts_with("Received: by me.test (Stafette, from userid 1000)\n\tid ID; "),
            "{field}"
        );
        let forward = Origin {
            protocol: "forward".into(),
            ..said.clone()
        };
        let field = Client::Service { is_send: true }.received(&forward, None, "me.test", "ID", 0);
        assert!(
            field.starts_with("Received: by me.test (Stafette)\n\tid ID; "),
            "{field}"
        );
        let service = Client::Service { is_send: false };
        assert_eq!(service.origin(said.clone()), said);
        assert!(
            service
                .received(&said, None, "me.test", "ID", 0)
                .contains("from x (y [192.0.2.1])\n\tby me.test (Stafette) with ESMTP id ID")
        );
    }
}
